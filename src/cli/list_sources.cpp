#include "cli/list_sources.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "cli/command.hpp"
#include "registry/source_list.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

/// The clock may have been set back since, and a file may have any time.
std::int64_t age(std::int64_t since, std::int64_t now) {
  return std::max<std::int64_t>(now - since, 0);
}

/// "3 minutes": in the largest unit with a value of at least 2, else in seconds.
std::string duration_text(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 3> units{{{86'400, "days"}, {3'600, "hours"}, {60, "minutes"}}};
  for (const Unit& unit : units) {
    if (seconds >= 2 * unit.seconds) return fmt::format("{} {}", seconds / unit.seconds, unit.name);
  }
  return fmt::format("{} s", seconds);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : escape_controls(text); }

TextTable table_of(const std::vector<SourceInfo>& sources, std::int64_t now) {
  TextTable table;
  table.column("SOURCE");
  table.column("VERSION");
  table.column("MODELS", true);
  table.column("AGE", true);
  table.column("WHERE", false, 1);
  table.column("STATE");
  for (const SourceInfo& source : sources) {
    table.row({escape_controls(source.name), or_dash(source.version),
               source.models > 0 ? std::to_string(source.models) : "-",
               source.since ? duration_text(age(*source.since, now)) : "-", or_dash(source.where),
               source.advice.empty() ? "current" : escape_controls(source.advice)});
  }
  return table;
}

std::string json_of(const std::vector<SourceInfo>& sources, std::int64_t now) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.sources/1");
    json.array("sources", [&] {
      for (const SourceInfo& source : sources) {
        json.object([&] {
          json.field("name", source.name);
          json.field("version", source.version);
          json.field("models", source.models);
          json.field("where", source.where);
          json.key("age_seconds");
          source.since ? json.value(age(*source.since, now)) : json.null();
          json.field("is_current", source.advice.empty());
          if (!source.advice.empty()) json.field("advice", source.advice);
        });
      }
    });
  });
  return json.text();
}

}  // namespace

int run_list_sources(const FormatWords& out) {
  const Registry registry;
  Cache cache(write_note);
  const std::vector<SourceInfo> sources = list_sources(registry, cache);
  const std::int64_t now = std::time(nullptr);
  std::string text;
  if (out.is("json")) {
    text = json_of(sources, now);
  } else if (auto table = table_of(sources, now).written_as(out.format())) {
    text = std::move(*table);
  } else {
    text = table_of(sources, now).text(out.width(), out.colour());
  }
  out.write(text);
  return exit_done;
}

}  // namespace zoometer
