#include "cli/verify_live.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "registry/live_verification.hpp"
#include "registry/registry.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

using Results = std::vector<LiveVerification>;

std::string_view verdict_of(const LiveVerification& result) {
  return result.agrees() ? "agrees" : "differs";
}

std::string figure_text(const LiveVerification::Pair& pair, bool native) {
  if (native) return std::to_string(pair.native);
  return pair.live ? std::to_string(*pair.live) : "-";
}

std::vector<std::string> differences_of(const LiveVerification& result) {
  if (!result.error.empty()) return {result.error};
  std::vector<std::string> differences = result.state_differences;
  differences.insert(differences.end(), result.graph_differences.begin(),
                     result.graph_differences.end());
  return differences;
}

TextTable table_of(const Results& results) {
  TextTable table;
  table.column("MODEL");
  table.column("BY");
  table.column("STATES", true);
  table.column("MODULES", true);
  table.column("PARAMETERS", true);
  table.column("LIVE", true);
  table.column("MACS", true);
  table.column("LIVE", true);
  table.column("VERDICT");
  for (const LiveVerification& result : results) {
    table.row({result.model, result.has_graph() ? "torch." + result.via : "state dict",
               std::to_string(result.states),
               result.has_graph() ? std::to_string(result.modules) : "-",
               figure_text(result.parameters, true), figure_text(result.parameters, false),
               figure_text(result.macs, true), figure_text(result.macs, false),
               std::string(verdict_of(result))});
  }
  return table;
}

std::string differences_text(const Results& results, bool is_verbose) {
  constexpr std::size_t few = 5;
  std::string text;
  for (const LiveVerification& result : results) {
    const std::vector<std::string> differences = differences_of(result);
    if (differences.empty()) continue;
    const std::size_t shown = is_verbose ? differences.size() : std::min(few, differences.size());
    text += "\n" + result.model + " differs:\n";
    for (std::size_t i = 0; i < shown; ++i) text += "  " + escape_controls(differences[i]) + "\n";
    if (shown < differences.size())
      text += fmt::format("  and {} more, with --verbose\n", differences.size() - shown);
  }
  return text;
}

/// Why only the state dict of some models is compared: PyTorch's distinct messages.
std::string not_traced_text(const Results& results) {
  std::vector<std::pair<std::string, int>> reasons;
  for (const LiveVerification& result : results) {
    if (result.not_traced.empty()) continue;
    const std::string words(first_sentence(result.not_traced));
    const auto known = std::find_if(reasons.begin(), reasons.end(),
                                    [&](const auto& reason) { return reason.first == words; });
    known == reasons.end() ? reasons.emplace_back(words, 1).second : ++known->second;
  }
  std::string text;
  for (const auto& [reason, count] : reasons)
    text += fmt::format("not traced ({}): {}\n", count, escape_controls(reason));
  return text;
}

std::string tally_text(const Results& results) {
  const auto count = [&](auto holds) {
    return std::count_if(results.begin(), results.end(),
                         [&](const LiveVerification& result) { return (result.*holds)(); });
  };
  return fmt::format("state dicts: {} of {} agree\nlive: {} of {} agree\n",
                     count(&LiveVerification::states_agree), results.size(),
                     count(&LiveVerification::graphs_agree), count(&LiveVerification::has_graph));
}

void write_pair(JsonWriter& json, std::string_view name, const LiveVerification::Pair& pair) {
  json.object(name, [&] {
    json.field("native", pair.native);
    json.key("live");
    pair.live ? json.value(*pair.live) : json.null();
  });
}

void write_result(JsonWriter& json, const LiveVerification& result) {
  json.object([&] {
    json.field("name", result.model);
    json.field("verdict", verdict_of(result));
    json.key("via");
    result.has_graph() ? json.value(result.via) : json.null();
    if (!result.not_traced.empty()) json.field("not_traced", result.not_traced);
    json.field("states", result.states);
    json.field("modules", result.modules);
    write_pair(json, "parameters", result.parameters);
    write_pair(json, "macs", result.macs);
    json.array("differences", [&] {
      for (const std::string& difference : differences_of(result)) json.value(difference);
    });
  });
}

std::string write_json(const Results& results, const std::string& python) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.live_verification/1");
    json.field("python", python);
    json.array("models", [&] {
      for (const LiveVerification& result : results) write_result(json, result);
    });
  });
  return json.text();
}

/// The selected models that only one of the two has.
void note_others(const LiveSource& source, const Registry& registry,
                 const std::vector<std::string>& patterns) {
  DiscoveryOptions options;
  options.patterns = patterns;
  const std::vector<LiveModel> live = source.models();
  std::string native_only;
  std::string live_only;
  const auto add = [](std::string& names, std::string_view name) {
    names.append(names.empty() ? " " : ", ").append(name);
  };
  for (const RegistryModel& model : registry.models()) {
    const bool is_live = std::any_of(
        live.begin(), live.end(), [&](const LiveModel& each) { return each.name == model.name; });
    if (model.builtin != nullptr && !is_live && options.wants(model.name))
      add(native_only, model.name);
  }
  for (const LiveModel& model : live) {
    const RegistryModel* native = registry.find(model.name);
    if ((native == nullptr || native->builtin == nullptr) && options.wants(model.name))
      add(live_only, model.name);
  }
  if (!native_only.empty()) write_note("not in torchvision:" + native_only);
  if (!live_only.empty()) write_note("only in torchvision:" + live_only);
}

Results ask(LiveSource& source, const Registry& registry, const std::vector<std::string>& patterns,
            ProgressLine& line) {
  return verify_live(source, registry, patterns,
                     [&](const Finding& finding, std::size_t total) { line.show(finding, total); });
}

}  // namespace

int run_verify_live(const VerifyLiveWords& words) {
  const Registry registry;
  std::string python;
  Results results;
  {
    ProgressLine line;
    const Notify notify = [&](std::string_view text) { line.note(text); };
    Cache cache(notify, !words.live.no_cache);
    LiveSource source(words.live, registry, cache, notify);
    results = ask(source, registry, words.patterns, line);
    python = source.taken_text();
    line.note(python);
    note_others(source, registry, words.patterns);
  }
  const TextTable table = table_of(results);
  if (words.format == "json") {
    write_stdout(write_json(results, python));
  } else if (const auto text = table.written_as(words.format)) {
    write_stdout(*text);
  } else {
    const int width = terminal_width();
    write_stdout(wrapped_lines(table.text(width, false) +
                                   differences_text(results, words.is_verbose) + "\n" +
                                   not_traced_text(results) + tally_text(results),
                               static_cast<std::size_t>(width)));
  }
  const bool all_agree = std::all_of(results.begin(), results.end(),
                                     [](const LiveVerification& each) { return each.agrees(); });
  return all_agree && !results.empty() ? exit_done : exit_check_failed;
}

}  // namespace zoometer
