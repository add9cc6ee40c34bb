#include "cli/sources.hpp"

#include <algorithm>

#include "cli/load.hpp"
#include "cli/progress.hpp"
#include "registry/folder.hpp"
#include "registry/origin.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view python_prefix = "python:";

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

[[noreturn]] void unknown_source(const std::string& source) {
  Error error(ErrorCode::unknown_name, "no such source or folder: " + escape_controls(source));
  constexpr std::string_view sources[] = {"builtin", "torchvision"};
  error.hint = did_you_mean(source, sources);
  if (error.hint.empty()) error.hint = "builtin, torchvision, python:MODULE or a folder";
  throw error;
}

}  // namespace

void SourceWords::add_to(Arguments& arguments) {
  arguments.option("--source", source, "builtin, torchvision, python:MODULE or a folder", "NAME");
  add_live_options(arguments, live);
  add_plugin_option(arguments, plugins);
  arguments.words("--skip-patterns", skip_patterns,
                  "Skip names that contain one of these, instead of the usual ones", "P...");
  arguments.flag("--no-skip", no_skip, "Skip no model");
}

Discovery discover(const Registry& registry, const SourceWords& words,
                   const std::vector<std::string>& patterns, bool only_these) {
  if (words.no_skip && !words.skip_patterns.empty())
    throw Error(ErrorCode::usage, "--no-skip and --skip-patterns contradict each other");
  // --python alone asks for what that Python has.
  const bool is_live = words.source == "torchvision" || words.source.starts_with(python_prefix) ||
                       (words.source.empty() && !words.live.python.empty());
  const bool is_registry = !is_live && (words.source.empty() || words.source == "builtin");
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
  Cache cache(notify);
  if (is_live) {
    LiveOptions live = words.live;
    if (words.source.starts_with(python_prefix))
      live.module = words.source.substr(python_prefix.size());
    return LiveSource(live, registry, cache, notify).discover(options, progress);
  }
  if (!is_folder(words.source)) unknown_source(words.source);
  return discover_folder(words.source, options, cache, progress);
}

}  // namespace zoometer
