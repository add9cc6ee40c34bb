#include "analysis/gradient_flow.hpp"

namespace zoometer {
namespace {

/// Whether the gradient of a value may flow on.
bool is_open(const Graph& graph, ValueId value) {
  return is_floating(graph.value(value).dtype) && !graph.value(value).has(Value::detached);
}

/// The values that depend on a trained parameter.
std::vector<bool> trained_values(const Graph& graph) {
  std::vector<bool> trained(graph.values().size(), false);
  for (const Parameter& parameter : graph.parameters()) {
    trained[parameter.value] =
        parameter.kind == ParameterKind::parameter && is_open(graph, parameter.value);
  }
  for (const Node& node : graph.nodes()) {
    bool any = false;
    for (const ValueId input : graph.inputs_of(node))
      any = any || (input != no_id && trained[input]);
    if (!any) continue;
    for (ValueId output = node.first_output; output < node.first_output + node.output_count;
         ++output)
      trained[output] = is_open(graph, output);
  }
  return trained;
}

}  // namespace

std::vector<bool> gradients_of(const Graph& graph) {
  const std::vector<bool> trained = trained_values(graph);
  std::vector<bool> wanted(trained.size(), false);
  for (const Port& output : graph.outputs()) wanted[output.value] = trained[output.value];
  const auto nodes = graph.nodes();
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const Node& node = nodes[i];
    bool any = false;
    for (ValueId output = node.first_output; output < node.first_output + node.output_count;
         ++output)
      any = any || wanted[output];
    if (!any) continue;
    for (const ValueId input : graph.inputs_of(node)) {
      if (input != no_id && trained[input]) wanted[input] = true;
    }
  }
  return wanted;
}

}  // namespace zoometer
