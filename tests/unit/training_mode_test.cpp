// Batch norms and dropouts that a file has in training mode: their statistics and masks are counted
// and a note says so, in ONNX files and in programs. And fvcore's column of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/convention.hpp"
#include "analysis/profile.hpp"
#include "bench.hpp"
#include "import/foreign.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"
#include "program_text.hpp"
#include "zip_writer.hpp"
#include "zoometer/op/norm.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using testing::Bench;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t elements = 2 * 3 * 4 * 4;

struct Read {
  Graph graph;
  ImportNotes notes;
  Profile metrics;

  explicit Read(const std::string& file) {
    onnx_importer.read(MappedFile("test.onnx", std::as_bytes(std::span(file))), {}, graph, notes);
    verify(graph);
    metrics = profile(graph);
  }
};

/// x (2, 3, 4, 4) normalised, with the outputs that training has.
std::string norm_model(int opset, std::vector<Attribute> attributes, std::size_t outputs) {
  std::vector<std::string> names, infos;
  for (std::size_t i = 0; i < outputs; ++i) {
    names.push_back("y" + std::to_string(i));
    infos.push_back(value_info(names.back(), ""));
  }
  return model({.graph = zoometer::test::onnx::graph(
                    {.nodes = {node({"BatchNormalization",
                                     {"x", "scale", "bias", "mean", "var"},
                                     names,
                                     std::move(attributes)})},
                     .inputs = {value_info("x", type({2, 3, 4, 4}))},
                     .outputs = infos,
                     .initializers = {weight("scale", {3}), weight("bias", {3}),
                                      weight("mean", {3}), weight("var", {3})}}),
                .opset = opset});
}

TEST(TrainingMode, CountsTheStatisticsOfABatchNorm) {
  const Read read(norm_model(15, {Attribute("training_mode", 1)}, 3));
  // sum; difference, square and sum; scale and shift
  EXPECT_EQ(read.metrics.total.flops, 6 * elements);
  EXPECT_THAT(read.notes.ignored, IsEmpty());
  EXPECT_THAT(read.notes.notes,
              Contains(HasSubstr("1 batch norm runs in training mode: export the model")));
  for (const std::size_t i : {1U, 2U})
    EXPECT_EQ(read.graph.shape(read.graph.outputs()[i].value), (Shape{3}));
}

TEST(TrainingMode, MeansNoBatchNormWithoutRunningStatistics) {
  Bench bench;
  const Tensor x = bench.input({2, 3, 4, 4}), scale = bench.input({3});
  const Tensor none{&bench.graph, no_id};
  batch_norm_training(x, scale, none, none, none);
  EXPECT_EQ(training_note(bench.graph), std::nullopt);
  batch_norm_training(x, scale, none, bench.input({3}), bench.input({3}));
  EXPECT_THAT(training_note(bench.graph).value_or(""), HasSubstr("1 batch norm runs"));
}

TEST(TrainingMode, KnowsItByTheOutputsOfOlderVersions) {
  EXPECT_EQ(Read(norm_model(9, {}, 5)).metrics.total.flops, 6 * elements);
  EXPECT_EQ(Read(norm_model(9, {}, 1)).metrics.total.flops, 2 * elements);
}

TEST(TrainingMode, IsNotEvaluation) {
  const Read read(norm_model(15, {Attribute("training_mode", 0)}, 1));
  EXPECT_EQ(read.metrics.total.flops, 2 * elements);
  EXPECT_THAT(read.notes.notes, IsEmpty());
}

TEST(TrainingMode, CountsTheMaskOfADropout) {
  const std::string training = raw<std::uint8_t>("training", 9, {1});
  const Read read(
      model({.graph = zoometer::test::onnx::graph(
                 {.nodes = {node({"Dropout", {"x", "ratio", "training"}, {"y", "mask"}})},
                  .inputs = {value_info("x", type({2, 3, 4, 4}))},
                  .outputs = {value_info("y", ""), value_info("mask", "")},
                  .initializers = {reals("ratio", {0.25F}), training}})}));
  EXPECT_EQ(read.metrics.total.flops, 3 * elements);
  EXPECT_EQ(read.graph.value(read.graph.outputs()[1].value).dtype, DType::boolean);
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("1 dropout runs in training mode")));
  EXPECT_THAT(read.notes.ignored, IsEmpty());
}

// _native_batch_norm_legit_functional of a program that was exported without .eval(): 2 x 128
// elements were counted with 2 FLOPs each, as in evaluation.
TEST(TrainingMode, OfAProgramIsAnArgument) {
  testing::ProgramText program;
  program.input("x", "2,128");
  for (const char* name : {"weight", "bias", "mean", "var"}) program.input(name, "128");
  for (const char* name : {"y", "m", "r", "new_mean", "new_var"})
    program.value(name, name == std::string_view("y") ? "2,128" : "128");
  std::string results;
  for (const char* name : {"y", "m", "r", "new_mean", "new_var"}) {
    results.append(results.empty() ? "" : ",");
    results.append("{\"as_tensor\":{\"name\":\"").append(name).append("\"}}");
  }
  program.raw_node("torch.ops.aten._native_batch_norm_legit_functional.default",
                   {"input=T(x)", "weight=T(weight)", "bias=T(bias)", "running_mean=T(mean)",
                    "running_var=T(var)", "training=b(true)", "momentum=f(0.1)", "eps=f(1e-5)"},
                   results);
  program.output("y");
  testing::ZipWriter zip;
  zip.add("root/models/model.json", program.str());
  zip.add("root/archive_format", "pt2");
  const std::string file = zip.finish();
  Graph graph;
  const ImportNotes notes = import_file(MappedFile("m.pt2", testing::bytes_of(file)), {}, graph);
  EXPECT_EQ(profile(graph).total.flops, 6 * 256);
  EXPECT_THAT(notes.notes, Contains(HasSubstr("1 batch norm runs in training mode")));
  EXPECT_THAT(notes.ignored, IsEmpty());
}

// Weights are standardised by a batch norm in training: fvcore counts 5 per element.
TEST(TrainingMode, HasFvcoresFivePerElement) {
  Bench b;
  const Tensor x = b.input({1, 8, 27});
  const Tensor scale = b.input({8});
  const Tensor none{&b.graph, no_id};
  batch_norm_training(x, scale, none, none, none);
  const Convention* fvcore = find_convention("fvcore");
  ASSERT_NE(fvcore, nullptr);
  EXPECT_EQ(profile(b.graph, fvcore).total.cost, 5 * 8 * 27);
}

}  // namespace
}  // namespace zoometer
