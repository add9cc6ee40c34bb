// Where a model's inputs have their batch: the rule of --batch, by itself and through files, models
// and sweeps.
#include "models/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "failure.hpp"
#include "import/importer.hpp"
#include "onnx_files.hpp"
#include "registry/sweep.hpp"
#include "registry/zoo.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {
namespace {

using testing::failure_of;
using ::testing::HasSubstr;

/// "x: 1 T 32" is an input x of shape (1, T, 32), where T is a symbolic size; "?" has no name.
BatchInput input(std::string_view text) {
  BatchInput result;
  result.name = text.substr(0, text.find(':'));
  std::string_view rest = text.substr(text.find(':') + 1);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string word(rest.substr(0, rest.find(' ')));
    rest.remove_prefix(word.size());
    const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
    result.shape.push_back(is_number ? std::stoll(word) : 1);
    result.sizes.push_back(is_number ? std::nullopt : std::optional(word == "?" ? "" : word));
  }
  return result;
}

/// The axis of each input, "-" for none: "1 -".
std::string axes_of(const std::vector<const char*>& texts, const TraceOptions& options = {}) {
  std::vector<BatchInput> inputs;
  for (const char* text : texts) inputs.push_back(input(text));
  std::string result;
  for (const auto& axis : find_batch(inputs, options))
    result.append(result.empty() ? "" : " ").append(axis ? std::to_string(*axis) : "-");
  return result;
}

TEST(Batch, IsTheSizeNamedSo) {
  EXPECT_EQ(axes_of({"x: time batch 32"}), "1");
  EXPECT_EQ(axes_of({"x: batch 16 32", "positions: 16 32"}), "0 -");
  EXPECT_EQ(axes_of({"x: T N 32"}), "1");
  EXPECT_EQ(axes_of({"x: bs seq"}), "0");
  EXPECT_EQ(axes_of({"x: s batch_size", "h: 2 batch_size 64", "mask: s s"}), "1 1 -");
  EXPECT_EQ(axes_of({"x: x_batch 3", "y: y_batch 3"}), "0 0") << "each has a name of its own";
  EXPECT_EQ(axes_of({"scale: 1", "x: batch 3 8 8", "mean: 1 3 1 1"}), "- 0 -");
  EXPECT_EQ(axes_of({"x: B N 3"}), "0") << "a batch of N points";
  EXPECT_EQ(axes_of({"x: 1 N 3"}), "0") << "one cloud of N points";
  EXPECT_EQ(axes_of({"x: batch s", "past: batch 12 past_seq_len 64", "total: batch_seq_len"}),
            "0 0 -");
  EXPECT_EQ(axes_of({"x: 2*batch 3", "y: batch 3"}), "- 0") << "computed from the batch";
}

TEST(Batch, IsTheSizeThatInputsShareOnAnAxis) {
  EXPECT_EQ(axes_of({"x: s27 s50 32", "positions: s50 32"}), "0 -");
  EXPECT_EQ(axes_of({"positions: s50 32", "x: s27 s50 32"}), "- 0") << "whatever comes first";
  EXPECT_EQ(axes_of({"x: s1 s2 32", "h: 2 s2 64"}), "1 1") << "time comes first";
  EXPECT_EQ(axes_of({"x: s1 s2 32", "h: 2 s1 64", "c: 2 s1 64"}), "0 1 1");
  EXPECT_EQ(axes_of({"x: 5 s2 32", "h: 2 s2 64"}), "1 1");
  EXPECT_EQ(
      axes_of({"src: s1 s2", "tgt: s3 s2", "src_mask: s1 s1", "tgt_mask: s3 s3", "padding: s2 s1"}),
      "1 1 - - 0")
      << "a mask has the same size twice";
  EXPECT_EQ(axes_of({"ids: s1 s2", "mask: s1 s2", "positions: 1 s2"}), "0 0 -");
  EXPECT_EQ(axes_of({"positions: 1 s2", "ids: s1 s2", "mask: s1 s2"}), "- 0 0");
  EXPECT_EQ(axes_of({"x: 1 s2 32", "mask: 1 s2"}), "0 0") << "a batch of 1 is fixed, time is not";
  EXPECT_EQ(axes_of({"x: 1 3 height width"}), "0");
  EXPECT_EQ(axes_of({"x: sequence 1 32"}), "1");
  EXPECT_EQ(axes_of({"x: ? ?", "y: ? ?"}), "0 0");
  EXPECT_EQ(axes_of({"x: ? ? 32", "h: 2 ? 64"}), "1 1");
  EXPECT_EQ(axes_of({"x: unk__1 unk__2", "y: unk__3 10"}), "0 0") << "names that were made up";
  EXPECT_EQ(axes_of({"x: s1 s2 32"}, {.dims = {{"s1", 7}}}), "1") << "what --dim sets is no batch";
}

TEST(Batch, IsTheSameNumberWhereNothingIsNamed) {
  EXPECT_EQ(axes_of({"x: 1 3 224 224"}), "0");
  EXPECT_EQ(axes_of({"x: 1 3 8 8", "y: 1 3 8 8"}), "0 0");
  EXPECT_EQ(axes_of({"x: 4 3 8 8", "labels: 4"}), "0 0");
  EXPECT_EQ(axes_of({"x: 1 16 32", "table: 16 32", "mask: 16 16", "scale: 1", "scalar:"}),
            "0 - - - -");
  EXPECT_EQ(axes_of({"anchors: 8400 4", "image: 1 3 640 640"}), "- 0");
  EXPECT_EQ(axes_of({"x: 5 1 32", "h: 2 1 64"}), "1 1");
  EXPECT_EQ(axes_of({"x: 5 1 32", "h: 1 1 64"}), "1 1") << "one layer";
  EXPECT_EQ(axes_of({"x: 5 4 32", "h: 2 4 64", "c: 2 4 64"}), "1 1 1");
  EXPECT_EQ(axes_of({"x: 5 4 32", "h: 1 4 64"}), "1 1");
  EXPECT_EQ(axes_of({"x: 1 5 32", "h: 2 1 64", "c: 2 1 64"}), "0 1 1");
  EXPECT_EQ(axes_of({"h: 2 4 64", "c: 2 4 64", "x: 4 5 32"}), "1 1 0");
  EXPECT_EQ(axes_of({"ids: 1 128", "cache: 24 1 12 127 64"}), "0 1");
  EXPECT_EQ(axes_of({"x: 1 3 8 8", "style: 2 3 8 8"}), "0 -") << "channels are no batch";
  EXPECT_EQ(axes_of({"x: 1 16 32", "memory: 2 16 32"}), "0 -");
  EXPECT_EQ(axes_of({"grey: 1 1 28 28", "colour: 3 1 28 28"}), "0 -");
  EXPECT_EQ(axes_of({"scale: 1"}), "0") << "where it is all that there is";
}

TEST(Batch, IsWhereTheUserSays) {
  const auto given = [](std::string name, std::int64_t axis) {
    return TraceOptions{.batch_axes = {{std::move(name), axis}}};
  };
  EXPECT_EQ(axes_of({"x: 5 1 32", "y: 1 1 32"}, given("x", 1)), "1 -");
  EXPECT_EQ(axes_of({"x: 5 1 32"}, given("x", -2)), "1");
  EXPECT_EQ(axes_of({"x: a b", "y: b 3", "z: batch"}, given("x", 1)), "1 0 -")
      << "the same size is the same batch";
  const auto failure = [&](std::string name, std::int64_t axis) {
    return failure_of([&] { axes_of({"image: 1 3", "mask: 1"}, given(std::move(name), axis)); });
  };
  EXPECT_THAT(failure("imag", 0), HasSubstr("no input imag (did you mean image?)"));
  EXPECT_THAT(failure("qqqqqq", 0), HasSubstr("(it has image (1, 3), mask (1))"));
  EXPECT_THAT(failure("image", 2), HasSubstr("expected an axis of image (1, 3), got 2"));
  EXPECT_THAT(failure("image", -3), HasSubstr("got -3"));
}

TEST(Batch, IsAskedForWhereThereIsNone) {
  EXPECT_THAT(failure_of([] { axes_of({"x: time 32"}); }),
              HasSubstr("no input has an axis that is a batch: x (time, 32) (name it with "
                        "--batch-axis INPUT=AXIS)"));
  EXPECT_THAT(failure_of([] { axes_of({"x:"}); }), HasSubstr("no input has an axis"));
  EXPECT_THAT(failure_of([] { axes_of({}); }), HasSubstr("no input has an axis"));
}

// -- files --------------------------------------------------------------------------------------

namespace onnx = test::onnx;

using Inputs = std::vector<std::pair<std::string, std::vector<onnx::Dim>>>;

/// A file that multiplies its inputs, which must broadcast.
std::string product_of(const Inputs& inputs) {
  onnx::GraphParts parts;
  std::string product = inputs[0].first;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    parts.inputs.push_back(onnx::value_info(inputs[i].first, onnx::type(inputs[i].second)));
    if (i == 0) continue;
    const std::string next = "product" + std::to_string(i);
    parts.nodes.push_back(onnx::node({"Mul", {product, inputs[i].first}, {next}}));
    product = next;
  }
  parts.nodes.push_back(onnx::node({"Relu", {product}, {"result"}}));
  parts.outputs = {onnx::value_info("result", onnx::type({}))};
  return onnx::model({onnx::graph(parts)});
}

/// The shapes of the inputs and the first note.
std::string read(const std::string& content, const TraceOptions& options) {
  Graph graph;
  const ImportNotes notes =
      import_file(MappedFile("test.onnx", std::as_bytes(std::span(content))), options, graph);
  std::string result;
  for (const Port& port : graph.inputs())
    result.append(to_short_string(graph.shape(port.value))).append(" ");
  return result + "; " + (notes.notes.empty() ? "" : notes.notes[0]);
}

TEST(Batch, OfAFileIsSetAndNoted) {
  EXPECT_EQ(read(product_of({{"x", {"time", "batch", 32}}}), {.batch = 8}),
            "1x8x32 ; --batch 8 sets axis 1 of x (time, batch, 32)");
  EXPECT_EQ(
      read(product_of({{"x", {"batch", 16, 32}}, {"table", {16, 32}}}), {.batch = 8}),
      "8x16x32 16x32 ; --batch 8 sets axis 0 of x (batch, 16, 32); unchanged: table (16, 32)");
  EXPECT_EQ(
      read(product_of({{"x", {1, 16, 32}}, {"table", {16, 32}}, {"scale", {1}}}), {.batch = 8}),
      "8x16x32 16x32 1 ; --batch 8 sets axis 0 of x (1, 16, 32); unchanged: table (16, 32), "
      "scale (1)");
  EXPECT_EQ(read(product_of({{"x", {5, 1, 32}}}), {.batch = 8, .batch_axes = {{"x", 1}}}),
            "5x8x32 ; --batch 8 sets axis 1 of x (5, 1, 32)");
}

TEST(Batch, GoesWithTheOtherSizesOfAFile) {
  const std::string file = product_of({{"x", {"n", "time", 4}}, {"y", {"time", 4}}});
  EXPECT_THAT(read(file, {.batch = 8, .dims = {{"time", 3}}}), HasSubstr("8x3x4 3x4 ;"));
  EXPECT_THAT(read(file, {.inputs = {{"x", {2, 3, 4}}}, .batch = 8}), HasSubstr("8x3x4 3x4 ;"));
  EXPECT_THAT(read(file, {.inputs = {{"", {2, 3, 4}}, {"", {3, 4}}}, .batch = 8}),
              HasSubstr("8x3x4 3x4 ;"));
  EXPECT_THAT(read(file, {.batch = 8, .dims = {{"n", 8}}}), HasSubstr("8x1x4 1x4 ;"));
  EXPECT_THAT(failure_of([&] {
                read(file, {.batch = 8, .dims = {{"n", 2}}});
              }),
              HasSubstr("--batch and --dim set the size n: expected 8, got 2"));
  EXPECT_THAT(read(product_of({{"x", {"2*batch", 4}}, {"y", {"batch", 1, 4}}}), {.batch = 8}),
              HasSubstr("16x4 8x1x4 ; --batch 8 sets axis 0 of y (batch, 1, 4)"))
      << "a size that is computed from the batch";
}

// A file without weights has them as inputs, which are no inputs of the model.
TEST(Batch, LeavesWeightsThatAreInputsAlone) {
  onnx::GraphParts parts;
  parts.inputs = {onnx::value_info("x", onnx::type({1, 8})),
                  onnx::value_info("layer.weight", onnx::type({8, 4}))};
  parts.nodes = {onnx::node({"MatMul", {"x", "layer.weight"}, {"y"}})};
  parts.outputs = {onnx::value_info("y", onnx::type({1, 4}))};
  EXPECT_THAT(read(onnx::model({onnx::graph(parts)}), {.batch = 8}), HasSubstr("8x8 ;"));
}

// -- models and sweeps --------------------------------------------------------------------------

TEST(Batch, OfABuiltInModelFollowsTheSameRule) {
  Graph graph;
  const Model& model = *find_in_zoo("raft_small").model;
  trace(model, {.batch = 3}, graph);
  for (const Port& port : graph.inputs()) EXPECT_EQ(graph.shape(port.value)[0], 3);
  EXPECT_THAT(failure_of([&] {
                trace(model, {.batch = 3, .batch_axes = {{"image3", 0}}}, graph);
              }),
              HasSubstr("no input image3 (did you mean image1"));
}

TEST(Batch, OfASweepFollowsTheSameRule) {
  const std::string path = ::testing::TempDir() + "/batch_test.onnx";
  const auto rows = [&](const Inputs& inputs, SweepAxes axes, SweepSetup setup) {
    std::ofstream(path, std::ios::binary) << product_of(inputs);
    const SweepPlan plan({{path}}, std::move(axes), std::move(setup));
    std::string result;
    Graph graph;
    for (std::size_t job = 0; job < plan.jobs(); ++job) {
      for (const SweepResult& row : plan.results(job, graph)) {
        result += row.batch ? std::to_string(*row.batch) : "-";
        result += row.reason.empty() ? ":" + std::to_string(row.totals.metrics.bytes_written) + " "
                                     : " " + row.reason;
      }
    }
    std::remove(path.c_str());
    return result + (plan.notes().empty() ? "" : plan.notes()[0].substr(path.size()));
  };
  const Inputs time_first = {{"x", {"time", "batch", 32}}};
  EXPECT_EQ(rows(time_first, {{1, 8}}, {}),
            "1:128 8:1024 : --batch sets axis 1 of x (time, batch, 32)");
  EXPECT_EQ(rows(time_first, {{1, 8}}, {.options = {.dims = {{"time", 10}}}}),
            "1:1280 8:10240 : --batch sets axis 1 of x (time, batch, 32)");
  EXPECT_EQ(rows(time_first, {}, {.options = {.inputs = {{"x", {10, 4, 32}}}}}), "4:5120 ")
      << "the batch that the input has";
  EXPECT_EQ(rows({{"x", {"batch", 16, 32}}, {"table", {16, 32}}}, {{2}}, {}),
            "2:8192 : --batch sets axis 0 of x (batch, 16, 32); unchanged: table (16, 32)");
  EXPECT_EQ(rows({{"x", {5, 1, 32}}}, {{8}}, {.options = {.batch_axes = {{"x", 1}}}}),
            "8:5120 : --batch sets axis 1 of x (5, 1, 32)");
  EXPECT_EQ(rows({{"x", {"batch", 3, "h", "w"}}}, {{2}, {{4, 6}}}, {}), "2:576 ");
  EXPECT_THAT(rows({{"x", {"time", 32}}}, {{8}}, {}), HasSubstr("no input has an axis"));
}

}  // namespace
}  // namespace zoometer
