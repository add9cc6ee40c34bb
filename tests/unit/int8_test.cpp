// The int8 forms of the quantizable models, compared with the facts of PyTorch's own conversion,
// and the properties that the conversion must keep.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "facts.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {
namespace {

std::string golden_path(const Model& model) {
  return std::string(ZOOMETER_SOURCE_DIR "/tests/golden/int8/").append(model.name) + ".txt";
}

std::vector<const Model*> quantizable_models() {
  std::vector<const Model*> models;
  for (const Family* family : families()) {
    if (family->task != Task::quantization) continue;
    for (const Model& model : family->models) models.push_back(&model);
  }
  return models;
}

class Int8 : public ::testing::TestWithParam<const Model*> {
 protected:
  static TraceOptions options(Variant variant, bool quantize) {
    TraceOptions options;
    options.variant = variant;
    options.quantize = quantize;
    return options;
  }
};

std::int64_t macs_of(const Graph& graph, NodeId id) {
  const NodeView node = graph.view(id);
  return node.op().cost == nullptr ? 0 : node.op().cost(node).macs;
}

std::int64_t total_macs(const Graph& graph) {
  std::int64_t macs = 0;
  for (NodeId id = 0; id < graph.nodes().size(); ++id) macs += macs_of(graph, id);
  return macs;
}

TEST_P(Int8, EqualsPyTorchsConversion) {
  ASSERT_TRUE(std::filesystem::exists(golden_path(*GetParam())));
  const testing::Facts facts = testing::read_facts(golden_path(*GetParam()));
  Graph graph;
  trace(*GetParam(), options(Variant::untrained, true), graph);
  testing::expect_facts(facts, graph);
}

TEST_P(Int8, MultipliesAsOftenAsInFloatButInIntegers) {
  Graph graph;
  trace(*GetParam(), options(Variant::published, false), graph);
  const std::int64_t in_float = total_macs(graph);
  trace(*GetParam(), options(Variant::published, true), graph);
  EXPECT_EQ(total_macs(graph), in_float);
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    if (macs_of(graph, id) == 0) continue;
    const NodeView node = graph.view(id);
    EXPECT_EQ(graph.value(node.input(0)).dtype, DType::quint8) << node.op().name;
    EXPECT_EQ(graph.value(node.input(1)).dtype, DType::qint8) << node.op().name;
    EXPECT_EQ(graph.value(node.input(2)).dtype, DType::float32) << node.op().name;
    EXPECT_EQ(graph.value(node.output()).dtype, DType::quint8) << node.op().name;
  }
}

TEST_P(Int8, BeginsAndEndsInFloat) {
  Graph graph;
  trace(*GetParam(), options(Variant::published, true), graph);
  for (const Port& port : graph.inputs()) EXPECT_EQ(graph.value(port.value).dtype, DType::float32);
  for (const Port& port : graph.outputs()) EXPECT_EQ(graph.value(port.value).dtype, DType::float32);
  const auto count = [&](std::string_view name) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                         [&](const Node& node) { return node.op->name == name; });
  };
  EXPECT_EQ(count("quantize_per_tensor"), 1);
  EXPECT_EQ(count("dequantize"), 1);
  EXPECT_EQ(count("batch_norm"), 0);
}

INSTANTIATE_TEST_SUITE_P(Zoo, Int8, ::testing::ValuesIn(quantizable_models()),
                         [](const ::testing::TestParamInfo<const Model*>& test) {
                           return std::string(test.param->name);
                         });

TEST(Int8Conversion, IsRefusedWithoutStubs) {
  const Model* plain = nullptr;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      if (model.name == "resnet18") plain = &model;
    }
  }
  ASSERT_NE(plain, nullptr);
  TraceOptions options;
  options.quantize = true;
  Graph graph;
  try {
    trace(*plain, options, graph);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::usage);
    EXPECT_EQ(error.place.model, "resnet18");
  }
}

}  // namespace
}  // namespace zoometer
