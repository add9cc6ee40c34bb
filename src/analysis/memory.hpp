#pragma once

#include <cstdint>
#include <vector>

#include "analysis/liveness.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The memory that inference needs: weights, activations and workspace, separately and together.
struct MemoryProfile {
  std::int64_t parameter_bytes = 0;     ///< parameters and buffers, shared ones once
  Liveness activations;                 ///< the minimum: nothing is held after its last reader
  Liveness held;                        ///< with callers holding their arguments
  std::vector<std::int64_t> workspace;  ///< bytes that each node needs beside its tensors
  NodeId workspace_node = no_id;        ///< the first node with the most; no_id: none needs any
  std::int64_t total_bytes = 0;         ///< the most that all three take at one time
  NodeId total_node = no_id;            ///< the first node with that; no_id: before any
};

/// Throws Error{overflow} if a sum exceeds 63 bits.
MemoryProfile profile_memory(const Graph& graph);

}  // namespace zoometer
