#include "registry/cache.hpp"

#include <fmt/core.h>

#include <ctime>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "import/hub/store.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

std::string day(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  localtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string status_json(const std::vector<Cache::Usage>& kinds) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.cache/1");
    json.field("path", Cache::path());
    json.array("kinds", [&] {
      for (const Cache::Usage& kind : kinds) {
        json.object([&] {
          json.field("kind", kind.kind);
          json.field("entries", kind.entries);
          json.field("bytes", kind.bytes);
          json.field("oldest", kind.oldest);
          json.field("newest", kind.newest);
        });
      }
    });
  });
  return json.text();
}

/// A row for each kind; `exact` writes all bytes.
TextTable status_table(const std::vector<Cache::Usage>& kinds, bool exact) {
  TextTable table;
  table.column("KIND");
  table.column("ENTRIES", true);
  table.column("SIZE", true);
  table.column("OLDEST");
  table.column("NEWEST");
  for (const Cache::Usage& kind : kinds) {
    table.row({kind.kind, std::to_string(kind.entries),
               exact ? std::to_string(kind.bytes) : format_bytes(kind.bytes), day(kind.oldest),
               day(kind.newest)});
  }
  return table;
}

std::string status_text(const std::vector<Cache::Usage>& kinds, int width) {
  const std::string text = Cache::path() + "\n";
  if (kinds.empty()) return text + "nothing is kept\n";
  return text + status_table(kinds, false).text(width, false);
}

int run_cache(const CommandLine& words) {
  Arguments arguments(
      "cache",
      "Show or remove what is kept: results for live sources and files, and what was fetched "
      "for hf: models.");
  std::string action;
  FormatWords out(table_formats({"text", "json"}));
  arguments.positional("action", action, "status or clear");
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();
  if (action == "clear") {
    const std::int64_t bytes = Cache::clear();
    const std::int64_t fetched = clear_hub();
    std::string text = fmt::format("removed {} from {}\n", format_bytes(bytes), Cache::path());
    if (fetched > 0) text += fmt::format("removed {} that were fetched\n", format_bytes(fetched));
    out.write(out.is("json") ? status_json({}) : text);
    return exit_done;
  }
  if (action != "status") {
    Error error(ErrorCode::usage, "cache", {"status or clear", escape_controls(action)});
    constexpr std::string_view actions[] = {"status", "clear"};
    error.hint = did_you_mean(action, actions);
    throw error;
  }
  std::vector<Cache::Usage> kinds =
      Cache::exists() ? Cache(write_note).usage() : std::vector<Cache::Usage>();
  if (const HubUsage hub = hub_usage(); hub.files > 0)
    kinds.push_back({"hub", hub.files, hub.bytes, hub.oldest, hub.newest});
  const auto table = status_table(kinds, out.is("csv")).written_as(out.format());
  out.write(table ? *table : out.is("json") ? status_json(kinds) : status_text(kinds, out.width()));
  return exit_done;
}

}  // namespace

extern constinit const Command cache_command = {
    "cache", "show or remove the results kept for live sources and files", run_cache, 20};

}  // namespace zoometer
