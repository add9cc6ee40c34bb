#pragma once

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "registry/discovery.hpp"

namespace zoometer {

/// The words that say whose models to try: shared by `discover` and `registry`.
struct SourceWords {
  std::string source = "builtin";
  std::vector<std::string> skip_patterns;
  bool no_skip = false;

  void add_to(Arguments& arguments);
};

/// Tries the models of a source that fit the patterns (all where there are none). `only_these`
/// leaves skip patterns aside. Throws Error.
Discovery discover(const Registry& registry, const SourceWords& words,
                   const std::vector<std::string>& patterns, bool only_these = false);

}  // namespace zoometer
