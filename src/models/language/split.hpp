#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Whether files have a tensor for each index of the parameter's first dimension, with the index
/// instead of the `*` in its name: "*.up_proj.weight", the matrices of a layer's experts. Only
/// modules of language models have such parameters.
bool is_split(const Graph& graph, const Parameter& parameter) noexcept;

}  // namespace zoometer
