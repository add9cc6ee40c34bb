#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "registry/discovery.hpp"
#include "registry/live.hpp"

namespace zoometer {

/// The words that say whose models to try: shared by `discover` and `registry`.
struct SourceWords {
  std::string source;  ///< empty: the built-in models and those of the user's own
  std::vector<std::string> skip_patterns;
  bool no_skip = false;
  LiveOptions live;
  std::vector<std::string> plugins;

  void add_to(Arguments& arguments);
};

/// Tries the models of a source that fit the patterns (all where there are none), with a progress
/// line on a terminal. `only_these` leaves skip patterns aside. `take_graph` is for live sources.
/// Throws Error.
Discovery discover(const Registry& registry, const SourceWords& words,
                   const std::vector<std::string>& patterns, bool only_these = false,
                   const LiveSource::TakeGraph& take_graph = {});

/// The models that a word like 'timm:vit_*' or 'python:MODULE:*' stands for; nothing for other
/// words.
std::optional<Discovery> discover_pattern(const Registry& registry, const std::string& word,
                                          const LiveOptions& live,
                                          const LiveSource::TakeGraph& take_graph = {});

}  // namespace zoometer
