#include "analysis/memory.hpp"

#include "analysis/workspace.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

std::int64_t parameter_bytes_of(const Graph& graph) {
  std::int64_t bytes = 0;
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.shared_with == no_id) bytes = checked_add(bytes, graph.bytes(parameter.value));
  }
  return bytes;
}

}  // namespace

MemoryProfile profile_memory(const Graph& graph) {
  MemoryProfile result;
  result.parameter_bytes = parameter_bytes_of(graph);
  result.activations = activations_of(graph);
  result.held = activations_of(graph, Holder::callers);
  result.total_bytes = checked_add(result.parameter_bytes, result.activations.peak_bytes);
  result.total_node = result.activations.peak_node;
  std::int64_t most_workspace = 0;
  for (NodeId node = 0; node < graph.nodes().size(); ++node) {
    const std::int64_t workspace = workspace_bytes(graph.view(node));
    result.workspace.push_back(workspace);
    if (workspace > most_workspace) {
      most_workspace = workspace;
      result.workspace_node = node;
    }
    const std::int64_t total = checked_add(checked_add(result.parameter_bytes, workspace),
                                           result.activations.timeline[node]);
    if (total > result.total_bytes) {
      result.total_bytes = total;
      result.total_node = node;
    }
  }
  return result;
}

}  // namespace zoometer
