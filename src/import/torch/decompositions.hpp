#pragma once

#include <optional>
#include <string_view>

#include "zoometer/op/reduce.hpp"

// What operators of several formats are made of: those that src/op has no definition for.

namespace zoometer {

/// The identity matrix, ones on another diagonal, or a rectangular one.
Tensor identity_matrix(Graph& graph, const Shape& sizes, std::int64_t diagonal, DType dtype);

/// Whether each index is the position along a new axis of that depth.
Tensor one_hot(Tensor indices, std::int64_t axis, std::int64_t depth);

/// x - bias above the limit, x + bias below its negative, 0 between them.
Tensor shrink(Tensor x, double limit, double bias);

/// Where each element of an output of `size` (batch, channels, sizes...) lies in the input, by an
/// affine map theta (batch, d, d + 1) of d = 2 or 3 dimensions -> (batch, sizes..., d). Whoever
/// calls has checked these shapes.
Tensor affine_grid(Tensor theta, std::span<const std::int64_t> size);

/// The different elements along an axis, sorted, at most all of them, and where each stood first.
Selection unique(Tensor x, std::int64_t axis);

enum class Reduction : std::uint8_t { none, mean, sum };
/// The loss of each element as it is, their mean or their sum.
Tensor reduced(Tensor loss, Reduction reduction);

struct LikelihoodOptions {
  std::optional<std::int64_t> ignored;  ///< a class that does not count
  Reduction reduction = Reduction::mean;
};
/// The negated elements of `x` (N, C, ...), or (C,), at the classes `target` (N, ...), or (),
/// weighted by class where there are weights (C,). Whoever calls has checked these ranks.
Tensor negative_likelihood(Tensor x, Tensor target, Tensor weights,
                           const LikelihoodOptions& options);

/// The FLOPs of the nodes from this one on.
std::int64_t flops_from(const Graph& graph, std::size_t first);

}  // namespace zoometer
