#include <fcntl.h>
#include <fmt/core.h>
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
#include <string>
#include <vector>

#include "cli/dispatch.hpp"
#include "cli/limit_words.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"
#include "zoometer/util/process.hpp"

namespace zoometer {
namespace {

int report(const std::string& text, int status) {
  std::fputs(("zoometer: " + text + "\n").c_str(), stderr);
  return status;
}

/// Allocates nothing: there is no memory left.
int report_out_of_memory(const Limits& limits) noexcept {
  std::array<char, 128> text{};
  const auto end = fmt::format_to_n(
      text.data(), text.size(),
      "zoometer: out of memory: more than {} are needed (--max-memory sets the limit)\n",
      format_bytes(limits.memory));
  std::fwrite(text.data(), 1, std::min(end.size, text.size()), stderr);
  return exit_unreadable;
}

int run_words(std::span<char* const> words, Limits& limits) {
  try {
    const std::string_view program = words.empty() ? "" : words[0];
    std::vector<std::string> rest;
    for (std::size_t i = 1; i < words.size(); ++i) rest.emplace_back(words[i]);
    take_limits(rest, limits);
    apply_limits(limits);
    return dispatch(program, rest);
  } catch (const ClosedPipe&) {
    return exit_done;
  } catch (const Error& error) {
    return report(describe(error), exit_status(error.code));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return report(escape_controls(error.what()), exit_unreadable);
  }
}

/// Takes the descriptors of standard streams that are closed, so that no file becomes one of them.
/// Reading gives nothing, and writing fails as it would without them.
void hold_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDONLY);
  }
}

std::atomic<bool> has_no_memory = false;

[[noreturn]] void note_no_memory() {
  has_no_memory = true;
  throw std::bad_alloc();
}

/// For libraries that allocate in functions that may not throw: toml++ for the message of an error,
/// libstdc++ for the names in a folder.
[[noreturn]] void end_without_memory() {
  if (!has_no_memory) std::abort();
  constexpr std::string_view text = "zoometer: out of memory\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  _exit(exit_unreadable);
}

/// Reporting an error allocates, too, and may throw in turn.
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
  // For a closed pipe and a file that may not grow, write() then fails, which has a message.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  zoometer::hold_standard_streams();
  zoometer::guard_mapped_files();
  return zoometer::run({argv, static_cast<std::size_t>(argc)});
}
