#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.hpp"

namespace zoometer {

/// How much activation memory is in use while a graph runs in its order. Parameters are apart.
///
/// Rules: a tensor lives from the node that makes it to the last one that reads it; the graph's
/// inputs and outputs live to the end, since the caller holds them; views and in-place results live
/// in the memory of their source and keep it alive.
struct Liveness {
  std::int64_t peak_bytes = 0;
  NodeId peak_node = no_id;            ///< the node while which the peak is reached
  std::vector<ValueId> alive_at_peak;  ///< the tensors that own memory then, in order of creation
};

/// The peak; with `timeline`, also the bytes alive while each node runs.
Liveness peak_activations(const Graph& graph, std::vector<std::int64_t>* timeline = nullptr);

/// The value that owns the memory a value lives in.
ValueId storage_of(const Graph& graph, ValueId value);

}  // namespace zoometer
