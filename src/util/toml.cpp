#include "util/toml.hpp"

#include <fmt/format.h>

#include <algorithm>

// What the parser takes for granted is checked in every build, and an error of the file.
#undef NDEBUG
#define TOML_ASSERT(expected) ((expected) ? void() : ::zoometer::throw_not_toml())
namespace zoometer {
namespace {
struct NotToml {};
[[noreturn]] void throw_not_toml() { throw NotToml{}; }
}  // namespace
}  // namespace zoometer
#include <toml++/toml.h>

#include "util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_of_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// Finds what TOML forbids and toml++ 3.3 takes for impossible: letters beyond ASCII outside of
/// strings and comments, and a table's name that begins with no letter. Everything else that is
/// wrong is left to the parser.
class Outline {
 public:
  explicit Outline(std::string_view text) : text_(text) {}

  /// The reason, and its line in `line()`; empty where there is none.
  std::string_view problem() {
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        ++at_;
        is_line_begin_ = true;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '\'') {
        skip_string(c);
        is_line_begin_ = false;
      } else if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
        return "only strings and comments may hold characters beyond ASCII";
      } else if (c == '[' && is_line_begin_ && depth_ == 0 && !begins_header()) {
        return "the name of a table is missing";
      } else {
        if (c == '[' || c == '{') ++depth_;
        if ((c == ']' || c == '}') && depth_ > 0) --depth_;
        ++at_;
        is_line_begin_ = false;
      }
    }
    return {};
  }
  std::size_t line() const noexcept { return line_; }

 private:
  /// Whether a key follows "[" or "[[".
  bool begins_header() const {
    std::size_t next = at_ + 1;
    if (next < text_.size() && text_[next] == '[') ++next;
    next = std::min(text_.find_first_not_of(" \t", next), text_.size());
    if (next == text_.size()) return true;  // the parser knows
    return is_of_bare_key(text_[next]) || text_[next] == '"' || text_[next] == '\'';
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    at_ += is_long ? three.size() : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++line_;
        at_ += 2;
      } else if (is_long && text_.substr(at_).starts_with(three)) {
        at_ += three.size();
        while (at_ < text_.size() && text_[at_] == quote) ++at_;  // the string may end with two
        return;
      } else if (!is_long && (c == quote || c == '\n')) {
        if (c == quote) ++at_;
        return;
      } else {
        if (c == '\n') ++line_;
        ++at_;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t depth_ = 0;
  bool is_line_begin_ = true;
};

[[noreturn]] void refuse(const std::string& path, std::size_t line, std::string_view reason) {
  Error error(ErrorCode::malformed, fmt::format("line {}: {}", line, reason));
  error.place.model = path;
  throw error;
}

/// Turns the parser's lines and columns (counted in code points, from 1) into bytes.
class Positions {
 public:
  explicit Positions(std::string_view text) {
    lines_.push_back(0);
    // The parser does not count the mark.
    std::size_t i = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    for (; i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) code_points_.push_back(i);
      if (text[i] == '\n') lines_.push_back(code_points_.size());
    }
    code_points_.push_back(text.size());
  }

  std::size_t byte_of(const toml::source_position& position) const {
    if (position.line == 0 || position.line > lines_.size() || position.column == 0) return 0;
    const std::size_t code_point = lines_[position.line - 1] + position.column - 1;
    return code_points_[std::min(code_point, code_points_.size() - 1)];
  }

 private:
  std::vector<std::size_t> code_points_;  // where each begins, and the end
  std::vector<std::size_t> lines_;        // the code point that each begins with
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
  Outline outline(text);
  if (const std::string_view problem = outline.problem(); !problem.empty())
    refuse(path, outline.line(), problem);
  try {
    return convert(toml::parse(text, path), Positions(text));
  } catch (const toml::parse_error& problem) {
    refuse(path, problem.source().begin.line, problem.description());
  } catch (const NotToml&) {
    refuse(path, outline.line(), "somewhere above, a name or a value is missing");
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
