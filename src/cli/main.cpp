#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <span>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/dispatch.hpp"
#include "util/limits.hpp"
#include "util/mapped_file.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

int exit_status(const Error& error) {
  switch (error.code) {
  case ErrorCode::usage:
  case ErrorCode::unknown_name: return exit_usage;
  case ErrorCode::check: return exit_check_failed;
  default: return exit_unreadable;
  }
}

int report(const char* message, int status) {
  std::fputs(("zoometer: " + escape_controls(message) + "\n").c_str(), stderr);
  return status;
}

/// Takes no memory: there is none.
int report_out_of_memory(const Limits& limits) noexcept {
  std::array<char, 128> text{};
  const auto end = fmt::format_to_n(
      text.data(), text.size(),
      "zoometer: out of memory: more than {} are needed (--max-memory sets the limit)\n",
      format_bytes(limits.memory));
  std::fwrite(text.data(), 1, std::min(end.size, text.size()), stderr);
  return exit_unreadable;
}

int report_error(const Error& error) {
  const int status = report(error.what(), exit_status(error));
  const ErrorExcerpt& excerpt = error.excerpt;
  if (!excerpt.text.empty())
    std::fputs(point_at(excerpt.text, excerpt.begin, excerpt.end).c_str(), stderr);
  return status;
}

int run_words(std::span<char* const> words, Limits& limits) {
  try {
    const std::string_view program = words.empty() ? "" : words[0];
    std::vector<std::string> rest;
    for (std::size_t i = 1; i < words.size(); ++i) rest.emplace_back(words[i]);
    take_limits(rest, limits);
    apply_limits(limits);
    return dispatch(program, rest);
  } catch (const HelpShown&) {
    return exit_done;
  } catch (const Error& error) {
    return report_error(error);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return report(error.what(), exit_unreadable);
  }
}

std::atomic<bool> has_no_memory = false;

[[noreturn]] void note_no_memory() {
  has_no_memory = true;
  throw std::bad_alloc();
}

/// Some libraries promise not to throw where they need memory: toml++ for the message of an error,
/// libstdc++ for the names of a folder.
[[noreturn]] void end_without_memory() {
  if (!has_no_memory) std::abort();
  constexpr std::string_view text = "zoometer: out of memory\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  _exit(exit_unreadable);
}

/// Telling an error takes memory, too.
int run(std::span<char* const> words) {
  std::set_new_handler(note_no_memory);
  std::set_terminate(end_without_memory);
  Limits limits = usual_limits();
  try {
    return run_words(words, limits);
  } catch (const std::bad_alloc&) {
    return report_out_of_memory(limits);
  }
}

}  // namespace
}  // namespace zoometer

int main(int argc, char** argv) {
  // A closed pipe and a file that may not grow are told by write(), with a message.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  zoometer::guard_mapped_files();
  return zoometer::run({argv, static_cast<std::size_t>(argc)});
}
