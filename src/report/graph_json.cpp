#include "analysis/profile.hpp"
#include "report/graph_writer.hpp"
#include "report/shape_text.hpp"
#include "util/json_writer.hpp"

namespace zoometer {
namespace {

/// Writes attributes as the fields of a JSON object.
class JsonAttributes : public AttrVisitor {
 public:
  explicit JsonAttributes(JsonWriter& json) : json_(json) {}
  void visit(std::string_view name, std::int64_t value) override { json_.field(name, value); }
  void visit(std::string_view name, double value) override { json_.field(name, value); }
  void visit(std::string_view name, bool value) override { json_.field(name, value); }
  void visit(std::string_view name, std::span<const std::int64_t> value) override {
    json_.field(name, value);
  }
  void visit(std::string_view name, std::span<const double> value) override {
    json_.array(name, [&] {
      for (const double number : value) json_.value(number);
    });
  }
  void visit(std::string_view name, std::string_view value) override { json_.field(name, value); }
  void visit(std::string_view name, DType value) override { json_.field(name, name_of(value)); }

 private:
  JsonWriter& json_;
};

std::string_view name_of_kind(ParameterKind kind) {
  switch (kind) {
  case ParameterKind::parameter: return "parameter";
  case ParameterKind::buffer: return "buffer";
  case ParameterKind::transient_buffer: return "transient_buffer";
  case ParameterKind::quantisation: return "quantisation";
  case ParameterKind::constant: return "constant";
  }
  return "parameter";
}

/// The whole graph: modules, parameters, values and nodes in lists that refer to each other by
/// position.
class GraphDocument {
 public:
  explicit GraphDocument(const GraphInput& input) : input_(input), graph_(input.graph) {}

  std::string write() {
    json_.object([&] {
      json_.field("schema", "zoometer.graph/1");
      json_.field("model", input_.model);
      json_.field("source", input_.source);
      if (!input_.variant.empty()) json_.field("variant", input_.variant);
      if (!input_.notes.empty()) {
        json_.array("notes", [&] {
          for (const std::string& note : input_.notes) json_.value(note);
        });
      }
      json_.array("inputs", [&] { write_ports(graph_.inputs()); });
      json_.array("outputs", [&] { write_ports(graph_.outputs()); });
      json_.array("modules", [&] { write_modules(); });
      json_.array("calls", [&] { write_calls(); });
      json_.array("parameters", [&] { write_parameters(); });
      json_.array("values", [&] { write_values(); });
      json_.array("nodes", [&] { write_nodes(); });
    });
    return json_.text();
  }

 private:
  void write_ports(std::span<const Port> ports) {
    for (const Port& port : ports) {
      json_.object([&] {
        json_.field("name", port.name);
        json_.field("value", port.value);
      });
    }
  }

  void write_modules() {
    for (std::size_t i = 0; i < graph_.modules().size(); ++i) {
      json_.object([&] {
        const ModuleInfo& module = graph_.modules()[i];
        json_.field("path", graph_.module_path(static_cast<ModuleId>(i)));
        json_.field("type", module.kind);
        json_.key("parent");
        write_id(module.parent);
      });
    }
  }

  void write_calls() {
    for (const ModuleCall& call : graph_.calls()) {
      json_.object([&] {
        json_.field("module", call.module);
        json_.field("first_node", call.first_node);
        json_.field("end_node", call.end_node);
        if (call.times != 1) json_.field("times", call.times);
        json_.array("outputs", [&] {
          for (const ValueId value : graph_.outputs_of(call)) write_id(value);
        });
      });
    }
  }

  void write_parameters() {
    for (const Parameter& parameter : graph_.parameters()) {
      json_.object([&] {
        json_.field("name", graph_.parameter_path(parameter));
        json_.field("module", parameter.module);
        json_.field("kind", name_of_kind(parameter.kind));
        json_.field("value", parameter.value);
        if (parameter.shared_with != no_id) json_.field("shared_with", parameter.shared_with);
      });
    }
  }

  void write_values() {
    for (std::size_t i = 0; i < graph_.values().size(); ++i) {
      json_.object([&] {
        const Value& value = graph_.values()[i];
        json_.key("shape");
        write_shape(json_, graph_, static_cast<ValueId>(i));
        json_.field("dtype", name_of(value.dtype));
        write_certainty(json_, value);
        if (value.has(Value::shares)) json_.field("shares", true);
      });
    }
  }

  void write_nodes() {
    NodeCounter counter(graph_);
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const Node& node = graph_.nodes()[i];
      const NodeView view(graph_, node);
      const Metrics metrics = counter.metrics_of(view);
      json_.object([&] {
        json_.field("op", operator_name(view));
        const std::string_view name = graph_.node_name(static_cast<NodeId>(i));
        if (!name.empty()) json_.field("name", name);
        json_.field("module", node.module);
        json_.array("inputs", [&] {
          for (const ValueId value : graph_.inputs_of(node)) write_id(value);
        });
        json_.array("outputs", [&] {
          for (std::size_t k = 0; k < node.output_count; ++k) json_.value(view.output(k));
        });
        json_.object("attributes", [&] {
          JsonAttributes attributes(json_);
          if (node.attrs != nullptr) node.op->attrs.visit(node.attrs, attributes);
        });
        const NodeRuns runs = graph_.runs_of(node);
        if (runs.times != 1) json_.field("times", runs.times);
        json_.field("macs", metrics.macs);
        json_.field("flops", metrics.flops);
      });
    }
  }

  void write_id(std::uint32_t id) {
    if (id == no_id) {
      json_.null();
    } else {
      json_.value(id);
    }
  }

  const GraphInput& input_;
  const Graph& graph_;
  JsonWriter json_;
};

std::string write_json(const GraphInput& input, const GraphOptions&) {
  return GraphDocument(input).write();
}

}  // namespace

extern constinit const GraphWriter json_graph_writer = {
    "json", "the whole graph, schema zoometer.graph/1", write_json};

}  // namespace zoometer
