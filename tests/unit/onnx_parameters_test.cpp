// What a parameter of an ONNX file is: what is learnt, whatever reads it first, and each tensor of
// the file once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;

constexpr int float32 = 1;

std::vector<float> numbers(std::size_t count) {
  std::vector<float> elements(count);
  for (std::size_t i = 0; i < count; ++i) elements[i] = 0.5F + static_cast<float>(i);
  return elements;
}

std::string tensor(const std::string& name, const std::vector<std::int64_t>& dims,
                   const std::vector<float>& elements) {
  std::string result;
  protozero::pbf_writer fields(result);
  for (const std::int64_t dim : dims) fields.add_int64(1, dim);
  fields.add_int32(2, float32);
  fields.add_string(8, name);
  fields.add_bytes(9, reinterpret_cast<const char*>(elements.data()), elements.size() * 4);
  return result;
}
std::string tensor(const std::string& name, const std::vector<std::int64_t>& dims) {
  std::size_t count = 1;
  for (const std::int64_t dim : dims) count *= static_cast<std::size_t>(dim);
  return tensor(name, dims, numbers(count));
}

Attribute floats_of(const std::string& name, const std::vector<float>& values) {
  Attribute result(name);
  protozero::pbf_writer(result.message).add_packed_float(7, values.begin(), values.end());
  return result;
}

/// A graph with the input x (2, 4) that makes y, and how many parameters it has.
struct Case {
  std::string name;  ///< the kind that it guards
  std::int64_t parameters = 0;
  std::vector<NodeParts> nodes = {};
  std::vector<std::string> weights = {};  ///< initializers
  std::vector<std::string> others = {};   ///< initializers that are no weights
  std::vector<std::int64_t> input = {2, 4};
  int opset = 17;
  std::vector<std::string> functions = {};
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

NodeParts matmul(const std::string& weight) { return {"MatMul", {"x", weight}, {"y"}}; }
NodeParts add(const std::string& weight) { return {"Add", {"x", weight}, {"y"}}; }

std::string scalar_of(const std::string& name, float value) { return tensor(name, {}, {value}); }

/// The nodes between a weight w and the operator that reads it.
std::vector<Case> views() {
  std::vector<Case> list;
  list.push_back({"Reshape",
                  24,
                  {{"Reshape", {"w", "s"}, {"v"}}, matmul("v")},
                  {tensor("w", {24})},
                  {integers("s", {4, 6})}});
  list.push_back({"Unsqueeze",
                  4,
                  {{"Unsqueeze", {"w", "s"}, {"v"}}, add("v")},
                  {tensor("w", {4})},
                  {integers("s", {0})}});
  list.push_back({"Squeeze",
                  4,
                  {{"Squeeze", {"w", "s"}, {"v"}}, add("v")},
                  {tensor("w", {1, 1, 4})},
                  {integers("s", {0})}});
  list.push_back(
      {"Transpose", 24, {{"Transpose", {"w"}, {"v"}}, matmul("v")}, {tensor("w", {6, 4})}});
  list.push_back({"Cast",
                  24,
                  {{"Cast", {"w"}, {"v"}, {Attribute("to", 1)}}, matmul("v")},
                  {tensor("w", {4, 6})}});
  list.push_back(
      {"Flatten", 24, {{"Flatten", {"w"}, {"v"}}, matmul("v")}, {tensor("w", {4, 6, 1})}});
  // The whole table is the parameter, not the rows that this graph takes.
  list.push_back({"Gather",
                  40,
                  {{"Gather", {"w", "s"}, {"v"}}, add("v")},
                  {tensor("w", {10, 4})},
                  {integers("s", {0, 1})}});
  list.push_back({"GatherOfPositionsOfAShape",
                  40,
                  {{"Shape", {"x"}, {"n"}, {Attribute("end", 1)}},
                   {"Squeeze", {"n"}, {"count"}},
                   {"Range", {"zero", "count", "one"}, {"positions"}},
                   {"Gather", {"w", "positions"}, {"v"}},
                   add("v")},
                  {tensor("w", {10, 4})},
                  {integers("zero", {0}, true), integers("one", {1}, true)}});
  list.push_back({"Slice",
                  40,
                  {{"Slice", {"w", "zero", "s"}, {"v"}}, add("v")},
                  {tensor("w", {10, 4})},
                  {integers("zero", {0}), integers("s", {2})}});
  list.push_back({"SliceUpToAShape",
                  40,
                  {{"Shape", {"x"}, {"n"}, {Attribute("end", 1)}},
                   {"Slice", {"w", "zero", "n"}, {"v"}},
                   add("v")},
                  {tensor("w", {10, 4})},
                  {integers("zero", {0})}});
  // A class token.
  list.push_back({"Expand",
                  4,
                  {{"Shape", {"x"}, {"s"}},
                   {"Expand", {"w", "s"}, {"v"}},
                   {"Concat", {"x", "v"}, {"y"}, {Attribute("axis", 0)}}},
                  {tensor("w", {1, 4})}});
  list.push_back({"Tile",
                  4,
                  {{"Tile", {"w", "s"}, {"v"}}, add("v")},
                  {tensor("w", {1, 4})},
                  {integers("s", {2, 1})}});
  list.push_back({"Split",
                  48,
                  {{"Split", {"w"}, {"v", "u"}, {Attribute("axis", 1)}},
                   {"MatMul", {"x", "v"}, {"a"}},
                   {"MatMul", {"x", "u"}, {"b"}},
                   {"Add", {"a", "b"}, {"y"}}},
                  {tensor("w", {4, 12})}});
  list.push_back({"Concat",
                  32,
                  {{"Concat", {"w", "u"}, {"v"}, {Attribute("axis", 1)}}, matmul("v")},
                  {tensor("w", {4, 6}), tensor("u", {4, 2})}});
  list.push_back({"Where",
                  4,
                  {{"Where", {"s", "w", "zero"}, {"v"}}, add("v")},
                  {tensor("w", {4})},
                  {scalar_of("zero", 0), raw<std::uint8_t>("s", 9, {1, 0, 1, 1})}});
  list.push_back({"Arithmetic",
                  28,
                  {{"ReduceL2", {"w"}, {"l"}, {Attribute("axes", {1})}},
                   {"Div", {"w", "l"}, {"d"}},
                   {"Mul", {"d", "u"}, {"v"}},
                   matmul("v")},
                  {tensor("w", {4, 6}), tensor("u", {4, 1})}});
  // Read twice, in two ways: one tensor of the file.
  list.push_back({"TwoReaders",
                  24,
                  {{"Reshape", {"w", "s"}, {"v"}},
                   {"Reshape", {"w", "s"}, {"u"}},
                   {"MatMul", {"x", "v"}, {"a"}},
                   {"MatMul", {"x", "u"}, {"b"}},
                   {"Add", {"a", "b"}, {"y"}}},
                  {tensor("w", {24})},
                  {integers("s", {4, 6})}});
  // The gates of a recurrent cell in another order.
  list.push_back({"SlicesConcatenatedForAnLSTM",
                  16 * 4 + 16 * 4,
                  {{"Slice", {"w", "zero", "half"}, {"a"}},
                   {"Slice", {"w", "half", "end"}, {"b"}},
                   {"Concat", {"b", "a"}, {"c"}, {Attribute("axis", 0)}},
                   {"Unsqueeze", {"c", "zero"}, {"W"}},
                   {"Unsqueeze", {"u", "zero"}, {"R"}},
                   {"Unsqueeze", {"x", "zero"}, {"sequence"}},
                   {"LSTM", {"sequence", "W", "R"}, {"y"}, {Attribute("hidden_size", 4)}}},
                  {tensor("w", {16, 4}), tensor("u", {16, 4})},
                  {integers("zero", {0}), integers("half", {8}), integers("end", {16})}});
  return list;
}

/// The same with the weights in Constant nodes.
Case with_constants(Case test) {
  std::vector<NodeParts> constants;
  for (std::size_t i = 0; i < test.weights.size(); ++i) {
    const std::string name = i == 0 ? "w" : "u";
    constants.push_back({"Constant", {}, {name}, {Attribute::tensor("value", test.weights[i])}});
  }
  test.nodes.insert(test.nodes.begin(), constants.begin(), constants.end());
  test.weights.clear();
  test.name += "OfAConstantNode";
  return test;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Case& test : views()) {
    list.push_back(test);
    list.push_back(with_constants(test));
  }
  for (const Case& test : std::vector<Case>{
           {"Direct", 24, {matmul("w")}, {tensor("w", {4, 6})}},
           {"LeftOperand", 12, {{"MatMul", {"w", "x"}, {"y"}}}, {tensor("w", {6, 2})}},
           {"Table",
            40,
            {{"Gather", {"w", "s"}, {"y"}}},
            {tensor("w", {10, 4})},
            {integers("s", {1, 2})}},
           {"OneBias",
            5,
            {{"Gemm", {"x", "w", "u"}, {"y"}}},
            {tensor("w", {4, 1}), tensor("u", {1})}},
           // The bias of a linear layer with one output is in a weight's place.
           {"OneBiasAdded",
            5,
            {{"MatMul", {"x", "w"}, {"h"}}, {"Add", {"h", "u"}, {"y"}}},
            {tensor("w", {4, 1}), tensor("u", {1})}},
           {"OneSlope", 1, {{"PRelu", {"x", "w"}, {"y"}}}, {tensor("w", {1})}},
           // Numbers: an epsilon, the exponent of a square, the end of a range.
           {"Epsilon", 0, {add("w")}, {scalar_of("w", 1e-5F)}},
           {"EpsilonOfRank1", 0, {add("w")}, {tensor("w", {1}, {1e-5F})}},
           {"Exponent", 0, {{"Pow", {"x", "w"}, {"y"}}}, {scalar_of("w", 2)}},
           {"Bound", 0, {{"Clip", {"x", "w"}, {"y"}}}, {scalar_of("w", 0)}},
           // Scales and sizes.
           {"ScalesOfResize",
            0,
            {{"Concat", {"w", "u"}, {"v"}, {Attribute("axis", 0)}},
             {"Resize", {"x", "", "v"}, {"y"}}},
            {tensor("w", {2}, {1, 1}), tensor("u", {2}, {2, 2})},
            {},
            {1, 1, 2, 4}},
           {"FactorsOfAShape",
            0,
            {{"Shape", {"x"}, {"n"}},
             {"Cast", {"n"}, {"r"}, {Attribute("to", 1)}},
             {"Mul", {"r", "w"}, {"m"}},
             {"Cast", {"m"}, {"s"}, {Attribute("to", 7)}},
             {"Resize", {"x", "", "", "s"}, {"y"}}},
            {tensor("w", {4}, {1, 1, 2, 2})},
            {},
            {1, 1, 2, 4}},
       }) {
    list.push_back(test);
    list.push_back(with_constants(test));
  }
  const float infinite = -std::numeric_limits<float>::infinity();
  // A mask is none, whatever its name; neither is a slice of one.
  list.push_back(
      {"Mask",
       0,
       {add("bias")},
       {},
       {tensor("bias", {2, 4}, {0, infinite, infinite, infinite, 0, 0, infinite, infinite})}});
  list.push_back(
      {"SlicedMask",
       0,
       {{"Slice", {"bias", "zero", "s"}, {"v"}}, add("v")},
       {},
       {tensor("bias", {3, 4}, {0, -1e9F, -1e9F, -1e9F, 0, 0, -1e9F, -1e9F, 0, 0, 0, -1e9F}),
        integers("zero", {0}), integers("s", {2})}});
  list.push_back({"NamedMask", 0, {add("attn_mask")}, {}, {tensor("attn_mask", {2, 4})}});
  list.push_back(
      {"ZerosAreNoMask", 8, {add("w")}, {tensor("w", {2, 4}, std::vector<float>(8, 0))}});
  // Indices and truth values.
  list.push_back({"Indices", 0, {{"Gather", {"x", "s"}, {"y"}}}, {}, {integers("s", {1, 0, 1})}});
  // One number is learnt if its name says so.
  list.push_back(
      {"LogitScale", 1, {{"Mul", {"x", "logit_scale"}, {"y"}}}, {scalar_of("logit_scale", 2)}});
  list.push_back({"NumberOfALayer",
                  1,
                  {{"Mul", {"x", "layers.0.factor"}, {"y"}}},
                  {scalar_of("layers.0.factor", 2)}});
  // First states of zeros are those of a recurrent layer without any.
  for (const std::string& state :
       {tensor("h", {1, 1, 4}, std::vector<float>(4, 0)), tensor("h", {1, 1, 4}, numbers(4))}) {
    const bool is_learnt = list.back().name == "FirstStateOfZeros";
    list.push_back(
        {is_learnt ? "FirstStateLearnt" : "FirstStateOfZeros",
         is_learnt ? 36 : 32,
         {{"Constant", {}, {"h"}, {Attribute::tensor("value", state)}},
          {"Unsqueeze", {"x", "one"}, {"sequence"}},
          {"RNN", {"sequence", "w", "u", "", "", "h"}, {"y"}, {Attribute("hidden_size", 4)}}},
         {tensor("w", {1, 4, 4}), tensor("u", {1, 4, 4})},
         {integers("one", {1})}});
  }
  // PyTorch writes norms of groups, and those without weights, with constants.
  list.push_back(
      {"NormWithoutWeights",
       0,
       {{"Constant", {}, {"one"}, {Attribute::tensor("value", tensor("", {3}, {1, 1, 1}))}},
        {"Constant", {}, {"zero"}, {Attribute::tensor("value", tensor("", {3}, {0, 0, 0}))}},
        {"InstanceNormalization", {"x", "one", "zero"}, {"y"}}},
       {},
       {},
       {1, 3, 8}});
  // Weights that no node reads.
  list.push_back({"Unused", 24, {{"Relu", {"x"}, {"y"}}}, {tensor("w", {4, 6})}});
  list.push_back({"UnusedNumber", 0, {{"Relu", {"x"}, {"y"}}}, {scalar_of("w", 1)}});
  // All forms of Constant.
  list.push_back({"ValueFloats",
                  4,
                  {{"Constant", {}, {"w"}, {floats_of("value_floats", numbers(4))}}, add("w")}});
  list.push_back({"ValueFloatsReshaped",
                  24,
                  {{"Constant", {}, {"w"}, {floats_of("value_floats", numbers(24))}},
                   {"Reshape", {"w", "s"}, {"v"}},
                   matmul("v")},
                  {},
                  {integers("s", {4, 6})}});
  Attribute sparse("sparse_value");
  {
    std::string message;
    protozero::pbf_writer fields(message);
    fields.add_message(1, tensor("", {2}));
    const std::int64_t dims[] = {4, 6};
    fields.add_packed_int64(3, std::begin(dims), std::end(dims));
    protozero::pbf_writer(sparse.message).add_message(22, message);
  }
  list.push_back({"SparseValue", 24, {{"Constant", {}, {"w"}, {sparse}}, matmul("w")}});
  // Each time that a loop or a function runs it reads the same tensor.
  const std::string reshaped = graph(
      {.nodes = {node({"Constant", {}, {"u"}, {Attribute::tensor("value", tensor("", {16}))}}),
                 node({"Reshape", {"u", "s"}, {"v"}}), node({"MatMul", {"h", "v"}, {"a"}}),
                 node({"Reshape", {"w", "s"}, {"q"}}), node({"MatMul", {"a", "q"}, {"b"}}),
                 node({"Identity", {"go"}, {"on"}})},
       .inputs = {value_info("i", type({}, 7)), value_info("go", type({}, 9)),
                  value_info("h", type({2, 4}))},
       .outputs = {value_info("on", type({}, 9)), value_info("b", type({2, 4}))}});
  list.push_back({"BodyOfALoop",
                  32,
                  {{"Loop", {"trips", "", "x"}, {"y"}, {Attribute::graph("body", reshaped)}}},
                  {tensor("w", {16})},
                  {integers("trips", {3}, true), integers("s", {4, 4})}});
  const std::string layer =
      function({"local",
                "Layer",
                {"a", "f"},
                {"b"},
                {node({"Constant", {}, {"u"}, {Attribute::tensor("value", tensor("", {16}))}}),
                 node({"Constant", {}, {"s"}, {Attribute::tensor("value", integers("", {4, 4}))}}),
                 node({"Reshape", {"u", "s"}, {"v"}}), node({"MatMul", {"a", "v"}, {"c"}}),
                 node({"Reshape", {"f", "s"}, {"q"}}), node({"MatMul", {"c", "q"}, {"b"}})}});
  list.push_back({"FunctionCalledTwice",
                  32,
                  {{"Layer", {"x", "w"}, {"h"}, {}, "", "local"},
                   {"Layer", {"h", "w"}, {"y"}, {}, "", "local"}},
                  {tensor("w", {16})},
                  {},
                  {2, 4},
                  17,
                  {layer}});
  return list;
}

std::string file_of(const Case& test) {
  GraphParts parts;
  for (const NodeParts& item : test.nodes) parts.nodes.push_back(node(item));
  parts.inputs = {value_info("x", type({test.input.begin(), test.input.end()}))};
  parts.outputs = {value_info("y", "")};
  parts.initializers = test.weights;
  parts.initializers.insert(parts.initializers.end(), test.others.begin(), test.others.end());
  return model({.graph = graph(parts), .opset = test.opset, .functions = test.functions});
}

struct Read {
  Graph graph;
  ImportNotes notes;

  explicit Read(const Case& test) {
    const std::string file = file_of(test);
    const MappedFile mapped("test.onnx", std::as_bytes(std::span(file)));
    onnx_importer.read(mapped, {}, graph, notes);
    verify(graph);
  }
};

class OnnxParameters : public ::testing::TestWithParam<Case> {};

TEST_P(OnnxParameters, AreWhatIsLearnt) {
  const Read read(GetParam());
  EXPECT_EQ(profile(read.graph).total.parameters, GetParam().parameters);
  for (const OperatorMetrics& entry : profile(read.graph).operators) {
    EXPECT_NE(entry.op->kind, OpKind::unknown);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OnnxParameters, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

/// Files as people have them.
struct File {
  const char* name;
  std::int64_t parameters;
};

void PrintTo(const File& file, std::ostream* out) { *out << file.name; }

class OnnxParameterFile : public ::testing::TestWithParam<File> {};

TEST_P(OnnxParameterFile, HasItsWeights) {
  const MappedFile file(ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/" +
                        std::string(GetParam().name));
  Graph graph;
  ImportNotes notes;
  onnx_importer.read(file, {}, graph, notes);
  EXPECT_EQ(profile(graph).total.parameters, GetParam().parameters);
}

INSTANTIATE_TEST_SUITE_P(Kinds, OnnxParameterFile,
                         ::testing::Values(File{"weight_in_constant_node.onnx", 30},
                                           File{"weight_in_constant_node_reshaped.onnx", 24},
                                           File{"weight_reshaped_mnist.onnx", 5994},
                                           File{"weight_unsqueezed_lstm.onnx", 1536}));

/// The tensor of the file is the parameter, under its name and with its shape.
TEST(OnnxParameter, HasItsNameAndShapeInTheFile) {
  const Read read({"",
                   0,
                   {{"Gather", {"table", "s"}, {"v"}}, add("v")},
                   {tensor("table", {10, 4})},
                   {integers("s", {0, 1})}});
  ASSERT_EQ(read.graph.parameters().size(), 2U);
  const Parameter& table = read.graph.parameters()[0];
  EXPECT_EQ(read.graph.parameter_path(table), "table");
  EXPECT_EQ(to_string(read.graph.shape(table.value)), "(10, 4)");
  EXPECT_EQ(table.kind, ParameterKind::parameter);
  EXPECT_EQ(read.graph.parameters()[1].kind, ParameterKind::buffer);
}

/// What no node needs as a tensor leaves no node in the graph.
TEST(OnnxParameter, LeavesNoNodeIfItOnlyDecidesAShape) {
  const Read read({"",
                   0,
                   {{"Mul", {"w", "two"}, {"m"}}, {"Resize", {"x", "", "m"}, {"y"}}},
                   {tensor("w", {4}, {0.5F, 0.5F, 1, 2})},
                   {scalar_of("two", 2)},
                   {1, 1, 2, 4}});
  EXPECT_EQ(to_string(read.graph.shape(read.graph.outputs()[0].value)), "(1, 1, 4, 16)");
  EXPECT_TRUE(read.graph.parameters().empty());
  EXPECT_EQ(read.graph.nodes().size(), 1U);
}

/// Exporters merge equal weights, so the calls of a module read aliases of one. They are one
/// module, also where each call has its own bias, because a norm was folded into it.
TEST(OnnxParameter, IsOfOneModuleThatIsCalledSeveralTimes) {
  Case test{"", 0, {}, {tensor("onnx::Gemm_7", {4, 4}), tensor("onnx::Gemm_8", {4})}};
  test.nodes = {{"Identity", {"onnx::Gemm_7"}, {"onnx::Gemm_9"}},
                {"Identity", {"onnx::Gemm_8"}, {"onnx::Gemm_10"}},
                {"Gemm", {"x", "onnx::Gemm_7", "onnx::Gemm_8"}, {"a"}, {}, "/fc/Gemm"},
                {"Gemm", {"a", "onnx::Gemm_9", "onnx::Gemm_10"}, {"b"}, {}, "/fc_1/Gemm"},
                {"Gemm", {"b", "onnx::Gemm_7", "own"}, {"c"}, {}, "/fc_2/Gemm"},
                {"Gemm", {"c", "other", "onnx::Gemm_8"}, {"y"}, {}, "/fc_3/Gemm"}};
  test.weights.push_back(tensor("own", {4}));
  test.weights.push_back(tensor("other", {4, 4}));
  const Read read(test);
  std::vector<std::string> paths;
  for (const ModuleInfo& module : read.graph.modules()) paths.emplace_back(module.name);
  EXPECT_THAT(paths, ::testing::ElementsAre("", "fc", "fc_3"));
  EXPECT_EQ(profile(read.graph).calls[1], 3);
  EXPECT_EQ(profile(read.graph).total.parameters, 16 + 4 + 4 + 16);
}

/// A file without weights: PyTorch writes the user's inputs, the state dict, and what it computed.
TEST(OnnxParameter, IsAnInputOfAFileWithoutWeights) {
  const GraphParts parts{
      .nodes = {node({"MatMul", {"onnx::MatMul_0", "onnx::MatMul_83"}, {"h"}}),
                node({"Add", {"layer.bias", "h"}, {"a"}}), node({"Add", {"a", "shift"}, {"b"}}),
                node({"Add", {"b", "onnx::Add_1"}, {"y"}})},
      .inputs = {value_info("onnx::MatMul_0", type({2, 4})),
                 value_info("onnx::Add_1", type({2, 6})), value_info("shift", type({6})),
                 value_info("layer.bias", type({6})), value_info("onnx::MatMul_83", type({4, 6}))},
      .outputs = {value_info("y", "")}};
  std::string file;
  protozero::pbf_writer fields(file);
  fields.add_int64(1, 8);
  fields.add_string(2, "pytorch");
  fields.add_message(7, graph(parts));
  fields.add_message(8, opset("", 13));
  const MappedFile mapped("test.onnx", std::as_bytes(std::span(file)));
  Graph graph;
  ImportNotes notes;
  onnx_importer.read(mapped, {}, graph, notes);
  EXPECT_EQ(profile(graph).total.parameters, 6 + 24);
  EXPECT_EQ(graph.inputs().size(), 3U);
  using ::testing::Contains;
  EXPECT_THAT(notes.notes, Contains(::testing::HasSubstr("2 inputs are taken as weights")));
  EXPECT_THAT(notes.notes, Contains(::testing::EndsWith("taken as an input: shift")));
}

/// A long chain of small constants is appended without recursion.
TEST(OnnxParameter, MayBeFarAway) {
  Case test{"", 4, {}, {tensor("w0", {4})}};
  constexpr int length = 20000;
  for (int i = 0; i < length; ++i)
    test.nodes.push_back({"Neg", {"w" + std::to_string(i)}, {"w" + std::to_string(i + 1)}});
  test.nodes.push_back(add("w" + std::to_string(length)));
  const Read read(test);
  EXPECT_EQ(profile(read.graph).total.parameters, 4);
  EXPECT_EQ(read.graph.nodes().size(), length + 1U);
}

}  // namespace
}  // namespace zoometer
