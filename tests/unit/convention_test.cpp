// The columns of thop and fvcore on files and on lowered programs: both tools count the PyTorch
// model, whatever became of it. The figures are those of thop 0.1.1 and fvcore 0.1.5 on the modules
// and calls named.
#include <gtest/gtest.h>

#include "analysis/convention.hpp"
#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "onnx_files.hpp"
#include "program_text.hpp"
#include "registry/zoo.hpp"
#include "zip_writer.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace {

using test::onnx::NodeParts;
using testing::bytes_of;
using testing::ProgramText;
using testing::ZipWriter;

std::int64_t cost(const Graph& graph, const char* convention) {
  return profile(graph, find_convention(convention)).total.cost;
}

void read_data(const std::string& name, Graph& graph) {
  import_file(std::string(ZOOMETER_SOURCE_DIR "/tests/data/") + name, {}, graph);
}

/// The program of torch.export that lowers resnet18, and the ONNX file into which torch's exporter
/// folded its norms, count as the model itself.
TEST(Conventions, CountFilesOfAModelAsTheModel) {
  Graph native, program, file;
  trace(*find_in_zoo("resnet18").model, {}, native);
  read_data("pt2/resnet18.pt2", program);
  read_data("onnx/torch_resnet18.onnx", file);
  EXPECT_EQ(cost(native, "thop"), 1'824'033'792);
  for (const char* convention : {"thop", "fvcore", "ptflops"}) {
    EXPECT_EQ(cost(program, convention), cost(native, convention)) << convention;
  }
  EXPECT_EQ(cost(file, "thop"), cost(native, "thop"));
  EXPECT_EQ(cost(file, "fvcore"), cost(native, "fvcore"));
}

/// One call of ATen on these inputs, within a module of that class.
struct Call {
  std::string target;
  std::string module;
  std::vector<std::string> inputs;  ///< their sizes; named a, b, c
  std::vector<std::string> arguments;
  std::string result;
};

void read_call(const Call& call, Graph& graph) {
  ProgramText program;
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    program.input(std::string(1, static_cast<char>('a' + static_cast<char>(i))), call.inputs[i]);
  const std::string stack = "L__self__,,net.Net;L__self___m,m,torch.nn.modules." + call.module;
  program.raw_node("torch.ops.aten." + call.target, call.arguments, R"({"as_tensor":{"name":"r"}})",
                   stack);
  program.value("r", call.result).output("r");
  ZipWriter writer;
  writer.add("root/archive_format", "pt2");
  writer.add("root/models/model.json", program.str());
  const std::string archive = writer.finish();
  import_file(MappedFile("test.pt2", bytes_of(archive)), {}, graph);
}

void expect_costs(const Call& call, std::int64_t fvcore, std::int64_t thop) {
  Graph graph;
  read_call(call, graph);
  EXPECT_EQ(cost(graph, "fvcore"), fvcore) << call.target << " in " << call.module;
  EXPECT_EQ(cost(graph, "thop"), thop) << call.target << " in " << call.module;
}

TEST(Conventions, RecogniseLinearAsItIsLowered) {
  expect_costs({"addmm.default",
                "linear.Linear",
                {"16", "5,8", "8,16"},
                {"self=T(a)", "mat1=T(b)", "mat2=T(c)"},
                "5,16"},
               640, 640);
  expect_costs({"mm.default", "linear.Linear", {"5,8", "8,16"}, {"self=T(a)", "mat2=T(b)"}, "5,16"},
               640, 640);
  expect_costs(
      {"matmul.default", "linear.Linear", {"2,5,8", "8,16"}, {"self=T(a)", "other=T(b)"}, "2,5,16"},
      1280, 1280);
  expect_costs({"mv.default", "linear.Linear", {"16,8", "8"}, {"self=T(a)", "vec=T(b)"}, "16"}, 128,
               128);
  expect_costs({"mm.default", "container.Net", {"5,8", "8,16"}, {"self=T(a)", "mat2=T(b)"}, "5,16"},
               640, 0);
}

/// fvcore has no handle for these, so that it counts nothing.
TEST(Conventions, LeaveOutWhatFvcoreHasNoHandleFor) {
  expect_costs({"baddbmm.default",
                "net.Net",
                {"2,5,4", "2,5,8", "2,8,4"},
                {"self=T(a)", "batch1=T(b)", "batch2=T(c)"},
                "2,5,4"},
               0, 0);
  expect_costs({"mv.default", "net.Net", {"5,8", "8"}, {"self=T(a)", "vec=T(b)"}, "5"}, 0, 0);
  expect_costs({"bmm.default", "net.Net", {"2,5,8", "2,8,4"}, {"self=T(a)", "mat2=T(b)"}, "2,5,4"},
               320, 0);
  expect_costs({"scaled_dot_product_attention.default",
                "net.Net",
                {"2,5,8", "2,5,8", "2,5,8"},
                {"query=T(a)", "key=T(b)", "value=T(c)"},
                "2,5,8"},
               0, 0);
}

TEST(Conventions, LeaveOutConvolutionsWithAPaddingByName) {
  const Call by_number{"conv2d.default",
                       "conv.Conv2d",
                       {"1,3,8,8", "4,3,3,3"},
                       {"input=T(a)", "weight=T(b)", "padding=I(1,1)"},
                       "1,4,8,8"};
  expect_costs(by_number, 6912, 6912);
  for (const char* word : {"same", "valid"}) {
    Call by_name = by_number;
    by_name.target = "conv2d.padding";
    by_name.arguments[2] = std::string("padding=S(") + word + ")";
    if (std::string_view(word) == "valid") by_name.result = "1,4,6,6";
    expect_costs(by_name, 0, by_name.result == "1,4,6,6" ? 3888 : 6912);
  }
}

TEST(Conventions, RecogniseAdaptivePoolingThatArrivesAsAMean) {
  const Call mean{"mean.dim",
                  "pooling.AdaptiveAvgPool2d",
                  {"1,3,8,8"},
                  {"self=T(a)", "dim=I(2,3)", "keepdim=b(true)"},
                  "1,3,1,1"};
  expect_costs(mean, 192, 195);
  Call function = mean;
  function.module = "net.Net";
  expect_costs(function, 0, 0);
  const Call line{"adaptive_avg_pool2d.default",
                  "pooling.AdaptiveAvgPool1d",
                  {"2,3,1,16"},
                  {"self=T(a)", "output_size=I(1,3)"},
                  "2,3,1,3"};
  expect_costs(line, 0, 96 + 18);
}

/// A layer of an LSTM: fvcore leaves it out, and thop has a formula of its own.
TEST(Conventions, CountRecurrentLayersAsTheToolsDo) {
  Graph graph;
  read_data("pt2/lstm.pt2", graph);
  EXPECT_EQ(cost(graph, "fvcore"), 0);
  EXPECT_GT(cost(graph, "thop"), profile(graph).total.macs);
}

/// A file without classes, whose operators count as if each were a module of the usual class.
void read_flat(const std::vector<NodeParts>& nodes, std::vector<std::string> weights, Graph& graph,
               std::vector<std::string> more_inputs = {}) {
  namespace onnx = test::onnx;
  onnx::GraphParts parts;
  for (const NodeParts& node : nodes) parts.nodes.push_back(onnx::node(node));
  parts.inputs = {onnx::value_info("x", onnx::type({5, 8}))};
  for (const std::string& input : more_inputs)
    parts.inputs.push_back(onnx::value_info(input, onnx::type({8, 16})));
  parts.outputs = {onnx::value_info("y", onnx::type({5, 16}))};
  parts.initializers = std::move(weights);
  const std::string model = onnx::model({onnx::graph(parts)});
  import_file(MappedFile("flat.onnx", bytes_of(model)), {}, graph);
}

TEST(Conventions, CountOperatorsAsModulesInFilesWithoutClasses) {
  namespace onnx = test::onnx;
  Graph product, gemm, of_inputs;
  read_flat({{"MatMul", {"x", "w"}, {"h"}}, {"Add", {"h", "b"}, {"y"}}},
            {onnx::weight("w", {8, 16}), onnx::weight("b", {16})}, product);
  EXPECT_EQ(cost(product, "thop"), 640);
  EXPECT_EQ(cost(product, "fvcore"), 640);
  read_flat({{"Gemm", {"x", "w", "b"}, {"y"}}},
            {onnx::weight("w", {8, 16}), onnx::weight("b", {16})}, gemm);
  EXPECT_EQ(cost(gemm, "thop"), 640);
  // A product of two results is a function, which thop leaves out.
  read_flat({{"MatMul", {"x", "z"}, {"y"}}}, {}, of_inputs, {"z"});
  EXPECT_EQ(cost(of_inputs, "thop"), 0);
  EXPECT_EQ(cost(of_inputs, "fvcore"), 640);
}

TEST(Conventions, CountASoftmaxOfOneNumber) {
  Graph graph;
  const ModuleId root = graph.add_module(no_id, "", "Softmax");
  graph.set_current_module(root);
  const Tensor x{&graph, graph.add_input("x", Shape{}, DType::float32)};
  softmax(x, 0);
  EXPECT_EQ(cost(graph, "thop"), 2);  // the exponential and the division
}

/// Kind: a linear layer whose weight is packed: 10 rows of 64 and 32 features, and 32 biases.
TEST(Conventions, CountPackedWeightsAsLinearLayers) {
  Graph without_bias, with_bias;
  read_data("onnx/kinds/matmul_4_bits.onnx", without_bias);
  read_data("onnx/kinds/matmul_2_bits.onnx", with_bias);
  EXPECT_EQ(cost(without_bias, "thop"), 20'480);
  EXPECT_EQ(cost(without_bias, "ptflops"), 20'480);
  EXPECT_EQ(cost(with_bias, "thop"), 20'480);
  EXPECT_EQ(cost(with_bias, "ptflops"), 20'480 + 32);
}

}  // namespace
}  // namespace zoometer
