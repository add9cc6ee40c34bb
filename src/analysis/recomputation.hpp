#pragma once

#include <string_view>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Nodes that backward runs again.
struct NodeRange {
  NodeId first = 0;
  NodeId end = 0;  ///< the node after the last one
};

/// What backward runs again, in order, without overlaps: what the program says, and what
/// `TrainingRecipe::checkpoint` asks for.
///
/// The blocks of "every=N" and "sqrt" are the outermost modules with parts that have a sibling of
/// their class. Throws Error{unknown_name} if no module matches or there are no blocks,
/// Error{usage} for a number below 1.
std::vector<NodeRange> recomputed_nodes(const Graph& graph, std::string_view checkpoint);

}  // namespace zoometer
