#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

struct TomlMember;

/// A value of a TOML document. Hides the parser, whose header is large.
struct TomlValue {
  enum class Kind : std::uint8_t { string, integer, real, boolean, array, table, date };

  Kind kind = Kind::table;
  std::string text;          ///< the value of a string
  std::int64_t integer = 0;  ///< the value of an integer
  double real = 0;           ///< the value of a floating-point number
  bool truth = false;        ///< the value of a boolean
  std::vector<TomlValue> items;
  std::vector<TomlMember> members;  ///< the members of a table
  std::size_t line = 0;             ///< its line in the document, from 1
  std::size_t begin = 0, end = 0;   ///< its bytes in the document; begin == end if unknown

  /// The member of a table, or null.
  const TomlValue* find(std::string_view key) const noexcept;
};

/// A key of a table and its value.
struct TomlMember {
  std::string key;
  TomlValue value;
};

/// "a string", "an array", ...: used in messages.
std::string_view name_of(TomlValue::Kind kind) noexcept;

/// Parses a document. Throws Error{malformed} with the file, the line and the reason.
TomlValue parse_toml(std::string_view text, const std::string& path);

/// The text as a TOML string with quotes.
std::string toml_string(std::string_view text);

}  // namespace zoometer
