#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// The words of this program for those of a script that it replaces, where it was called under the
/// script's name ("profile_graph" --model resnet18); the same words under any other name. Throws
/// Error{usage}.
std::vector<std::string> translate_old_command(std::string_view program,
                                               std::vector<std::string> words);

}  // namespace zoometer
