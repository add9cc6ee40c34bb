#include <fmt/core.h>

#include <algorithm>

#include "report/graph_writer.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

/// A line per node: output, module, operator, operands, shape and attributes.
class TextGraph : TextLines {
 public:
  explicit TextGraph(const GraphInput& input) : input_(input), graph_(input.graph) {}

  std::string write() {
    trimmed_line("{}  ({})", escape_controls(input_.model),
                 escape_controls(input_.variant.empty() ? input_.source
                                                        : input_.source + ", " + input_.variant));
    trimmed_line("{} nodes, {} parameters and buffers, {} modules", graph_.nodes().size(),
                 graph_.parameters().size(), graph_.modules().size());
    write_ports("input", graph_.inputs());
    write_ports("output", graph_.outputs());
    for (const std::string& note : input_.notes) trimmed_line("note    {}", escape_controls(note));
    text_ += '\n';
    write_nodes();
    return std::move(text_);
  }

 private:
  void write_ports(std::string_view title, std::span<const Port> ports) {
    for (const Port& port : ports) {
      trimmed_line("{:<7} {} = {}  {}", title, escape_controls(port.name),
                   name_of_value(port.value), type_of(port.value));
    }
  }

  void write_nodes() {
    std::size_t value_width = 0;
    std::size_t module_width = 0;
    for (const Node& node : graph_.nodes()) {
      value_width = std::max(value_width, outputs_of(node).size());
      module_width = std::max(module_width, display_width(module_of(node)));
    }
    value_width = std::min<std::size_t>(value_width, 16);
    module_width = std::min<std::size_t>(module_width, 48);
    for (const Node& node : graph_.nodes()) {
      const std::string attributes = to_string(*node.op, node.attrs);
      trimmed_line("{}  {}  {}{} -> {}{}{}", pad_right(outputs_of(node), value_width),
                   pad_right(module_of(node), module_width),
                   escape_controls(operator_name({graph_, node})), inputs_of(node), types_of(node),
                   attributes.empty() ? "" : "  ", escape_controls(attributes));
    }
  }

  std::string module_of(const Node& node) const {
    return node.module == 0 ? "." : escape_controls(graph_.module_path(node.module));
  }

  /// "%12", "%12.1" for further outputs, and names for inputs and parameters.
  std::string name_of_value(ValueId id) const {
    if (id == no_id) return "-";
    const Value& value = graph_.value(id);
    if (value.has(Value::is_input)) return escape_controls(graph_.inputs()[value.producer].name);
    if (value.has(Value::is_parameter)) {
      return escape_controls(graph_.parameter_path(graph_.parameters()[value.producer]));
    }
    const std::string name = "%" + std::to_string(value.producer);
    return value.output_index == 0 ? name : name + "." + std::to_string(value.output_index);
  }

  std::string type_of(ValueId id) const {
    const Value& value = graph_.value(id);
    const UnknownSizes unknown = graph_.unknown_sizes(id);
    const std::string shape = unknown != 0 ? shape_text(graph_, id) : to_string(graph_.shape(id));
    return fmt::format("{} {}{}", name_of(value.dtype), value.has(Value::bounded) ? "≤ " : "",
                       shape);
  }

  std::string inputs_of(const Node& node) const {
    std::string text = "(";
    for (const ValueId id : graph_.inputs_of(node)) {
      if (text.size() > 1) text += ", ";
      text += name_of_value(id);
    }
    return text + ')';
  }

  std::string outputs_of(const Node& node) const {
    if (node.output_count == 0) return "-";
    const std::string first = name_of_value(node.first_output);
    return node.output_count > 1 ? fmt::format("{}..{}", first, node.output_count - 1) : first;
  }

  std::string types_of(const Node& node) const {
    std::string text;
    for (ValueId i = 0; i < node.output_count; ++i) {
      if (i > 0) text += ", ";
      text += type_of(node.first_output + i);
    }
    return text;
  }

  const GraphInput& input_;
  const Graph& graph_;
};

std::string write_text(const GraphInput& input, const GraphOptions&) {
  return TextGraph(input).write();
}

}  // namespace

extern constinit const GraphWriter text_graph_writer = {
    "text", "a line per node: module, operator, operands, shape and attributes", write_text};

}  // namespace zoometer
