// Costs and results of single operators of ONNX and ONNX Runtime, compared with figures by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A graph of one node. Inputs that are named w... are weights, and the others inputs.
struct Operator {
  std::string op_type;
  std::string domain;
  std::vector<std::pair<std::vector<Dim>, int>> inputs;  ///< sizes and element type; empty: absent
  std::size_t outputs = 1;
  std::vector<Attribute> attributes = {};
  int opset = 17;
  std::vector<std::string> declared = {};  ///< of the outputs
};

constexpr int absent = -1;
constexpr int f32 = 1, u8 = 2, i8 = 3, i32 = 6, i64 = 7;

std::string file_of(const Operator& op, std::size_t first_weight) {
  std::vector<std::string> names, inputs, weights, outputs, results;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const auto& [dims, elements] = op.inputs[i];
    names.push_back(elements == absent ? "" : "v" + std::to_string(i));
    if (elements == absent) continue;
    if (i < first_weight) {
      inputs.push_back(value_info(names.back(), type(dims, elements)));
      continue;
    }
    std::vector<std::int64_t> sizes;
    for (const Dim& dim : dims) sizes.push_back(dim.value);
    weights.push_back(weight(names.back(), sizes));
  }
  for (std::size_t i = 0; i < op.outputs; ++i) {
    results.push_back("y" + std::to_string(i));
    outputs.push_back(i < op.declared.size() ? value_info(results.back(), op.declared[i])
                                             : value_info(results.back(), ""));
  }
  return model(
      {.graph = graph({.nodes = {node({op.op_type, names, results, op.attributes, "", op.domain})},
                       .inputs = inputs,
                       .outputs = outputs,
                       .initializers = weights}),
       .opset = op.opset});
}

struct Read {
  Graph graph;
  ImportNotes notes;
  Profile metrics;

  explicit Read(const Operator& op, std::size_t first_weight = 99) {
    const std::string file = file_of(op, first_weight);
    const MappedFile mapped("test.onnx", std::as_bytes(std::span(file)));
    onnx_importer.read(mapped, {}, graph, notes);
    verify(graph);
    metrics = profile(graph);
  }

  Shape output(std::size_t index = 0) const { return graph.shape(graph.outputs()[index].value); }
  DType dtype(std::size_t index = 0) const {
    return graph.value(graph.outputs()[index].value).dtype;
  }
  std::int64_t macs() const { return metrics.total.macs; }
  std::int64_t flops() const { return metrics.total.flops; }
  bool is_known() const { return metrics.coverage.unknown.empty(); }
  std::int64_t macs_in(DType dtype) const {
    std::int64_t sum = 0;
    for (const DTypeMetrics& entry : metrics.dtypes) {
      if (entry.dtype == dtype) sum += entry.macs;
    }
    return sum;
  }
};

// -- recurrent layers: length 5, batch 2, 3 features, 4 hidden units, both directions ------------

Operator recurrent(const std::string& name, int gates, std::size_t outputs, bool has_bias) {
  return {
      .op_type = name,
      .domain = "",
      .inputs = {{{5, 2, 3}, f32},
                 {{2, gates * 4, 3}, f32},
                 {{2, gates * 4, 4}, f32},
                 {{2, 2 * gates * 4}, has_bias ? f32 : absent}},
      .outputs = outputs,
      .attributes = {Attribute("hidden_size", 4), Attribute::text("direction", "bidirectional")}};
}

// 5 steps x 2 sequences x 2 directions x 4 units
constexpr std::int64_t units = 5 * 2 * 2 * 4;

TEST(OnnxOperators, CountsAnLstm) {
  const Read read(recurrent("LSTM", 4, 3, true), 1);
  EXPECT_EQ(read.macs(), units * 4 * (3 + 4));
  // per unit: 4 sums of products, 8 biases, 3 sigmoids of 4, 2 tanh, 3 products, 1 sum
  EXPECT_EQ(read.flops(), 2 * read.macs() + units * (4 + 8 + 12 + 2 + 3 + 1));
  EXPECT_EQ(read.output(0), (Shape{5, 2, 2, 4}));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 4}));
  EXPECT_EQ(read.output(2), (Shape{2, 2, 4}));
  EXPECT_EQ(read.metrics.total.parameters, 2 * 16 * 3 + 2 * 16 * 4 + 2 * 32);
}

TEST(OnnxOperators, CountsAGru) {
  const Read read(recurrent("GRU", 3, 2, true), 1);
  EXPECT_EQ(read.macs(), units * 3 * (3 + 4));
  // per unit: 3 sums of products, 6 biases, 2 sigmoids of 4, tanh, 3 products, difference, sum
  EXPECT_EQ(read.flops(), 2 * read.macs() + units * (3 + 6 + 8 + 1 + 3 + 1 + 1));
  EXPECT_EQ(read.output(0), (Shape{5, 2, 2, 4}));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 4}));
}

TEST(OnnxOperators, CountsAnRnnWithoutBias) {
  const Read read(recurrent("RNN", 1, 2, false), 1);
  EXPECT_EQ(read.macs(), units * (3 + 4));
  EXPECT_EQ(read.flops(), 2 * read.macs() + units * 2);
}

TEST(OnnxOperators, CountsPeepholesAndBatchFirst) {
  const Operator op{.op_type = "LSTM",
                    .domain = "",
                    .inputs = {{{2, 5, 3}, f32},
                               {{1, 16, 3}, f32},
                               {{1, 16, 4}, f32},
                               {{}, absent},
                               {{}, absent},
                               {{2, 1, 4}, f32},
                               {{2, 1, 4}, f32},
                               {{1, 12}, f32}},
                    .outputs = 3,
                    .attributes = {Attribute("hidden_size", 4), Attribute("layout", 1)}};
  const Read read(op);
  const std::int64_t one_way = 5 * 2 * 4;
  EXPECT_EQ(read.flops(), 2 * one_way * 4 * 7 + one_way * (4 + 18 + 6));
  EXPECT_EQ(read.output(0), (Shape{2, 5, 1, 4}));
  EXPECT_EQ(read.output(1), (Shape{2, 1, 4}));
}

TEST(OnnxOperators, SaysThatActivationsAreCountedAsTheDefaults) {
  Operator op = recurrent("RNN", 1, 1, false);
  op.attributes.push_back(Attribute::text("activations", "Relu"));
  EXPECT_THAT(Read(op, 1).notes.ignored,
              ElementsAre("RNN activations=Relu was not taken into account (1 node)"));
}

// -- signals, grids and moved taps --------------------------------------------------------------

TEST(OnnxOperators, TakesTheAxisOfATransformWhereItsVersionHasIt) {
  const Read attribute({.op_type = "DFT",
                        .domain = "",
                        .inputs = {{{3, 8, 1}, f32}},
                        .attributes = {Attribute("axis", 1), Attribute("onesided", 1)}});
  EXPECT_EQ(attribute.output(), (Shape{3, 5, 2}));
  EXPECT_EQ(attribute.flops(), 3 * 60);  // 5 / 2 x 8 log2 8
  const Read usual({.op_type = "DFT", .domain = "", .inputs = {{{8, 4, 2}, f32}}, .opset = 20});
  EXPECT_EQ(usual.flops(), 8 * 40);  // 5 x 4 log2 4 along the last axis but one
}

TEST(OnnxOperators, CountsADeformableConvolution) {
  const Read read({.op_type = "DeformConv",
                   .domain = "",
                   .inputs = {{{1, 2, 4, 4}, f32}, {{3, 2, 2, 2}, f32}, {{1, 8, 3, 3}, f32}},
                   .opset = 19});
  EXPECT_EQ(read.output(), (Shape{1, 3, 3, 3}));
  EXPECT_EQ(read.macs(), 3 * 9 * 2 * 4);
  EXPECT_EQ(read.flops(), 2 * read.macs() + 7 * (2 * 9 * 4) + 16 * (9 * 4));
  const Read other({.op_type = "DeformConv",
                    .domain = "",
                    .inputs = {{{1, 2, 4}, f32}, {{3, 2, 2}, f32}, {{1, 4, 3}, f32}},
                    .opset = 19});
  EXPECT_EQ(other.metrics.coverage.unknown.size(), 1U);
}

// -- quantised operators -----------------------------------------------------------------------

TEST(OnnxOperators, CountsAQuantisedConvolutionAsIntegers) {
  const Operator op{.op_type = "QLinearConv",
                    .domain = "",
                    .inputs = {{{1, 3, 8, 8}, u8},
                               {{}, f32},
                               {{}, u8},
                               {{8, 3, 3, 3}, i8},
                               {{8}, f32},
                               {{8}, i8},
                               {{}, f32},
                               {{}, i8},
                               {{8}, i32}}};
  const Read read(op);
  EXPECT_EQ(read.macs(), 8 * 6 * 6 * 27);
  EXPECT_EQ(read.macs_in(DType::uint8), read.macs());
  EXPECT_EQ(read.dtype(), DType::int8);  // its zero point's
  EXPECT_EQ(read.output(), (Shape{1, 8, 6, 6}));
  // the bias, and 2 for the new scale
  EXPECT_EQ(read.flops(), 2 * read.macs() + 3 * 8 * 6 * 6);
}

TEST(OnnxOperators, KeepsTheSumsOfIntegerProducts) {
  const Read product(
      {.op_type = "MatMulInteger", .domain = "", .inputs = {{{4, 3}, u8}, {{3, 2}, i8}}});
  EXPECT_EQ(product.macs_in(DType::uint8), 4 * 3 * 2);
  EXPECT_EQ(product.dtype(), DType::int32);
  const Read convolved(
      {.op_type = "ConvInteger", .domain = "", .inputs = {{{1, 1, 3, 3}, u8}, {{1, 1, 2, 2}, u8}}});
  EXPECT_EQ(convolved.macs(), 4 * 4);
  EXPECT_EQ(convolved.dtype(), DType::int32);
}

TEST(OnnxOperators, CountsAQuantisedLayer) {
  const auto gemm = [](std::vector<Dim> weight, std::int64_t flips, bool has_scale) {
    Operator op{
        .op_type = "QGemm",
        .domain = "com.microsoft",
        .inputs =
            {{{4, 3}, u8}, {{}, f32}, {{}, u8}, {weight, i8}, {{}, f32}, {{}, i8}, {{2}, i32}},
        .attributes = {Attribute("transB", flips)}};
    if (has_scale) op.inputs.insert(op.inputs.end(), {{{}, f32}, {{}, u8}});
    return Read(op);
  };
  const Read layer = gemm({2, 3}, 1, true);
  EXPECT_EQ(layer.macs_in(DType::uint8), 4 * 3 * 2);
  EXPECT_EQ(layer.flops(), 2 * layer.macs() + 3 * 4 * 2);  // the bias, and the new scale
  EXPECT_EQ(layer.dtype(), DType::uint8);
  EXPECT_EQ(gemm({3, 2}, 0, true).output(), (Shape{4, 2}));
  EXPECT_EQ(gemm({3, 2}, 0, false).dtype(), DType::float32);
}

TEST(OnnxOperators, QuantisesPerTensorChannelAndBlock) {
  const auto quantize = [](std::vector<Dim> scale) {
    return Read({.op_type = "QuantizeLinear",
                 .domain = "",
                 .inputs = {{{2, 4, 6}, f32}, {scale, f32}, {scale, i8}},
                 .attributes = {Attribute("axis", 1)},
                 .opset = 21});
  };
  for (const std::vector<Dim>& scale : {std::vector<Dim>{}, {4}, {2, 2, 6}}) {
    const Read read = quantize(scale);
    EXPECT_EQ(read.output(), (Shape{2, 4, 6}));
    EXPECT_EQ(read.dtype(), DType::int8);
    EXPECT_EQ(read.flops(), 2 * 2 * 4 * 6);
  }
  const Read dynamic(
      {.op_type = "DynamicQuantizeLinear", .domain = "", .inputs = {{{2, 3}, f32}}, .outputs = 3});
  EXPECT_EQ(dynamic.dtype(0), DType::uint8);
  EXPECT_EQ(dynamic.output(1), Shape{});
  EXPECT_EQ(dynamic.dtype(2), DType::uint8);
}

TEST(OnnxOperators, DequantisesToTheTypeThatAnAttributeGives) {
  Operator op{.op_type = "DequantizeLinear",
              .domain = "",
              .inputs = {{{2, 4}, i8}, {{}, f32}},
              .opset = 23};
  EXPECT_EQ(Read(op).dtype(), DType::float32);
  op.attributes = {Attribute("output_dtype", 10)};
  EXPECT_EQ(Read(op).dtype(), DType::float16);
}

TEST(OnnxOperators, CountsWeightsOfFourBitsAsAProduct) {
  const Read read({.op_type = "MatMulNBits",
                   .domain = "com.microsoft",
                   .inputs = {{{1, 7, 64}, f32}, {{32, 2, 16}, u8}, {{64}, f32}},
                   .attributes = {Attribute("K", 64), Attribute("N", 32), Attribute("bits", 4),
                                  Attribute("block_size", 32)}});
  EXPECT_EQ(read.macs(), 7 * 64 * 32);
  EXPECT_EQ(read.output(), (Shape{1, 7, 32}));
}

TEST(OnnxOperators, CountsTheSumOfQuantisedTensors) {
  const Read read({.op_type = "QLinearAdd",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 3}, u8},
                              {{}, f32},
                              {{}, u8},
                              {{2, 3}, u8},
                              {{}, f32},
                              {{}, u8},
                              {{}, f32},
                              {{}, u8}}});
  EXPECT_EQ(read.dtype(), DType::uint8);
  EXPECT_EQ(read.flops(), 3 * 6);
}

// -- attention: batch 2, length 5, 8 features, 2 heads of 4 ---------------------------------------

TEST(OnnxOperators, CountsAttentionWithItsProjection) {
  const Read read({.op_type = "Attention",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 5, 8}, f32}, {{8, 24}, f32}, {{24}, f32}},
                   .outputs = 2,
                   .attributes = {Attribute("num_heads", 2)}},
                  1);
  const std::int64_t scores = 2 * 2 * 5 * 5;
  EXPECT_EQ(read.macs(), 2 * 5 * 8 * 24 + scores * (4 + 4));
  EXPECT_EQ(read.output(0), (Shape{2, 5, 8}));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 2, 5, 4}));
  EXPECT_EQ(read.metrics.total.parameters, 8 * 24 + 24);
}

TEST(OnnxOperators, CountsMultiHeadAttentionAfterAPast) {
  const Read read({.op_type = "MultiHeadAttention",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 5, 8}, f32},
                              {{2, 5, 8}, f32},
                              {{2, 5, 8}, f32},
                              {{24}, f32},
                              {{}, absent},
                              {{}, absent},
                              {{2, 2, 3, 4}, f32},
                              {{2, 2, 3, 4}, f32}},
                   .outputs = 3,
                   .attributes = {Attribute("num_heads", 2)}});
  EXPECT_EQ(read.macs(), 2 * 2 * 5 * (5 + 3) * (4 + 4));
  EXPECT_EQ(read.output(0), (Shape{2, 5, 8}));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 8, 4}));
}

TEST(OnnxOperators, CountsGroupQueryAttention) {
  const Read read({.op_type = "GroupQueryAttention",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 5, 16}, f32}, {{2, 5, 8}, f32}, {{2, 5, 8}, f32}},
                   .outputs = 3,
                   .attributes = {Attribute("num_heads", 4), Attribute("kv_num_heads", 2)}});
  EXPECT_EQ(read.macs(), 2 * 4 * 5 * 5 * (4 + 4));
  EXPECT_EQ(read.output(0), (Shape{2, 5, 16}));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 5, 4}));
}

TEST(OnnxOperators, CountsTheStandardAttention) {
  const Read split({.op_type = "Attention",
                    .domain = "",
                    .inputs = {{{2, 2, 5, 4}, f32}, {{2, 2, 7, 4}, f32}, {{2, 2, 7, 6}, f32}},
                    .opset = 23});
  EXPECT_EQ(split.macs(), 2 * 2 * 5 * 7 * (4 + 6));
  EXPECT_EQ(split.output(), (Shape{2, 2, 5, 6}));
  const Read joined({.op_type = "Attention",
                     .domain = "",
                     .inputs = {{{2, 5, 8}, f32}, {{2, 7, 8}, f32}, {{2, 7, 12}, f32}},
                     .attributes = {Attribute("q_num_heads", 2), Attribute("kv_num_heads", 2)},
                     .opset = 23});
  EXPECT_EQ(joined.macs(), split.macs());
  EXPECT_EQ(joined.output(), (Shape{2, 5, 12}));
}

TEST(OnnxOperators, CountsAttentionAfterAPastThatIsPacked) {
  const Read read(
      {.op_type = "Attention",
       .domain = "com.microsoft",
       .inputs =
           {{{2, 5, 8}, f32}, {{8, 24}, f32}, {{24}, f32}, {{}, absent}, {{2, 2, 2, 3, 4}, f32}},
       .outputs = 2,
       .attributes = {Attribute("num_heads", 2)}});
  EXPECT_EQ(read.macs(), 2 * 5 * 8 * 24 + 2 * 2 * 5 * (5 + 3) * (4 + 4));
  EXPECT_EQ(read.output(1), (Shape{2, 2, 2, 8, 4}));
}

TEST(OnnxOperators, UnpacksQueriesKeysAndValues) {
  using Inputs = std::vector<std::pair<std::vector<Dim>, int>>;
  for (const Inputs& inputs :
       {Inputs{{{2, 5, 2, 3, 4}, f32}}, Inputs{{{2, 5, 8}, f32}, {{2, 5, 2, 2, 4}, f32}},
        Inputs{{{2, 5, 8}, f32}, {{2, 2, 5, 4}, f32}, {{2, 2, 5, 4}, f32}}}) {
    const Read read({.op_type = "MultiHeadAttention",
                     .domain = "com.microsoft",
                     .inputs = inputs,
                     .outputs = 3,
                     .attributes = {Attribute("num_heads", 2)}});
    EXPECT_EQ(read.macs(), 2 * 2 * 5 * 5 * (4 + 4));
    EXPECT_EQ(read.output(0), (Shape{2, 5, 8}));
    EXPECT_EQ(read.output(1), (Shape{2, 2, 5, 4}));
  }
  Inputs packed{{{2, 5, 4 * 4 + 2 * 4 + 2 * 4}, f32}};  // 4 queries, 2 keys and 2 values of 4
  packed.resize(7, {{}, absent});
  packed.insert(packed.end(), 2, {{5, 2}, f32});  // cosines and sines
  const Read grouped({.op_type = "GroupQueryAttention",
                      .domain = "com.microsoft",
                      .inputs = packed,
                      .outputs = 3,
                      .attributes = {Attribute("num_heads", 4), Attribute("kv_num_heads", 2),
                                     Attribute("do_rotary", 1)}});
  EXPECT_EQ(grouped.macs(), 2 * 4 * 5 * 5 * (4 + 4));
  EXPECT_EQ(grouped.output(0), (Shape{2, 5, 16}));
  EXPECT_EQ(grouped.output(1), (Shape{2, 2, 5, 4}));
}

TEST(OnnxOperators, RotatesPositions) {
  const Read standard({.op_type = "RotaryEmbedding",
                       .domain = "",
                       .inputs = {{{2, 2, 5, 4}, f32}, {{5, 2}, f32}, {{5, 2}, f32}, {{2, 5}, i64}},
                       .opset = 23});
  const Read older({.op_type = "RotaryEmbedding",
                    .domain = "com.microsoft",
                    .inputs = {{{2, 2, 5, 4}, f32}, {{2, 5}, i64}, {{5, 2}, f32}, {{5, 2}, f32}}});
  for (const Read* read : {&standard, &older}) {
    EXPECT_EQ(read->output(), (Shape{2, 2, 5, 4}));
    EXPECT_TRUE(read->is_known());
  }
  EXPECT_EQ(standard.flops(), older.flops());
}

TEST(OnnxOperators, SumsEmbeddings) {
  const Read read({.op_type = "EmbedLayerNormalization",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 5}, i32},
                              {{2, 5}, i32},
                              {{100, 8}, f32},
                              {{12, 8}, f32},
                              {{2, 8}, f32},
                              {{8}, f32},
                              {{8}, f32}},
                   .outputs = 3},
                  2);
  EXPECT_EQ(read.output(0), (Shape{2, 5, 8}));
  EXPECT_EQ(read.output(1), (Shape{2}));
  EXPECT_EQ(read.output(2), (Shape{2, 5, 8}));
  EXPECT_EQ(read.metrics.total.parameters, (100 + 12 + 2) * 8 + 2 * 8);
  // two sums, and the seven operations of the norm, for each element
  EXPECT_EQ(read.flops(), 2 * 5 * 8 * (2 + 7));
}

TEST(OnnxOperators, NormalisesByTheRootOfTheMeanSquare) {
  const Read skipped({.op_type = "SkipSimplifiedLayerNormalization",
                      .domain = "com.microsoft",
                      .inputs = {{{2, 5, 8}, f32}, {{2, 5, 8}, f32}, {{8}, f32}},
                      .outputs = 4},
                     2);
  const Read plain({.op_type = "SimplifiedLayerNormalization",
                    .domain = "",
                    .inputs = {{{2, 5, 8}, f32}, {{8}, f32}}},
                   1);
  const Read standard({.op_type = "RMSNormalization",
                       .domain = "",
                       .inputs = {{{2, 5, 8}, f32}, {{8}, f32}},
                       .opset = 23},
                      1);
  EXPECT_EQ(plain.flops(), standard.flops());
  EXPECT_EQ(skipped.flops(), 2 * 5 * 8 + plain.flops());
  for (const Read* read : {&skipped, &plain, &standard}) {
    EXPECT_EQ(read->metrics.total.parameters, 8);
    EXPECT_EQ(read->output(), (Shape{2, 5, 8}));
  }
}

TEST(OnnxOperators, FusesConvolutionsWithWhatFollows) {
  for (const char* activation : {"Relu", "Tanh", "Sigmoid", "HardSigmoid", "LeakyRelu", "Clip"}) {
    const Read read(
        {.op_type = "FusedConv",
         .domain = "com.microsoft",
         .inputs = {{{1, 3, 8, 8}, f32}, {{4, 3, 3, 3}, f32}, {{4}, f32}, {{1, 4, 6, 6}, f32}},
         .attributes = {Attribute::text("activation", activation)}});
    EXPECT_EQ(read.macs(), 6 * 6 * 4 * 3 * 9) << activation;
    EXPECT_EQ(read.output(), (Shape{1, 4, 6, 6})) << activation;
    EXPECT_TRUE(read.is_known()) << activation;
  }
  const Read other({.op_type = "FusedConv",
                    .domain = "com.microsoft",
                    .inputs = {{{1, 3, 8, 8}, f32}, {{4, 3, 3, 3}, f32}},
                    .attributes = {Attribute::text("activation", "Mystery")},
                    .declared = {type({1, 4, 6, 6})}});
  ASSERT_EQ(other.metrics.coverage.unknown.size(), 1U);
  EXPECT_EQ(other.metrics.coverage.unknown[0].name, "com.microsoft::FusedConv");
}

TEST(OnnxOperators, AddsBeforeWhatFollows) {
  const Read softmax({.op_type = "BiasSoftmax",
                      .domain = "com.microsoft",
                      .inputs = {{{2, 3, 4}, f32}, {{2, 1, 4}, f32}},
                      .attributes = {Attribute("axis", 2)}});
  const Read plain({.op_type = "Softmax",
                    .domain = "",
                    .inputs = {{{2, 3, 4}, f32}},
                    .attributes = {Attribute("axis", 2)}});
  EXPECT_EQ(softmax.output(), (Shape{2, 3, 4}));
  EXPECT_EQ(softmax.flops(), 2 * 3 * 4 + plain.flops());
  const Read sum({.op_type = "BiasAdd",
                  .domain = "com.microsoft",
                  .inputs = {{{2, 3, 4}, f32}, {{4}, f32}, {{2, 3, 4}, f32}}});
  EXPECT_EQ(sum.flops(), 2 * 2 * 3 * 4);
}

TEST(OnnxOperators, NormalisesSums) {
  const Read read({.op_type = "SkipLayerNormalization",
                   .domain = "com.microsoft",
                   .inputs = {{{2, 5, 8}, f32}, {{2, 5, 8}, f32}, {{8}, f32}, {{8}, f32}},
                   .outputs = 4});
  EXPECT_EQ(read.flops(), 2 * 5 * 8 * (1 + 7));
  EXPECT_EQ(read.output(3), (Shape{2, 5, 8}));
  EXPECT_TRUE(read.is_known());
}

TEST(OnnxOperators, MultipliesTransposed) {
  const Read read({.op_type = "FusedMatMul",
                   .domain = "com.microsoft",
                   .inputs = {{{3, 4, 2}, f32}, {{3, 5, 4}, f32}},
                   .attributes = {Attribute("transA", 1), Attribute("transB", 1)}});
  EXPECT_EQ(read.output(), (Shape{3, 2, 5}));
  EXPECT_EQ(read.macs(), 3 * 2 * 4 * 5);
  const Read batched({.op_type = "FusedMatMul",
                      .domain = "com.microsoft",
                      .inputs = {{{3, 4, 2}, f32}, {{4, 2, 5}, f32}},
                      .attributes = {Attribute("transBatchA", 1)}});
  EXPECT_EQ(batched.output(), (Shape{4, 3, 5}));
  EXPECT_EQ(batched.macs(), 4 * 3 * 2 * 5);
}

TEST(OnnxOperators, KnowsRuntimeActivations) {
  for (const char* name : {"Gelu", "FastGelu", "BiasGelu", "QuickGelu"}) {
    const Read read({.op_type = name, .domain = "com.microsoft", .inputs = {{{2, 3}, f32}}});
    EXPECT_TRUE(read.is_known()) << name;
    EXPECT_EQ(read.output(), (Shape{2, 3})) << name;
  }
}

// -- integers: a scale and a zero point follow each tensor ----------------------------------------

TEST(OnnxOperators, CountsWhatRuntimesDoOnIntegers) {
  struct Case {
    Operator op;
    Shape shape;
  };
  const std::pair<std::vector<Dim>, int> scale{{}, f32}, zero{{}, u8};
  const auto quantised = [&](const std::string& op_type, const std::vector<Dim>& shape,
                             std::vector<Attribute> attributes = {}) {
    return Operator{.op_type = op_type,
                    .domain = "com.microsoft",
                    .inputs = {{shape, u8}, scale, zero, scale, zero},
                    .attributes = std::move(attributes)};
  };
  const std::vector<std::int64_t> window{2, 2};
  const Case cases[] = {
      {quantised("QLinearSigmoid", {2, 3}), {2, 3}},
      {quantised("QLinearLeakyRelu", {2, 3}), {2, 3}},
      {quantised("QLinearSoftmax", {2, 3}), {2, 3}},
      {quantised("QLinearGlobalAveragePool", {1, 3, 4, 4}), {1, 3, 1, 1}},
      {quantised("QLinearGlobalAveragePool", {1, 4, 4, 3}, {Attribute("channels_last", 1)}),
       {1, 1, 1, 3}},
      {quantised("QLinearAveragePool", {1, 3, 4, 4},
                 {Attribute("kernel_shape", window), Attribute("strides", window)}),
       {1, 3, 2, 2}},
      {{.op_type = "QLinearConcat",
        .domain = "com.microsoft",
        .inputs = {scale, zero, {{2, 3}, u8}, scale, zero, {{2, 4}, u8}, scale, zero},
        .attributes = {Attribute("axis", 1)}},
       {2, 7}},
  };
  for (const Case& test : cases) {
    const Read read(test.op);
    EXPECT_EQ(read.output(), test.shape) << test.op.op_type;
    EXPECT_EQ(read.dtype(), DType::uint8) << test.op.op_type;
    EXPECT_TRUE(read.is_known()) << test.op.op_type;
  }
}

TEST(OnnxOperators, CountsProductsOfIntegersThatBecomeReal) {
  const Read dynamic(
      {.op_type = "DynamicQuantizeMatMul",
       .domain = "com.microsoft",
       .inputs = {{{2, 3}, f32}, {{3, 4}, u8}, {{}, f32}, {{}, absent}, {{4}, f32}}});
  const Read given({.op_type = "MatMulIntegerToFloat",
                    .domain = "com.microsoft",
                    .inputs = {{{2, 3}, u8}, {{3, 4}, u8}, {{}, f32}, {{}, f32}}});
  for (const Read* read : {&dynamic, &given}) {
    EXPECT_EQ(read->macs(), 2 * 3 * 4);
    EXPECT_EQ(read->macs_in(DType::uint8), 2 * 3 * 4);
    EXPECT_EQ(read->output(), (Shape{2, 4}));
    EXPECT_EQ(read->dtype(), DType::float32);
  }
}

// -- what is less common in the standard ----------------------------------------------------------

TEST(OnnxOperators, PoolsAndNormalisesByPowers) {
  const std::vector<std::int64_t> window{2, 2};
  const Read pooled({.op_type = "LpPool",
                     .domain = "",
                     .inputs = {{{1, 3, 4, 4}, f32}},
                     .attributes = {Attribute("kernel_shape", window), Attribute("p", 2),
                                    Attribute("strides", window)}});
  EXPECT_EQ(pooled.output(), (Shape{1, 3, 2, 2}));
  EXPECT_TRUE(pooled.is_known());
  const Read whole({.op_type = "GlobalLpPool", .domain = "", .inputs = {{{1, 3, 4, 4}, f32}}});
  EXPECT_EQ(whole.output(), (Shape{1, 3, 1, 1}));
  for (const std::int64_t power : {1, 2}) {
    const Read normal({.op_type = "LpNormalization",
                       .domain = "",
                       .inputs = {{{2, 3}, f32}},
                       .attributes = {Attribute("p", power), Attribute("axis", 1)}});
    EXPECT_EQ(normal.output(), (Shape{2, 3})) << power;
    EXPECT_TRUE(normal.is_known()) << power;
  }
}

TEST(OnnxOperators, NormalisesGroups) {
  // Before version 21 there is one scale for each group, and since then one for each channel.
  for (const auto& [opset, scales] : {std::pair{18, 2}, {21, 4}}) {
    const Read read({.op_type = "GroupNormalization",
                     .domain = "",
                     .inputs = {{{1, 4, 5, 5}, f32}, {{scales}, f32}, {{scales}, f32}},
                     .attributes = {Attribute("num_groups", 2)},
                     .opset = opset},
                    1);
    EXPECT_EQ(read.output(), (Shape{1, 4, 5, 5})) << opset;
    EXPECT_EQ(read.metrics.total.parameters, 2 * scales) << opset;
    EXPECT_TRUE(read.is_known()) << opset;
  }
}

TEST(OnnxOperators, DrawsAtRandom) {
  const Read read({.op_type = "Multinomial",
                   .domain = "",
                   .inputs = {{{2, 7}, f32}},
                   .attributes = {Attribute("sample_size", 5)}});
  EXPECT_EQ(read.output(), (Shape{2, 5}));
  EXPECT_EQ(read.dtype(), DType::int32);
}

// -- losses, boxes, and shapes that data decides -------------------------------------------------

TEST(OnnxOperators, CountsACrossEntropy) {
  const Read read({.op_type = "SoftmaxCrossEntropyLoss",
                   .domain = "",
                   .inputs = {{{3, 5, 2}, f32}, {{3, 2}, i64}},
                   .outputs = 2,
                   .attributes = {Attribute::text("reduction", "none")}});
  EXPECT_EQ(read.output(0), (Shape{3, 2}));
  EXPECT_EQ(read.output(1), (Shape{3, 5, 2}));
  EXPECT_TRUE(read.is_known());
}

TEST(OnnxOperators, BoundsWhatSuppressionKeeps) {
  const Read read({.op_type = "NonMaxSuppression",
                   .domain = "",
                   .inputs = {{{2, 6, 4}, f32}, {{2, 3, 6}, f32}, {{}, i64}}});
  EXPECT_EQ(read.output(), (Shape{2 * 3 * 6, 3}));
  EXPECT_TRUE(read.graph.value(read.graph.outputs()[0].value).has(Value::bounded));
  // 6 classes of 6 boxes: 3 + 3 to sort and measure each, 13 for each of 15 pairs
  EXPECT_EQ(read.flops(), 6 * (6 * (3 + 3) + 13 * 15));
}

TEST(OnnxOperators, TakesDeclaredShapesWhereDataDecides) {
  struct Case {
    Operator op;
    Shape shape;
  };
  const Case cases[] = {
      {{.op_type = "Reshape",
        .domain = "",
        .inputs = {{{2, 6}, f32}, {{2}, i64}},
        .declared = {type({3, 4})}},
       {3, 4}},
      {{.op_type = "Expand",
        .domain = "",
        .inputs = {{{2, 1}, f32}, {{2}, i64}},
        .declared = {type({2, 4})}},
       {2, 4}},
      {{.op_type = "Slice",
        .domain = "",
        .inputs = {{{8, 6}, f32}, {{1}, i64}, {{1}, i64}},
        .declared = {type({5, 6})}},
       {5, 6}},
      {{.op_type = "Tile",
        .domain = "",
        .inputs = {{{2, 3}, f32}, {{2}, i64}},
        .declared = {type({4, 9})}},
       {4, 9}},
      {{.op_type = "Pad",
        .domain = "",
        .inputs = {{{2, 3}, f32}, {{4}, i64}},
        .declared = {type({2, 6})}},
       {2, 6}},
      {{.op_type = "Range",
        .domain = "",
        .inputs = {{{}, f32}, {{}, f32}, {{}, f32}},
        .declared = {type({7})}},
       {7}},
      {{.op_type = "ConstantOfShape",
        .domain = "",
        .inputs = {{{2}, i64}},
        .declared = {type({3, 2})}},
       {3, 2}},
      {{.op_type = "ReduceSum",
        .domain = "",
        .inputs = {{{2, 3, 4}, f32}, {{1}, i64}},
        .declared = {type({2, 1, 4})}},
       {2, 1, 4}},
      {{.op_type = "TopK",
        .domain = "",
        .inputs = {{{2, 9}, f32}, {{1}, i64}},
        .outputs = 2,
        .declared = {type({2, 3}), type({2, 3}, i64)}},
       {2, 3}},
  };
  for (const Case& test : cases) {
    const Read read(test.op);
    EXPECT_EQ(read.output(), test.shape) << test.op.op_type;
    EXPECT_TRUE(read.is_known()) << test.op.op_type;
    EXPECT_THAT(read.notes.notes, Contains(HasSubstr("agree"))) << test.op.op_type;
  }
}

TEST(OnnxOperators, ListsWhatNothingDeclares) {
  const Read read({.op_type = "Reshape", .domain = "", .inputs = {{{2, 6}, f32}, {{2}, i64}}});
  ASSERT_EQ(read.metrics.coverage.unknown.size(), 1U);
  EXPECT_EQ(read.metrics.coverage.unknown[0].name, "Reshape");
}

TEST(OnnxOperators, TakesTheStandardDomainByItsOtherName) {
  const Read read({.op_type = "Relu", .domain = "ai.onnx", .inputs = {{{2, 6}, f32}}});
  EXPECT_TRUE(read.is_known());
}

}  // namespace
}  // namespace zoometer
