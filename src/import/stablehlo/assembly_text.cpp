#include "import/stablehlo/assembly_text.hpp"

#include <algorithm>

#include "import/stablehlo/program.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest_bracket = 256;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word_part(char c) { return is_letter(c) || is_digit(c) || c == '$' || c == '.'; }

char closing(char open) {
  switch (open) {
  case '(': return ')';
  case '[': return ']';
  case '{': return '}';
  case '<': return '>';
  default: return 0;
  }
}
bool closes(char c) { return c == ')' || c == ']' || c == '}' || c == '>'; }

}  // namespace

void AssemblyText::skip_space() {
  while (place_ < bytes_.size()) {
    const char c = bytes_[place_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++place_;
    } else if (c == '/' && bytes_.substr(place_, 2) == "//") {
      place_ = std::min(bytes_.find('\n', place_), bytes_.size());
    } else {
      return;
    }
  }
}

std::uint64_t AssemblyText::at() {
  skip_space();
  return offset_ + place_;
}

char AssemblyText::peek() {
  skip_space();
  return place_ < bytes_.size() ? bytes_[place_] : '\0';
}

bool AssemblyText::is_next(std::string_view symbol) {
  skip_space();
  return bytes_.substr(place_).starts_with(symbol);
}

bool AssemblyText::is_word_next() { return is_letter(peek()); }

bool AssemblyText::accept(std::string_view symbol) {
  if (!is_next(symbol)) return false;
  place_ += symbol.size();
  return true;
}

bool AssemblyText::accept_word(std::string_view wanted) {
  skip_space();
  const std::size_t begin = place_;
  if (word() == wanted) return true;
  place_ = begin;
  return false;
}

void AssemblyText::expect(std::string_view symbol) {
  if (!accept(symbol)) fail("the program's text", std::string(symbol));
}

std::string_view AssemblyText::word() {
  skip_space();
  if (place_ == bytes_.size() || !is_letter(bytes_[place_])) return {};
  const std::size_t begin = place_;
  while (place_ < bytes_.size() && is_word_part(bytes_[place_])) ++place_;
  return bytes_.substr(begin, place_ - begin);
}

std::string_view AssemblyText::next_word() {
  AssemblyText ahead = *this;
  return ahead.word();
}

std::string_view AssemblyText::name() {
  if (place_ < bytes_.size() && bytes_[place_] == '"') return quoted();
  const std::size_t begin = place_;
  while (place_ < bytes_.size() && (is_word_part(bytes_[place_]) || bytes_[place_] == '-'))
    ++place_;
  // An arrow is no part of a name: %0->...
  if (place_ > begin && bytes_[place_ - 1] == '-') --place_;
  if (place_ == begin) fail("the program's text", "a name");
  return bytes_.substr(begin, place_ - begin);
}

void AssemblyText::skip_quoted() {
  const std::size_t begin = place_++;
  while (place_ < bytes_.size() && bytes_[place_] != '"' && bytes_[place_] != '\n')
    place_ += bytes_[place_] == '\\' ? 2 : 1;
  if (place_ >= bytes_.size() || bytes_[place_] != '"') {
    place_ = begin;
    fail("a text in quotes", "its end on the same line");
  }
  ++place_;
}

std::string_view AssemblyText::quoted() {
  if (peek() != '"') fail("the program's text", "a text in quotes");
  const std::size_t begin = place_ + 1;
  skip_quoted();
  return bytes_.substr(begin, place_ - 1 - begin);
}

std::string_view AssemblyText::number() {
  skip_space();
  std::size_t end = place_;
  const auto next = [&] { return end < bytes_.size() ? bytes_[end] : '\0'; };
  if (next() == '-') ++end;
  if (!is_digit(next())) return {};
  const bool is_hexadecimal = bytes_.substr(end, 2) == "0x";
  if (is_hexadecimal) end += 2;
  while (is_digit(next()) || next() == '.' ||
         (is_hexadecimal ? (next() >= 'A' && next() <= 'F') || (next() >= 'a' && next() <= 'f')
                         : next() == 'e' || next() == 'E')) {
    const bool is_exponent = !is_hexadecimal && (next() == 'e' || next() == 'E');
    ++end;
    if (is_exponent && (next() == '-' || next() == '+')) ++end;
  }
  const std::string_view found = bytes_.substr(place_, end - place_);
  place_ = end;
  return found;
}

std::string_view AssemblyText::decimal() {
  skip_space();
  const std::size_t begin = place_;
  while (place_ < bytes_.size() && is_digit(bytes_[place_])) ++place_;
  return bytes_.substr(begin, place_ - begin);
}

void AssemblyText::skip_balanced() {
  const std::size_t begin = place_;
  std::string open;
  do {
    if (place_ >= bytes_.size()) {
      place_ = begin;
      fail("a bracket", "its end");
    }
    const char c = bytes_[place_];
    if (c == '"') {
      skip_quoted();
      continue;
    }
    if (closing(c) != 0) {
      if (open.size() == deepest_bracket)
        throw Error(ErrorCode::limit, "the program's brackets are too deep",
                    {std::to_string(deepest_bracket), "more"});
      open += closing(c);
    } else if (closes(c) && !(c == '>' && place_ > 0 && bytes_[place_ - 1] == '-')) {
      if (open.back() != c) fail("a bracket", std::string(1, open.back()));
      open.pop_back();
    }
    ++place_;
  } while (!open.empty());
}

std::string_view AssemblyText::balanced() {
  if (closing(peek()) == 0) fail("the program's text", "a bracket");
  const std::size_t begin = place_ + 1;
  skip_balanced();
  return bytes_.substr(begin, place_ - 1 - begin);
}

void AssemblyText::skip_value() {
  const std::size_t begin = place_;
  while (place_ < bytes_.size()) {
    const char c = bytes_[place_];
    if (c == '"') {
      skip_quoted();
    } else if (closing(c) != 0) {
      skip_balanced();
    } else if (c == ',' || c == '\n' ||
               (closes(c) && !(c == '>' && place_ > 0 && bytes_[place_ - 1] == '-'))) {
      break;
    } else {
      ++place_;
    }
  }
  if (place_ == begin) fail("the program's text", "a value");
}

void AssemblyText::skip_line() { place_ = std::min(bytes_.find('\n', place_), bytes_.size()); }

void AssemblyText::step() {
  if (peek() == '"')
    skip_quoted();
  else if (word().empty() && place_ < bytes_.size())
    ++place_;
}

bool AssemblyText::is_line_done() {
  skip_space();
  const std::size_t before = bytes_.substr(0, place_).find_last_not_of(" \t\r");
  return place_ == bytes_.size() || before == std::string_view::npos || bytes_[before] == '\n';
}

void AssemblyText::fail(std::string_view what, std::string expected) {
  skip_space();
  constexpr std::size_t shown = 24;
  std::string_view rest = bytes_.substr(std::min(place_, bytes_.size()), shown);
  rest = rest.substr(0, rest.find('\n'));
  fail_hlo(what, offset_ + place_, std::move(expected),
           rest.empty() ? "the end of the text" : escape_controls(to_utf8(rest)));
}

}  // namespace zoometer
