#include "cli/verify_language.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/tally.hpp"
#include "registry/language_verification.hpp"
#include "util/json_writer.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using LanguageResults = std::vector<LanguageVerification>;

/// A pattern, or a name in another spelling.
bool names_row(const std::string& pattern, const LanguageRow& row) {
  return matches_wildcard(pattern, row.name) || without_marks(pattern) == without_marks(row.name);
}

bool names_any_row(const std::string& pattern, const std::vector<LanguageRow>& rows) {
  return std::ranges::any_of(rows, [&](const LanguageRow& row) { return names_row(pattern, row); });
}

LanguageResults verify_rows(const std::vector<std::string>& patterns) {
  const std::vector<LanguageRow> rows = language_rows();
  for (const std::string& pattern : patterns) {
    if (names_any_row(pattern, rows)) continue;
    std::vector<std::string_view> names;
    for (const LanguageRow& row : rows) names.push_back(row.name);
    Error error(ErrorCode::unknown_name, "no language models match " + escape_controls(pattern));
    error.hint = did_you_mean(pattern, names);
    throw error;
  }
  LanguageResults results;
  for (const LanguageRow& row : rows) {
    const auto names_it = [&](const std::string& pattern) { return names_row(pattern, row); };
    if (patterns.empty() || std::ranges::any_of(patterns, names_it))
      results.push_back(verify_language_row(row));
  }
  return results;
}

std::string reason_of(const LanguageVerification& result) {
  if (!result.error.empty()) return escape_controls(result.error);
  const bool is_excepted = result.verdict() == Verdict::excepted;
  return is_excepted ? std::string(result.row.exception) : std::string();
}

TextTable rows_table(const LanguageResults& results, bool is_verbose) {
  TextTable table;
  table.column("model");
  table.column("verdict");
  table.column("parameters", true, 1);
  table.column("ours", true, 2);
  table.column("active", true, 5);
  table.column("ours", true, 6);
  table.column("published", true, 3);
  table.column("ours", true, 4);
  table.column("reason");
  for (const LanguageVerification& result : results) {
    if (!is_verbose && result.verdict() == Verdict::agrees) continue;
    const auto& published = result.published;
    table.row({std::string(result.row.name), std::string(name_of(result.verdict())),
               std::to_string(result.parameters.expected), std::to_string(result.parameters.ours),
               std::to_string(result.active.expected), std::to_string(result.active.ours),
               published ? std::to_string(published->expected) : "",
               published ? std::to_string(published->ours) : "", reason_of(result)});
  }
  return table;
}

std::string tallies_of(const LanguageResults& results) {
  Tally parameters;
  Tally active;
  Tally published;
  Tally published_active;
  for (const LanguageVerification& result : results) {
    const bool failed = !result.error.empty();
    parameters.add(failed ? Verdict::differs : result.parameters.verdict);
    active.add(failed ? Verdict::differs : result.active.verdict);
    if (result.published) published.add(result.published->verdict);
    if (result.published_active) published_active.add(result.published_active->verdict);
  }
  return fmt::format("parameters: {}\nactive: {}\npublished: {}\npublished active: {}\n",
                     parameters.text(), active.text(), published.text(), published_active.text());
}

void write_count(JsonWriter& json, std::string_view name, const ExpectedCount& count) {
  json.object(name, [&] {
    json.field("expected", count.expected);
    json.field("ours", count.ours);
    json.field("verdict", name_of(count.verdict));
  });
}

std::string rows_json(const LanguageResults& results) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.language_verification/1");
    json.array("models", [&] {
      for (const LanguageVerification& result : results) {
        json.object([&] {
          json.field("name", result.row.name);
          json.field("source", result.row.source);
          json.field("verdict", name_of(result.verdict()));
          if (const std::string reason = reason_of(result); !reason.empty())
            json.field("reason", reason);
          write_count(json, "parameters", result.parameters);
          write_count(json, "active", result.active);
          if (result.published) write_count(json, "published", *result.published);
          if (result.published_active)
            write_count(json, "published_active", *result.published_active);
        });
      }
    });
  });
  return json.text();
}

}  // namespace

bool are_language_models(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return false;
  const std::vector<LanguageRow> rows = language_rows();
  return std::ranges::all_of(
      patterns, [&](const std::string& pattern) { return names_any_row(pattern, rows); });
}

int run_verify_language(const std::vector<std::string>& patterns, bool is_verbose,
                        const FormatWords& out) {
  const LanguageResults results = verify_rows(patterns);
  const bool shows_all = is_verbose || !patterns.empty() || !out.is("text");
  const TextTable table = rows_table(results, shows_all);
  if (out.is("json")) {
    out.write(rows_json(results));
  } else if (const auto text = table.written_as(out.format())) {
    out.write(*text);
  } else {
    out.write(table.text(out.width(), false) + tallies_of(results));
  }
  const bool differs = std::ranges::any_of(results, [](const LanguageVerification& result) {
    return result.verdict() == Verdict::differs;
  });
  return differs ? exit_check_failed : exit_done;
}

}  // namespace zoometer
