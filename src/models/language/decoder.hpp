#pragma once

#include "models/language/passage.hpp"
#include "models/language/plan.hpp"

namespace zoometer {

/// Builds the modules of a plan in an empty graph and traces what passes. Throws Error{usage} where
/// the shapes that the options give do not fit.
void trace_model(const ModelPlan& plan, const Passage& passage, Graph& graph);

}  // namespace zoometer
