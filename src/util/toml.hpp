#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

struct TomlMember;

/// A value of a TOML document. Wraps the parser, whose header is heavy.
struct TomlValue {
  enum class Kind : std::uint8_t { string, integer, real, boolean, array, table, date };

  Kind kind = Kind::table;
  std::string text;          ///< of a string
  std::int64_t integer = 0;  ///< of an integer
  double real = 0;           ///< of a floating-point number
  bool truth = false;        ///< of a boolean
  std::vector<TomlValue> items;
  std::vector<TomlMember> members;  ///< of a table
  std::size_t line = 0;             ///< where it stands, from 1
  std::size_t begin = 0, end = 0;   ///< its bytes in the document; begin == end where unknown

  /// The member of a table, or null.
  const TomlValue* find(std::string_view key) const noexcept;
};

/// A key of a table and its value.
struct TomlMember {
  std::string key;
  TomlValue value;
};

/// "a string", "an array", ...: for messages.
std::string_view name_of(TomlValue::Kind kind) noexcept;

/// Parses a document; throws Error{malformed} that names the file, the line and the reason.
TomlValue parse_toml(std::string_view text, const std::string& path);

/// `text` as a basic string with its quotes.
std::string toml_string(std::string_view text);

}  // namespace zoometer
