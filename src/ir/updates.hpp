#pragma once

#include <span>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Marks the results of operators that replace a part of a tensor (scatter, index_put,
/// slice_scatter, ...) as written in place, where nothing reads that tensor afterwards. A tensor
/// that is computed may be written over; inputs and parameters only if `donated` has them.
void write_updates_in_place(Graph& graph, std::span<const ValueId> donated);

}  // namespace zoometer
