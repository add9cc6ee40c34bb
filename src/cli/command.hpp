#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// The program's exit statuses: part of the contract.
inline constexpr int exit_done = 0;
inline constexpr int exit_check_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreadable = 3;

/// An action of a command that has several: its first argument.
struct Action {
  std::string_view name;
  std::string_view summary;
  int (*run)(const std::vector<std::string>& words);
};

/// One command. It writes results to standard output and all else to standard error, and throws
/// Error if it cannot continue.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const std::vector<std::string>& words);
  int rank = 100;  ///< place in `--help`: the lowest first
  std::span<const Action> actions = {};
};

/// Every command, by object name.
std::span<const Command* const> commands() noexcept;

}  // namespace zoometer
