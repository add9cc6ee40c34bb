#pragma once

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// A handle to a value of a graph under construction. The operators of src/op take and return it.
/// An empty handle stands for an absent optional input.
struct Tensor {
  Graph* graph = nullptr;  ///< the graph that is built
  ValueId id = no_id;      ///< the value there

  /// False for an empty handle.
  explicit operator bool() const noexcept { return id != no_id; }
  /// The size of each dimension.
  const Shape& shape() const noexcept { return graph->shape(id); }
  /// How many dimensions there are.
  std::int64_t rank() const noexcept { return shape().rank(); }
  /// The size of a dimension; negative ones count from the end.
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

/// Appends a node that has no inputs, a constant, and returns its output.
template <class Attrs>
Tensor apply_constant(Graph& graph, const OpDef& op, const Attrs& attrs) {
  const NodeId node = graph.append(op, attrs, {});
  return {&graph, graph.nodes()[node].first_output};
}

/// The n-th output of the node that made `first`.
inline Tensor sibling_output(Tensor first, std::size_t index) {
  return {first.graph, first.id + static_cast<ValueId>(index)};
}

}  // namespace zoometer
