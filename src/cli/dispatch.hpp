#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Runs the command that the first word names, or the one of the program's own name, where a link
/// gives it the name of a script that it replaces (old_commands.hpp). Returns the exit status.
/// Throws Error.
int dispatch(std::string_view program, const std::vector<std::string>& words);

}  // namespace zoometer
