#pragma once

#include <span>
#include <string_view>

#include "zoometer/util/process.hpp"

namespace zoometer {

struct CommandLine;

/// An action of a command that has several: its first argument.
struct Action {
  std::string_view name;
  std::string_view summary;
  int (*run)(const CommandLine& line);
};

/// One command. It writes results to standard output and everything else to standard error, returns
/// the exit status, and throws Error if it cannot continue.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const CommandLine& line);
  int rank = 100;  ///< position in `--help`: lowest first
  std::span<const Action> actions = {};
};

/// Every command, by object name.
std::span<const Command* const> commands() noexcept;

}  // namespace zoometer
