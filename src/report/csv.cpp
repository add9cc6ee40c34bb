#include <fmt/core.h>

#include <iterator>

#include "analysis/element_types.hpp"
#include "report/report.hpp"
#include "report/shape_text.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

std::string write_csv(const ReportInput& input, const ReportOptions& options) {
  const Graph& graph = input.graph;
  const bool has_cost = input.convention != nullptr;
  const CallOutputs outputs(graph);
  const std::vector<std::int64_t> quantisation = quantisation_parameters_of(graph);
  std::string text = "path,type,calls,parameters,buffers,macs,flops,activations,bytes_read,bytes_"
                     "written,bound,output_shapes";
  text += has_cost ? ",cost" : "";
  text += ",macs_masked,quantisation_parameters\n";
  const int deepest = depth_limit(options);
  for (const ModuleId id : graph.modules_in_order()) {
    if (deepest < all_levels && depth_of(graph, id) > deepest) continue;
    const Metrics& f = input.profile.modules[id];
    std::string shapes;
    for (const ValueId value : outputs[id]) {
      if (!shapes.empty()) shapes += ' ';
      shapes += shape_text(graph, value);
    }
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{},{},{},{}",
                   csv_field(graph.module_path(id)), csv_field(graph.modules()[id].kind),
                   input.profile.calls[id], f.parameters, f.buffers, f.macs, f.flops, f.activations,
                   f.bytes_read, f.bytes_written, f.bounded ? 1 : 0, csv_field(shapes));
    if (has_cost) fmt::format_to(std::back_inserter(text), ",{}", f.cost);
    fmt::format_to(std::back_inserter(text), ",{},{}\n", f.macs_masked, quantisation[id]);
  }
  return text;
}

}  // namespace

extern constinit const Report csv_report = {"csv", "a line per module, RFC 4180", write_csv};

}  // namespace zoometer
