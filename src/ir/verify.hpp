#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Checks the rules of a graph: ids are in range, values are produced before they are used, modules
/// come after their parents, calls are complete. Throws Error{internal}.
void verify(const Graph& graph);

}  // namespace zoometer
