#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace zoometer {

/// How a program ended.
struct ProcessResult {
  bool found = true;       ///< false: there is no such program on the PATH
  bool timed_out = false;  ///< it was stopped at the time limit
  int status = 0;          ///< its exit status; 128 + the signal that ended it
  std::string output;      ///< what it wrote to standard output
  std::string errors;      ///< and to standard error, cut after 64 KiB
};

/// Runs a program with `input` as its standard input and waits for its end. Throws Error{io} where
/// the operating system refuses.
ProcessResult run_process(std::span<const std::string> words, std::string_view input,
                          std::chrono::seconds limit);

}  // namespace zoometer
