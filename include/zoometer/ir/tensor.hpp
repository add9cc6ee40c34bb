#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// A handle to a value of a graph under construction. The functions in `op/` take and return it.
/// An empty handle stands for an absent optional input.
struct Tensor {
  Graph* graph = nullptr;  ///< the graph that is built
  ValueId id = no_id;      ///< the value in `graph`

  /// Whether the handle is not empty.
  explicit operator bool() const noexcept { return id != no_id; }
  /// The size of each dimension.
  const Shape& shape() const noexcept { return graph->shape(id); }
  /// The number of dimensions.
  std::int64_t rank() const noexcept { return shape().rank(); }
  /// The size of a dimension; negative indices count from the end.
  std::int64_t dim(std::int64_t index) const noexcept { return shape().dim(index); }
  /// The type of the elements.
  DType dtype() const noexcept { return graph->value(id).dtype; }
};

/// Appends a node to the graph of its first input and returns its first output.
template <class Attrs, class... Rest>
Tensor apply(const OpDef& op, const Attrs& attrs, Tensor first, Rest... rest) {
  const ValueId inputs[] = {first.id, rest.id...};
  Graph& graph = *first.graph;
  const NodeId node = graph.append(op, attrs, inputs);
  return {&graph, graph.nodes()[node].first_output};
}

/// Appends a node without inputs (a constant) and returns its output.
template <class Attrs>
Tensor apply_constant(Graph& graph, const OpDef& op, const Attrs& attrs) {
  const NodeId node = graph.append(op, attrs, {});
  return {&graph, graph.nodes()[node].first_output};
}

/// Another output of the node whose first output is `first`.
inline Tensor sibling_output(Tensor first, std::size_t index) {
  return {first.graph, first.id + static_cast<ValueId>(index)};
}

}  // namespace zoometer
