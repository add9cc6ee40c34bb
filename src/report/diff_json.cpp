#include <fmt/core.h>

#include "report/diff.hpp"
#include "report/html.hpp"
#include "report/shape_text.hpp"
#include "util/json_writer.hpp"
#include "util/to_integer.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

class DiffDocument {
 public:
  DiffDocument(const DiffInput& input, const ReportOptions& options)
      : input_(input),
        depth_(depth_limit(options)),
        before_{input.before.graph, input.before.profile},
        after_{input.after.graph, input.after.profile},
        outputs_before_(input.before.graph),
        outputs_after_(input.after.graph) {}

  std::string write() {
    json_.object([&] {
      json_.field("schema", "zoometer.diff/1");
      json_.object("before", [&] { write_side(input_.before); });
      json_.object("after", [&] { write_side(input_.after); });
      json_.object("totals", [&] { write_totals(); });
      json_.object("counts", [&] { write_counts(); });
      json_.array("modules", [&] { write_modules(); });
      json_.array("operators", [&] { write_operators(); });
    });
    return json_.text();
  }

 private:
  void write_side(const ReportInput& side) {
    json_.field("model", side.model);
    json_.field("source", side.source);
    if (!side.variant.empty()) json_.field("variant", side.variant);
    json_.array("inputs", [&] {
      for (const Port& port : side.graph.inputs()) {
        json_.object([&] {
          json_.field("name", port.name);
          json_.key("shape");
          write_shape(json_, side.graph, port.value);
          json_.field("dtype", name_of(side.graph.dtype(port.value)));
        });
      }
    });
    if (side.notes.empty()) return;
    json_.array("notes", [&] {
      for (const std::string& note : side.notes) json_.value(note);
    });
  }

  void write_number(std::string_view name, MetricUnit unit, long double value) {
    const bool is_integer = unit == MetricUnit::count || unit == MetricUnit::bytes;
    if (is_integer) {
      json_.field(name, to_integer<std::int64_t>(value));
    } else {
      json_.field(name, static_cast<double>(value));
    }
  }

  void write_change(MetricUnit unit, long double before, long double after) {
    write_number("before", unit, before);
    write_number("after", unit, after);
    write_number("change", unit, after - before);
    json_.key("relative");
    if (const auto relative = relative_change(before, after)) {
      json_.value(*relative);
    } else {
      json_.null();
    }
  }

  void write_totals() {
    const Totals before = totals_of(before_.graph, before_.profile);
    const Totals after = totals_of(after_.graph, after_.profile);
    for (const TotalsField& field : totals_fields()) {
      json_.object(field.name,
                   [&] { write_change(field.unit, field.value(before), field.value(after)); });
    }
  }

  void write_counts() {
    const DiffCounts& counts = input_.diff.counts;
    json_.field("same", counts.same);
    json_.field("changed", counts.changed);
    json_.field("added", counts.added);
    json_.field("removed", counts.removed);
    json_.field("renamed", counts.renamed);
    json_.field("moved", counts.moved);
  }

  /// A row's parent by its place in the document: rows below the depth are not in it.
  void write_modules() {
    std::vector<std::int64_t> places(input_.diff.modules.size(), -1);
    std::int64_t count = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const ModuleDiff& module = input_.diff.modules[i];
      if (module.depth > depth_) continue;
      places[i] = count++;
      json_.object([&] {
        json_.field("state", name_of(module.state));
        json_.field("parent", module.parent == no_id ? -1 : places[module.parent]);
        if (module.renamed) json_.field("renamed", true);
        if (module.moved) json_.field("moved", true);
        if (module.before != no_id)
          json_.object("before", [&] { write_module(before_, outputs_before_, module.before); });
        if (module.after != no_id)
          json_.object("after", [&] { write_module(after_, outputs_after_, module.after); });
        if (module.details.empty()) return;
        json_.array("details", [&] { write_details(module.details); });
      });
    }
  }

  void write_module(const DiffSide& side, const CallOutputs& outputs, ModuleId id) {
    json_.field("path", side.graph.module_path(id));
    json_.field("type", side.graph.modules()[id].kind);
    json_.field("calls", side.profile.calls[id]);
    write_metrics(side.profile.modules[id]);
    json_.array("output_shapes", [&] {
      for (const ValueId value : outputs[id]) write_shape(json_, side.graph, value);
    });
  }

  void write_metrics(const Metrics& metrics) {
    json_.field("parameters", metrics.parameters);
    json_.field("buffers", metrics.buffers);
    json_.field("macs", metrics.macs);
    json_.field("flops", metrics.flops);
    json_.field("activations", metrics.activations);
    json_.field("bytes_read", metrics.bytes_read);
    json_.field("bytes_written", metrics.bytes_written);
  }

  void write_details(const std::vector<ModuleDetail>& details) {
    for (const ModuleDetail& detail : details) {
      json_.object([&] {
        json_.field("what", detail.what);
        json_.field("before", detail.before);
        json_.field("after", detail.after);
      });
    }
  }

  void write_operators() {
    for (const OperatorDiff& each : input_.diff.operators) {
      json_.object([&] {
        json_.field("op", each.name);
        const auto side = [&](std::string_view name, std::int64_t count, const Metrics& metrics) {
          json_.object(name, [&] {
            json_.field("count", count);
            json_.field("macs", metrics.macs);
            json_.field("flops", metrics.flops);
          });
        };
        side("before", each.count_before, each.before);
        side("after", each.count_after, each.after);
      });
    }
  }

  const DiffInput& input_;
  int depth_;
  DiffSide before_;
  DiffSide after_;
  CallOutputs outputs_before_;
  CallOutputs outputs_after_;
  JsonWriter json_;
};

}  // namespace

std::string diff_json(const DiffInput& input, const ReportOptions& options) {
  return DiffDocument(input, options).write();
}

std::string diff_html(const DiffInput& input, const ReportOptions& options) {
  return html_page(input.before.model + " → " + input.after.model,
                   fmt::format(R"({{"program":"zoometer {}","diff":{}}})", ZOOMETER_VERSION,
                               diff_json(input, options)));
}

}  // namespace zoometer
