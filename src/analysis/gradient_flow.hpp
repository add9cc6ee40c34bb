#pragma once

#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// By value: whether a training step computes its gradient. It depends on a parameter that is
/// trained, and a floating-point output of the graph depends on it; what is computed under no_grad,
/// a detached tensor and anything that is not a floating-point number end both ways.
std::vector<bool> gradients_of(const Graph& graph);

}  // namespace zoometer
