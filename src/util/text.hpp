#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// "4.089 G", "25.56 M", "512": four significant digits with an SI prefix.
std::string format_count(std::int64_t value);

/// "1 model", "121 models".
std::string counted(std::size_t count, std::string_view noun);

/// "97.5 MiB", "512 B": with binary prefixes.
std::string format_bytes(std::int64_t bytes);

/// "12.34 ms", "981.2 µs": four significant digits.
std::string format_seconds(double seconds);

/// "7.3%"; "-" where the whole is 0.
std::string format_share(double part, double whole);

/// A bar of block characters, in eighths of a cell: `cells` of them for a share of 1.
std::string share_bar(double share, std::size_t cells);

/// The columns that a UTF-8 text takes on a terminal, each code point taken as one.
std::size_t display_width(std::string_view text) noexcept;

/// Pads with spaces to a display width.
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

/// Takes off the spaces that padded columns leave at the end.
void drop_spaces_at_end(std::string& text);

/// A field of a CSV line, quoted where RFC 4180 asks for it.
std::string csv_field(std::string_view text);

/// A message up to the end of its first sentence, at most 160 bytes: PyTorch appends pages.
std::string_view first_sentence(std::string_view message);

/// Control characters as "\x1b", so that a name from a file cannot steer a terminal.
std::string escape_controls(std::string_view text);

/// The text with U+FFFD in place of every byte that is not UTF-8: names of files may hold anything,
/// and JSON, SVG and protobuf take nothing else. Valid text comes back as it is.
std::string to_utf8(std::string_view text);
bool is_utf8(std::string_view text) noexcept;

/// Two indented lines: the text and marks below the bytes from `begin` to `end`. Of a long text
/// what stands around them.
std::string point_at(std::string_view text, std::size_t begin, std::size_t end);

/// The candidates nearest to a mistyped name by edits, best first, at most `most`; none that is
/// far.
std::vector<std::string> suggestions(std::string_view name,
                                     std::span<const std::string_view> candidates,
                                     std::size_t most = 3);

/// " - did you mean a or b?", or empty.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

/// Orders names as people do: letters without their case, runs of digits by their number.
bool natural_less(std::string_view a, std::string_view b) noexcept;

/// Whether `text` matches a pattern with `*` and `?`.
bool matches_wildcard(std::string_view pattern, std::string_view text) noexcept;

}  // namespace zoometer
