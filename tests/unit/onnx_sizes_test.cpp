// Sizes of ONNX files that are bounds, that are not known, or that are zero.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"
#include "report/shape_text.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int f32 = 1, i64 = 7, boolean = 9;

/// A file that was read: its outputs as "≤ 2x3" and "?x5", its totals and notes.
struct Read {
  std::vector<std::string> outputs;
  Metrics total;
  std::vector<std::string> notes;
  std::size_t unknown = 0;
};

Read read(const MappedFile& file, const TraceOptions& options) {
  Graph graph;
  ImportNotes notes;
  onnx_importer.read(file, options, graph, notes);
  verify(graph);
  Read result;
  for (const Port& port : graph.outputs())
    result.outputs.push_back(bounded_shape_text(graph, port.value));
  const Profile profiled = profile(graph, nullptr);
  result.total = profiled.total;
  result.notes = notes.all();
  result.unknown = profiled.coverage.unknown.size();
  return result;
}

Read read_kind(const std::string& name, const TraceOptions& options = {}) {
  return read(MappedFile(ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/" + name + ".onnx"), options);
}

Read read_graph(const GraphParts& parts, const TraceOptions& options = {}) {
  const std::string text = model({.graph = graph(parts), .opset = 17});
  return read(MappedFile("test.onnx", std::as_bytes(std::span(text))), options);
}

TraceOptions dims(std::vector<NamedSize> sizes) {
  TraceOptions options;
  options.dims = std::move(sizes);
  return options;
}

std::string output(const std::string& name) { return value_info(name, ""); }

// -- a size that is not known is not 1 ------------------------------------------------------------

/// Kind: the output of an unknown operator is declared without a first size. It follows the inputs'
/// batch and is neither exact nor a bound.
TEST(OnnxSizes, FirstSizeWithoutANameFollowsTheBatch) {
  TraceOptions options;
  options.inputs = {{"x", Shape{8, 36}}};
  const Read file = read_kind("unnamed_batch_of_unknown_operator", options);
  EXPECT_THAT(file.outputs, ElementsAre("8x20", "8x5"));
  EXPECT_EQ(file.total.macs, 800);
  EXPECT_TRUE(file.total.macs_assumed);
  EXPECT_FALSE(file.total.bounded);
  EXPECT_THAT(file.notes, Contains(HasSubstr("taken as the inputs' batch, 8")));
}

/// Kind: names that only an unknown operator's output has. What they do not fit is not refused, and
/// what does not depend on them is known.
TEST(OnnxSizes, NamesOfAnUnknownOperatorAreNotKnown) {
  const Read file = read_kind("names_of_unknown_operator");
  EXPECT_THAT(file.outputs, ElementsAre("?x20", "?x5"));
  EXPECT_THAT(file.notes, Contains(HasSubstr("set it with --dim n=N")));
  EXPECT_TRUE(file.total.assumed);
  EXPECT_FALSE(file.total.bounded);
}

/// Kind: `--dim` sets every name that a note mentions.
TEST(OnnxSizes, NamesOfInnerValuesCanBeSet) {
  const Read file = read_kind("names_of_unknown_operator", dims({{"n", 4}, {"k", 10}}));
  EXPECT_THAT(file.outputs, ElementsAre("4x10", "2x5"));
  EXPECT_EQ(file.total.macs, 200);
  EXPECT_FALSE(file.total.assumed);
}

TEST(OnnxSizes, ANameThatTheFileLacksIsAnError) {
  EXPECT_THROW(read_kind("names_of_unknown_operator", dims({{"m", 4}})), Error);
}

/// Kind: sizes that are sums of names, as exporters of decoders declare them.
TEST(OnnxSizes, SumsOfNamesAreComputed) {
  const Read mask = read_kind("attention_mask_of_symbolic_sum",
                              dims({{"past_sequence_length", 128}, {"sequence_length", 1}}));
  EXPECT_EQ(mask.total.macs, 16512);
  EXPECT_EQ(mask.unknown, 0U);
  const Read concat = read_kind("concat_of_symbolic_sum", dims({{"s", 3}, {"p", 5}}));
  EXPECT_THAT(concat.outputs, ElementsAre("1x11"));
}

/// PINTO's tools give sizes that they know as names.
TEST(OnnxSizes, ANumberAsANameIsThatSize) {
  const GraphParts parts{.nodes = {node({"Relu", {"x"}, {"y"}})},
                         .inputs = {value_info("x", type({"1", "boxes", "10"}))},
                         .outputs = {output("y")}};
  const Read file = read_graph(parts, dims({{"boxes", 6}}));
  EXPECT_THAT(file.outputs, ElementsAre("1x6x10"));
  EXPECT_THAT(file.notes, Not(Contains(HasSubstr("symbolic size"))));
  EXPECT_THAT(read_graph(parts, dims({{"10", 4}, {"boxes", 6}})).outputs, ElementsAre("1x6x4"));
}

/// QONNX's convolutions have the channels last, of the weight, too.
TEST(OnnxSizes, ConvolutionsOfQonnxHaveTheChannelsLast) {
  const std::vector<std::int64_t> ones{1, 1};
  const GraphParts parts{
      .nodes = {node(
          {"Conv",
           {"x", "w"},
           {"y"},
           {Attribute("kernel_shape", ones), Attribute("strides", ones),
            Attribute("dilations", ones), Attribute("pads", {0, 0, 0, 0}), Attribute("group", 1)},
           "",
           "qonnx.custom_op.channels_last"})},
      .inputs = {value_info("x", type({1, 8, 8, 3})), value_info("w", type({4, 1, 1, 3}))},
      .outputs = {output("y")}};
  const Read file = read_graph(parts);
  EXPECT_THAT(file.outputs, ElementsAre("1x8x8x4"));
  EXPECT_EQ(file.total.macs, 64 * 12);
}

/// Any of the sizes that are taken as 1 may be why others do not fit.
TEST(OnnxSizes, AnErrorNamesAllSizesThatAreTakenAs1) {
  const GraphParts parts{.nodes = {node({"Conv", {"x", "w"}, {"y"}})},
                         .inputs = {value_info("x", type({"batch", 1, "sequence"})),
                                    value_info("w", type({4, 1, 256}))},
                         .outputs = {output("y")}};
  try {
    read_graph(parts);
    FAIL() << "a kernel that is wider than its operand";
  } catch (const Error& error) {
    EXPECT_EQ(error.hint,
              "symbolic sizes were taken as 1: set them with --dim batch=N --dim sequence=N");
  }
}

/// A name may contain a sign of arithmetic: "batch-size" is no difference.
TEST(OnnxSizes, ANameMayHaveAMinus) {
  const GraphParts parts{.nodes = {node({"Relu", {"x"}, {"y"}})},
                         .inputs = {value_info("x", type({"batch-size", 3}))},
                         .outputs = {output("y")}};
  EXPECT_THAT(read_graph(parts, dims({{"batch-size", 7}})).outputs, ElementsAre("7x3"));
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("1x3"));
}

/// Kind: an input of an operator has an unknown shape. ScatterND has its data's shape nevertheless.
TEST(OnnxSizes, ScatterKeepsItsShape) {
  const GraphParts parts{
      .nodes = {node({"Mystery", {"x"}, {"updates"}, {}, "", "private"}),
                node({"ScatterND", {"x", "i", "updates"}, {"y"}})},
      .inputs = {value_info("x", type({4, 5})), value_info("i", type({2, 1}, i64))},
      .outputs = {output("y"), output("updates")}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("4x5", "?"));
}

// -- bounds
// -----------------------------------------------------------------------------------------

/// Kind: bounds that an operator's rule gives, although nothing declares them.
TEST(OnnxSizes, ASliceHasAtMostItsInput) {
  EXPECT_THAT(read_kind("slice_to_a_maximum").outputs, ElementsAre("≤ 2x2x3"));
  const Read undeclared = read_kind("slice_to_an_input");
  EXPECT_THAT(undeclared.outputs, ElementsAre("≤ 8x6"));
  EXPECT_EQ(undeclared.total.macs, 192);
  EXPECT_TRUE(undeclared.total.macs_bounded);
  EXPECT_THAT(read_kind("slice_to_a_named_size").outputs, ElementsAre("≤ 8x6"));
  const Read set = read_kind("slice_to_a_named_size", dims({{"n", 3}}));
  EXPECT_THAT(set.outputs, ElementsAre("3x6"));
  EXPECT_EQ(set.total.macs, 72);
  EXPECT_FALSE(set.total.bounded);
}

/// Kind: sums and maxima of counts bound what is made of them.
TEST(OnnxSizes, ARangeToACountHasAtMostAllElements) {
  EXPECT_THAT(read_kind("range_to_a_count").outputs, ElementsAre("≤ 12"));
}

/// Kind: a bound that meets an exact size takes it, and the result is exact.
TEST(OnnxSizes, ABoundThatMeetsAnExactSizeTakesIt) {
  const Read file = read_kind("bound_meets_exact");
  EXPECT_THAT(file.outputs, ElementsAre("3"));
  EXPECT_EQ(file.total.macs, 6);
  EXPECT_FALSE(file.total.macs_bounded);
}

/// Kind: an offset that data decides, subtracted from a length, is no bound of what is left.
TEST(OnnxSizes, ADifferenceOfACountIsBoundedByTheLength) {
  const GraphParts parts{
      .nodes = {node({"NonZero", {"m"}, {"found"}}), node({"Shape", {"found"}, {"sizes"}}),
                node({"Gather", {"sizes", "one"}, {"count"}}),
                node({"Sub", {"all", "count"}, {"rest"}}),
                node({"Slice", {"x", "zero", "rest"}, {"y"}})},
      .inputs = {value_info("x", type({10, 2})), value_info("m", type({4}, boolean))},
      .outputs = {output("y"), output("found")},
      .initializers = {integers("one", {1}), integers("zero", {0}), integers("all", {10})}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("≤ 10x2", "≤ 1x4"));
}

/// Kind: pieces of equal size of a bounded length. Of 9 elements the last of three has 3, of 10
/// only 2, so 2 is no bound.
TEST(OnnxSizes, TheLastPieceOfABoundedLengthIsNoShorter) {
  const GraphParts parts{
      .nodes =
          {node({"Compress", {"x", "m"}, {"c"}, {Attribute("axis", std::int64_t{0})}}),
           node({"Split", {"c"}, {"a", "b", "d"}, {Attribute("num_outputs", std::int64_t{3})}})},
      .inputs = {value_info("x", type({10, 2})), value_info("m", type({10}, boolean))},
      .outputs = {output("d")}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("≤ 4x2"));
}

/// Only the sizes that depend on data are bounds: what is computed from others is exact.
TEST(OnnxSizes, WhatDoesNotDependOnABoundIsExact) {
  const GraphParts parts{
      .nodes = {node({"Compress", {"x", "m"}, {"c"}, {Attribute("axis", std::int64_t{0})}}),
                node({"ReduceMax",
                      {"c"},
                      {"y"},
                      {Attribute("axes", std::vector<std::int64_t>{0}),
                       Attribute("keepdims", std::int64_t{0})}}),
                node({"Add", {"c", "row"}, {"z"}})},
      .inputs = {value_info("x", type({10, 2})), value_info("m", type({10}, boolean)),
                 value_info("row", type({3, 2}))},
      .outputs = {output("y"), output("z")}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("2", "3x2"));
}

/// What a bound broadcasts to is exact, and the bound stays what it is: it may also have been 1.
TEST(OnnxSizes, ABoundThatBroadcastsStaysABound) {
  const GraphParts parts{
      .nodes = {node({"Compress", {"x", "m"}, {"c"}}), node({"Expand", {"c", "three"}, {"y"}}),
                node({"Expand", {"c", "twenty"}, {"z"}})},
      .inputs = {value_info("x", type({12})), value_info("m", type({12}, boolean))},
      .outputs = {output("y"), output("z"), output("c")},
      .initializers = {integers("three", {3}), integers("twenty", {20})}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("3", "20", "≤ 12"));
}

/// Kind: x[-2:3] has no element if x has 5, but 2 if x has 3.
TEST(OnnxSizes, ASliceBetweenBothEndsMayGrow) {
  const GraphParts parts{
      .nodes = {node({"Compress", {"x", "m"}, {"c"}}),
                node({"Slice", {"c", "from", "to", "axis"}, {"y"}})},
      .inputs = {value_info("x", type({5})), value_info("m", type({5}, boolean))},
      .outputs = {output("y")},
      .initializers = {integers("from", {-2}), integers("to", {3}), integers("axis", {0})}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("≤ 2"));
}

/// Which sizes are 1 is not known, so the rank is not known either.
TEST(OnnxSizes, ASqueezeOfABoundHasNoKnownRank) {
  const GraphParts parts{
      .nodes = {node({"Compress", {"x", "m"}, {"c"}, {Attribute("axis", std::int64_t{0})}}),
                node({"Squeeze", {"c"}, {"y"}})},
      .inputs = {value_info("x", type({5, 1})), value_info("m", type({5}, boolean))},
      .outputs = {output("y")}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("?"));
}

/// The exporters of PyTorch write EmbeddingBag as a loop of slices that data decides.
TEST(OnnxSizes, AnEmbeddingBagIsKnown) {
  const Read file = read_kind("embedding_bag");
  EXPECT_THAT(file.outputs, ElementsAre("2x16"));
  EXPECT_EQ(file.unknown, 0U);
}

// -- nothing
// ----------------------------------------------------------------------------------------

/// Kind: windows that fit nowhere and sizes that are scaled to nothing are results, not errors.
TEST(OnnxSizes, WhatHasNoElementsIsAResult) {
  for (const char* name : {"pool_to_nothing", "resize_to_nothing"}) {
    const Read file = read_kind(name);
    EXPECT_THAT(file.outputs, ElementsAre("2x1x0", "2x1x0")) << name;
    EXPECT_FALSE(file.total.bounded) << name;
  }
}

/// ONNX Runtime rounds towards zero: a window that lacks less than a stride is there once.
TEST(OnnxSizes, AWindowThatNearlyFitsIsThereOnce) {
  const GraphParts parts{
      .nodes = {node({"MaxPool",
                      {"x"},
                      {"y"},
                      {Attribute("kernel_shape", std::vector<std::int64_t>{2, 2}),
                       Attribute("strides", std::vector<std::int64_t>{2, 2})}})},
      .inputs = {value_info("x", type({1, 1, 1, 7}))},
      .outputs = {output("y")}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("1x1x1x3"));
}

/// The largest integers as an end mean the first element where a slice goes backwards.
TEST(OnnxSizes, ASliceBackwardsToTheLargestIntegerTakesAll) {
  const GraphParts parts{.nodes = {node({"Slice", {"x", "from", "to", "axis", "step"}, {"y"}})},
                         .inputs = {value_info("x", type({2, 5}))},
                         .outputs = {output("y")},
                         .initializers = {integers("from", {-1}), integers("to", {INT64_MAX}),
                                          integers("axis", {1}), integers("step", {-1})}};
  EXPECT_THAT(read_graph(parts).outputs, ElementsAre("2x5"));
}

/// Kind: shape arithmetic on tensors without elements, whose other sizes are huge (2^55): there are
/// no positions to go through.
TEST(OnnxSizes, FoldsOfNothingEndAtOnce) {
  for (const char* name : {"concat", "gather", "slice", "split", "transpose"}) {
    const std::string path =
        std::string(ZOOMETER_SOURCE_DIR "/tests/data/hostile/fold_of_nothing_") + name + ".onnx";
    const Read file = read(MappedFile(path), {});
    EXPECT_EQ(file.outputs.size(), 1U) << name;
    EXPECT_EQ(file.unknown, 0U) << name;
  }
}

}  // namespace
}  // namespace zoometer
