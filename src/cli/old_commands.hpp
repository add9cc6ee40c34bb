#pragma once

#include <span>
#include <string_view>

namespace zoometer {

struct CommandLine;

/// The command line of a Python script that zoometer replaces. The program takes it if it is
/// called by that name, through a link.
struct OldCommand {
  std::string_view name;
  int (*run)(const CommandLine& line);
};

/// Every one, by name.
std::span<const OldCommand> old_commands() noexcept;

/// The old command that a program's path names, or null.
const OldCommand* find_old_command(std::string_view program) noexcept;

}  // namespace zoometer
