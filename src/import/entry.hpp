#pragma once

#include <span>
#include <string>
#include <string_view>

#include "zoometer/util/error.hpp"

namespace zoometer {

/// The first 20 names, as one line.
std::string entry_list(std::span<const std::string> names);

/// The error of a file in which `--entry` does not choose one of several programs: Error{usage} if
/// `entry` is empty, else Error{unknown_name}. `holder` and `kind` are words of the message, as
/// "the archive" and "model"; the hint has `entry_list`.
Error entry_error(std::string_view holder, std::string_view kind, std::string_view entry,
                  std::span<const std::string> names);

}  // namespace zoometer
