#pragma once

#include <vector>

#include "analysis/training.hpp"

namespace zoometer {

/// Adds what a step holds for the parameters: weights, gradients, master weights and the
/// optimizer's state, on one device. `has_gradient` is by value.
void add_parameter_state(const Graph& graph, const std::vector<bool>& has_gradient,
                         TrainingProfile& sums);

/// Throws Error{usage} for settings that are out of range or do not fit together.
void check_recipe(const TrainingRecipe& recipe);

}  // namespace zoometer
