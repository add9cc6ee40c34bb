#include "util/toml.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <toml++/toml.h>

#include "util/error.hpp"

namespace zoometer {
namespace {

/// Turns the parser's lines and columns (counted in code points, from 1) into bytes.
class Positions {
 public:
  explicit Positions(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  std::size_t byte_of(const toml::source_position& position) const {
    if (position.line == 0 || position.line > starts_.size()) return 0;
    std::size_t byte = starts_[position.line - 1];
    for (toml::source_index column = 1; column < position.column && byte < text_.size(); ++column) {
      do ++byte;
      while (byte < text_.size() && (static_cast<unsigned char>(text_[byte]) & 0xC0U) == 0x80U);
    }
    return byte;
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

TomlValue convert(const toml::node& node, const Positions& positions) {
  TomlValue value;
  value.line = node.source().begin.line;
  value.begin = positions.byte_of(node.source().begin);
  value.end = positions.byte_of(node.source().end);
  if (const auto* table = node.as_table()) {
    value.kind = TomlValue::Kind::table;
    for (const auto& [key, member] : *table)
      value.members.push_back({std::string(key.str()), convert(member, positions)});
  } else if (const auto* array = node.as_array()) {
    value.kind = TomlValue::Kind::array;
    for (const toml::node& item : *array) value.items.push_back(convert(item, positions));
  } else if (const auto* text = node.as_string()) {
    value.kind = TomlValue::Kind::string;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlValue::Kind::integer;
    value.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    value.kind = TomlValue::Kind::real;
    value.real = real->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.kind = TomlValue::Kind::boolean;
    value.truth = truth->get();
  } else {
    value.kind = TomlValue::Kind::date;
  }
  return value;
}

}  // namespace

const TomlValue* TomlValue::find(std::string_view key) const noexcept {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

std::string_view name_of(TomlValue::Kind kind) noexcept {
  switch (kind) {
  case TomlValue::Kind::string: return "a string";
  case TomlValue::Kind::integer: return "an integer";
  case TomlValue::Kind::real: return "a number";
  case TomlValue::Kind::boolean: return "a boolean";
  case TomlValue::Kind::array: return "an array";
  case TomlValue::Kind::table: return "a table";
  case TomlValue::Kind::date: return "a date";
  }
  return "a value";
}

TomlValue parse_toml(std::string_view text, const std::string& path) {
  try {
    return convert(toml::parse(text, path), Positions(text));
  } catch (const toml::parse_error& problem) {
    Error error(ErrorCode::malformed,
                fmt::format("line {}: {}", problem.source().begin.line, problem.description()));
    error.place.model = path;
    throw error;
  }
}

std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result.append("\\").append(1, c);
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\u{:04X}", byte);
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace zoometer
