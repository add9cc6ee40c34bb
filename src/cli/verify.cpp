#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "cli/tally.hpp"
#include "cli/verify_language.hpp"
#include "cli/verify_live.hpp"
#include "registry/registry.hpp"
#include "registry/verification.hpp"
#include "registry/zoo.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

bool is_chosen(const PublishedMetrics& published, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return true;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return matches_wildcard(pattern, published.model) ||
           matches_wildcard(pattern, published.weights);
  });
}

bool matches_weights(const std::string& pattern) {
  return std::ranges::any_of(published_metrics(),
                             [&](const auto& row) { return is_chosen(row, {pattern}); });
}

void refuse_unmatched(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    if (matches_weights(pattern)) continue;
    std::vector<std::string_view> names;
    for (const PublishedMetrics& row : published_metrics()) names.push_back(row.model);
    Error error(ErrorCode::unknown_name, "no published weights match " + pattern);
    error.hint = did_you_mean(pattern, names);
    throw error;
  }
}

/// Those of the models of `registry`, if it is not null.
std::vector<Verification> verify_all(const std::vector<std::string>& patterns,
                                     const Registry* registry, RegistryKind kind) {
  std::vector<Verification> results;
  for (const PublishedMetrics& published : published_metrics()) {
    if (!is_chosen(published, patterns)) continue;
    const bool is_held =
        registry == nullptr || registry->holds(kind, *registry->find(published.model));
    if (is_held) results.push_back(verify_published(published));
  }
  return results;
}

std::string reasons_of(const Verification& result) {
  std::string text = result.error;
  for (const Comparison* comparison : {&result.parameters, &result.giga_macs, &result.file_bytes}) {
    if (comparison->reason.empty()) continue;
    if (!text.empty()) text += "; ";
    text += comparison->reason;
  }
  return text;
}

TextTable table_of(const std::vector<Verification>& results, bool verbose) {
  TextTable table;
  table.column("weights");
  table.column("verdict");
  table.column("num_params", true, 1);
  table.column("ours", true, 2);
  table.column("_ops", true, 3);
  table.column("ours", true, 4);
  table.column("file MiB", true, 5);
  table.column("ours", true, 6);
  table.column("reason");
  for (const Verification& result : results) {
    const std::string reasons = reasons_of(result);
    if (!verbose && reasons.empty()) continue;
    const PublishedMetrics& published = *result.published;
    table.row({std::string(published.weights), std::string(name_of(result.verdict())),
               std::to_string(published.parameters), fmt::format("{:.0f}", result.parameters.ours),
               fmt::format("{:.3f}", published.giga_macs),
               fmt::format("{:.3f}", result.giga_macs.ours),
               fmt::format("{:.3f}", published.file_mebibytes),
               fmt::format("{:.3f}", result.file_bytes.ours / 1048576), reasons});
  }
  return table;
}

/// `width_limit` is that of a terminal, or 0: a wide one has the reasons below their rows.
std::string write_text(const std::vector<Verification>& results, bool verbose, int width_limit) {
  std::string text;
  auto out = std::back_inserter(text);
  std::size_t width = 7;
  for (const Verification& result : results)
    width = std::max(width, result.published->weights.size());
  constexpr std::size_t width_of_figures = 84;
  const bool is_narrow =
      width_limit > 0 && width + width_of_figures > static_cast<std::size_t>(width_limit);
  if (is_narrow) {
    text += table_of(results, verbose).text(width_limit, false);
  } else {
    fmt::format_to(out, "{:<{}}  {:<8}  {:>11}  {:>11}  {:>8}  {:>8}  {:>9}  {:>9}\n", "weights",
                   width, "verdict", "num_params", "ours", "_ops", "ours", "file MiB", "ours");
  }
  Tally parameters;
  Tally macs;
  Tally files;
  for (const Verification& result : results) {
    const bool failed = !result.error.empty();
    parameters.add(failed ? Verdict::differs : result.parameters.verdict);
    macs.add(failed ? Verdict::differs : result.giga_macs.verdict);
    files.add(failed ? Verdict::differs : result.file_bytes.verdict);
    const std::string reasons = reasons_of(result);
    if (is_narrow || (!verbose && reasons.empty())) continue;
    fmt::format_to(
        out, "{:<{}}  {:<8}  {:>11}  {:>11.0f}  {:>8.3f}  {:>8.3f}  {:>9.3f}  {:>9.3f}\n",
        result.published->weights, width, name_of(result.verdict()), result.published->parameters,
        result.parameters.ours, result.published->giga_macs, result.giga_macs.ours,
        result.published->file_mebibytes, result.file_bytes.ours / 1048576);
    if (!reasons.empty()) fmt::format_to(out, "    {}\n", reasons);
  }
  fmt::format_to(out, "num_params: {}\n_ops: {}\n_file_size: {}\n", parameters.text(), macs.text(),
                 files.text());
  return text;
}

void write_comparison(JsonWriter& json, std::string_view name, const Comparison& comparison) {
  json.object(name, [&] {
    json.field("published", comparison.published);
    json.field("ours", comparison.ours);
    json.field("verdict", name_of(comparison.verdict));
    if (!comparison.reason.empty()) json.field("reason", comparison.reason);
  });
}

std::string write_json(const std::vector<Verification>& results) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.verification/1");
    json.array("weights", [&] {
      for (const Verification& result : results) {
        json.object([&] {
          json.field("name", result.published->weights);
          json.field("model", result.published->model);
          json.field("verdict", name_of(result.verdict()));
          if (!result.error.empty()) json.field("error", result.error);
          write_comparison(json, "parameters", result.parameters);
          write_comparison(json, "giga_macs", result.giga_macs);
          write_comparison(json, "file_bytes", result.file_bytes);
        });
      }
    });
  });
  return json.text();
}

int run_verify(const CommandLine& words) {
  Arguments arguments("verify",
                      "Compare every figure that torchvision publishes with this binary's own, or "
                      "with --live every model with the installed torchvision, or with --registry "
                      "language every language model with the figures of its row.");
  std::vector<std::string> patterns;
  FormatWords out(table_formats({"text", "json"}));
  bool verbose = false;
  arguments.positionals("model", patterns, "Names of models or weights, with * and ? (all)");
  arguments.flag("--verbose,-v", verbose, "Also print the weights that agree");
  bool is_live = false;
  LiveOptions live;
  arguments.flag("--live", is_live,
                 "Compare state dicts and traced graphs with those of your own torchvision");
  add_live_options(arguments, live);
  std::string registry_word;
  arguments.option("--registry,-r", registry_word,
                   "Only the models of one registry: curated, auto, all or language", "NAME");
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();
  // --python alone implies --live.
  is_live = is_live || !live.python.empty();
  if (is_live && !registry_word.empty())
    throw Error(ErrorCode::usage, "--live compares all models: it takes no --registry");
  if (is_live) return run_verify_live({live, patterns, verbose, out.format()});

  std::optional<Registry> registry;
  if (!registry_word.empty()) registry.emplace();
  const RegistryKind kind = registry ? registry->choose(registry_word) : RegistryKind::all;
  const bool means_language = registry_word.empty() &&
                              std::ranges::none_of(patterns, matches_weights) &&
                              are_language_models(patterns);
  if (kind == RegistryKind::language || means_language)
    return run_verify_language(patterns, verbose, out);

  refuse_unmatched(patterns);
  const std::vector<Verification> results =
      verify_all(patterns, registry ? &*registry : nullptr, kind);
  verbose = verbose || !patterns.empty();
  const auto table = table_of(results, verbose || !out.is("text")).written_as(out.format());
  out.write(table            ? *table
            : out.is("json") ? write_json(results)
                             : write_text(results, verbose, out.width()));
  const bool differs = std::any_of(results.begin(), results.end(), [](const Verification& result) {
    return result.verdict() == Verdict::differs;
  });
  return differs ? exit_check_failed : exit_done;
}

}  // namespace

extern constinit const Command verify_command = {
    "verify", "compare this binary with published figures and with PyTorch", run_verify, 7};

}  // namespace zoometer
