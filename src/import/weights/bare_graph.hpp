#pragma once

#include "import/weights/stored_weights.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// A graph without nodes: modules by the dotted names of the tensors, and the tensors as their
/// parameters. For weights without a configuration. Tensors of which only the name is known are
/// left out. Throws Error{malformed} for two tensors where one is the module of the other.
void make_bare_graph(const StoredWeights& weights, Graph& graph);

}  // namespace zoometer
