#include "analysis/workspace.hpp"

#include "zoometer/ir/graph.hpp"

namespace zoometer {

std::int64_t workspace_bytes(const NodeView& node) {
  const Memory memory = node.op().memory;
  if (memory.workspace == nullptr) return 0;
  return bytes_of(memory.workspace(node), node.graph().dtype(node.input(0)));
}

}  // namespace zoometer
