#pragma once

#include <cstdint>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Who keeps a tensor after its last reader.
enum class Holder : std::uint8_t {
  nobody,   ///< its memory is freed after its last reader: the minimum for this order
  callers,  ///< each module call that reads it, until the call returns: eager PyTorch, where the
            ///< caller's frame holds the arguments
  outputs,  ///< of the graph alone: its inputs are freed after their last reader, too
};

/// When a tensor takes memory, in nodes, both included.
struct Lifetime {
  ValueId value = 0;     ///< the tensor that owns the memory
  NodeId first = no_id;  ///< the node that makes it; no_id: an input of the graph
  NodeId last = no_id;   ///< the last node that needs it; no_id: the caller holds it to the end

  bool covers(NodeId node) const noexcept {
    return (first == no_id || first <= node) && (last == no_id || last >= node);
  }
};

/// The lifetimes of all activations that own memory, in order of creation. Parameters are not among
/// them.
///
/// Rules: a tensor lives from the node that makes it to the last one that reads it; the graph's
/// inputs and outputs live to the end, since the caller holds them; views and in-place results live
/// in the memory of their source and keep it alive. See docs/memory.md.
std::vector<Lifetime> lifetimes_of(const Graph& graph, Holder holder = Holder::nobody);

/// How much activation memory is in use while a graph runs in its order.
struct Liveness {
  std::int64_t peak_bytes = 0;
  NodeId peak_node = no_id;             ///< the first node with the peak; no_id: before any
  std::vector<Lifetime> alive_at_peak;  ///< in order of creation
  std::vector<std::int64_t> timeline;   ///< bytes alive while each node runs
};

/// Throws Error{overflow} if a sum exceeds 63 bits.
Liveness activations_of(const Graph& graph, Holder holder = Holder::nobody);

}  // namespace zoometer
