// StableHLO as text: the same figures as its bytecode, every form of its operations, and hostile
// texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "analysis/convention.hpp"
#include "analysis/explanation.hpp"
#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/stablehlo/assembly.hpp"
#include "model_files.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using testing::failure_of;
using ::testing::HasSubstr;
using testing::ModelFiles;
using testing::ReadModel;

const ModelFiles files(ZOOMETER_SOURCE_DIR "/tests/data/stablehlo/", "m.mlir");

/// A program of one function, main, with that body.
std::string program(const std::string& arguments, const std::string& body) {
  return "module @m {\n  func.func public @main(" + arguments + ") -> tensor<2x3xf32> {\n" + body +
         "    return %r : tensor<2x3xf32>\n  }\n}\n";
}

std::vector<std::string> operators_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.emplace_back(node.op->name);
  return names;
}

/// The shapes of the outputs.
std::vector<Shape> outputs_of(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const auto& output : graph.outputs()) shapes.push_back(graph.shape(output.value));
  return shapes;
}

/// Every operation of StableHLO, as bytecode and as jaxlib writes it as text.
TEST(StablehloText, EqualsTheBytecodeFunctionByFunction) {
  const std::string text = files.bytes_of("stablehlo_legalize_to_vhlo.0_9_0.mlir");
  const HloProgram program = read_stablehlo_text(text);
  std::size_t compared = 0;
  for (const HloFunction& function : program.functions()) {
    if (function.body == nullptr) continue;
    TraceOptions options;
    options.entry = function.name;
    const ReadModel from_text = files.read_bytes(text, options);
    const ReadModel from_bytes = files.read("stablehlo_legalize_to_vhlo.0_9_0.mlir.bc", options);
    const Profile left = profile(from_text.graph);
    const Profile right = profile(from_bytes.graph);
    EXPECT_EQ(left.total.macs, right.total.macs) << function.name;
    EXPECT_EQ(left.total.flops, right.total.flops) << function.name;
    EXPECT_EQ(left.total.parameters, right.total.parameters) << function.name;
    EXPECT_EQ(operators_of(from_text.graph), operators_of(from_bytes.graph)) << function.name;
    EXPECT_EQ(outputs_of(from_text.graph), outputs_of(from_bytes.graph)) << function.name;
    ++compared;
  }
  EXPECT_EQ(compared, 192U);
}

/// 2 x 3 x 9 x 16 x 16 of queries and keys, 2 x 3 x 2 x 9 x 9 x 8 of scores and their products.
TEST(StablehloText, ReadsNamesAndModulesFromLocations) {
  for (const char* name : {"jax_heads.mlir", "jax_heads.generic.mlir"}) {
    const ReadModel read = files.read(name);
    const Profile result = profile(read.graph);
    EXPECT_EQ(result.total.macs, 2 * 6'912 + 2 * 3'888) << name;
    EXPECT_EQ(result.total.parameters, 2 * 256) << name;
    EXPECT_EQ(read.notes.format, "StableHLO as text");
    EXPECT_EQ(read.graph.inputs().size(), 1U) << name;
    std::optional<ModuleId> module;
    for (ModuleId id = 0; id < read.graph.modules().size(); ++id)
      if (read.graph.module_path(id) == "enc") module = id;
    ASSERT_TRUE(module) << name;
    EXPECT_EQ(result.modules[*module].macs, 2 * 6'912 + 2 * 3'888) << name;
  }
}

/// Groups of channels and a dilated kernel: 2 x 12 x 5 results of 1 x 3 products.
TEST(StablehloText, ReadsWindowsAndDimensionNumbers) {
  const ReadModel read = files.read("conv_grouped_dilated.mlir");
  EXPECT_EQ(profile(read.graph).total.macs, 360);
  EXPECT_EQ(profile(read.graph).total.parameters, 2 * 3 * 9 + 12 * 3 + 2 * 12 * 5);
}

/// Sizes that the program leaves open, computed with and passed on to another function.
TEST(StablehloText, FollowsOpenSizes) {
  TraceOptions options;
  options.dims = {{"batch", 5}};
  const ReadModel read = files.read("jax_poly.mlir", options);
  EXPECT_EQ(profile(read.graph).total.macs, 5 * 2 * 8 * 4);
}

TEST(StablehloText, ReadsConstants) {
  const ReadModel read = files.read_bytes(program(
      "%a: tensor<2x3xf32>",
      "    %0 = stablehlo.constant dense<[[1.0, -2.5e-3, 0x7F800000], [4, 5, 6]]> : "
      "tensor<2x3xf32>\n"
      "    %1 = stablehlo.constant dense<\"0x000080BF\"> : tensor<2x3xf32>\n"
      "    %2 = stablehlo.constant dense<0.5> : tensor<2x3xf32>\n"
      "    %3 = stablehlo.constant dense_resource<blob> : tensor<2x3xf32>\n"
      "    %4 = stablehlo.add %a, %0 : tensor<2x3xf32>\n"
      "    %5 = stablehlo.add %4, %1 : tensor<2x3xf32>\n"
      "    %6 = \"stablehlo.add\"(%5, %2) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>\n"
      "    %r = stablehlo.add %6, %3 : tensor<2x3xf32>\n"));
  EXPECT_EQ(profile(read.graph).total.parameters, 2 * 6);  // the first and the last one
  EXPECT_EQ(profile(read.graph).total.flops, 4 * 6);
}

/// Those of dialects that front ends write beside StableHLO, also over several lines.
TEST(StablehloText, ReadsConstantsOfOtherDialects) {
  const ReadModel read = files.read_bytes(
      program("%a: tensor<2x3xf32>",
              "    %0 = arith.constant {name = \"c\"} dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : "
              "tensor<2x3xf32>\n"
              "    %1 = \"arith.constant\"() <{value = dense<0.5> : tensor<2x3xf32>}> : () -> "
              "tensor<2x3xf32>\n"
              "    %2 = util.unfoldable_constant\n      dense<2.0> : tensor<2x3xf32>\n"
              "    %c = arith.constant 0 : index\n"
              "    check.expect_eq_const(\n      %a,\n      dense<1.0> : tensor<2x3xf32>\n    ) : "
              "tensor<2x3xf32>\n"
              "    %3 = stablehlo.add %0, %1 : tensor<2x3xf32>\n"
              "    %r = stablehlo.add %3, %2 : tensor<2x3xf32>\n"));
  const Profile result = profile(read.graph);
  EXPECT_EQ(result.total.flops, 2 * 6);
  EXPECT_EQ(result.coverage.unknown.size(), 2U) << "the index and the check";
}

/// The form of MLIR's generic printer.
TEST(StablehloText, ReadsDimensionNumbersThatAreNamed) {
  const ReadModel read = files.read_bytes(
      "func.func @f(%x: tensor<1x4x4x2xf32>, %w: tensor<3x2x2x1xf32>) -> tensor<1x2x3x1xf32> {\n"
      "  %r = \"stablehlo.convolution\"(%x, %w) {batch_group_count = 1 : i64,\n"
      "    dimension_numbers = #stablehlo.conv<raw input_batch_dimension = 0,\n"
      "      input_feature_dimension = 3, input_spatial_dimensions = [1, 2],\n"
      "      kernel_input_feature_dimension = 2, kernel_output_feature_dimension = 3,\n"
      "      kernel_spatial_dimensions = [0, 1], output_batch_dimension = 0,\n"
      "      output_feature_dimension = 3, output_spatial_dimensions = [1, 2]>,\n"
      "    feature_group_count = 1 : i64, window_strides = array<i64: 1, 1>}\n"
      "    : (tensor<1x4x4x2xf32>, tensor<3x2x2x1xf32>) -> tensor<1x2x3x1xf32>\n"
      "  return %r : tensor<1x2x3x1xf32>\n}\n");
  EXPECT_EQ(profile(read.graph).total.macs, 6 * 12);
}

TEST(StablehloText, CountsLoopsBranchesAndReductions) {
  const ReadModel read = files.read_bytes(program(
      "%a: tensor<2x3xf32>",
      "    %c = stablehlo.constant dense<0> : tensor<i32>\n"
      "    %z = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "    %0:2 = stablehlo.while(%i = %c, %x = %a) : tensor<i32>, tensor<2x3xf32>\n"
      "    cond {\n"
      "      %n = stablehlo.constant dense<7> : tensor<i32>\n"
      "      %2 = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "      stablehlo.return %2 : tensor<i1>\n"
      "    } do {\n"
      "      %one = stablehlo.constant dense<1> : tensor<i32>\n"
      "      %2 = stablehlo.add %i, %one : tensor<i32>\n"
      "      %3 = stablehlo.tanh %x : tensor<2x3xf32>\n"
      "      stablehlo.return %2, %3 : tensor<i32>, tensor<2x3xf32>\n"
      "    }\n"
      "    %1 = stablehlo.reduce(%0#1 init: %z) applies stablehlo.add across dimensions = [0] : "
      "(tensor<2x3xf32>, tensor<f32>) -> tensor<3xf32>\n"
      "    %m:2 = stablehlo.reduce(%0#1 init: %z), (%a init: %z) across dimensions = [0] : "
      "(tensor<2x3xf32>, tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> (tensor<3xf32>, "
      "tensor<3xf32>)\n"
      "     reducer(%p: tensor<f32>, %q: tensor<f32>) (%s: tensor<f32>, %t: tensor<f32>) {\n"
      "      %2 = stablehlo.add %p, %q : tensor<f32>\n"
      "      %3 = stablehlo.multiply %s, %t : tensor<f32>\n"
      "      stablehlo.return %2, %3 : tensor<f32>, tensor<f32>\n"
      "    }\n"
      "    %r = stablehlo.broadcast_in_dim %1, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>\n"));
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("runs 7 times")));
  // 7 tanh of 6, 8 comparisons and 7 additions of the counter, a sum of 6, and 2 for each of 6.
  EXPECT_EQ(profile(read.graph).total.flops, 42 + 8 + 7 + 6 + 12);
}

// -- folders of torch_xla -----------------------------------------------------------------------

/// A program of a linear layer, whose first argument is its weight, as torch_xla writes it.
class TorchXlaFolder : public ::testing::Test {
 protected:
  TorchXlaFolder() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "functions");
    add("forward");
  }
  ~TorchXlaFolder() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / "functions" / name) << text;
  }
  void add(const std::string& name) {
    write(name + ".mlir",
          "module {\n func.func @main(%w: tensor<8x4xf32>, %m: tensor<4xf32>, %x: "
          "tensor<2x8xf32>) -> tensor<2x4xf32> {\n  %0 = stablehlo.dot_general %x, %w, "
          "contracting_dims = [1] x [0] : (tensor<2x8xf32>, tensor<8x4xf32>) -> "
          "tensor<2x4xf32>\n  return %0 : tensor<2x4xf32>\n }\n}\n");
    write(name + ".meta", R"({"name": "forward", "stablehlo_version": "0.0.0", "input_locations": [
      {"type_": "parameter", "position": -1, "name": "fc.weight"},
      {"type_": "parameter", "position": -1, "name": "bn.running_mean"},
      {"type_": "input_arg", "position": 0, "name": ""}]})");
  }
  ReadModel read(const TraceOptions& options = {}) {
    ReadModel read;
    read.notes = import_file(folder_.string(), options, read.graph);
    return read;
  }

  fs::path folder_ = fs::path(::testing::TempDir()) / "torch_xla_program";
};

TEST_F(TorchXlaFolder, KnowsWeightsByTheDescriptionBesideTheProgram) {
  const ReadModel model = read();
  const Profile result = profile(model.graph);
  EXPECT_EQ(result.total.macs, 2 * 8 * 4);
  EXPECT_EQ(result.total.parameters, 8 * 4);
  EXPECT_EQ(result.total.buffers, 4);
  EXPECT_EQ(model.graph.parameters()[0].name, "fc.weight");
  ASSERT_EQ(model.graph.inputs().size(), 1U);
  EXPECT_EQ(model.graph.inputs()[0].name, "arg0");
}

TEST_F(TorchXlaFolder, ReadsTheProgramThatIsNamed) {
  add("encode");
  EXPECT_THAT(failure_of([&] { read(); }), HasSubstr("choose with --entry: encode, forward"));
  TraceOptions options;
  options.entry = "encode";
  EXPECT_EQ(profile(read(options).graph).total.macs, 64);
  options.entry = "decode";
  EXPECT_THAT(failure_of([&] { read(options); }), HasSubstr("no program decode"));
}

TEST_F(TorchXlaFolder, RefusesADescriptionOfAnotherProgram) {
  write("forward.meta", R"({"input_locations": [{"type_": "input_arg", "position": 0}]})");
  EXPECT_THAT(failure_of([&] { read(); }), HasSubstr("expected 1 as described beside it, got 3"));
  write("forward.meta", R"({"input_locations": [{"position": 0}]})");
  EXPECT_THAT(failure_of([&] { read(); }), HasSubstr("forward.meta"));
}

// -- the count of XLA ---------------------------------------------------------------------------

/// The count of XLA for one operation, with operands %a (4, 6), %k (3, 6) and %c of complex
/// numbers. `before` are operations in front of it.
std::int64_t xla_of(const std::string& operation, const std::string& type,
                    const std::string& before = "") {
  const std::string text =
      "module {\n func.func @main(%a: tensor<4x6xf32>, %k: tensor<3x6xf32>, %c: "
      "tensor<5x17xcomplex<f32>>, %x: tensor<1x1x5x7xf32>, %w: tensor<2x1x3x3xf32>) -> " +
      type + " {\n" + before + "  %r = " + operation + "\n  return %r : " + type + "\n }\n}\n";
  const ReadModel read = files.read_bytes(text);
  return profile(read.graph, find_convention("xla")).total.cost;
}

/// As jaxlib 0.10.2 counts them.
TEST(StablehloText, CountsAsXlaDoes) {
  const auto cost_of_file = [](const std::string& name) {
    const ReadModel read = files.read(name);
    return profile(read.graph, find_convention("xla")).total.cost;
  };
  EXPECT_EQ(cost_of_file("jax_cnn.mlirbc"), 295'074);
  EXPECT_EQ(cost_of_file("jax_control.mlirbc"), 1'768);
  EXPECT_EQ(cost_of_file("jax_heads.mlir"), 48'977);
  EXPECT_EQ(cost_of_file("conv_grouped_dilated.mlir"), 720 - 1);

  const std::string plain = "tensor<4x6xf32>";
  EXPECT_EQ(xla_of("stablehlo.tanh %a : " + plain, plain), 0);
  EXPECT_EQ(xla_of("stablehlo.negate %a : " + plain, plain), 24);
  EXPECT_EQ(xla_of("stablehlo.convert %a : " + plain, plain), 0);
  EXPECT_EQ(
      xla_of("stablehlo.convert %a : (tensor<4x6xf32>) -> tensor<4x6xf16>", "tensor<4x6xf16>"), 24);
  EXPECT_EQ(
      xla_of("stablehlo.custom_call @kernel(%a) : (tensor<4x6xf32>) -> tensor<4x6xf32>", plain),
      -1);
  EXPECT_EQ(xla_of("stablehlo.dot_general %a, %k, contracting_dims = [1] x [1] : "
                   "(tensor<4x6xf32>, tensor<3x6xf32>) -> tensor<4x3xf32>",
                   "tensor<4x3xf32>"),
            2 * 4 * 3 * 6);
  EXPECT_EQ(xla_of("stablehlo.fft %c, type = FFT, length = [17] : (tensor<5x17xcomplex<f32>>) -> "
                   "tensor<5x17xcomplex<f32>>",
                   "tensor<5x17xcomplex<f32>>"),
            8 * 4 * 85);
  const auto convolution = [](const std::string& window, const std::string& result) {
    return xla_of("stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->"
                  "[b, f, 0, 1], window = {" +
                      window +
                      "} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
                      "(tensor<1x1x5x7xf32>, tensor<2x1x3x3xf32>) -> " +
                      result,
                  result);
  };
  EXPECT_EQ(convolution("", "tensor<1x2x3x5xf32>"), 540);
  EXPECT_EQ(convolution("pad = [[1, 1], [1, 1]]", "tensor<1x2x5x7xf32>"), 988);
  EXPECT_EQ(convolution("stride = [2, 2], pad = [[1, 1], [1, 1]]", "tensor<1x2x3x4xf32>"), 280);
  EXPECT_EQ(convolution("pad = [[1, 2], [1, 2]], lhs_dilate = [2, 2]", "tensor<1x2x10x14xf32>"),
            1'120);
  EXPECT_EQ(convolution("pad = [[2, 2], [2, 2]], rhs_dilate = [2, 2]", "tensor<1x2x5x7xf32>"), 748);
  EXPECT_EQ(convolution("stride = [2, 2], pad = [[-1, 2], [3, -1]], rhs_dilate = [1, 2]",
                        "tensor<1x2x2x3xf32>"),
            120);
}

/// XLA's front end folds constants and neutral operands before costs are counted (jaxlib 0.10.2).
TEST(StablehloText, LeavesOutWhatXlaFolds) {
  struct Case {
    const char* operation;
    const char* constant;
    std::int64_t expected;
  };
  const std::string plain = "tensor<4x6xf32>", whole = "tensor<4x6xi32>";
  const auto with = [](const Case& each, const std::string& type) {
    return xla_of(each.operation + (" : " + type), type,
                  "  %s = stablehlo.constant dense<" + std::string(each.constant) +
                      "> : " + "tensor<" + type.substr(type.size() - 4, 3) + ">\n" +
                      "  %z = stablehlo.broadcast_in_dim %s, dims = [] : (tensor<" +
                      type.substr(type.size() - 4, 3) + ">) -> " + type + "\n" +
                      "  %i = stablehlo.iota dim = 0 : " + type + "\n");
  };
  constexpr Case reals[] = {
      {"stablehlo.add %a, %z", "0.0", 0},       {"stablehlo.add %z, %a", "-0.0", 0},
      {"stablehlo.add %a, %z", "1.0", 24},      {"stablehlo.subtract %a, %z", "0.0", 0},
      {"stablehlo.subtract %z, %a", "0.0", 24}, {"stablehlo.multiply %a, %z", "1.0", 0},
      {"stablehlo.multiply %a, %z", "0.0", 24}, {"stablehlo.divide %a, %z", "1.0", 24},
      {"stablehlo.subtract %a, %a", "0.0", 24}, {"stablehlo.add %z, %z", "3.0", 0},
      {"stablehlo.negate %z", "3.0", 0},        {"stablehlo.floor %z", "3.0", 24},
      {"stablehlo.abs %a", "3.0", 24},
  };
  for (const Case& each : reals) EXPECT_EQ(with(each, plain), each.expected) << each.operation;
  constexpr Case integers[] = {
      {"stablehlo.add %i, %z", "0", 0},         {"stablehlo.multiply %i, %z", "0", 0},
      {"stablehlo.and %i, %z", "-1", 0},        {"stablehlo.or %i, %z", "0", 0},
      {"stablehlo.xor %i, %z", "0", 0},         {"stablehlo.xor %i, %z", "-1", 24},
      {"stablehlo.subtract %i, %i", "0", 0},    {"stablehlo.maximum %i, %z", "0", 24},
      {"stablehlo.shift_left %i, %z", "0", 24},
  };
  for (const Case& each : integers) EXPECT_EQ(with(each, whole), each.expected) << each.operation;
  const std::string mask = "  %p = stablehlo.compare GT, %a, %a : (tensor<4x6xf32>, "
                           "tensor<4x6xf32>) -> tensor<4x6xi1>\n";
  EXPECT_EQ(xla_of("stablehlo.select %p, %a, %a : tensor<4x6xi1>, " + plain, plain, mask), 24);
  const std::string numbers = "  %n = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>\n";
  EXPECT_EQ(xla_of("stablehlo.add %n, %n : tensor<2xf32>", "tensor<2xf32>", numbers), 0);
  const std::string wide = numbers +
                           "  %d = stablehlo.broadcast_in_dim %n, dims = [1] : (tensor<2xf32>) -> "
                           "tensor<3x2xf32>\n";
  EXPECT_EQ(xla_of("stablehlo.add %d, %d : tensor<3x2xf32>", "tensor<3x2xf32>", wide), 6);
}

/// Steps that no convolution has: the operation is unknown, and all its pairs count.
TEST(StablehloText, CountsConvolutionsThatCannotBe) {
  for (const char* window : {"stride = [0, 1]", "stride = [1, -3]", "rhs_dilate = [0, 1]",
                             "lhs_dilate = [0, 2]", "pad = [[-9223372036854775808, 0], [0, 0]]"}) {
    const std::string result = "tensor<1x2x3x5xf32>";
    EXPECT_NO_THROW(
        xla_of(std::string("stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->"
                           "[b, f, 0, 1], window = {") +
                   window + "} : (tensor<1x1x5x7xf32>, tensor<2x1x3x3xf32>) -> " + result,
               result))
        << window;
  }
}

/// 5 n log2 n for n complex numbers, half of it for real ones; backwards 1 per real number more.
TEST(StablehloText, CountsFourierTransforms) {
  const auto flops_of = [](const std::string& operand, const std::string& kind,
                           const std::string& length, const std::string& result) {
    const std::string types = " : (" + operand + ") -> " + result;
    const ReadModel read =
        files.read_bytes("module {\n func.func @main(%a: " + operand + ") -> " + result +
                         " {\n  %r = stablehlo.fft %a, type = " + kind + ", length = [" + length +
                         "]" + types + "\n  return %r : " + result + "\n }\n}\n");
    EXPECT_TRUE(profile(read.graph).coverage.unknown.empty()) << kind;
    return profile(read.graph).total.flops;
  };
  const std::string plain = "tensor<2x8xcomplex<f32>>";
  EXPECT_EQ(flops_of(plain, "FFT", "8", plain), 2 * 5 * 8 * 3);
  EXPECT_EQ(flops_of(plain, "IFFT", "8", plain), 2 * (5 * 8 * 3 + 16));
  EXPECT_EQ(flops_of(plain, "FFT", "2, 8", plain), 2 * 5 * 8 * 3 + 8 * 5 * 2 * 1);
  const std::string real = "tensor<2x16xf32>";
  const std::string half = "tensor<2x9xcomplex<f32>>";
  EXPECT_EQ(flops_of(real, "RFFT", "16", half), 5 * 16 * 4);
  EXPECT_EQ(flops_of(half, "IRFFT", "16", real), 5 * 16 * 4 + 32);
}

/// The count is a column where a graph has it, and refused elsewhere.
TEST(StablehloText, ExplainsXlasCount) {
  const Explanation explained = explain(files.read("jax_control.mlirbc").graph);
  EXPECT_EQ(explained.columns.back()->name, "xla");
  EXPECT_EQ(explained.total.costs.back(), 1'768);
  Graph empty;
  EXPECT_NE(explain(empty).columns.back()->name, "xla");
  EXPECT_THAT(failure_of([&] { profile(empty, find_convention("xla")); }),
              HasSubstr("usage: the model has nothing that the convention xla counts"));
}

/// What StableHLO does not define is unknown, with its types; CHLO's functions of an element count.
TEST(StablehloText, NamesOperationsOfOtherDialects) {
  const ReadModel read = files.read_bytes(program(
      "%a: tensor<2x3xf32>",
      "    %0 = chlo.erf %a : tensor<2x3xf32> -> tensor<2x3xf32>\n"
      "    %1:2 = chlo.top_k(%0, k = 2) {note = \"x : y\"} : tensor<2x3xf32> -> (tensor<2x2xf32>, "
      "tensor<2x2xi32>)\n"
      "    %2 = sdy.sharding_constraint %0 <@mesh, [{\"x\"}, {}]> : tensor<2x3xf32>\n"
      "    %3 = sdy.manual_computation(%2) in_shardings=[<@mesh, [{}]>] (%arg9: tensor<2x3xf32>) "
      "{\n"
      "      %9 = stablehlo.tanh %arg9 : tensor<2x3xf32>\n"
      "      sdy.return %9 : tensor<2x3xf32>\n"
      "    } : (tensor<2x3xf32>) -> tensor<2x3xf32>\n"
      "    util.check %1#0, %3 : tensor<2x2xf32>, tensor<2x3xf32>\n"
      "    %r = stablehlo.tanh %3 : tensor<2x3xf32>\n"));
  const Profile result = profile(read.graph);
  EXPECT_EQ(result.total.flops, 12);
  std::vector<std::string> unknown;
  for (const auto& [name, count] : result.coverage.unknown) unknown.emplace_back(name);
  EXPECT_EQ(unknown.size(), 4U);
}

TEST(StablehloText, LocatesWhatIsWrong) {
  const auto failure = [](const std::string& body) {
    return failure_of([&] { files.read_bytes(program("%a: tensor<2x3xf32>", body)); });
  };
  EXPECT_THAT(failure("    %r = stablehlo.tanh %b : tensor<2x3xf32>\n"),
              HasSubstr("expected one that was made before, got %b"));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a#1 : tensor<2x3xf32>\n"),
              HasSubstr("expected one of 1 results, got 1"));
  EXPECT_THAT(failure("    %a = stablehlo.tanh %a : tensor<2x3xf32>\n"),
              HasSubstr("a name of its own, not %a"));
  EXPECT_THAT(failure("    %r:2 = stablehlo.tanh %a : tensor<2x3xf32>\n"),
              HasSubstr("expected 2, one for each result, got 1"));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a : ()\n"),
              HasSubstr("expected 1, one for each result, got 0"));
  EXPECT_THAT(failure("    %r = stablehlo.constant dense<[1, 2]> : tensor<2x3xf32>\n"),
              HasSubstr("expected 6 elements, got 2"));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a {x = 1, x = 2} : tensor<2x3xf32>\n"),
              HasSubstr("each name once"));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a {x = \"open} : tensor<2x3xf32>\n"),
              HasSubstr("its end on the same line"));
  EXPECT_THAT(
      failure("    %r = stablehlo.tanh %a {x = #y} : tensor<9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9"
              "xf32>\n"),
      HasSubstr("too many dimensions"));
  EXPECT_THAT(failure_of([] {
                files.read_bytes("#a = #b\n#b = #a\nmodule {\n func.func @main() -> tensor<f32> {\n"
                                 "  %0 = stablehlo.iota {x = #a} dim = 0 : tensor<f32>\n"
                                 "  return %0 : tensor<f32>\n }\n}\n");
              }),
              HasSubstr("does not contain itself"));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a {x = " + std::string(100, '[') + "} : f32\n"),
              HasSubstr("limit: "));
  EXPECT_THAT(failure("    %r = stablehlo.tanh %a {x = " + std::string(300, '{') + "} : f32\n"),
              HasSubstr("limit: "));
}

/// Operations without the operands that they have: unknown, as the note says.
TEST(StablehloText, TakesNoOperandForGranted) {
  for (const char* name : {"convert", "negate", "sign", "add", "compare", "select", "and", "fft",
                           "convolution", "reduce", "sort", "gather", "pad"}) {
    const ReadModel read = files.read_bytes(program(
        "", "    %r = \"stablehlo." + std::string(name) + "\"() : () -> tensor<2x3xf32>\n"));
    EXPECT_FALSE(profile(read.graph).coverage.unknown.empty()) << name;
  }
}

TEST(StablehloText, RefusesFunctionsOfOneName) {
  const std::string one = " func.func @main() -> tensor<f32> {\n"
                          "  %0 = stablehlo.iota dim = 0 : tensor<f32>\n"
                          "  return %0 : tensor<f32>\n }\n";
  EXPECT_THAT(failure_of([&] { files.read_bytes("module {\n" + one + one + "}\n"); }),
              HasSubstr("each name once, got main twice"));
}

/// Every prefix of a file, and each byte changed: a graph or an error, never a crash.
TEST(StablehloText, SurvivesDamagedFiles) {
  const std::string text = files.bytes_of("jax_heads.mlir");
  ASSERT_GT(text.size(), 1'000U);
  for (std::size_t size = 0; size < text.size(); size += 13)
    failure_of([&] { files.read_bytes(text.substr(0, size)); });
  for (std::size_t place = 0; place < text.size(); place += 2) {
    std::string damaged = text;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x15);
    failure_of([&] { files.read_bytes(damaged); });
  }
}

}  // namespace
}  // namespace zoometer
