#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Corrects the kinds of a quantised program's tensors by what reads them. Buffers that are the
/// scales or zero points of other tensors are not the model's own; integers that a product reads
/// are its weights, whatever the program calls them. torchao's decomposed weights are parameters
/// "original0" (the integers), "original1", ... (their scales).
void find_quantised_state(Graph& graph);

}  // namespace zoometer
