#include "cli/varied.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view varied_names[] = {"batch",  "context", "prompt",
                                             "output", "quant",   "cache-dtype"};
constexpr std::size_t most_values = 4096;
constexpr std::int64_t most_number = std::int64_t{1} << 40;

[[noreturn]] void refuse_vary(std::string expected, std::string_view found) {
  throw Error(ErrorCode::usage, "--vary", {std::move(expected), escape_controls(found)});
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = problem == std::errc{} && end == text.data() + text.size();
  return is_number && number >= 1 && number <= most_number ? std::optional(number) : std::nullopt;
}

void add_value(std::string value, Varied& varied) {
  if (varied.values.size() == most_values)
    refuse_vary("at most " + std::to_string(most_values) + " values", "more");
  varied.values.push_back(std::move(value));
}

/// The numbers from `first`, which follows those that are there, to `last`.
void add_range(std::int64_t first, std::int64_t last, Varied& varied) {
  const std::size_t count = varied.values.size();
  const auto before = [&](std::size_t back) {
    return count >= back ? whole_number(varied.values[count - back]) : std::nullopt;
  };
  const auto one = before(1);
  const auto two = before(2);
  std::int64_t step = one ? first - *one : 1;
  std::int64_t factor = 1;
  if (one && two && *one - *two != step && first % *one == 0 && *one % *two == 0 &&
      first / *one == *one / *two) {
    factor = first / *one;
    step = 0;
  }
  if (last < first || step + factor <= 1)
    refuse_vary("rising numbers around ..", std::to_string(first) + ".." + std::to_string(last));
  for (std::int64_t number = first; number <= last; number = number * factor + step)
    add_value(std::to_string(number), varied);
}

}  // namespace

std::int64_t number_of_value(const Varied& varied, const std::string& value) {
  const auto number = whole_number(value);
  if (!number) refuse_vary("numbers of 1 to 2^40 for " + varied.name, value);
  return *number;
}

Varied parse_varied(std::string_view text) {
  const std::size_t equals = text.find('=');
  Varied varied;
  varied.name = text.substr(0, equals);
  if (equals == std::string_view::npos ||
      std::ranges::find(varied_names, varied.name) == std::end(varied_names)) {
    refuse_vary("batch=, context=, prompt=, output=, quant= or cache-dtype= and values", text);
  }
  std::string_view rest = text.substr(equals + 1);
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const std::size_t dots = word.find("..");
    if (word.empty()) refuse_vary("values like batch=1,2,4..256", text);
    if (dots == std::string_view::npos) {
      add_value(std::string(word), varied);
    } else {
      const auto first = whole_number(word.substr(0, dots));
      const auto last = whole_number(word.substr(dots + 2));
      if (!first || !last) refuse_vary("numbers of 1 to 2^40 around ..", word);
      add_range(*first, *last, varied);
    }
    if (comma == std::string_view::npos) return varied;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace zoometer
