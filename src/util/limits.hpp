#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zoometer {

/// Limits of one run of the program, so that a hostile file ends with an error message instead of
/// filling the machine's memory.
struct Limits {
  std::int64_t memory = 0;   ///< bytes of the program's data, without mapped files
  std::int64_t seconds = 0;  ///< wall-clock time; 0: no limit
};

/// The default: three quarters of the machine's memory, and no limit on time.
Limits usual_limits() noexcept;

/// Removes `--max-memory SIZE` (1024-based: 512M, 2G) and `--max-time SECONDS` from the words
/// before a "--", and sets the limits. Throws Error{usage} for an invalid value.
void take_limits(std::vector<std::string>& words, Limits& limits);

/// Applies the limits to this process and the ones it starts. Allocating more memory throws
/// std::bad_alloc. When the time is over, the process ends with a message and status 3.
void apply_limits(const Limits& limits) noexcept;

}  // namespace zoometer
