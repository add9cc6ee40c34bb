#include "api/network.hpp"
#include "report/graph_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/analysis.hpp"

namespace zoometer {
namespace {

std::string writer_names() {
  std::string names;
  for (const GraphWriter* each : graph_writers())
    names.append(names.empty() ? "" : ", ").append(each->name);
  return names;
}

const GraphWriter& writer_of(std::string_view format) {
  if (const GraphWriter* writer = find_graph_writer(format)) return *writer;
  throw Error(ErrorCode::unknown_name, "no such graph format",
              {writer_names(), std::string(format)});
}

void check_options(const GraphWriter& writer, const GraphOptions& options) {
  const auto refuse = [&](const char* option) {
    throw Error(ErrorCode::usage, std::string("the option ") + option + " has no effect on " +
                                      std::string(writer.name));
  };
  if (options.depth && !writer.has_depth) refuse("depth");
  if (options.weights != WeightData::omitted && !writer.has_weights) refuse("weights");
}

/// The format that a file's name ends in.
std::string_view format_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::string_view ending =
      dot == std::string::npos ? std::string_view() : std::string_view(path).substr(dot + 1);
  if (ending == "txt") return "text";
  if (ending != "text" && find_graph_writer(ending) != nullptr) return ending;
  throw Error(
      ErrorCode::usage, "cannot choose a graph format by the file's name",
      {"an ending like .onnx, .json, .dot, .svg, .png, .pdf or .txt", escape_controls(path)});
}

}  // namespace

std::string fvcore_table(const Network& network, int max_depth) {
  return write_report(network, "table", "fvcore", {.depth = max_depth});
}

std::string write_graph(const Network& network, std::string_view format,
                        const GraphOptions& options) {
  const GraphWriter& writer = writer_of(format);
  check_options(writer, options);
  return writer.write({network.graph(), network.name(), network.source(), network.variant(),
                       network.notes(), network.state()->file},
                      options);
}

void save_graph(const Network& network, const std::string& path, const GraphOptions& options) {
  write_output(path, write_graph(network, format_of(path), options));
}

}  // namespace zoometer
