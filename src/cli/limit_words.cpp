#include "cli/limit_words.hpp"

#include <charconv>
#include <optional>
#include <string_view>

namespace zoometer {
namespace {

constexpr std::string_view memory_option = "--max-memory";
constexpr std::string_view time_option = "--max-time";

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

/// The value of the option at `place`; removes both. Nothing where another word is there.
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

}  // namespace

void take_limits(std::vector<std::string>& words, Limits& limits) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--";) {
    if (const auto memory = take_value(words, i, memory_option)) {
      limits.memory = parse_memory_limit(*memory, std::string(memory_option));
    } else if (const auto time = take_value(words, i, time_option)) {
      limits.seconds = parse_seconds(*time);
    } else {
      ++i;
    }
  }
}

}  // namespace zoometer
