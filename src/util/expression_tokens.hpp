#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zoometer {

/// A part of an expression's text, in bytes.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct ExpressionToken {
  enum class Kind : std::uint8_t { end, number, text, name, symbol };
  Kind kind = Kind::end;
  TextRange range;
  std::string text;  ///< a name, a symbol, or the text between quotes
  long double number = 0;
  bool is_percent = false;
};

/// Splits the text of an expression into tokens. Keeps their positions for error messages.
class ExpressionTokens {
 public:
  ExpressionTokens(std::string_view text, std::string_view option) : text_(text), option_(option) {}

  const ExpressionToken& current() const noexcept { return token_; }
  void advance();
  /// Whether the current token is this symbol or name.
  bool is(std::string_view word) const noexcept;
  /// The same; moves to the next token if so.
  bool take(std::string_view word);

  /// Throws Error{usage} that points at `range`.
  [[noreturn]] void fail(const std::string& message, TextRange range, std::string hint = {}) const;
  /// Throws Error{usage}: the current token is not what was expected.
  [[noreturn]] void fail_unexpected(std::string_view expected) const;

 private:
  void read_number();
  void read_unit();
  void read_quoted(char quote);
  void read_name();
  void read_symbol();

  std::string_view text_;
  std::string_view option_;
  std::size_t position_ = 0;
  ExpressionToken token_;
};

/// The text in lower case.
std::string to_lower(std::string_view text);

}  // namespace zoometer
