#include "zoometer/util/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "util/container.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

// The address sanitizer reserves more memory than any machine has. Clang and GCC report it in
// different ways.
#ifdef __has_feature
constexpr bool is_sanitized = __has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

std::optional<std::int64_t> unit_of(std::string_view suffix) {
  constexpr std::pair<char, int> units[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
  if (suffix.empty() || suffix == "B") return 1;
  const std::string_view rest = suffix.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB") return std::nullopt;
  for (const auto& [letter, bits] : units)
    if (letter == suffix[0]) return std::int64_t{1} << bits;
  return std::nullopt;
}

extern "C" void end_in_time(int) {
  constexpr std::string_view message = "zoometer: stopped: the run took longer than --max-time\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.data(), message.size());
  _exit(exit_unreadable);
}

}  // namespace

int exit_status(ErrorCode code) noexcept {
  switch (code) {
  case ErrorCode::usage:
  case ErrorCode::unknown_name: return exit_usage;
  case ErrorCode::check: return exit_check_failed;
  default: return exit_unreadable;
  }
}

std::string describe(const Error& error) {
  std::string text = escape_controls(error.what());
  const ErrorExcerpt& excerpt = error.excerpt;
  if (excerpt.text.empty()) return text;
  text += '\n' + point_at(excerpt.text, excerpt.begin, excerpt.end);
  text.pop_back();
  return text;
}

Limits usual_limits() noexcept {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  const std::int64_t machine = pages > 0 && page > 0 ? pages * page : 0;
  const std::int64_t container = container_memory();
  const bool is_contained = container > 0 && (machine == 0 || container < machine);
  return {(is_contained ? container : machine) / 4 * 3, 0};
}

std::int64_t parse_memory_limit(const std::string& text, const std::string& option) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = unit_of({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  constexpr double largest = 0x1p60;
  if (error != std::errc{} || !unit || !(number > 0) ||
      number * static_cast<double>(*unit) > largest) {
    throw Error(ErrorCode::usage, option, {"a size like 512M or 2G", text});
  }
  return static_cast<std::int64_t>(number * static_cast<double>(*unit));
}

void apply_limits(const Limits& limits) noexcept {
  rlimit data{};
  if (limits.memory > 0 && !is_sanitized && getrlimit(RLIMIT_DATA, &data) == 0) {
    data.rlim_cur = std::min(static_cast<rlim_t>(limits.memory), data.rlim_max);
    setrlimit(RLIMIT_DATA, &data);
  }
  if (limits.seconds == 0) return;
  std::signal(SIGALRM, end_in_time);
  alarm(static_cast<unsigned>(limits.seconds));
}

}  // namespace zoometer
