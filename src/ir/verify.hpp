#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Checks a graph's own rules: every id in range, inputs produced before they are used, modules
/// after their parents, finished calls. Throws Error{internal}.
void verify(const Graph& graph);

}  // namespace zoometer
