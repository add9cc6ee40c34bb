#include "import/torch/decompositions.hpp"

#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {

Tensor identity_matrix(Graph& graph, const Shape& sizes, std::int64_t diagonal, DType dtype) {
  const Tensor ones = full(graph, sizes, 1, dtype);
  const Tensor lower = apply(tril_op, TriangleAttrs{diagonal}, ones);
  return apply(triu_op, TriangleAttrs{diagonal}, lower);
}

Tensor one_hot(Tensor indices, std::int64_t axis, std::int64_t depth) {
  Ints sizes = Ints::filled(static_cast<std::size_t>(indices.rank() + 1), 1);
  sizes[static_cast<std::size_t>(axis)] = depth;
  const Tensor positions =
      arange(*indices.graph, 0, static_cast<double>(depth), 1, indices.dtype());
  return binary(eq_op, unsqueeze(indices, axis), reshape(positions, sizes));
}

Tensor shrink(Tensor x, double limit, double bias) {
  const Tensor zero = full(*x.graph, {}, 0, x.dtype());
  const Tensor above = where(binary(gt_op, x, limit), x - bias, zero);
  return where(binary(lt_op, x, -limit), x + bias, above);
}

Tensor affine_grid(Tensor theta, std::span<const std::int64_t> size) {
  const std::int64_t dimensions = theta.dim(1);
  std::int64_t elements = 1;
  Ints sizes{theta.dim(0)};
  for (const std::int64_t length : size.subspan(2)) {
    elements = checked_mul(elements, length);
    sizes.push_back(length);
  }
  sizes.push_back(dimensions);
  const Tensor places = full(*theta.graph, {elements, dimensions + 1}, 1, theta.dtype());
  return reshape(matmul(places, transpose(theta, 1, 2)), sizes);
}

Selection unique(Tensor x, std::int64_t axis) {
  const Selection sorted = sort(x, axis);
  x.graph->mark_bounded(sorted.values.id);
  x.graph->mark_bounded(sorted.indices.id);
  return sorted;
}

Tensor reduced(Tensor loss, Reduction reduction) {
  switch (reduction) {
  case Reduction::none: return loss;
  case Reduction::mean: return mean(loss, {});
  case Reduction::sum: return sum(loss, {});
  }
  return loss;
}

Tensor negative_likelihood(Tensor x, Tensor target, Tensor weights,
                           const LikelihoodOptions& options) {
  const std::int64_t classes = x.rank() == 1 ? 0 : 1;
  const Tensor chosen = squeeze(gather(x, classes, unsqueeze(target, classes)), classes);
  Tensor loss = unary(neg_op, chosen);
  Tensor factors{x.graph, no_id};
  if (weights) factors = index(weights, target);
  if (options.ignored) {
    const Tensor counts =
        to(binary(ne_op, target, static_cast<double>(*options.ignored)), x.dtype());
    factors = factors ? factors * counts : counts;
  }
  if (factors) loss = loss * factors;
  if (!factors || options.reduction != Reduction::mean) return reduced(loss, options.reduction);
  return sum(loss, {}) / sum(factors, {});
}

std::int64_t flops_from(const Graph& graph, std::size_t first) {
  std::int64_t total = 0;
  for (std::size_t i = first; i < graph.nodes().size(); ++i) {
    const NodeView node(graph, graph.nodes()[i]);
    const Cost cost = cost_of(node);
    const std::int64_t flops = checked_add(checked_mul(2, cost.macs), cost.other);
    total = checked_add(total, checked_mul(flops, graph.runs_of(node.node()).times));
  }
  return total;
}

}  // namespace zoometer
