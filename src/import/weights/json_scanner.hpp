#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoometer {

/// Reads JSON from front to back without a tree, so that a file of half a million entries takes no
/// memory of its own. The caller asks for what it expects. Every function throws Error{malformed}
/// with the offset of the byte where the text is something else.
class JsonScanner {
 public:
  /// `text` must outlive the scanner; `offset` is its place in the file, for errors.
  explicit JsonScanner(std::string_view text, std::size_t offset = 0)
      : text_(text),
        offset_(offset) {}

  /// Reads '{' or '['.
  void open(char bracket);
  /// Within what `open` opened: whether another entry follows; else reads the closing bracket. Call
  /// it before each entry, with `is_first` for the first.
  bool next(char closing, bool is_first);

  /// The name of an entry and its colon, or a text: a view of the file, or where it has escapes one
  /// that lives until the next such text.
  std::string_view key();
  std::string_view text();
  /// An integer from 0 to 2^63 - 1.
  std::int64_t size();
  /// A number, true, false or null, as it is written.
  std::string_view scalar();
  /// Passes over a value of any kind, nested at most 64 deep.
  void skip();
  /// Whether the next value begins with that character.
  bool is_at(char begin);
  /// Whether only white space is left.
  bool is_at_end();

  [[noreturn]] void fail(std::string expected) const;

 private:
  void skip_space();
  void skip(int depth);
  void read_escape();
  std::uint32_t read_hex();

  std::string_view text_;
  std::size_t offset_;
  std::size_t at_ = 0;
  std::string unescaped_;
};

}  // namespace zoometer
