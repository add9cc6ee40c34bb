#include "util/expression_tokens.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Kind = ExpressionToken::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct Unit {
  std::string_view name;
  long double factor;
};

constexpr long double kibi = 1024;
constexpr Unit units[] = {
    {"B", 1},
    {"k", 1e3L},
    {"K", 1e3L},
    {"M", 1e6L},
    {"G", 1e9L},
    {"T", 1e12L},
    {"P", 1e15L},
    {"E", 1e18L},
    {"kB", 1e3L},
    {"KB", 1e3L},
    {"MB", 1e6L},
    {"GB", 1e9L},
    {"TB", 1e12L},
    {"PB", 1e15L},
    {"EB", 1e18L},
    {"Ki", kibi},
    {"Mi", kibi* kibi},
    {"Gi", kibi* kibi* kibi},
    {"Ti", kibi* kibi* kibi* kibi},
    {"KiB", kibi},
    {"MiB", kibi* kibi},
    {"GiB", kibi* kibi* kibi},
    {"TiB", kibi* kibi* kibi* kibi},
};

const Unit* find_unit(std::string_view name) {
  const auto* found = std::find_if(std::begin(units), std::end(units),
                                   [&](const Unit& u) { return u.name == name; });
  return found == std::end(units) ? nullptr : found;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

void ExpressionTokens::fail(const std::string& message, TextRange range, std::string hint) const {
  Error error(ErrorCode::usage, std::string(option_) + ": " + message);
  error.hint = std::move(hint);
  error.excerpt = {std::string(text_), range.begin, range.end};
  throw error;
}

void ExpressionTokens::fail_unexpected(std::string_view expected) const {
  if (token_.kind == Kind::end) {
    fail("expected " + std::string(expected) + " at the end", token_.range);
  }
  const TextRange& range = token_.range;
  fail("expected " + std::string(expected) + ", got " +
           escape_controls(text_.substr(range.begin, range.end - range.begin)),
       range);
}

bool ExpressionTokens::is(std::string_view word) const noexcept {
  return (token_.kind == Kind::symbol || token_.kind == Kind::name) && token_.text == word;
}

bool ExpressionTokens::take(std::string_view word) {
  if (!is(word)) return false;
  advance();
  return true;
}

void ExpressionTokens::advance() {
  while (position_ < text_.size() && is_space(text_[position_])) ++position_;
  token_ = {};
  token_.range = {position_, position_};
  if (position_ == text_.size()) return;
  const char c = text_[position_];
  const char next = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
  if (is_digit(c) || (c == '.' && is_digit(next))) {
    read_number();
  } else if (c == '"' || c == '\'') {
    read_quoted(c);
  } else if (is_letter(c)) {
    read_name();
  } else {
    read_symbol();
  }
  token_.range.end = position_;
}

void ExpressionTokens::read_number() {
  token_.kind = Kind::number;
  const std::size_t begin = position_;
  std::string digits;
  const auto take_digits = [&] {
    for (; position_ < text_.size() && (is_digit(text_[position_]) || text_[position_] == '_');
         ++position_) {
      if (text_[position_] != '_') digits += text_[position_];
    }
  };
  take_digits();
  if (position_ < text_.size() && text_[position_] == '.') {
    digits += text_[position_++];
    take_digits();
  }
  if (position_ < text_.size() && (text_[position_] == 'e' || text_[position_] == 'E')) {
    std::size_t at = position_ + 1;
    if (at < text_.size() && (text_[at] == '+' || text_[at] == '-')) ++at;
    if (at < text_.size() && is_digit(text_[at])) {
      digits.append(text_.substr(position_, at - position_));
      position_ = at;
      take_digits();
    }
  }
  // The locale is always C, so the decimal separator is a point.
  token_.number = std::strtold(digits.c_str(), nullptr);
  read_unit();
  if (!std::isfinite(token_.number)) fail("number too large", {begin, position_});
}

/// Reads a unit or a percent sign, also after a space: figures are printed as "4.089 G".
void ExpressionTokens::read_unit() {
  std::size_t begin = position_;
  while (begin < text_.size() && text_[begin] == ' ') ++begin;
  if (begin < text_.size() && text_[begin] == '%') {
    token_.is_percent = true;
    token_.number /= 100;
    position_ = begin + 1;
    return;
  }
  std::size_t end = begin;
  while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
  const std::string_view word = text_.substr(begin, end - begin);
  if (const Unit* unit = find_unit(word)) {
    token_.number *= unit->factor;
    position_ = end;
  } else if (begin == position_ && !word.empty()) {
    fail("no such unit: " + std::string(word), {begin, end},
         "k, M, G, T, P, E; KiB, MiB, GiB, TiB; %");
  }
}

void ExpressionTokens::read_quoted(char quote) {
  token_.kind = Kind::text;
  const std::size_t begin = position_++;
  for (; position_ < text_.size(); ++position_) {
    if (text_[position_] == quote) {
      ++position_;
      return;
    }
    if (text_[position_] == '\\' && position_ + 1 < text_.size()) ++position_;
    token_.text += text_[position_];
  }
  fail("missing closing quote", {begin, position_});
}

void ExpressionTokens::read_name() {
  token_.kind = Kind::name;
  const std::size_t begin = position_;
  while (position_ < text_.size() &&
         (is_letter(text_[position_]) || is_digit(text_[position_]) || text_[position_] == '.'))
    ++position_;
  token_.text = to_lower(text_.substr(begin, position_ - begin));
}

void ExpressionTokens::read_symbol() {
  constexpr std::string_view symbols[] = {"==", "!=", "<=", ">=", "&&", "||", "!~", "<", ">", "=",
                                          "~",  "+",  "-",  "*",  "/",  "(",  ")",  ",", "!"};
  token_.kind = Kind::symbol;
  for (const std::string_view symbol : symbols) {
    if (!text_.substr(position_).starts_with(symbol)) continue;
    token_.text = symbol;
    position_ += symbol.size();
    return;
  }
  std::size_t end = position_ + 1;
  while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) ++end;
  fail("unexpected character: " + escape_controls(text_.substr(position_, end - position_)),
       {position_, end});
}

}  // namespace zoometer
