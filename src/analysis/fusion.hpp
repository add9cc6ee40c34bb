#pragma once

#include <string>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Nodes that run as one kernel: what they pass to each other stays on the chip.
struct FusedGroup {
  std::vector<NodeId> nodes;  ///< in order; the first one is what the others join
  std::string name;           ///< "conv2d + batch_norm + relu", "attention"
};

/// Every node in one group, in order of their last nodes. `fuse` false: each node alone.
///
/// Rules (docs/roofline.md): two products with a softmax between them are attention; an operator
/// that works element by element joins the product, the normalisation or the elementwise operator
/// that made its input, if nothing else reads that input and the sizes are the same; `dequantize`
/// joins the product that reads its result; concatenations of the same pieces are one copy.
std::vector<FusedGroup> fused_groups(const Graph& graph, bool fuse);

}  // namespace zoometer
