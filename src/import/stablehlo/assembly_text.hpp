#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoometer {

/// A place in MLIR's assembly text. Spaces and comments before anything that is read are skipped.
class AssemblyText {
 public:
  explicit AssemblyText(std::string_view bytes, std::uint64_t offset = 0)
      : bytes_(bytes),
        offset_(offset) {}

  /// The place of what is read next.
  std::uint64_t at();
  /// The place after what was read last.
  std::uint64_t end() const noexcept { return offset_ + place_; }
  /// The next character, or 0 at the end.
  char peek();
  bool is_next(std::string_view symbol);
  /// Whether a word is next: what can stand bare as a name or a keyword.
  bool is_word_next();
  /// Skips a symbol if it is next.
  bool accept(std::string_view symbol);
  /// The same for a whole word.
  bool accept_word(std::string_view word);
  /// Throws Error{malformed} if another symbol is next.
  void expect(std::string_view symbol);

  /// The word that is next, or empty.
  std::string_view next_word();
  /// A word of letters, digits and `_ $ .`. Empty if there is none.
  std::string_view word();
  /// The name after `%`, `@`, `#`, `!` or `^`, which may be quoted.
  std::string_view name();
  /// The text between quotes, with its escapes as they are.
  std::string_view quoted();
  /// A number: "-1", "0x7F", "1.5e-3". Empty if there is none.
  std::string_view number();
  /// Digits. Empty if there are none.
  std::string_view decimal();
  /// What is between a bracket, which is next, and its end.
  std::string_view balanced();
  /// Skips an attribute or a type of any form, up to a comma or a bracket that closes.
  void skip_value();

  void skip_line();
  /// Skips one character or word.
  void step();
  /// Whether what is read next is the first of its line, or nothing.
  bool is_line_done();

  /// Throws Error{malformed} with what stands here.
  [[noreturn]] void fail(std::string_view what, std::string expected);

 private:
  void skip_space();
  void skip_quoted();
  void skip_balanced();

  std::string_view bytes_;
  std::uint64_t offset_;
  std::size_t place_ = 0;
};

}  // namespace zoometer
