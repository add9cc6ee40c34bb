#include "report/report.hpp"

namespace zoometer {

const Report* find_report(std::string_view name) noexcept {
  for (const Report* report : reports()) {
    if (report->name == name) return report;
  }
  return nullptr;
}

int depth_of(const Graph& graph, ModuleId module) noexcept {
  int depth = 0;
  for (ModuleId at = graph.modules()[module].parent; at != no_id; at = graph.modules()[at].parent)
    ++depth;
  return depth;
}

std::vector<std::vector<ValueId>> call_outputs(const Graph& graph) {
  std::vector<std::vector<ValueId>> outputs(graph.modules().size());
  for (const ModuleCall& call : graph.calls()) {
    const auto values = graph.outputs_of(call);
    outputs[call.module].insert(outputs[call.module].end(), values.begin(), values.end());
  }
  return outputs;
}

}  // namespace zoometer
