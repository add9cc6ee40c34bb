#pragma once

/// \file
/// What the main function of a front end sets up and reports: limits, exit statuses, the text of an
/// error. The program `zoometer` uses it; a front end of your own can, too.

#include <cstdint>
#include <string>

#include "zoometer/util/error.hpp"

namespace zoometer {

inline constexpr int exit_done = 0;          ///< everything was done
inline constexpr int exit_check_failed = 1;  ///< a check that the user asked for did not hold
inline constexpr int exit_usage = 2;         ///< invalid words, or an unknown name
inline constexpr int exit_unreadable = 3;    ///< input that could not be read or traced

/// The exit status of a program that ends with this error: one of the four above.
int exit_status(ErrorCode code) noexcept;

/// The error as the program prints it: its message with control characters escaped and, where it
/// concerns words that the user typed, two more lines: those words, and marks below the wrong
/// part. No newline at the end.
std::string describe(const Error& error);

/// What one process may use, so that a hostile file ends in an error and not in a machine that
/// swaps.
struct Limits {
  std::int64_t memory = 0;   ///< bytes of the process's own data, without mapped files; 0: no limit
  std::int64_t seconds = 0;  ///< of elapsed time; 0: no limit
};

/// Three quarters of the memory of the machine, or of the container that the process runs in, and
/// no limit on time.
Limits usual_limits() noexcept;

/// Bytes from a text like "512M" or "2G" (1024-based). Throws Error{usage} that begins with
/// `option` for any other text.
std::int64_t parse_memory_limit(const std::string& text, const std::string& option);

/// Applies the limits to this process and to those that it starts: memory beyond them ends in
/// std::bad_alloc; after the time, the process ends with a message and `exit_unreadable`.
void apply_limits(const Limits& limits) noexcept;

/// From now on a page of a mapped file that cannot be read is an Error{io}, where it would
/// otherwise end the process with SIGBUS. Installs a handler for that signal: for programs, not for
/// libraries.
void guard_mapped_files() noexcept;

}  // namespace zoometer
