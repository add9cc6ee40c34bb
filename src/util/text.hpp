#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// "4.089 G", "25.56 M", "512": four significant digits with an SI prefix.
std::string format_count(std::int64_t value);

/// "1 model", "121 models".
std::string counted(std::size_t count, std::string_view noun);

/// "97.5 MiB", "512 B": four significant digits with a binary prefix.
std::string format_bytes(std::int64_t bytes);

/// "12.34 ms", "981.2 µs": four significant digits.
std::string format_seconds(double seconds);

/// "7.3%"; "-" if `whole` is 0.
std::string format_share(double part, double whole);

/// A bar of block characters; a share of 1 fills `cells` of them. The last one is in eighths.
std::string share_bar(double share, std::size_t cells);

/// The width of a UTF-8 text on a terminal; each code point counts as one column.
std::size_t display_width(std::string_view text) noexcept;

/// A name that is in the list twice. Changes the order of a long list.
std::optional<std::string_view> found_twice(std::vector<std::string_view>& names);

/// Pads with spaces to a display width.
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

/// The text in lines of at most `width` columns, broken at spaces; lines after the first begin with
/// `indent` spaces. 0: one line. A word that is longer has a line of its own.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0);

/// The same for each line of a text. What follows a gap of two spaces in a line is a column of its
/// own, under which the line continues.
std::string wrapped_lines(std::string_view text, std::size_t width);

/// Removes trailing spaces.
void drop_spaces_at_end(std::string& text);

/// What a formula of a spreadsheet begins with.
inline constexpr std::string_view csv_formula_starts = "=+-@\t\r";

/// A field of a CSV line, quoted where RFC 4180 requires it. Controls are escaped but for tabs and
/// line breaks; a text that a spreadsheet would take for a formula gets a `'` before it.
std::string csv_field(std::string_view text);

/// The first sentence of a message, at most 160 bytes. PyTorch's messages can have pages.
std::string_view first_sentence(std::string_view message);

/// The text with control characters written as "\x1b" or "\u202e" and invalid UTF-8 as "\xff", so
/// that a name from a file cannot control the terminal, or reorder or hide what is around it.
std::string escape_controls(std::string_view text);

/// The text with U+FFFD for every byte that is not valid UTF-8. File names may contain any bytes,
/// but JSON, SVG and protobuf require UTF-8.
std::string to_utf8(std::string_view text);

/// A document of JSON in UTF-8 with the characters beyond ASCII's controls that `escape_controls`
/// escapes as "\u202e", which readers take for the same: only texts can have them. Nothing if it
/// has none.
std::optional<std::string> visible_json(std::string_view json);
bool is_utf8(std::string_view text) noexcept;

/// Two indented lines: the text, and `^` under the bytes from `begin` to `end`. A long text is cut
/// around them.
std::string point_at(std::string_view text, std::size_t begin, std::size_t end);

/// The candidates most similar to a mistyped name by edit distance, best first, at most `most`.
std::vector<std::string> suggestions(std::string_view name,
                                     std::span<const std::string_view> candidates,
                                     std::size_t most = 3);

/// The ASCII letters in upper case.
std::string upper(std::string text);

/// The text in lower case without hyphens and underscores: other spellings of a name have the same.
std::string without_marks(std::string_view text);

/// "did you mean a or b?", or empty.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

/// Natural order of names: ignores case and compares runs of digits as numbers.
bool natural_less(std::string_view a, std::string_view b) noexcept;

/// Whether `text` matches a pattern with `*` and `?`.
bool matches_wildcard(std::string_view pattern, std::string_view text) noexcept;

}  // namespace zoometer
