#include "util/text.hpp"

#include <fmt/compile.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace zoometer {
namespace {

/// The format is read when this file is compiled: trees of large files have millions of numbers.
std::string fixed(double value, int decimals) {
  return fmt::format(FMT_COMPILE("{:.{}f}"), value, decimals);
}

/// Four significant digits: 4.089, 25.56, 117.8, 1234.
std::string four_digits(double value) {
  if (value < 9.9995) return fixed(value, 3);
  if (value < 99.995) return fixed(value, 2);
  if (value < 999.95) return fixed(value, 1);
  return fixed(value, 0);
}

/// The length of the UTF-8 sequence at the beginning of the text, or 0 if there is no valid one.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 0 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

/// The character of a valid UTF-8 sequence.
std::uint32_t code_point_of(std::string_view sequence) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0xFFU >> (sequence.size() + 1));
  for (std::size_t i = 1; i < sequence.size(); ++i) code = code << 6U | (byte(i) & 0x3FU);
  return code;
}

/// What a terminal obeys, or what hides or reorders the text around it: C0 and C1 controls, marks
/// of direction, characters without width, separators of lines, tags. The joiners of letters
/// (U+200C, U+200D) are left: words and emoji need them.
bool is_control(std::uint32_t code) noexcept {
  struct Range {
    std::uint32_t first, last;
  };
  constexpr Range ranges[] = {{0, 0x1F},        {0x7F, 0x9F},     {0xAD, 0xAD},
                              {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200B},
                              {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                              {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return range.first <= code && code <= range.last; });
}

/// The text with controls and invalid bytes as "\x1b" and "\u202e", but for those in `kept`.
std::string escaped(std::string_view text, std::string_view kept) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (std::ranges::all_of(text, is_plain)) return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    const std::uint32_t code =
        length == 0 ? static_cast<unsigned char>(text[0]) : code_point_of(sequence);
    if (length == 0 || (code < 0x80 && is_control(code) && kept.find(text[0]) == kept.npos)) {
      result += fmt::format("\\x{:02x}", code);
    } else if (code >= 0x80 && is_control(code)) {
      result += code > 0xFFFF ? fmt::format("\\U{:08x}", code) : fmt::format("\\u{:04x}", code);
    } else {
      result += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return result;
}

/// "-", "-12", "+3.5e-4", "-7.3%".
bool is_number(std::string_view text) {
  if (text.size() == 1) return true;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.ends_with('%')) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The run of digits at a position, without leading zeros; moves the position after it.
std::string_view number_at(std::string_view text, std::size_t& position) {
  while (position + 1 < text.size() && text[position] == '0' && is_digit(text[position + 1]))
    ++position;
  const std::size_t begin = position;
  while (position < text.size() && is_digit(text[position])) ++position;
  return text.substr(begin, position - begin);
}

/// The number of edits that turn one name into the other, ignoring case: inserting, deleting or
/// replacing a letter, or swapping two neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0U : 1U);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

}  // namespace

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::string format_count(std::int64_t value) {
  constexpr std::array<std::string_view, 7> prefixes = {"", " k", " M", " G", " T", " P", " E"};
  if (value < 0) return "-" + format_count(-value);
  if (value < 1000) return std::to_string(value);
  auto scaled = static_cast<double>(value);
  std::size_t prefix = 0;
  while (scaled >= 999.95 && prefix + 1 < prefixes.size()) {
    scaled /= 1000;
    ++prefix;
  }
  return four_digits(scaled).append(prefixes[prefix]);
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 7> prefixes = {" B",   " KiB", " MiB", " GiB",
                                                        " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto scaled = static_cast<double>(bytes);
  std::size_t prefix = 0;
  while (scaled >= 1023.95 && prefix + 1 < prefixes.size()) {
    scaled /= 1024;
    ++prefix;
  }
  return four_digits(scaled).append(prefixes[prefix]);
}

std::string format_seconds(double seconds) {
  if (seconds >= 0.99995) return four_digits(seconds) + " s";
  if (seconds >= 0.99995e-3) return four_digits(seconds * 1e3) + " ms";
  if (seconds >= 0.99995e-6) return four_digits(seconds * 1e6) + " µs";
  return four_digits(seconds * 1e9) + " ns";
}

std::string format_share(double part, double whole) {
  return whole > 0 ? fixed(100 * part / whole, 1) + "%" : "-";
}

std::string share_bar(double share, std::size_t cells) {
  const double scaled = std::clamp(share, 0.0, 1.0) * static_cast<double>(cells) * 8;
  const auto eighths = static_cast<std::size_t>(std::lround(scaled));
  constexpr std::array<std::string_view, 8> parts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text.append(parts[eighths % 8]);
}

std::size_t display_width(std::string_view text) noexcept {
  const auto characters = [](std::string_view part) {
    std::size_t count = part.size();
    for (; part.size() >= sizeof(std::uint64_t); part.remove_prefix(sizeof(std::uint64_t))) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, part.data(), sizeof(bytes));
      // The bytes 10xxxxxx, which continue a character.
      const std::uint64_t continued = bytes >> 7U & ~(bytes >> 6U) & 0x0101010101010101U;
      if (continued != 0) count -= static_cast<std::size_t>(std::popcount(continued));
    }
    for (const char c : part)
      if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) --count;
    return count;
  };
  std::size_t width = 0;
  for (std::size_t escape = text.find('\x1b'); escape != text.npos; escape = text.find('\x1b')) {
    width += characters(text.substr(0, escape));
    text.remove_prefix(std::min(text.size(), text.find('m', escape)));
    if (!text.empty()) text.remove_prefix(1);
  }
  return width + characters(text);
}

std::optional<std::string_view> found_twice(std::vector<std::string_view>& names) {
  constexpr std::size_t few = 16;
  if (names.size() > few) {
    std::sort(names.begin(), names.end());
    const auto found = std::adjacent_find(names.begin(), names.end());
    return found == names.end() ? std::nullopt : std::optional(*found);
  }
  for (std::size_t i = 1; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return names[i];
    }
  }
  return std::nullopt;
}

std::string pad_right(std::string_view text, std::size_t width) {
  std::string result(text);
  const std::size_t used = display_width(text);
  if (used < width) result.append(width - used, ' ');
  return result;
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(used < width ? width - used : 0, ' ').append(text);
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  if (width == 0 || display_width(text) <= width) return std::string(text);
  const std::size_t begin = std::min(text.size(), text.find_first_not_of(' '));
  std::string result(text.substr(0, begin));
  std::size_t used = begin;
  bool is_first = true;
  for (std::string_view rest = text.substr(begin); !rest.empty();) {
    const std::size_t end = std::min(rest.size(), rest.find(' '));
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    const std::size_t length = display_width(word);
    if (!is_first && used + 1 + length > width) {
      drop_spaces_at_end(result);
      used = std::min(indent, width - std::min(width, length));  // less for a long word
      result.append("\n").append(used, ' ');
    } else if (!is_first) {
      result += ' ';
      ++used;
    }
    result += word;
    used += length;
    is_first = false;
  }
  return result;
}

std::string wrapped_lines(std::string_view text, std::size_t width) {
  if (width == 0) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.size(), text.find('\n'));
    const std::string_view line = text.substr(0, end);
    const std::size_t begin = std::min(line.size(), line.find_first_not_of(' '));
    const std::size_t gap = line.rfind("  ");
    std::size_t indent = begin + 2;
    if (gap != std::string_view::npos && gap >= begin && gap + 2 < line.size()) indent = gap + 2;
    if (begin > 2) indent = begin;  // a line that is a column already
    if (indent * 2 > width + 12) indent = std::min<std::size_t>(begin + 2, 8);
    result += wrapped(line, width, indent);
    if (end < text.size()) result += '\n';
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return result;
}

void drop_spaces_at_end(std::string& text) { text.erase(text.find_last_not_of(' ') + 1); }

std::string csv_field(std::string_view text) {
  const std::string shown = escaped(text, "\t\n");  // "\r" would write over the line
  const bool is_formula =
      !shown.empty() && csv_formula_starts.find(shown[0]) != text.npos && !is_number(shown);
  const std::string_view mark = is_formula ? "'" : "";
  if (shown.find_first_of(",\"\n") == std::string::npos) return std::string(mark) + shown;
  std::string result = "\"";
  result += mark;
  for (const char c : shown) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string_view first_sentence(std::string_view message) {
  constexpr std::size_t most = 160;
  return message.substr(0, std::min(message.find(". "), most));
}

std::string escape_controls(std::string_view text) { return escaped(text, ""); }

std::optional<std::string> visible_json(std::string_view json) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < json.size();) {
    std::array<std::uint64_t, 4> letters;
    if (json.size() - i >= sizeof(letters)) {
      std::memcpy(letters.data(), json.data() + i, sizeof(letters));
      std::uint64_t high = 0;  // bits of what is not ASCII, or 0x7F
      for (const std::uint64_t each : letters) high |= each | (each + 0x0101010101010101U);
      if ((high & 0x8080808080808080U) == 0) {
        i += sizeof(letters);
        continue;
      }
    }
    const std::size_t length = std::max<std::size_t>(1, sequence_length(json.substr(i)));
    const std::uint32_t code = code_point_of(json.substr(i, length));
    if (code >= 0x7F && is_control(code)) {
      result.append(json.substr(copied, i - copied));
      const auto unit = [&](std::uint32_t number) { result += fmt::format("\\u{:04x}", number); };
      if (code > 0xFFFF) unit(0xD7C0 + (code >> 10U));
      unit(code > 0xFFFF ? 0xDC00 + (code & 0x3FFU) : code);
      copied = i + length;
    }
    i += length;
  }
  if (copied == 0) return std::nullopt;
  return result.append(json.substr(copied));
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (text.size() >= sizeof(std::uint64_t)) {
      std::uint64_t letters = 0;
      std::memcpy(&letters, text.data(), sizeof(letters));
      if ((letters & 0x8080808080808080U) == 0) {  // eight of ASCII
        text.remove_prefix(sizeof(letters));
        continue;
      }
    }
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    result += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string point_at(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t before = 40;
  constexpr std::size_t after = 30;
  const auto is_inside_character = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  begin = std::min(begin, text.size());
  end = std::clamp(end, begin, text.size());
  std::size_t first = begin > before ? begin - before : 0;
  while (is_inside_character(first)) ++first;
  std::size_t last = std::min(text.size(), begin + after);
  while (is_inside_character(last)) ++last;
  end = std::min(end, last);
  const std::string left =
      (first > 0 ? "..." : "") + escape_controls(text.substr(first, begin - first));
  const std::string marked = escape_controls(text.substr(begin, end - begin));
  const std::string right =
      escape_controls(text.substr(end, last - end)) + (last < text.size() ? "..." : "");
  const std::size_t marks = std::max<std::size_t>(1, display_width(marked));
  return "  " + left + marked + right + "\n  " + std::string(display_width(left), ' ') +
         std::string(marks, '^') + "\n";
}

std::vector<std::string> suggestions(std::string_view name,
                                     std::span<const std::string_view> candidates,
                                     std::size_t most) {
  constexpr std::size_t longest = 100;  // a longer word is not a mistyped name
  if (name.size() > longest) return {};
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    const std::size_t allowed = std::max<std::size_t>(2, candidate.size() / 3);
    const bool begins = name.size() >= 3 && candidate.starts_with(name);
    if (distance <= allowed || begins) near.emplace_back(begins ? 0 : distance, candidate);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> result;
  for (const auto& [distance, candidate] : near) {
    if (result.size() == most || distance > near.front().first + 1) break;
    if (std::ranges::find(result, candidate) != result.end()) continue;
    result.emplace_back(candidate);
  }
  return result;
}

std::string without_marks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '-' || c == '_') continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::vector<std::string> near = suggestions(name, candidates);
  if (near.empty()) return {};
  std::string text = "did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i > 0) text += i + 1 == near.size() ? " or " : ", ";
    text += near[i];
  }
  return text + "?";
}

bool natural_less(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i] == b[j] && !is_digit(a[i])) {
      ++i, ++j;
      continue;
    }
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = number_at(a, i);
      const std::string_view right = number_at(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      continue;
    }
    const char left = lower(a[i++]);
    const char right = lower(b[j++]);
    if (left != right) return left < right;
  }
  return a.size() - i < b.size() - j;
}

bool matches_wildcard(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace zoometer
