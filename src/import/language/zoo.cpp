#include "import/language/zoo.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "util/embedded.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

std::string_view zoo_text() { return embedded_file("data/language_models.jsonl"); }

constexpr std::string_view name_key = "\"name\":\"";

/// What follows `"key":` in the part of a line before its configuration; empty if it is missing.
std::string_view value_of(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  return at == std::string_view::npos ? std::string_view() : line.substr(at + key.size());
}

std::string_view word_of(std::string_view line, std::string_view key) {
  const std::string_view value = value_of(line, key);
  return value.substr(0, value.find('"'));
}

std::optional<std::int64_t> number_of(std::string_view line, std::string_view key) {
  const std::string_view value = value_of(line, key);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  return problem == std::errc() ? std::optional(number) : std::nullopt;
}

/// `line` is {"name":"...","family":"...", ... ,"config":{...}}.
LanguageRow row_of(std::string_view line) {
  constexpr std::string_view key = "\"config\":";
  const std::size_t at = line.find(key);
  const std::string_view before = line.substr(0, at);
  LanguageRow row;
  row.name = word_of(before, name_key);
  row.family = word_of(before, "\"family\":\"");
  row.task = word_of(before, "\"task\":\"");
  row.source = word_of(before, "\"source\":\"");
  row.parameters = number_of(before, "\"parameters\":").value_or(0);
  row.active = number_of(before, "\"active\":").value_or(0);
  row.published = number_of(before, "\"published\":");
  row.published_active = number_of(before, "\"published_active\":");
  row.exception = word_of(before, "\"exception\":\"");
  row.config = line.substr(at + key.size());
  row.config.remove_suffix(1);
  return row;
}

/// Removes the first line from the text.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

}  // namespace

std::vector<LanguageRow> language_rows() {
  std::vector<LanguageRow> rows;
  for (std::string_view rest = zoo_text(); !rest.empty();) rows.push_back(row_of(take_line(rest)));
  return rows;
}

std::optional<LanguageRow> find_language_row(std::string_view name) {
  if (name.empty() || name.find_first_of("\"/\\\n") != std::string_view::npos) return {};
  const std::string_view text = zoo_text();
  const std::size_t at = text.find(fmt::format("{{\"name\":\"{}\",", name));
  if (at == std::string_view::npos) return {};
  return row_of(text.substr(at, text.find('\n', at) - at));
}

std::optional<LanguageRow> resolve_language_row(std::string_view name) {
  if (auto row = find_language_row(name)) return row;
  const std::string wanted = without_marks(name);
  for (std::string_view rest = zoo_text(); !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (without_marks(word_of(line, name_key)) == wanted) return row_of(line);
  }
  return {};
}

}  // namespace zoometer
