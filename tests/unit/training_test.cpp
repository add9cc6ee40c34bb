// The memory of a training step, compared with the examples computed by hand in docs/memory.md.
#include <gmock/gmock.h>

#include <array>

#include "analysis/profile.hpp"
#include "analysis/training.hpp"
#include "op/deform_conv.hpp"
#include "op/indexing.hpp"
#include "op/recurrent.hpp"
#include "registry/zoo.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"

namespace zoometer {
namespace {

class TrainingExample : public testing::Test {
 protected:
  Graph graph;

  TrainingExample() { graph.add_module(no_id, "", "Net"); }

  Tensor input(const Shape& shape) { return {&graph, graph.add_input("x", shape, DType::float32)}; }
  Tensor parameter(const Shape& shape, ParameterKind kind = ParameterKind::parameter) {
    return {&graph, graph.add_parameter(0, "weight", shape, DType::float32, kind)};
  }
  Tensor layer(Tensor x, std::int64_t out) {
    return linear(x, parameter({out, x.dim(-1)}), parameter({out}));
  }
  void output(Tensor y) { graph.add_output("y", y.id); }
  TrainingProfile step(Optimizer optimizer = Optimizer::sgd) {
    return profile_training(graph, optimizer);
  }
};

// Example 1: two linear layers with a relu between.
TEST_F(TrainingExample, TwoLayers) {
  output(layer(unary(relu_op, layer(input({2, 8}), 16)), 4));
  const TrainingProfile result = step();
  EXPECT_EQ(result.trainable, 212);
  EXPECT_EQ(result.weights, 848);
  EXPECT_EQ(result.gradients, 848);
  EXPECT_EQ(result.optimizer_state, 0);
  EXPECT_EQ(result.master_weights, 0);
  EXPECT_EQ(result.macs, 384);
  EXPECT_EQ(result.backward_macs, 512);
  EXPECT_EQ(result.saved, 128);
  EXPECT_EQ(result.peak_activations, 480);
  EXPECT_EQ(result.peak_node, 1U);
  EXPECT_TRUE(result.peak_is_backward);
  EXPECT_EQ(result.total, 848 + 848 + 480);
  EXPECT_EQ(step(Optimizer::momentum).optimizer_state, 848);
  EXPECT_EQ(step(Optimizer::adam).optimizer_state, 2 * 848);
  EXPECT_EQ(step(Optimizer::adamw).total, 848 + 848 + 2 * 848 + 480);
}

TEST_F(TrainingExample, SixteenBitsMayHaveMasterWeights) {
  output(layer(unary(relu_op, layer(input({2, 8}), 16)), 4));
  graph.count_floating_as(DType::bfloat16);
  EXPECT_EQ(step(Optimizer::adam).master_weights, 0);
  EXPECT_EQ(step(Optimizer::adam).optimizer_state, 848);
  const TrainingProfile result =
      profile_training(graph, {.optimizer = Optimizer::adam, .has_master = true});
  EXPECT_EQ(result.weights, 424);
  EXPECT_EQ(result.gradients, 424);
  EXPECT_EQ(result.master_weights, 848);
  EXPECT_EQ(result.optimizer_state, 2 * 848);
  EXPECT_EQ(result.saved, 64);
  EXPECT_EQ(result.peak_activations, 240);
}

// Example 2: convolution, batch_norm, relu in place.
TEST_F(TrainingExample, ConvolutionWithNormAndActivation) {
  ConvAttrs attrs;
  attrs.stride = attrs.dilation = attrs.padding = attrs.padding_end = {1, 1};
  const Tensor y = convolution(input({1, 3, 8, 8}), parameter({4, 3, 3, 3}), {}, attrs);
  const Tensor statistics = parameter({4}, ParameterKind::buffer);
  output(
      unary(relu_op, batch_norm(y, parameter({4}), parameter({4}), statistics, statistics), true));
  const TrainingProfile result = step();
  EXPECT_EQ(result.macs, 6'912);
  EXPECT_EQ(result.backward_macs, 6'912) << "the first layer needs no gradient of its input";
  EXPECT_EQ(result.saved, 1'024 + 32 + 1'024);
  EXPECT_EQ(result.trainable, 4 * 27 + 8);
  EXPECT_EQ(result.weights, (4 * 27 + 12) * 4);
}

// Example 3: the products of attention have a gradient for each factor.
TEST_F(TrainingExample, AttentionKeepsBothFactors) {
  const Tensor x = input({4, 8});
  const Tensor query = layer(x, 8);
  const Tensor key = layer(x, 8);
  output(matmul(softmax(matmul(query, transpose(key, 0, 1)), -1), x));
  const TrainingProfile result = step();
  // Forward: two layers of 4 x 8 x 8, products of 4 x 8 x 4 and 4 x 4 x 8.
  EXPECT_EQ(result.macs, 2 * 256 + 2 * 128);
  // Backward: the layers' weights; both factors of the first product, one of the second.
  EXPECT_EQ(result.backward_macs, 2 * 256 + 2 * 128 + 128);
  // Query, key and the softmax's result; x is the caller's.
  EXPECT_EQ(result.saved, 128 + 128 + 64);
}

TEST_F(TrainingExample, EveryOperandOfAnEinsumHasAGradient) {
  output(apply(einsum_op, EinsumAttrs{"ij,jk,kl->il"}, layer(input({2, 8}), 3), parameter({3, 4}),
               parameter({4, 5})));
  const TrainingProfile result = step();
  EXPECT_EQ(result.macs, 2 * 3 * 8 + 2 * 3 * 4 * 5);
  EXPECT_EQ(result.backward_macs, 2 * 3 * 8 + 3 * (2 * 3 * 4 * 5));
  EXPECT_EQ(result.saved, 2 * 3 * 4) << "the gradients of both parameters need the first operand";
}

TEST_F(TrainingExample, InPlaceOperatorsThatNeedTheirInputKeepACopy) {
  const Tensor y = layer(input({2, 8}), 16);
  output(unary(hardswish_op, y, true));
  EXPECT_EQ(step().saved, 128);
  graph.clear();
  graph.add_module(no_id, "", "Net");
  output(layer(unary(hardswish_op, layer(input({2, 8}), 16), true), 4));
  EXPECT_EQ(step().saved, 128 + 128) << "the copy, and the result for the next layer";
}

TEST_F(TrainingExample, RecurrentLayersHaveTwoProducts) {
  const Tensor x = input({5, 2, 3});
  output(apply(lstm_op, RecurrentAttrs{}, x, parameter({1, 16, 3}), parameter({1, 16, 4})));
  const TrainingProfile result = step();
  EXPECT_EQ(result.macs, 5 * 2 * 16 * (3 + 4));
  // x needs no gradient; the states and both weights do.
  EXPECT_EQ(result.backward_macs, 5 * 2 * 16 * 3 + 2 * 5 * 2 * 16 * 4);
  // Of each step and row: the result, the four gates and the cell's state.
  EXPECT_EQ(result.saved, 5 * 2 * (1 + 4 + 1) * 4 * 4);
}

TEST_F(TrainingExample, MaxPoolingKeepsIndices) {
  const Tensor y = layer(input({1, 2, 4, 4}), 4);
  PoolAttrs attrs;
  attrs.kernel_size = attrs.stride = {2, 2};
  attrs.padding = attrs.padding_end = {0, 0};
  attrs.dilation = {1, 1};
  output(max_pool(y, attrs));
  EXPECT_EQ(step().saved, 2 * 16 * 4 + 2 * 4 * 8);
}

TEST_F(TrainingExample, FactorsAreKeptForTheOther) {
  const Tensor y = layer(input({2, 8}), 8);
  const Tensor constant = input({2, 8});
  output(y * constant);
  EXPECT_EQ(step().saved, 0) << "only the gradient of y is wanted, and needs the caller's tensor";
  graph.clear();
  graph.add_module(no_id, "", "Net");
  const Tensor a = layer(input({2, 8}), 8);
  const Tensor b = layer(input({2, 8}), 8);
  output(a * b);
  EXPECT_EQ(step().saved, 64 + 64);
}

TEST_F(TrainingExample, NormalisationsKeepStatistics) {
  const Tensor y = layer(input({2, 6, 8}), 8);
  output(layer_norm(y, parameter({8}), parameter({8})));
  EXPECT_EQ(step().saved, 96 * 4 + 2 * 12 * 4);
}

TEST_F(TrainingExample, DeformableConvolutionKeepsItsOffsets) {
  ConvAttrs attrs;
  attrs.stride = attrs.dilation = attrs.padding = attrs.padding_end = {1, 1};
  const Tensor x = input({1, 3, 8, 8});
  const Tensor offset = convolution(x, parameter({18, 3, 3, 3}), {}, attrs);
  const Tensor mask = convolution(x, parameter({9, 3, 3, 3}), {}, attrs);
  const Tensor y = convolution(x, parameter({4, 3, 3, 3}), {}, attrs);
  output(deform_conv2d(y, parameter({6, 4, 3, 3}), offset, parameter({6}), mask, attrs));
  const TrainingProfile result = step();
  EXPECT_EQ(result.saved, (4 + 18 + 9) * 64 * 4) << "its input, the offsets and the mask";
  const std::int64_t first = 27 * 64 * (18 + 9 + 4);
  EXPECT_EQ(result.backward_macs, first + 2 * 6 * 64 * 4 * 9);
}

TEST_F(TrainingExample, LookupsKeepTheirIndices) {
  const Tensor y = layer(input({4, 8}), 16);
  const Tensor places = arange(graph, 0, 3, 1, DType::int64);
  output(advanced_index(y, std::array{places}, {1}));
  EXPECT_EQ(step().saved, 3 * 8);
  graph.clear();
  graph.add_module(no_id, "", "Net");
  const Tensor positions = arange(graph, 0, 5, 1, DType::int64);
  output(embedding(parameter({10, 8}), positions));
  EXPECT_EQ(step().saved, 5 * 8);
}

TEST_F(TrainingExample, WithoutParametersNothingIsTrained) {
  output(unary(relu_op, input({2, 8})));
  const TrainingProfile result = step(Optimizer::adam);
  EXPECT_EQ(result.saved, 0);
  EXPECT_EQ(result.backward_macs, 0);
  EXPECT_EQ(result.total, 128);
  graph.clear();
  graph.add_module(no_id, "", "Net");
  output(input({4}));
  EXPECT_EQ(step().total, 16);
}

/// Backward takes at most twice forward, and exactly the operators' sums make up the totals.
TEST(TrainingZoo, SumsAddUp) {
  Graph graph;
  for (const ZooEntry& entry : zoo()) {
    trace(*entry.model, {}, graph);
    const Profile metrics = profile(graph);
    const TrainingProfile result = profile_training(graph, Optimizer::sgd);
    EXPECT_EQ(result.macs, metrics.total.macs) << entry.model->name;
    EXPECT_EQ(result.weights, metrics.total.parameter_bytes) << entry.model->name;
    EXPECT_LE(result.backward_macs, 2 * result.macs) << entry.model->name;
    EXPECT_GE(result.peak_activations, metrics.memory.peak_bytes) << entry.model->name;
    EXPECT_GE(result.peak_activations, result.saved) << entry.model->name;
    std::int64_t saved = 0;
    std::int64_t backward = 0;
    for (const TrainingOperator& each : result.operators) {
      saved += each.saved_bytes;
      backward += each.backward_macs;
    }
    EXPECT_EQ(saved, result.saved) << entry.model->name;
    EXPECT_EQ(backward, result.backward_macs) << entry.model->name;
  }
}

}  // namespace
}  // namespace zoometer
