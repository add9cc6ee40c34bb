#pragma once

#include "models/language/configuration.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Adds the layers that predict further tokens, which checkpoints have after the main model's, with
/// copies of its embedding and head where files have them. They are only declared. Nothing is added
/// for a model without them.
void declare_prediction(const Setting& settings, Graph& graph);

}  // namespace zoometer
