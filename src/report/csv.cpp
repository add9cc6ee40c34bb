#include <fmt/format.h>

#include <iterator>

#include "report/report.hpp"

namespace zoometer {
namespace {

/// Quoted where RFC 4180 asks for it.
std::string quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string write_csv(const ReportInput& input, const ReportOptions& options) {
  const Graph& graph = input.graph;
  const bool has_cost = input.convention != nullptr;
  const auto outputs = call_outputs(graph);
  std::string text = "path,type,calls,parameters,buffers,macs,flops,activations,bytes_read,bytes_"
                     "written,bound,output_shapes";
  text += has_cost ? ",cost\n" : "\n";
  for (const ModuleId id : graph.modules_in_order()) {
    if (options.depth && depth_of(graph, id) > *options.depth) continue;
    const Figures& f = input.profile.modules[id];
    std::string shapes;
    for (const ValueId value : outputs[id]) {
      if (!shapes.empty()) shapes += ' ';
      shapes += to_short_string(graph.shape(value));
    }
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{},{},{},{}",
                   quoted(graph.module_path(id)), quoted(graph.modules()[id].kind),
                   input.profile.calls[id], f.parameters, f.buffers, f.macs, f.flops, f.activations,
                   f.bytes_read, f.bytes_written, f.bounded ? 1 : 0, quoted(shapes));
    if (has_cost) fmt::format_to(std::back_inserter(text), ",{}", f.cost);
    text += '\n';
  }
  return text;
}

}  // namespace

extern constinit const Report csv_report = {"csv", "a line per module, RFC 4180", write_csv};

}  // namespace zoometer
