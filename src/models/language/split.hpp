#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Whether files have a tensor for each index of the parameter's first dimension, with the index
/// instead of the `*` in its name: "*.up_proj.weight", the matrices of a layer's experts. Only
/// modules of language models have such parameters.
bool is_split(const Graph& graph, const Parameter& parameter) noexcept;

/// Throws Error{limit} if files have more than 2^19 tensors of such parameters, which a short
/// configuration can say. The largest models have 2^17.
void check_split(const Graph& graph);

}  // namespace zoometer
