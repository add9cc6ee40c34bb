#include "ir/verify.hpp"

#include <string>

namespace zoometer {
namespace {

[[noreturn]] void broken(const std::string& rule, const std::string& got) {
  throw Error(ErrorCode::internal, "invalid graph", {rule, got});
}

void check_modules(const Graph& graph) {
  const auto modules = graph.modules();
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const ModuleId parent = modules[i].parent;
    const bool is_root = i == 0 && parent == no_id;
    if (!is_root && parent >= i) {
      broken("parents before their modules",
             "module " + std::to_string(i) + " under " + std::to_string(parent));
    }
  }
}

void check_parameters(const Graph& graph) {
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.module >= graph.modules().size() || parameter.value >= graph.values().size()) {
      broken("parameters of existing modules and values", std::string(parameter.name));
    }
  }
}

void check_ports(const Graph& graph, std::span<const Port> ports) {
  for (const Port& port : ports) {
    if (port.value >= graph.values().size())
      broken("inputs and outputs that exist", std::string(port.name));
  }
}

void check_nodes(const Graph& graph) {
  ValueId next_output = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const std::string_view name = node.op->name;
    if (node.module >= graph.modules().size())
      broken("nodes in existing modules", std::string(name));
    if (node.first_output < next_output) broken("outputs in node order", std::string(name));
    next_output = node.first_output + node.output_count;
    if (next_output > graph.values().size()) broken("outputs that exist", std::string(name));
    for (const ValueId input : graph.inputs_of(node)) {
      if (input != no_id && input >= node.first_output)
        broken("inputs made before their use", std::string(name));
    }
    for (std::size_t k = 0; k < node.output_count; ++k) {
      const Value& value = graph.value(node.first_output + static_cast<ValueId>(k));
      if (value.producer != i || value.output_index != k)
        broken("outputs that refer to their node", std::string(name));
    }
  }
}

void check_calls(const Graph& graph) {
  for (const ModuleCall& call : graph.calls()) {
    if (call.module >= graph.modules().size() || call.end_node > graph.nodes().size() ||
        call.first_node > call.end_node) {
      broken("complete calls of existing modules", graph.module_path(call.module));
    }
  }
}

}  // namespace

void verify(const Graph& graph) {
  check_modules(graph);
  check_parameters(graph);
  check_ports(graph, graph.inputs());
  check_ports(graph, graph.outputs());
  check_nodes(graph);
  check_calls(graph);
}

}  // namespace zoometer
