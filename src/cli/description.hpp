#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/command.hpp"

namespace zoometer {

/// A command, or one action of a command, with its arguments.
struct CommandDescription {
  std::string name;     ///< "profile", "registry add"
  std::string summary;  ///< as in `--help`
  ArgumentList takes;
  std::vector<std::string> actions;  ///< of a command that has some: "show", "add"
};

/// Every command in the order of `--help`, each followed by its actions.
std::vector<CommandDescription> describe_commands();

/// An option of the program itself, valid with every command or without any.
struct ProgramOption {
  std::string_view words;  ///< "--max-memory SIZE"
  std::string_view summary;
};
std::span<const ProgramOption> program_options() noexcept;

/// Every command in the order of `--help`.
std::vector<const Command*> commands_by_rank();

}  // namespace zoometer
