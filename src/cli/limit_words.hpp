#pragma once

#include <string>
#include <vector>

#include "zoometer/util/process.hpp"

namespace zoometer {

/// Removes `--max-memory SIZE` (1024-based: 512M, 2G) and `--max-time SECONDS` from the words,
/// wherever they are before a "--", and sets the limits to their values. Throws Error{usage} for an
/// invalid value.
void take_limits(std::vector<std::string>& words, Limits& limits);

}  // namespace zoometer
