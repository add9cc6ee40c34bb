// Programs whose operators write into views and buffers, and what stands in for an operator: the
// graph computes what the program computes, or says where it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ImportNotes read_kind(const std::string& name, Graph& graph) {
  return import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/kinds/" + name + ".pt2", {}, graph);
}

std::vector<std::string_view> operators_of(const Graph& graph) {
  std::vector<std::string_view> names;
  for (const Node& node : graph.nodes()) names.push_back(node.op->name);
  return names;
}

std::string_view producer_of(const Graph& graph, ValueId value) {
  return graph.nodes()[graph.value(value).producer].op->name;
}

struct Written {
  std::string text;
  std::vector<std::string> remarks;
};

Written written_as_onnx(const std::string& name) {
  Graph graph;
  const ImportNotes notes = read_kind(name, graph);
  Written written;
  GraphOptions options;
  options.remarks = &written.remarks;
  const GraphInput input{graph, name, {}, {}, {}, notes.file};
  written.text = find_graph_writer("onnx")->write(input, options);
  return written;
}

/// Kind: writes through views. `y[:, 1:3] = x[:, :2] + 10; y[0].mul_(5)` gives the y that is
/// returned.
TEST(ProgramWrites, GoBackIntoTheTensorOfAView) {
  Graph graph;
  read_kind("writes", graph);
  ASSERT_EQ(graph.outputs().size(), 1U);
  EXPECT_EQ(producer_of(graph, graph.outputs()[0].value), "written_slice");
  EXPECT_EQ(std::ranges::count(operators_of(graph), "written_slice"), 2)
      << "the columns, and the row";
}

/// Kind: writes into buffers. The product reads the cache after the row was written.
TEST(ProgramWrites, IntoABufferAreSeenByLaterReads) {
  Graph graph;
  read_kind("cache", graph);
  const Node& product = graph.nodes().back();
  EXPECT_EQ(product.op->kind, OpKind::product);
  const ValueId keys = graph.inputs_of(product)[1];
  EXPECT_EQ(producer_of(graph, keys), "transpose");
  const ValueId cache = graph.inputs_of(graph.nodes()[graph.value(keys).producer])[0];
  EXPECT_EQ(producer_of(graph, cache), "written_slice");
}

std::vector<std::string> outputs_of(const std::string& onnx) {
  Graph graph;
  import_file(MappedFile("written.onnx", std::as_bytes(std::span(onnx))), {}, graph);
  std::vector<std::string> names;
  for (const Port& output : graph.outputs()) names.emplace_back(output.name);
  return names;
}

/// Kind: what a program leaves in buffers and inputs is an output of the file, whether operators
/// write it in place or results take the place of these.
TEST(ProgramWrites, IntoBuffersAndInputsAreOutputsOfTheFile) {
  EXPECT_THAT(outputs_of(written_as_onnx("updates").text),
              ElementsAre("output", "keys.updated", "steps.updated"));
  EXPECT_THAT(outputs_of(written_as_onnx("updates_decomposed").text),
              ElementsAre("output", "keys.updated", "steps.updated"));
  EXPECT_THAT(outputs_of(written_as_onnx("writes").text), SizeIs(1));
}

/// Kind: rounding to integers. ONNX has it as two operators, with a clamp for fewer than 8 bits.
TEST(FakeQuantize, IsWrittenAsOperatorsOfTheStandard) {
  const Written written = written_as_onnx("fake_quantize");
  EXPECT_THAT(written.remarks, IsEmpty());
  for (const std::string_view op_type : {"QuantizeLinear", "Clip", "DequantizeLinear"})
    EXPECT_THAT(written.text, HasSubstr(op_type));
}

/// Kind: stand-ins. A quantile is counted by nodes that give other numbers: the file says so.
TEST(StandIns, AreWrittenInTheirOwnDomainWithANote) {
  const Written written = written_as_onnx("quantile");
  ASSERT_FALSE(written.remarks.empty());
  EXPECT_THAT(written.remarks[0], HasSubstr("stands in for quantile at the same cost"));
}

/// Kind: the lowest opset that says it. An antialiased resize needs 18, others 17.
TEST(OnnxOpset, IsTheLowestThatSaysIt) {
  const Written antialias = written_as_onnx("antialias");
  EXPECT_THAT(antialias.remarks, IsEmpty());
  const std::string opset_18("\x42\x04\x0a\x00\x10\x12", 6);
  EXPECT_NE(antialias.text.find(opset_18), std::string::npos);
  const std::string opset_17("\x42\x04\x0a\x00\x10\x11", 6);
  EXPECT_NE(written_as_onnx("grouped").text.find(opset_17), std::string::npos);
}

}  // namespace
}  // namespace zoometer
