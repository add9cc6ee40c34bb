// An ONNX file written again (`graph FILE --format onnx`) consists of its own nodes: every operator
// is written as itself, whatever the graph makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "import/onnx/model.hpp"
#include "onnx_files.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {
namespace {

namespace onnx = test::onnx;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OnnxCopies : public ::testing::Test {
 protected:
  OnnxCopies() {
    std::string pattern = ::testing::TempDir() + "zoometer_copy_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~OnnxCopies() override { std::filesystem::remove_all(folder_); }

  void store(const onnx::GraphParts& parts, int opset = 17) {
    std::ofstream(path(), std::ios::binary) << onnx::model({onnx::graph(parts), opset});
  }
  std::string path() const { return (folder_ / "model.onnx").string(); }

  /// Reads the file and writes it again.
  std::string copy(const TraceOptions& options = {}, const GraphOptions& written = {}) {
    const ImportNotes notes = import_file(path(), options, graph_);
    return find_graph_writer("onnx")->write({graph_, "model", "ONNX", "", {}, notes.file}, written);
  }

  /// The copy as it is read, with the same totals and state dict as the file.
  void expect_same(const std::string& copied) {
    Graph again;
    import_file(MappedFile("copy.onnx", std::as_bytes(std::span(copied))), {}, again);
    EXPECT_EQ(lines_of(again), lines_of(graph_));
    const Metrics before = profile(graph_).total;
    const Metrics after = profile(again).total;
    EXPECT_EQ(after.macs, before.macs);
    EXPECT_EQ(after.flops, before.flops);
    EXPECT_EQ(after.parameters, before.parameters);
    EXPECT_EQ(after.buffers, before.buffers);
  }

  /// The tensors of modules and the operators.
  static std::vector<std::string> lines_of(const Graph& graph) {
    std::vector<std::string> lines;
    for (const ParameterId id : graph.parameters_in_order()) {
      const Parameter& parameter = graph.parameters()[id];
      lines.push_back(graph.parameter_path(parameter) + to_string(graph.shape(parameter.value)));
    }
    for (const Node& node : graph.nodes()) lines.emplace_back(node.op->name);
    return lines;
  }

  std::filesystem::path folder_;
  Graph graph_;
};

struct Written {
  std::vector<std::string> nodes;  ///< "domain::type", or "type" of the standard domain
  std::vector<std::string> inputs, initializers;
  std::vector<std::string> value_infos;  ///< "name shape"
  std::int64_t opset = 0;
};

Written parse(const std::string& file) {
  const OnnxRecords records(file);
  const OnnxModel model = records.model();
  const OnnxGraph graph = records.graph(model.graph);
  Written written;
  OnnxNode node;
  for (const std::string_view message : graph.nodes) {
    records.node(message, node);
    const std::string prefix = node.domain.empty() ? "" : std::string(node.domain) + "::";
    written.nodes.push_back(prefix + std::string(node.op_type));
  }
  for (const OnnxValueInfo& input : graph.inputs) written.inputs.emplace_back(input.name);
  for (const OnnxInitializer& each : graph.initializers)
    written.initializers.emplace_back(records.tensor(each).name);
  for (const std::string_view message : graph.value_infos) {
    const OnnxValueInfo info = records.value_info(message);
    const OnnxType type = records.type(info.type);
    Shape shape;
    for (std::size_t i = 0; i < type.rank; ++i) shape.push_back(type.dimensions[i].value);
    written.value_infos.push_back(std::string(info.name) + " " + to_string(shape));
  }
  for (const auto& [domain, version] : model.opsets) {
    if (domain.empty()) written.opset = version;
  }
  return written;
}

std::vector<std::string> of_float(std::initializer_list<const char*> names,
                                  std::vector<onnx::Dim> dims) {
  std::vector<std::string> infos;
  for (const char* name : names) infos.push_back(onnx::value_info(name, onnx::type(dims)));
  return infos;
}

/// LSTM, quantisation and an operator of ONNX Runtime were written in a domain of zoometer's own,
/// which no other program runs.
TEST_F(OnnxCopies, WriteEveryOperatorAsItself) {
  store({.nodes = {onnx::node({"LSTM", {"x", "w", "r"}, {"h"}}),
                   onnx::node({"QuantizeLinear", {"h", "s"}, {"q"}}),
                   onnx::node({"DequantizeLinear", {"q", "s"}, {"d"}}),
                   onnx::node({"Attention",
                               {"x", "aw"},
                               {"y"},
                               {onnx::Attribute("num_heads", std::int64_t{2})},
                               "",
                               "com.microsoft"})},
         .inputs = of_float({"x"}, {3, 2, 4}),
         .outputs = of_float({"d"}, {3, 1, 2, 5}),
         .initializers = {onnx::weight("w", {1, 20, 4}), onnx::weight("r", {1, 20, 5}),
                          onnx::reals("s", {0.1F}), onnx::weight("aw", {4, 12})}},
        19);
  const std::string copied = copy();
  const Written written = parse(copied);
  EXPECT_THAT(written.nodes, ElementsAre("LSTM", "QuantizeLinear", "DequantizeLinear",
                                         "com.microsoft::Attention"));
  EXPECT_EQ(written.opset, 19);
  expect_same(copied);
}

/// A mask of integers that is cast and added to scores: the copy keeps the cast.
TEST_F(OnnxCopies, KeepCastsOfMasks) {
  store({.nodes = {onnx::node({"Cast", {"mask"}, {"m"}, {onnx::Attribute("to", std::int64_t{1})}}),
                   onnx::node({"Add", {"x", "m"}, {"y"}})},
         .inputs = {onnx::value_info("x", onnx::type({2, 4})),
                    onnx::value_info("mask", onnx::type({4}, 7))},
         .outputs = of_float({"y"}, {2, 4})});
  EXPECT_THAT(parse(copy()).nodes, ElementsAre("Cast", "Add"));
}

/// Weights become inputs after the model's own; what decides shapes keeps its numbers.
TEST_F(OnnxCopies, LeaveOutWeightsAndKeepSizes) {
  store({.nodes = {onnx::node({"Reshape", {"x", "sizes"}, {"r"}}),
                   onnx::node({"MatMul", {"r", "w"}, {"y"}})},
         .inputs = of_float({"x"}, {2, 2, 4}),
         .outputs = of_float({"y"}, {4, 5}),
         .initializers = {onnx::weight("w", {4, 5}), onnx::integers("sizes", {4, 4})}});
  const std::string copied = copy();
  const Written written = parse(copied);
  EXPECT_THAT(written.inputs, ElementsAre("x", "w"));
  EXPECT_THAT(written.initializers, ElementsAre("sizes"));
  EXPECT_THAT(written.value_infos, ElementsAre("r (4, 4)"));
  expect_same(copied);
}

TEST_F(OnnxCopies, FillWeightsWithRandomNumbers) {
  store({.nodes = {onnx::node({"MatMul", {"x", "w"}, {"y"}})},
         .inputs = of_float({"x"}, {4, 4}),
         .outputs = of_float({"y"}, {4, 5}),
         .initializers = {onnx::weight("w", {4, 5})}});
  const std::string copied = copy({}, {.weights = WeightData::random});
  EXPECT_THAT(parse(copied).inputs, ElementsAre("x"));
  EXPECT_THAT(parse(copied).initializers, ElementsAre("w"));
  EXPECT_EQ(copied, copy({}, {.weights = WeightData::random}));
  EXPECT_NE(copied, copy({}, {.weights = WeightData::random, .seed = 1}));
  expect_same(copied);
}

/// Symbolic sizes have the values that the user gave, and declared shapes those that follow.
TEST_F(OnnxCopies, HaveTheSizesThatWereRead) {
  store({.nodes = {onnx::node({"Relu", {"x"}, {"h"}}), onnx::node({"Relu", {"h"}, {"y"}})},
         .inputs = of_float({"x"}, {"batch", 4}),
         .outputs = of_float({"y"}, {"batch", 4}),
         .value_infos = of_float({"h"}, {"batch", 4})});
  TraceOptions options;
  options.dims = {{"batch", 3}};
  EXPECT_THAT(parse(copy(options)).value_infos, ElementsAre("h (3, 4)"));
  options = {};
  options.batch = 7;
  const std::string copied = copy(options);
  EXPECT_THAT(parse(copied).value_infos, ElementsAre("h (7, 4)"));
  Graph again;
  import_file(MappedFile("copy.onnx", std::as_bytes(std::span(copied))), {}, again);
  EXPECT_EQ(again.shape(again.inputs()[0].value), (Shape{7, 4}));
}

/// Functions and subgraphs are copied with their names.
TEST_F(OnnxCopies, KeepFunctionsAndSubgraphs) {
  const std::string branch = onnx::graph({.nodes = {onnx::node({"Relu", {"x"}, {"b"}})},
                                          .inputs = {},
                                          .outputs = of_float({"b"}, {4})});
  const std::string function =
      onnx::function({"local", "Twice", {"a"}, {"b"}, {onnx::node({"Add", {"a", "a"}, {"b"}})}});
  const std::string graph =
      onnx::graph({.nodes = {onnx::node({"If",
                                         {"flag"},
                                         {"h"},
                                         {onnx::Attribute::graph("then_branch", branch),
                                          onnx::Attribute::graph("else_branch", branch)}}),
                             onnx::node({"Twice", {"h"}, {"y"}, {}, "", "local"})},
                   .inputs = {onnx::value_info("x", onnx::type({4})),
                              onnx::value_info("flag", onnx::type({}, 9))},
                   .outputs = of_float({"y"}, {4})});
  std::ofstream(path(), std::ios::binary) << onnx::model({graph, 17, {function}});
  const std::string copied = copy();
  EXPECT_THAT(parse(copied).nodes, ElementsAre("If", "local::Twice"));
  EXPECT_EQ(OnnxRecords(copied).model().functions.size(), 1U);
  expect_same(copied);
}

/// A graph that is not from an ONNX file is written by the export rules.
TEST_F(OnnxCopies, AreOfOnnxFilesAlone) {
  const ImportNotes notes = import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/lstm.pt2", {}, graph_);
  const std::string written =
      find_graph_writer("onnx")->write({graph_, "model", "pt2", "", {}, notes.file}, {});
  const std::vector<std::string> nodes = parse(written).nodes;
  EXPECT_THAT(nodes, ::testing::Contains("LSTM"));
  for (const std::string& node : nodes) EXPECT_EQ(node.find("::"), std::string::npos) << node;
}

}  // namespace
}  // namespace zoometer
