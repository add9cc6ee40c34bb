#pragma once

#include <span>

#include "import/stablehlo/program.hpp"

namespace zoometer {

/// The FLOPs that XLA's cost analysis (xla/service/hlo_cost_analysis.cc) counts for an operation: 2
/// for a product, where both factors are inside of the unpadded input; 1 for an element of what is
/// no transcendental function; 0 for what moves, and -1 for a custom call. `operands` and `results`
/// are their sizes. Regions that work on single elements are included; what an operation calls,
/// such as the body of a loop, is not.
std::int64_t xla_flops(const HloProgram& program, const HloOperation& operation,
                       std::span<const Shape> operands, std::span<const Shape> results);

/// Whether an operation's regions work on single elements: a reduction, a sort.
bool has_element_region(const HloOperation& operation) noexcept;

}  // namespace zoometer
