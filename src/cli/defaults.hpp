#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace zoometer {

/// The path of the file with the user's defaults: $XDG_CONFIG_HOME/zoometer/config.toml. Empty if
/// there is no folder for it.
std::string defaults_path();

/// The words of a command with the options that the user's file gives and the words do not. A key
/// at the top of the file is for every command that has the option, one of a table for the command
/// of that name: `[profile] depth = 3`. Throws Error{malformed} that names the file and the line.
std::vector<std::string> with_defaults(const Command& command, std::vector<std::string> words);

}  // namespace zoometer
