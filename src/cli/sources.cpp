#include "cli/sources.hpp"

namespace zoometer {

void SourceWords::add_to(Arguments& arguments) {
  arguments.option("--source", source, "builtin", "NAME");
  arguments.words("--skip-patterns", skip_patterns,
                  "Leave out names that contain one of these, in place of the usual ones", "P...");
  arguments.flag("--no-skip", no_skip, "Leave out none");
}

Discovery discover(const Registry& registry, const SourceWords& words,
                   const std::vector<std::string>& patterns, bool only_these) {
  if (words.no_skip && !words.skip_patterns.empty())
    throw Error(ErrorCode::usage, "--no-skip and --skip-patterns contradict each other");
  DiscoveryOptions options;
  options.patterns = patterns;
  if (!only_these && !words.no_skip) {
    options.skip_patterns =
        words.skip_patterns.empty() ? registry.skip_patterns() : words.skip_patterns;
  }
  return discover_builtin(registry, options, {});
}

}  // namespace zoometer
