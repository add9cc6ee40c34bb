#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/command.hpp"

namespace zoometer {

/// A command, or one action of a command, with all that it takes.
struct CommandDescription {
  std::string name;     ///< "profile", "registry add"
  std::string summary;  ///< as in `--help`: "tell a model's cost, module by module"
  std::vector<ArgumentDescription> arguments;
  std::string footer;
  std::vector<std::string> actions;  ///< of a command that has some: "show", "add"
};

/// Every command in the order of `--help`, each followed by its actions.
std::vector<CommandDescription> describe_commands();

/// A word that stands before every command, or in place of one.
struct ProgramOption {
  std::string_view words;  ///< "--max-memory SIZE"
  std::string_view summary;
};
std::span<const ProgramOption> program_options() noexcept;

/// The commands' own order.
std::vector<const Command*> commands_by_rank();

}  // namespace zoometer
