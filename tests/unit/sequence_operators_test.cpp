// Operators that came with recent versions of ONNX and ONNX Runtime, by hand, and the numbered
// constraints of those of zoometer that they need.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "bench.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"
#include "op/detection.hpp"
#include "op/indexing.hpp"
#include "op/linear_attention.hpp"
#include "op/text.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using testing::Bench;

using Input = std::pair<std::vector<Dim>, int>;  // sizes and element type
constexpr int absent = -1;
constexpr int f32 = 1, i32 = 6, i64 = 7;

struct Operator {
  std::string op_type;
  std::string domain;
  std::vector<Input> inputs;
  std::vector<Attribute> attributes = {};
  std::size_t outputs = 1;
  int opset = 17;
  std::vector<std::string> initializers = {};  ///< take the place of the inputs of their names
  std::vector<std::string> declared = {};
};

/// A graph of one node, whose inputs are v0, v1, ...
struct Read {
  Graph graph;
  ImportNotes notes;
  Profile metrics;

  explicit Read(const Operator& op) {
    GraphParts parts;
    parts.initializers = op.initializers;
    std::vector<std::string> names, results;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const auto& [dims, elements] = op.inputs[i];
      std::string name = "v" + std::to_string(i);
      const bool is_stored = std::ranges::any_of(op.initializers, [&](const std::string& tensor) {
        return tensor.find(name) != std::string::npos;
      });
      if (elements != absent && !is_stored)
        parts.inputs.push_back(value_info(name, type(dims, elements)));
      names.push_back(elements == absent ? "" : name);
    }
    for (std::size_t i = 0; i < op.outputs; ++i) {
      results.push_back("y" + std::to_string(i));
      parts.outputs.push_back(
          value_info(results.back(), i < op.declared.size() ? op.declared[i] : ""));
    }
    parts.nodes = {node({op.op_type, names, results, op.attributes, "", op.domain})};
    const std::string file =
        model({.graph = zoometer::test::onnx::graph(parts), .opset = op.opset});
    onnx_importer.read(MappedFile("test.onnx", std::as_bytes(std::span(file))), {}, graph, notes);
    verify(graph);
    metrics = profile(graph);
    EXPECT_TRUE(metrics.coverage.unknown.empty()) << op.op_type;
    EXPECT_TRUE(notes.ignored.empty()) << notes.ignored.front();
  }
  Shape output(std::size_t index = 0) const { return graph.shape(graph.outputs()[index].value); }
  std::int64_t macs() const { return metrics.total.macs; }
  std::int64_t flops() const { return metrics.total.flops; }
};

const std::string microsoft = "com.microsoft";

Attribute word(const std::string& name, const std::string& value) {
  return Attribute::text(name, value);
}

TEST(SequenceOperators, CountTheStateOfLinearAttention) {
  const auto read = [](const std::string& rule, const std::string& domain) {
    return Read({.op_type = "LinearAttention",
                 .domain = domain,
                 .inputs = {{{2, 5, 4 * 3}, f32},
                            {{2, 5, 2 * 3}, f32},
                            {{2, 5, 2 * 6}, f32},
                            {{2, 2, 3, 6}, f32},
                            {{2, 5, 2}, f32},
                            {{2, 5, 2}, f32}},
                 .attributes = {Attribute("q_num_heads", 4), Attribute("kv_num_heads", 2),
                                word("update_rule", rule)},
                 .outputs = 2,
                 .opset = 27});
  };
  const std::int64_t state = 3 * 6;
  const Read linear = read("linear", "");
  EXPECT_EQ(linear.macs(), 2 * 5 * (2 + 4) * state);
  EXPECT_EQ(linear.flops(), 2 * linear.macs() + 2 * 5 * 4 * 6) << "and the scale";
  const Read gated = read("gated", "");
  EXPECT_EQ(gated.flops() - linear.flops(), 2 * 5 * (2 * state + 2));
  const Read delta = read("delta", microsoft);
  EXPECT_EQ(delta.macs(), 2 * 5 * (2 * 2 + 4) * state);
  EXPECT_EQ(delta.flops(), 2 * delta.macs() + 2 * 5 * 4 * 6 + 2 * (2 * 5 * 12));
  EXPECT_EQ(delta.output(0), (Shape{2, 5, 24}));
  EXPECT_EQ(delta.output(1), (Shape{2, 2, 3, 6}));
}

TEST(SequenceOperators, KeepTheStateOfACausalConvolution) {
  for (const std::string& domain : {std::string(), microsoft}) {
    const Read read({.op_type = "CausalConvWithState",
                     .domain = domain,
                     .inputs = {{{2, 4, 1}, f32}, {{4, 1, 4}, f32}, {{4}, f32}, {{2, 4, 3}, f32}},
                     .attributes = {word("activation", "silu")},
                     .outputs = 2,
                     .opset = 27});
    EXPECT_EQ(read.macs(), 2 * 4 * 1 * 4);
    EXPECT_EQ(read.flops(), 2 * read.macs() + 8 + 5 * 8);
    EXPECT_EQ(read.output(0), (Shape{2, 4, 1}));
    EXPECT_EQ(read.output(1), (Shape{2, 4, 3}));
  }
}

TEST(SequenceOperators, CountTokensWithoutPadding) {
  const Read packed(
      {.op_type = "PackedAttention",
       .domain = microsoft,
       .inputs = {{{7, 8}, f32}, {{8, 24}, f32}, {{24}, f32}, {{2, 5}, i32}, {{3}, i32}},
       .attributes = {Attribute("num_heads", 2)}});
  EXPECT_EQ(packed.output(), (Shape{7, 8}));
  EXPECT_EQ(packed.macs(), 7 * 8 * 24 + 2 * 7 * 5 * (4 + 4)) << "each sees at most 5 keys";
  EXPECT_TRUE(packed.metrics.total.macs_bounded);
  const Read heads(
      {.op_type = "PackedMultiHeadAttention",
       .domain = microsoft,
       .inputs =
           {{{7, 8}, f32}, {{7, 8}, f32}, {{7, 8}, f32}, {{24}, f32}, {{2, 5}, i32}, {{3}, i32}},
       .attributes = {Attribute("num_heads", 2)}});
  EXPECT_EQ(heads.macs(), 2 * 7 * 5 * (4 + 4));
  const Read removed({.op_type = "RemovePadding",
                      .domain = microsoft,
                      .inputs = {{{2, 5, 8}, f32}, {{2}, i32}},
                      .outputs = 4});
  EXPECT_EQ(removed.output(0), (Shape{10, 8}));
  EXPECT_EQ(removed.output(1), (Shape{2, 5}));
  EXPECT_TRUE(removed.graph.value(removed.graph.outputs()[0].value).has(Value::bounded));
  const Read restored(
      {.op_type = "RestorePadding", .domain = microsoft, .inputs = {{{7, 8}, f32}, {{2, 5}, i32}}});
  EXPECT_EQ(restored.output(), (Shape{2, 5, 8}));
}

TEST(SequenceOperators, NormaliseGroupsOfLastChannels) {
  const std::vector<Attribute> attributes{Attribute("groups", 2), Attribute("activation", 1)};
  const Read norm({.op_type = "GroupNorm",
                   .domain = microsoft,
                   .inputs = {{{2, 4, 4, 8}, f32}, {{8}, f32}, {{8}, f32}},
                   .attributes = attributes});
  const std::int64_t elements = 2 * 4 * 4 * 8;
  EXPECT_EQ(norm.output(), (Shape{2, 4, 4, 8}));
  EXPECT_EQ(norm.flops(), (7 + 5) * elements);
  const Read skip(
      {.op_type = "SkipGroupNorm",
       .domain = microsoft,
       .inputs = {{{2, 4, 4, 8}, f32}, {{8}, f32}, {{8}, f32}, {{2, 8}, f32}, {{8}, f32}},
       .attributes = attributes,
       .outputs = 2});
  EXPECT_EQ(skip.output(1), (Shape{2, 4, 4, 8}));
  EXPECT_EQ(skip.flops(), (2 + 7 + 5) * elements);
}

TEST(SequenceOperators, MakeBiasesOfPositions) {
  const Read read({.op_type = "RelativePositionBias",
                   .domain = microsoft,
                   .inputs = {{{32, 8}, f32}, {{}, i64}, {{}, i64}},
                   .attributes = {Attribute("is_bidirectional", 1), Attribute("max_distance", 128)},
                   .initializers = {integers("v1", {5}), integers("v2", {7})}});
  EXPECT_EQ(read.output(), (Shape{1, 8, 5, 7}));
  const Read gated({.op_type = "GatedRelativePositionBias",
                    .domain = microsoft,
                    .inputs = {{{2, 5, 8}, f32},
                               {{8}, f32},
                               {{1, 2, 5, 5}, f32},
                               {{4, 6}, f32},
                               {{6}, f32},
                               {{1, 2, 1, 1}, f32}},
                    .attributes = {Attribute("num_heads", 2)}});
  EXPECT_EQ(gated.output(), (Shape{2, 2, 5, 5}));
  EXPECT_EQ(gated.macs(), 2 * 2 * 5 * 4 * 6);
}

TEST(SequenceOperators, TakeOneStepOfADecoder) {
  const std::vector<Input> inputs = {{{1, 1, 8}, f32},     {{1, 1, 8}, f32}, {{1, 1, 8}, f32},
                                     {{}, absent},         {{}, absent},     {{1, 2, 64, 4}, f32},
                                     {{1, 2, 64, 4}, f32}, {{1}, i32}};
  const Read step(
      {.op_type = "DecoderMaskedMultiHeadAttention",
       .domain = microsoft,
       .inputs = inputs,
       .attributes = {Attribute("num_heads", 2), Attribute("past_present_share_buffer", 1)},
       .outputs = 3,
       .initializers = {integers("v7", {9})}});
  EXPECT_EQ(step.output(1), (Shape{1, 2, 64, 4}));
  EXPECT_EQ(step.macs(), 2 * 10 * (4 + 4)) << "9 earlier keys and its own";
  const Read self({.op_type = "DecoderMaskedSelfAttention",
                   .domain = microsoft,
                   .inputs = {{{1, 1, 8}, f32},
                              {{8, 24}, f32},
                              {{24}, f32},
                              {{}, absent},
                              {{2, 1, 2, 64, 4}, f32},
                              {{}, absent},
                              {{1}, i32}},
                   .attributes = {Attribute("num_heads", 2)},
                   .outputs = 2,
                   .initializers = {integers("v6", {9})}});
  EXPECT_EQ(self.output(1), (Shape{2, 1, 2, 64, 4}));
  EXPECT_EQ(self.macs(), 8 * 24 + 2 * 10 * (4 + 4));
}

TEST(SequenceOperators, RotateAPartOfTheFeatures) {
  const auto flops = [](std::int64_t width) {
    return Read({.op_type = "RotaryEmbedding",
                 .domain = "",
                 .inputs =
                     {{{2, 5, 4 * 16}, f32}, {{9, width}, f32}, {{9, width}, f32}, {{2, 5}, i64}},
                 .attributes = {Attribute("num_heads", 4),
                                Attribute("rotary_embedding_dim", 2 * width)},
                 .opset = 23})
        .flops();
  };
  EXPECT_EQ(flops(8), 3 * 2 * 5 * 64);
  EXPECT_EQ(flops(4), 3 * 2 * 5 * 32) << "half of each head";
}

TEST(SequenceOperators, MakeWindowsOfAKnownSize) {
  for (const std::string name : {"HannWindow", "HammingWindow", "BlackmanWindow"}) {
    const Read read({.op_type = name,
                     .domain = "",
                     .inputs = {{{}, i64}},
                     .initializers = {integers("v0", {10}, true)}});
    EXPECT_EQ(read.output(), (Shape{10}));
    EXPECT_EQ(read.flops(), name == "BlackmanWindow" ? 10 * 8 : 10 * 4);
  }
  const Read mel({.op_type = "MelWeightMatrix",
                  .domain = "",
                  .inputs = {{{}, i64}, {{}, i64}, {{}, i64}, {{}, f32}, {{}, f32}},
                  .initializers = {integers("v0", {8}, true), integers("v1", {16}, true)}});
  EXPECT_EQ(mel.output(), (Shape{9, 8}));
}

TEST(SequenceOperators, TakeSizesFromDeclarationsWhereDataDecidesThem) {
  const Read grid({.op_type = "AffineGrid",
                   .domain = "",
                   .inputs = {{{2, 2, 3}, f32}, {{4}, i64}},
                   .opset = 20,
                   .declared = {type({2, 5, 6, 2})}});
  EXPECT_EQ(grid.output(), (Shape{2, 5, 6, 2}));
  const Read cropped({.op_type = "CenterCropPad",
                      .domain = "",
                      .inputs = {{{20, 8, 3}, f32}, {{2}, i64}},
                      .opset = 18,
                      .declared = {type({10, 9, 3})}});
  EXPECT_EQ(cropped.output(), (Shape{10, 9, 3}));
  const Read transformed({.op_type = "DFT",
                          .domain = "",
                          .inputs = {{{3, 8, 1}, f32}, {{}, absent}, {{}, i64}},
                          .attributes = {Attribute("onesided", 1)},
                          .opset = 20,
                          .declared = {type({3, 5, 2})}});
  EXPECT_EQ(transformed.output(), (Shape{3, 5, 2}));
  EXPECT_EQ(transformed.flops(), 3 * 60) << "2.5 n log2 n for each";
}

TEST(SequenceOperators, PoolRegionsByTheirMaxima) {
  const Read read({.op_type = "MaxRoiPool",
                   .domain = "",
                   .inputs = {{{1, 3, 8, 10}, f32}, {{4, 5}, f32}},
                   .attributes = {Attribute("pooled_shape", std::vector<std::int64_t>{2, 3})}});
  EXPECT_EQ(read.output(), (Shape{4, 3, 2, 3}));
  EXPECT_EQ(read.flops(), 4 * 3 * (8 + 2) * (10 + 3));
  EXPECT_TRUE(read.metrics.total.bounded);
}

TEST(SequenceOperators, KnowTheShapesOfTexts) {
  constexpr int text = 8;
  EXPECT_EQ(Read({.op_type = "StringConcat",
                  .domain = "",
                  .inputs = {{{3, 1}, text}, {{1, 4}, text}},
                  .opset = 20})
                .output(),
            (Shape{3, 4}));
  EXPECT_EQ(Read({.op_type = "TfIdfVectorizer",
                  .domain = "",
                  .inputs = {{{2, 9}, i64}},
                  .attributes = {Attribute("ngram_indexes", std::vector<std::int64_t>{0, 4, 2}),
                                 word("mode", "TF")}})
                .output(),
            (Shape{2, 5}));
}

// -- numbered constraints -------------------------------------------------------------------------

ConvNdAttrs plain_nd(std::int64_t groups = 1) {
  return {{1, 1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {}, groups};
}

const Shape four{1, 4, 5, 5, 5, 5};

Tensor linear(Bench& b, const Shape& key, const Shape& value, const Shape& state,
              const LinearAttentionAttrs& attrs) {
  return linear_attention({.query = b.input({2, 5, 12}),
                           .key = b.input(key),
                           .value = b.input(value),
                           .state = b.input(state),
                           .decay = {&b.graph, no_id},
                           .beta = {&b.graph, no_id}},
                          attrs);
}

void scatter_into(Bench& b, const Shape& update, std::int64_t dim, std::int64_t places) {
  tensor_scatter(b.input({2, 3, 8, 4}), b.input(update), b.indices({places}), dim);
}

Tensor over_cache(Bench& b, const Shape& key, const Shape& value,
                  const CachedAttentionAttrs& attrs) {
  return cached_attention(b.input({2, 5, 4}), b.input(key), b.input(value), {}, attrs);
}

const testing::BrokenConstraint broken[] = {
    {"conv_nd_c1",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 3}), {}, plain_nd());
     }},
    {"conv_nd_c2",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 3, 3, 3, 3}), {}, ConvNdAttrs{});
     }},
    {"conv_nd_c3",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 3, 3, 3, 3}), {}, plain_nd(3));
     }},
    {"conv_nd_c4",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 3, 3, 3, 3, 3}), {}, plain_nd());
     }},
    {"conv_nd_c5",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 3, 3, 3, 3}), b.input({3}), plain_nd());
     }},
    {"conv_nd_c6",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 6, 3, 3, 3}), {}, plain_nd());
     }},
    {"conv_nd_c7",
     [](Bench& b) {
       convolution(b.input(four), b.input({2, 4, 0, 3, 3, 3}), {}, plain_nd());
     }},
    {"conv_transpose_nd_c4",
     [](Bench& b) {
       conv_transpose(b.input(four), b.input({3, 4, 3, 3, 3, 3}), {}, plain_nd());
     }},
    {"cached_attention_c1",
     [](Bench& b) {
       over_cache(b, {7, 4}, {2, 7, 6}, {});
     }},
    {"cached_attention_c2",
     [](Bench& b) {
       over_cache(b, {2, 7, 3}, {2, 7, 6}, {});
     }},
    {"cached_attention_c3",
     [](Bench& b) {
       over_cache(b, {2, 7, 4}, {2, 8, 6}, {});
     }},
    {"cached_attention_c4",
     [](Bench& b) {
       over_cache(b, {2, 7, 4}, {2, 7, 6}, {.past = -1});
     }},
    {"cached_attention_c5",
     [](Bench& b) {
       over_cache(b, {2, 7, 4}, {2, 7, 6}, {.left_window = -2});
     }},
    {"batch_norm_training_c1", [](Bench& b) { batch_norm_training(b.input({8}), {}, {}, {}, {}); }},
    {"batch_norm_training_c2",
     [](Bench& b) {
       batch_norm_training(b.input({2, 8}), b.input({7}), {}, {}, {});
     }},
    {"tensor_scatter_c1",
     [](Bench& b) {
       scatter_into(b, {1, 3, 8, 4}, 0, 2);
     }},
    {"tensor_scatter_c2",
     [](Bench& b) {
       scatter_into(b, {2, 3, 9, 4}, 2, 2);
     }},
    {"tensor_scatter_c3",
     [](Bench& b) {
       scatter_into(b, {2, 3, 1, 4}, 2, 3);
     }},
    {"bitcast_c1", [](Bench& b) { apply(bitcast_op, CastAttrs{DType::int64}, b.input({3})); }},
    {"roi_pool_c1",
     [](Bench& b) {
       apply(roi_pool_op, RoiPoolAttrs{{2, 2}}, b.input({3, 8, 8}), b.input({4, 5}));
     }},
    {"roi_pool_c2",
     [](Bench& b) {
       apply(roi_pool_op, RoiPoolAttrs{{2, 2}}, b.input({1, 3, 8, 8}), b.input({4, 4}));
     }},
    {"roi_pool_c3",
     [](Bench& b) {
       apply(roi_pool_op, RoiPoolAttrs{{0, 2}}, b.input({1, 3, 8, 8}), b.input({4, 5}));
     }},
    {"text_c1",
     [](Bench& b) {
       apply(text_op, TextAttrs{{-1}, DType::string, false}, b.input({3}));
     }},
    {"linear_attention_c1",
     [](Bench& b) {
       linear(b, {2, 4, 6}, {2, 5, 12}, {2, 2, 3, 6}, {4, 2, "linear", 0});
     }},
    {"linear_attention_c2",
     [](Bench& b) {
       linear(b, {2, 5, 6}, {2, 5, 12}, {2, 2, 3, 6}, {3, 2, "linear", 0});
     }},
    {"linear_attention_c3",
     [](Bench& b) {
       linear(b, {2, 5, 8}, {2, 5, 12}, {2, 2, 4, 6}, {4, 2, "linear", 0});
     }},
    {"linear_attention_c4",
     [](Bench& b) {
       linear(b, {2, 5, 6}, {2, 5, 12}, {2, 2, 3, 5}, {4, 2, "linear", 0});
     }},
    {"linear_attention_c5",
     [](Bench& b) {
       linear(b, {2, 5, 6}, {2, 5, 12}, {2, 2, 3, 6}, {4, 2, "other", 0});
     }},
};

class SequenceConstraints : public ::testing::TestWithParam<testing::BrokenConstraint> {};

TEST_P(SequenceConstraints, AreCited) { testing::expect_cited(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Broken, SequenceConstraints, ::testing::ValuesIn(broken),
                         [](const auto& broken_one) { return broken_one.param.name; });

TEST(ConvolutionsOfAnyRank, CountAsTheOthersDo) {
  Bench b;
  const Tensor y =
      convolution(b.input(four), b.input({2, 4, 3, 3, 3, 3}), b.input({2}), plain_nd());
  EXPECT_EQ(y.shape(), (Shape{1, 2, 3, 3, 3, 3}));
  EXPECT_EQ(profile(b.graph).total.macs, 2 * 81 * 4 * 81);
  Bench back;
  const Tensor x = conv_transpose(back.input({1, 2, 3, 3, 3, 3}), back.input({2, 4, 3, 3, 3, 3}),
                                  {}, plain_nd());
  EXPECT_EQ(x.shape(), four);
  EXPECT_EQ(profile(back.graph).total.macs, 2 * 81 * 4 * 81);
}

}  // namespace
}  // namespace zoometer
