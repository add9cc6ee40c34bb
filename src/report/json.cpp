#include "analysis/element_types.hpp"
#include "report/memory.hpp"
#include "report/report.hpp"
#include "report/shape_text.hpp"
#include "report/training.hpp"
#include "util/json_writer.hpp"

namespace zoometer {
namespace {

class ProfileDocument {
 public:
  ProfileDocument(const ReportInput& input, const ReportOptions& options)
      : input_(input),
        graph_(input.graph),
        profile_(input.profile),
        quantisation_(quantisation_parameters_of(input.graph)),
        depth_(depth_limit(options)) {}

  std::string write() {
    json_.object([&] {
      json_.field("schema", "zoometer.profile/1");
      json_.field("model", input_.model);
      json_.field("source", input_.source);
      if (!input_.variant.empty()) json_.field("variant", input_.variant);
      json_.field("convention", input_.convention == nullptr ? "native" : input_.convention->name);
      if (!input_.notes.empty()) {
        json_.array("notes", [&] {
          for (const std::string& note : input_.notes) json_.value(note);
        });
      }
      json_.array("inputs", [&] { write_ports(graph_.inputs()); });
      json_.array("outputs", [&] { write_ports(graph_.outputs()); });
      json_.object("totals", [&] { write_totals(); });
      json_.array("modules", [&] { write_modules(); });
      json_.array("operators", [&] { write_operators(); });
      json_.array("dtypes", [&] { write_dtypes(); });
      json_.array("element_types", [&] { write_element_types(); });
      if (input_.memory != nullptr)
        json_.object("memory", [&] { write_memory(json_, graph_, *input_.memory); });
      if (input_.training != nullptr)
        json_.object("training", [&] { write_training(json_, graph_, *input_.training); });
      json_.object("coverage", [&] { write_coverage(); });
    });
    return json_.text();
  }

 private:
  bool has_cost() const { return input_.convention != nullptr; }

  void write_ports(std::span<const Port> ports) {
    for (const Port& port : ports) {
      json_.object([&] {
        json_.field("name", port.name);
        json_.key("shape");
        write_shape(json_, graph_, port.value);
        json_.field("dtype", name_of(graph_.dtype(port.value)));
        write_certainty(json_, graph_.value(port.value));
      });
    }
  }

  void write_costs(const Metrics& metrics, bool is_total = false) {
    json_.field("macs", metrics.macs);
    if (is_total || metrics.macs_masked != metrics.macs)
      json_.field("macs_masked", metrics.macs_masked);
    json_.field("flops", metrics.flops);
    json_.field("activations", metrics.activations);
    json_.field("bytes_read", metrics.bytes_read);
    json_.field("bytes_written", metrics.bytes_written);
    if (has_cost()) json_.field("cost", metrics.cost);
    if (metrics.bounded) json_.field("bound", true);
    if (metrics.macs_bounded) json_.field("macs_bound", true);
    if (metrics.assumed) json_.field("assumed", true);
    if (metrics.macs_assumed) json_.field("macs_assumed", true);
  }

  void write_totals() {
    json_.field("parameters", profile_.total.parameters);
    json_.field("buffers", profile_.total.buffers);
    json_.field("quantisation_parameters", quantisation_.empty() ? 0 : quantisation_[0]);
    json_.field("parameter_bytes", profile_.total.parameter_bytes);
    write_costs(profile_.total, true);
    json_.field("peak_activation_bytes", profile_.memory.peak_bytes);
    json_.field("intensity", profile_.total.intensity());
    json_.field("nodes", graph_.nodes().size());
    if (profile_.experts) {
      json_.object("experts", [&] {
        json_.field("least", profile_.experts->least);
        json_.field("expected", profile_.experts->expected);
        json_.field("most", profile_.experts->most);
      });
    }
    if (const auto operations = bit_operations_of(profile_.element_types))
      json_.field("bit_operations", *operations);
  }

  void write_modules() {
    const CallOutputs outputs(graph_);
    for (const ModuleId id : graph_.modules_in_order()) {
      if (depth_ < all_levels && depth_of(graph_, id) > depth_) continue;
      const Metrics& metrics = profile_.modules[id];
      json_.object([&] {
        json_.field("path", graph_.module_path(id));
        json_.field("type", graph_.modules()[id].kind);
        json_.field("calls", profile_.calls[id]);
        json_.field("parameters", metrics.parameters);
        json_.field("buffers", metrics.buffers);
        if (quantisation_[id] > 0) json_.field("quantisation_parameters", quantisation_[id]);
        write_costs(metrics);
        json_.array("output_shapes", [&] {
          for (const ValueId value : outputs[id]) write_shape(json_, graph_, value);
        });
      });
    }
  }

  void write_operators() {
    for (const OperatorMetrics& entry : profile_.operators) {
      json_.object([&] {
        json_.field("op", entry.name);
        json_.field("count", entry.count);
        write_costs(entry.metrics);
      });
    }
  }

  void write_dtypes() {
    for (const DTypeMetrics& entry : profile_.dtypes) {
      json_.object([&] {
        json_.field("dtype", name_of(entry.dtype));
        json_.field("macs", entry.macs);
        json_.field("bytes", entry.bytes);
        json_.field("parameter_bytes", entry.parameter_bytes);
      });
    }
  }

  void write_element_types() {
    for (const ElementTypeMetrics& entry : profile_.element_types) {
      json_.object([&] {
        json_.field("a", entry.a.name);
        json_.field("b", entry.b.name);
        json_.field("macs", entry.macs);
      });
    }
  }

  void write_coverage() {
    json_.field("counted", profile_.coverage.counted);
    json_.field("zero", profile_.coverage.zero);
    json_.array("unknown", [&] {
      for (const CoverageLedger::Unknown& unknown : profile_.coverage.unknown) {
        json_.object([&] {
          json_.field("op", unknown.name);
          json_.field("count", unknown.count);
        });
      }
    });
  }

  const ReportInput& input_;
  const Graph& graph_;
  const Profile& profile_;
  std::vector<std::int64_t> quantisation_;  // by module
  int depth_;
  JsonWriter json_;
};

std::string write_json(const ReportInput& input, const ReportOptions& options) {
  return ProfileDocument(input, options).write();
}

}  // namespace

extern constinit const Report json_report = {"json", "one document, schema zoometer.profile/1",
                                             write_json};

}  // namespace zoometer
