#pragma once

#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Which modules of two graphs are the same one, by id: `no_id` if there is none.
struct ModuleMatch {
  std::vector<ModuleId> after_of;   ///< by module of the graph before
  std::vector<ModuleId> before_of;  ///< by module of the graph after
};

/// Matches the modules of two graphs, from the roots down. Children of a matched pair are aligned
/// in their order: a name that is a word ("layer1") keeps a module in its place; a number is only a
/// position, and there the structure decides. Modules without a match are searched for in the whole
/// other tree: first by structure (types, names within, parameters), the largest first, then by
/// name and similarity. docs/compare.md has the rules.
ModuleMatch match_modules(const Graph& before, const Graph& after);

}  // namespace zoometer
