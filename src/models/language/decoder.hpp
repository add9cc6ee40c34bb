#pragma once

#include "models/language/passage.hpp"
#include "models/language/plan.hpp"

namespace zoometer {

/// Builds the modules of a plan in an empty graph and traces what passes.
void trace_decoder(const DecoderPlan& plan, const Passage& passage, Graph& graph);

}  // namespace zoometer
