#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zoometer {

/// What one run of the program may use, so that a hostile file ends with a message and not with a
/// machine that swaps.
struct Limits {
  std::int64_t memory = 0;   ///< bytes of the program's own data, mapped files not counted
  std::int64_t seconds = 0;  ///< of time passed; 0: no limit
};

/// Three quarters of the machine's memory, and no limit on time.
Limits usual_limits() noexcept;

/// Takes `--max-memory SIZE` (1024-based: 512M, 2G) and `--max-time SECONDS` out of the words,
/// wherever they stand before a "--", and puts them in place of the usual ones. Throws Error{usage}
/// for a value that is none.
void take_limits(std::vector<std::string>& words, Limits& limits);

/// Holds this process, and the ones it starts, to the limits: memory beyond them ends in
/// std::bad_alloc; after the time, the process ends with a message and status 3.
void apply_limits(const Limits& limits) noexcept;

}  // namespace zoometer
