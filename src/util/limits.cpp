#include "util/limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>

#include "zoometer/util/error.hpp"

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

constexpr std::string_view memory_option = "--max-memory";
constexpr std::string_view time_option = "--max-time";

std::optional<std::int64_t> unit_of(std::string_view suffix) {
  constexpr std::pair<char, int> units[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
  if (suffix.empty() || suffix == "B") return 1;
  const std::string_view rest = suffix.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB") return std::nullopt;
  for (const auto& [letter, bits] : units)
    if (letter == suffix[0]) return std::int64_t{1} << bits;
  return std::nullopt;
}

std::int64_t parse_bytes(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = unit_of({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  constexpr double largest = 0x1p60;
  if (error != std::errc{} || !unit || !(number > 0) ||
      number * static_cast<double>(*unit) > largest) {
    throw Error(ErrorCode::usage, std::string(memory_option), {"a size like 512M or 2G", text});
  }
  return static_cast<std::int64_t>(number * static_cast<double>(*unit));
}

std::int64_t parse_seconds(const std::string& text) {
  constexpr std::int64_t longest = 1'000'000;
  std::int64_t seconds = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, seconds);
  if (error != std::errc{} || end != last || seconds < 1 || seconds > longest) {
    throw Error(ErrorCode::usage, std::string(time_option),
                {"whole seconds from 1 to 1000000", text});
  }
  return seconds;
}

/// Removes the option and its value; returns the value, or nothing if the option is not at `place`.
std::optional<std::string> take_value(std::vector<std::string>& words, std::size_t place,
                                      std::string_view option) {
  const std::string word = words[place];
  if (!word.starts_with(option)) return std::nullopt;
  const auto at = words.begin() + static_cast<std::ptrdiff_t>(place);
  if (word.size() > option.size()) {
    if (word[option.size()] != '=') return std::nullopt;
    words.erase(at);
    return word.substr(option.size() + 1);
  }
  if (place + 1 == words.size())
    throw Error(ErrorCode::usage, std::string(option), {"a value", "nothing"});
  const std::string value = words[place + 1];
  words.erase(at, at + 2);
  return value;
}

extern "C" void end_in_time(int) {
  constexpr std::string_view message = "zoometer: stopped: the run took longer than --max-time\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.data(), message.size());
  constexpr int unreadable = 3;
  _exit(unreadable);
}

}  // namespace

Limits usual_limits() noexcept {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  return {pages > 0 && page > 0 ? pages / 4 * 3 * page : 0, 0};
}

void take_limits(std::vector<std::string>& words, Limits& limits) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--";) {
    if (const auto memory = take_value(words, i, memory_option)) {
      limits.memory = parse_bytes(*memory);
    } else if (const auto time = take_value(words, i, time_option)) {
      limits.seconds = parse_seconds(*time);
    } else {
      ++i;
    }
  }
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
