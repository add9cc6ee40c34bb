#include "import/weights/json_scanner.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr int deepest_skipped = 64;

/// Whether a text has a control character, which JSON wants escaped.
bool has_control(std::string_view text) {
  constexpr std::uint64_t high = 0x8080808080808080U, spaces = 0x2020202020202020U;
  const auto is_found = [&](const char* place) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, place, sizeof eight);
    return ((eight - spaces) & ~eight & high) != 0;
  };
  constexpr std::size_t step = sizeof(std::uint64_t);
  if (text.size() < step)
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  for (std::size_t i = 0; i + step < text.size(); i += step)
    if (is_found(text.data() + i)) return true;
  return is_found(text.data() + text.size() - step);  // some of them a second time
}

/// true, false, null, a number as JSON writes it, or NaN and Infinity as Python does.
bool is_scalar(std::string_view text) {
  constexpr std::string_view words[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
  if (std::ranges::find(words, text) != std::end(words)) return true;
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool begins_with_zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (begins_with_zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void append_utf8(std::uint32_t code, std::string& text) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

}  // namespace

void JsonScanner::fail(std::string expected) const {
  std::string found = "the end of the text";
  if (at_ < text_.size()) found = escape_controls(std::string(text_.substr(at_, 12)));
  Error error(ErrorCode::malformed, "the JSON", {std::move(expected), std::move(found)});
  error.place.byte_offset = offset_ + at_;
  throw error;
}

void JsonScanner::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

bool JsonScanner::is_at(char begin) {
  skip_space();
  return at_ < text_.size() && text_[at_] == begin;
}

bool JsonScanner::is_at_end() {
  skip_space();
  return at_ == text_.size();
}

void JsonScanner::open(char bracket) {
  if (!is_at(bracket)) fail(std::string(1, bracket));
  ++at_;
}

bool JsonScanner::next(char closing, bool is_first) {
  if (is_at(closing)) {
    ++at_;
    return false;
  }
  if (is_first) return true;
  if (!is_at(',')) fail(std::string("a comma or ") + closing);
  ++at_;
  return true;
}

std::string_view JsonScanner::key() {
  const std::string_view name = text();
  if (!is_at(':')) fail("a colon");
  ++at_;
  return name;
}

std::uint32_t JsonScanner::read_hex() {
  std::uint32_t code = 0;
  if (text_.size() - at_ < 4) fail("four hexadecimal digits");
  const char* begin = text_.data() + at_;
  if (std::from_chars(begin, begin + 4, code, 16).ptr != begin + 4) fail("four hexadecimal digits");
  at_ += 4;
  return code;
}

/// After the backslash.
void JsonScanner::read_escape() {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const char letter = at_ < text_.size() ? text_[at_] : '\0';
  if (letter == 'u') {
    ++at_;
    std::uint32_t code = read_hex();
    const bool is_high = code >= 0xD800 && code < 0xDC00;
    if (is_high && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t low = read_hex();
      if (low < 0xDC00 || low > 0xDFFF) fail("the second half of a character");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xD800 && code <= 0xDFFF) {
      code = 0xFFFD;  // half of a character
    }
    return append_utf8(code, unescaped_);
  }
  const std::size_t found = letters.find(letter);
  if (letter == '\0' || found == std::string_view::npos) fail("an escape of JSON");
  unescaped_ += meanings[found];
  ++at_;
}

std::string_view JsonScanner::text() {
  if (!is_at('"')) fail("a text");
  const std::size_t begin = ++at_;
  const auto* quote =
      static_cast<const char*>(std::memchr(text_.data() + begin, '"', text_.size() - begin));
  if (quote == nullptr) fail("the end of a text");
  const auto end = static_cast<std::size_t>(quote - text_.data());
  const std::string_view plain = text_.substr(begin, end - begin);
  if (std::memchr(plain.data(), '\\', plain.size()) == nullptr) {
    if (has_control(plain)) fail("a text without control characters");
    at_ = end + 1;
    return plain;
  }
  unescaped_.clear();
  while (true) {
    const std::size_t special = text_.find_first_of("\"\\", at_);
    if (special == std::string_view::npos) fail("the end of a text");
    const std::string_view piece = text_.substr(at_, special - at_);
    if (has_control(piece)) fail("a text without control characters");
    unescaped_ += piece;
    at_ = special + 1;
    if (text_[special] == '"') return unescaped_;
    read_escape();
  }
}

std::int64_t JsonScanner::size() {
  skip_space();
  std::int64_t number = 0;
  const char* begin = text_.data() + at_;
  const char* end = text_.data() + text_.size();
  const auto [last, problem] = std::from_chars(begin, end, number);
  const bool is_whole = last == end || (*last != '.' && *last != 'e' && *last != 'E');
  if (last - begin > 1 && *begin == '0') fail("a number without zeros before it");
  if (problem != std::errc() || number < 0 || !is_whole) fail("an integer from 0 to 2^63 - 1");
  at_ += static_cast<std::size_t>(last - begin);
  return number;
}

std::string_view JsonScanner::scalar() {
  constexpr std::string_view letters =
      "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  skip_space();
  const std::size_t begin = at_;
  at_ = std::min(text_.find_first_not_of(letters, at_), text_.size());
  if (at_ == begin) fail("a value");
  const std::string_view value = text_.substr(begin, at_ - begin);
  if (is_scalar(value)) return value;
  at_ = begin;
  fail("a value");
}

void JsonScanner::skip() { skip(0); }

void JsonScanner::skip(int depth) {
  if (depth > deepest_skipped)
    throw Error(ErrorCode::limit, "objects in objects of the JSON", {"at most 64", "more"});
  if (is_at('"')) {
    text();
    return;
  }
  if (is_at('{')) {
    open('{');
    for (bool is_first = true; next('}', is_first); is_first = false) {
      key();
      skip(depth + 1);
    }
    return;
  }
  if (is_at('[')) {
    open('[');
    for (bool is_first = true; next(']', is_first); is_first = false) skip(depth + 1);
    return;
  }
  scalar();
}

}  // namespace zoometer
