#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Runs the command that the words name, or the one that the program's own name is (a link to it
/// with the name of a script that it replaces). Returns the exit status; throws Error, and
/// HelpShown after printing a command's help.
int dispatch(std::string_view program, const std::vector<std::string>& words);

}  // namespace zoometer
