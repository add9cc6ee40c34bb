#include "cli/sources.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/load.hpp"
#include "cli/progress.hpp"
#include "registry/folder.hpp"
#include "registry/origin.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view source_names =
    "builtin, torchvision, timm, transformers, torch.hub:FOLDER, python:MODULE or a folder";

/// Whether a source is models that the user's Python makes.
bool is_live_source(const std::string& source) { return parse_origin(source + ":").runs_python(); }

/// Built-in models, and those of the user's own beside them.
Discovery discover_registry(const Registry& registry, const SourceWords& words,
                            const DiscoveryOptions& options, const Progress& progress,
                            const Notify& notify) {
  Discovery discovery = discover_builtin(registry, options, progress);
  if (words.source == "builtin") return discovery;
  for (const RegistryModel& model : registry.models()) {
    if (!model.is_own() || !options.wants(model.name)) continue;
    discovery.findings.push_back(try_own(model, registry, words.live, notify));
    if (progress) progress(discovery.findings.back(), discovery.findings.size());
  }
  return discovery;
}

/// The source with the whole path of its folder, whatever the current one is.
std::string source_with_folder(const std::string& source) {
  constexpr std::string_view prefix = "torch.hub:";
  if (!source.starts_with(prefix)) return source;
  std::error_code none;
  const std::filesystem::path folder =
      std::filesystem::absolute(source.substr(prefix.size()), none);
  return std::string(prefix) + folder.lexically_normal().string();
}

[[noreturn]] void unknown_source(const std::string& source) {
  Error error(ErrorCode::unknown_name, "no such source or folder: " + escape_controls(source));
  constexpr std::string_view sources[] = {"builtin", "torchvision", "timm", "transformers"};
  error.hint = did_you_mean(source, sources);
  if (error.hint.empty()) error.hint = source_names;
  throw error;
}

}  // namespace

void SourceWords::add_to(Arguments& arguments) {
  arguments.option("--source", source, std::string(source_names), "NAME");
  add_live_options(arguments, live);
  arguments.option("--jobs,-j", live.jobs, "Processes of Python at once (the number of cores)",
                   "N");
  add_plugin_option(arguments, plugins);
  arguments.words("--skip-patterns", skip_patterns,
                  "Skip names that contain one of these, instead of the usual ones", "P...");
  arguments.flag("--no-skip", no_skip, "Skip no model");
}

Discovery discover(const Registry& registry, const SourceWords& words,
                   const std::vector<std::string>& patterns, bool only_these,
                   const LiveSource::TakeGraph& take_graph) {
  if (words.no_skip && !words.skip_patterns.empty())
    throw Error(ErrorCode::usage, "--no-skip and --skip-patterns contradict each other");
  // --python alone asks for what that Python has.
  const bool is_live =
      is_live_source(words.source) || (words.source.empty() && !words.live.python.empty());
  const bool is_registry = !is_live && (words.source.empty() || words.source == "builtin");
  if (!is_live && words.live.tracer != LiveOptions().tracer)
    throw Error(ErrorCode::usage, "--tracer is for sources of Python, as --source torchvision");
  DiscoveryOptions options;
  options.patterns = patterns;
  // The usual patterns name built-in models; other sources are tried whole.
  if (!only_these && !words.no_skip) {
    options.skip_patterns = words.skip_patterns;
    if (options.skip_patterns.empty() && is_registry)
      options.skip_patterns = registry.skip_patterns();
  }
  ProgressLine line;
  const Progress progress = [&](const Finding& finding, std::size_t total) {
    line.show(finding, total);
  };
  const Notify notify = [&](std::string_view text) { line.note(text); };
  if (is_registry) return discover_registry(registry, words, options, progress, notify);
  constexpr std::int64_t most_jobs = 1024;
  if (words.live.jobs && (*words.live.jobs < 1 || *words.live.jobs > most_jobs))
    throw Error(ErrorCode::usage, "--jobs", {"1 to 1024", std::to_string(*words.live.jobs)});
  Cache cache(notify, !words.live.no_cache);
  if (is_live) {
    LiveOptions live = words.live;
    live.source = source_with_folder(words.source);
    return LiveSource(live, registry, cache, notify).discover(options, progress, take_graph);
  }
  if (!is_folder(words.source)) unknown_source(words.source);
  return discover_folder(words.source, options, cache, progress);
}

std::optional<Discovery> discover_pattern(const Registry& registry, const std::string& word,
                                          const LiveOptions& live,
                                          const LiveSource::TakeGraph& take_graph) {
  if (word.find_first_of("*?") == std::string::npos || registry.find(word) != nullptr)
    return std::nullopt;
  const Origin origin = parse_origin(word);
  if (!origin.runs_python()) return std::nullopt;
  const std::size_t colon = word.rfind(':');
  SourceWords words;
  words.live = live;
  words.source = word.substr(0, colon);
  return discover(registry, words, {word.substr(colon + 1)}, true, take_graph);
}

}  // namespace zoometer
