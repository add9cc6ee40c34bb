// StableHLO's bytecode: figures of real files, loops and branches, modules, and hostile bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "analysis/convention.hpp"
#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/stablehlo/bytecode.hpp"
#include "model_files.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using testing::failure_of;
using ::testing::HasSubstr;
using testing::ModelFiles;
using testing::ReadModel;

const ModelFiles files(ZOOMETER_SOURCE_DIR "/tests/data/stablehlo/", "m.mlirbc");

std::size_t unknown_nodes(const Graph& graph) {
  return static_cast<std::size_t>(std::ranges::count_if(
      graph.nodes(), [](const Node& node) { return node.op->name == "unknown"; }));
}

/// Products by hand: 2 x 28 x 28 x 8 x 9 of the first convolution, 2 x 12 x 12 x 8 x 9 of the
/// grouped and dilated one, 2 x 288 x 10 of the dense layer.
TEST(Stablehlo, CountsConvolutionsPoolsAndProducts) {
  const ReadModel read = files.read("jax_cnn.mlirbc");
  const Profile result = profile(read.graph);
  EXPECT_EQ(result.total.macs, 112'896 + 20'736 + 5'760);
  EXPECT_EQ(result.total.parameters, 8 + 10 + 72 + 72 + 2'880);
  EXPECT_EQ(unknown_nodes(read.graph), 0U);
  ASSERT_EQ(read.graph.inputs().size(), 1U);
  EXPECT_EQ(read.graph.inputs()[0].name, "x");
  EXPECT_EQ(read.graph.shape(read.graph.inputs()[0].value), (Shape{2, 28, 28, 1}));
  ASSERT_EQ(read.graph.outputs().size(), 1U);
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{2, 10}));
}

/// A loop whose counter is compared with a constant runs 10 times; of two branches the costlier one
/// counts; a loop that data ends counts once.
TEST(Stablehlo, CountsLoopsAndBranches) {
  const ReadModel read = files.read("jax_control.mlirbc");
  EXPECT_EQ(profile(read.graph).total.macs, 10 * 216 + 2 * 216 + 216);
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("runs 10 times")));
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("the costliest one")));
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("counted once")));
}

/// Programs of JAX with the MACs of their jaxpr and what XLA's cost analysis counts in jaxlib
/// 0.10.2 (tests/modern/jax_programs.py).
TEST(Stablehlo, AgreesWithJaxOnEveryProgram) {
  const std::size_t count = testing::for_each_golden(
      ZOOMETER_SOURCE_DIR "/tests/golden/jax_programs.zip",
      [](const std::string& name, const std::string& bytes,
         const std::vector<std::int64_t>& figures) {
        const ReadModel read = files.read_bytes(bytes);
        EXPECT_EQ(profile(read.graph).total.macs, figures.at(0)) << name;
        EXPECT_EQ(profile(read.graph, find_convention("xla")).total.cost, figures.at(1)) << name;
        EXPECT_EQ(unknown_nodes(read.graph), 0U) << name;
      });
  EXPECT_GE(count, 39U);
}

/// What jax.export writes has the bytecode within a flatbuffer; modules are in the locations.
TEST(Stablehlo, ReadsFilesOfJaxExport) {
  const ReadModel read = files.read("jax_attention.jaxexport");
  const Profile result = profile(read.graph);
  EXPECT_EQ(result.total.macs, 157'824);
  EXPECT_EQ(result.total.parameters, 8'192);
  EXPECT_EQ(read.graph.inputs().size(), 1U);
  for (const auto& [path, macs] :
       {std::pair<std::string, std::int64_t>{"encoder.self_attention", 84'096},
        {"encoder.mlp", 73'728}}) {
    std::optional<ModuleId> module;
    for (ModuleId id = 0; id < read.graph.modules().size(); ++id)
      if (read.graph.module_path(id) == path) module = id;
    ASSERT_TRUE(module) << path;
    EXPECT_EQ(result.modules[*module].macs, macs) << path;
  }
}

/// jax.export writes what the sizes of inputs are: (b, t, 8) and (2*b + 1, floordiv(t, 2)). The
/// program computes with them.
TEST(Stablehlo, NamesOpenSizesAsTheyWereExported) {
  TraceOptions options;
  options.dims = {{"b", 4}, {"t", 10}};
  const ReadModel read = files.read("jax_poly.jaxexport", options);
  std::vector<Shape> shapes;
  for (const auto& port : read.graph.inputs()) shapes.push_back(read.graph.shape(port.value));
  for (const auto& port : read.graph.outputs()) shapes.push_back(read.graph.shape(port.value));
  EXPECT_THAT(shapes, ::testing::ElementsAre(Shape{3}, Shape{8, 4}, Shape{4, 10, 8}, Shape{9, 5},
                                             Shape{4, 10, 4}, Shape{9, 5}));
  EXPECT_EQ(profile(read.graph).total.macs, 40 * 8 * 4);
  for (const auto& port : read.graph.outputs()) EXPECT_EQ(read.graph.unknown_sizes(port.value), 0U);
  EXPECT_THAT(files.read("jax_poly.jaxexport").notes.notes, Contains(HasSubstr("--dim t=N")));
  EXPECT_THAT(failure_of([&] {
                options.dims = {{"batch", 2}};
                files.read("jax_poly.jaxexport", options);
              }),
              HasSubstr("b, t"));
}

/// Every operation and attribute that StableHLO has, in the oldest form of the bytecode and in a
/// recent one: all functions are found, and each is read.
TEST(Stablehlo, ReadsEveryFormOfTheBytecode) {
  for (const auto& [name, count] :
       {std::pair<std::string, std::size_t>{"stablehlo_legalize_to_vhlo.0_9_0.mlir.bc", 192},
        {"stablehlo_legalize_to_vhlo.1_20_0.mlir.bc", 252}}) {
    const std::string bytes = files.bytes_of(name);
    const HloProgram program = read_mlir_bytecode(bytes, 0);
    const std::vector<HloFunction> functions = program.functions();
    EXPECT_EQ(functions.size(), count);
    for (const HloFunction& function : functions) {
      if (function.body == nullptr) continue;
      TraceOptions options;
      options.entry = function.name;
      EXPECT_NO_THROW(files.read_bytes(bytes, options)) << name << ' ' << function.name;
    }
  }
}

TEST(Stablehlo, NamesTheFunctionsWhereSeveralCouldBeMeant) {
  const std::string failure =
      failure_of([] { files.read("stablehlo_legalize_to_vhlo.1_20_0.mlir.bc"); });
  EXPECT_THAT(failure, HasSubstr("usage: "));
  EXPECT_THAT(failure, HasSubstr("several functions"));
  EXPECT_THAT(failure_of([] {
                TraceOptions options;
                options.entry = "absent";
                files.read("jax_cnn.mlirbc", options);
              }),
              HasSubstr("no function absent"));
}

TEST(Stablehlo, RefusesShapesThatTheProgramFixes) {
  TraceOptions options;
  options.inputs = {{"x", Shape{4, 28, 28, 1}}};
  EXPECT_THAT(failure_of([&] { files.read("jax_cnn.mlirbc", options); }),
              HasSubstr("fixes the sizes of its input x"));
}

/// Every prefix of a file, and each byte changed: a graph or an error, never a crash.
TEST(Stablehlo, SurvivesDamagedFiles) {
  for (const char* name : {"jax_control.mlirbc", "jax_attention.jaxexport"}) {
    const std::string bytes = files.bytes_of(name);
    ASSERT_GT(bytes.size(), 1'000U);
    for (std::size_t size = 0; size < bytes.size(); size += 7)
      failure_of([&] { files.read_bytes(bytes.substr(0, size)); });
    for (std::size_t place = 0; place < bytes.size(); ++place) {
      std::string damaged = bytes;
      damaged[place] = static_cast<char>(damaged[place] ^ 0x5A);
      failure_of([&] { files.read_bytes(damaged); });
    }
  }
}

TEST(Stablehlo, LocatesWhatIsWrong) {
  std::string cut = files.bytes_of("jax_cnn.mlirbc");
  cut.resize(cut.size() - 40);
  EXPECT_THAT(failure_of([&] { files.read_bytes(cut); }), HasSubstr("malformed: "));
  std::string newer = files.bytes_of("jax_cnn.mlirbc");
  newer[4] = static_cast<char>(99 << 1 | 1);
  EXPECT_THAT(failure_of([&] { files.read_bytes(newer); }), HasSubstr("unknown version"));
}

}  // namespace
}  // namespace zoometer
