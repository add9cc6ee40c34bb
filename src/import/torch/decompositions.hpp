#pragma once

#include <optional>
#include <string_view>

#include "zoometer/op/reduce.hpp"

// Operators of several formats that src/op does not define, composed of those that it does.

namespace zoometer {

/// The identity matrix, ones on another diagonal, or a rectangular one.
Tensor identity_matrix(Graph& graph, const Shape& sizes, std::int64_t diagonal, DType dtype);

/// Whether each index is the position along a new axis of that depth.
Tensor one_hot(Tensor indices, std::int64_t axis, std::int64_t depth);

/// x - bias above the limit, x + bias below its negative, 0 between.
Tensor shrink(Tensor x, double limit, double bias);

/// The place in the input of each element of an output of `size` (batch, channels, sizes...), by an
/// affine map theta (batch, d, d + 1) of d = 2 or 3 dimensions -> (batch, sizes..., d). The caller
/// checks these shapes.
Tensor affine_grid(Tensor theta, std::span<const std::int64_t> size);

/// The unique elements along an axis, sorted, and the first index of each. At most all of them.
Selection unique(Tensor x, std::int64_t axis);

enum class Reduction : std::uint8_t { none, mean, sum };
/// The losses of all elements, their mean or their sum.
Tensor reduced(Tensor loss, Reduction reduction);

struct LikelihoodOptions {
  std::optional<std::int64_t> ignored;  ///< a class that is left out
  Reduction reduction = Reduction::mean;
};
/// The negated elements of `x` (N, C, ...), or (C,), at the classes `target` (N, ...), or (),
/// weighted by class if there are weights (C,). The caller checks these ranks.
Tensor negative_likelihood(Tensor x, Tensor target, Tensor weights,
                           const LikelihoodOptions& options);

/// The FLOPs of this node and all after it.
std::int64_t flops_from(const Graph& graph, std::size_t first);

}  // namespace zoometer
