#pragma once

#include <optional>

#include "import/onnx/ops.hpp"

namespace zoometer {

/// What the elements of a computed tensor can be, for the `range` of an operator's row. Sizes may
/// depend on them: how many elements are above 0 is at most how many there are.

/// 0 or 1.
std::optional<OnnxRange> range_of_truth(OnnxContext& context);
/// Elements of input 0, or numbers between them.
std::optional<OnnxRange> range_of_first(OnnxContext& context);
/// Elements of any input.
std::optional<OnnxRange> range_of_all(OnnxContext& context);
/// Elements of input 1 or 2.
std::optional<OnnxRange> range_of_choice(OnnxContext& context);
/// Sums of some elements of input 0.
std::optional<OnnxRange> range_of_sum(OnnxContext& context);
/// A position along an axis.
std::optional<OnnxRange> range_of_position(OnnxContext& context);
std::optional<OnnxRange> range_of_clip(OnnxContext& context);
std::optional<OnnxRange> range_of_added(OnnxContext& context);
std::optional<OnnxRange> range_of_subtracted(OnnxContext& context);
std::optional<OnnxRange> range_of_multiplied(OnnxContext& context);
std::optional<OnnxRange> range_of_smaller(OnnxContext& context);
std::optional<OnnxRange> range_of_larger(OnnxContext& context);

}  // namespace zoometer
