// The roofline compared with the examples computed by hand in docs/roofline.md, and the zoo's sums.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "import/importer.hpp"
#include "op/deform_conv.hpp"
#include "op/indexing.hpp"
#include "op/unknown.hpp"
#include "registry/zoo.hpp"
#include "report/graph_writer.hpp"
#include "zoometer/nn/layers.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// 1 TFLOP/s in float32 and 100 GB/s: the device of the examples.
Device toy() {
  Device device;
  device.name = "Toy";
  device.peaks[static_cast<std::size_t>(NumberType::float32)] = 1e12;
  device.bandwidth = 100e9;
  return device;
}

class RooflineExample : public testing::Test {
 protected:
  Graph graph;
  Device device = toy();

  RooflineExample() { graph.add_module(no_id, "", "Net"); }

  Tensor input(const Shape& shape, DType dtype = DType::float32) {
    return {&graph, graph.add_input("x", shape, dtype)};
  }
  Tensor parameter(const Shape& shape) {
    return {&graph,
            graph.add_parameter(0, "weight", shape, DType::float32, ParameterKind::parameter)};
  }
  Tensor conv(Tensor x, std::int64_t out, std::int64_t kernel) {
    ConvAttrs attrs;
    attrs.stride = {1, 1};
    attrs.padding = attrs.padding_end = {kernel / 2, kernel / 2};
    attrs.dilation = {1, 1};
    return convolution(x, parameter({out, x.dim(1), kernel, kernel}), {}, attrs);
  }
  Tensor norm(Tensor x) {
    const Shape channels{x.dim(1)};
    return batch_norm(x, parameter(channels), parameter(channels), parameter(channels),
                      parameter(channels));
  }
  static Tensor max_pool_of(Tensor x) {
    PoolAttrs attrs;
    attrs.kernel_size = {3, 3};
    attrs.stride = attrs.dilation = attrs.padding = attrs.padding_end = {1, 1};
    return max_pool(x, attrs);
  }
  void output(Tensor y) { graph.add_output("y", y.id); }

  Roofline on_toy(bool fuse, const RooflineOptions& options = {}) {
    workload = workload_of(graph, {.fuse = fuse});
    return roofline_of(graph, workload, device, options);
  }
  std::vector<std::string> names(bool fuse = true) {
    std::vector<std::string> result;
    for (const FusedGroup& group : fused_groups(graph, fuse)) result.push_back(group.name);
    return result;
  }
  Workload workload;
};

constexpr double us = 1e-6;

// Example 1: a linear layer.
TEST_F(RooflineExample, LinearIsBoundByMemory) {
  output(linear(input({8, 256}), parameter({512, 256}), {}));
  const Roofline result = on_toy(false);
  EXPECT_EQ(workload.works[0].flops, 2'097'152);
  EXPECT_EQ(workload.works[0].bytes.weights, 524'288);
  EXPECT_EQ(workload.works[0].bytes.boundary, 8'192 + 16'384);
  EXPECT_EQ(workload.works[0].bytes.between, 0);
  EXPECT_NEAR(result.total.compute, 2.097152 * us, 1e-15);
  EXPECT_NEAR(result.total.memory, 5.48864 * us, 1e-15);
  EXPECT_NEAR(result.total.seconds, 5.48864 * us, 1e-15);
  EXPECT_NEAR(result.least_seconds, 5.48864 * us, 1e-15);
  EXPECT_TRUE(result.works[0].is_memory_bound());
  EXPECT_NEAR(result.total.compute_utilisation(), 0.382090, 1e-6);
  EXPECT_DOUBLE_EQ(result.total.memory_utilisation(), 1);
  EXPECT_DOUBLE_EQ(result.total.memory_bound_share(), 1);
}

// Example 2: convolution, normalisation, activation; one by one and fused.
TEST_F(RooflineExample, ConvolutionWithNormAndActivation) {
  output(unary(relu_op, norm(conv(input({1, 64, 56, 56}), 64, 3))));
  const Roofline apart = on_toy(false);
  ASSERT_EQ(apart.works.size(), 3U);
  EXPECT_NEAR(apart.works[0].compute, 231.211008 * us, 1e-15);
  EXPECT_NEAR(apart.works[0].memory, 17.53088 * us, 1e-15);
  EXPECT_FALSE(apart.works[0].is_memory_bound());
  EXPECT_NEAR(apart.works[1].compute, 0.401408 * us, 1e-15);
  EXPECT_NEAR(apart.works[1].memory, 16.06656 * us, 1e-15);
  EXPECT_NEAR(apart.works[2].memory, 16.05632 * us, 1e-15);
  EXPECT_NEAR(apart.total.seconds, 263.333888 * us, 1e-15);
  EXPECT_NEAR(apart.total.memory_bound_share(), 32.12288 / 263.333888, 1e-9);

  const Roofline fused = on_toy(true);
  ASSERT_EQ(fused.works.size(), 1U);
  EXPECT_EQ(fused.kinds[0].name, "conv2d + batch_norm + relu");
  EXPECT_EQ(workload.works[0].flops, 231'813'120);
  EXPECT_EQ(workload.works[0].bytes.total(), 1'754'112);
  EXPECT_NEAR(fused.total.seconds, 231.81312 * us, 1e-15);
  EXPECT_NEAR(fused.total.memory, 17.54112 * us, 1e-15);
  EXPECT_NEAR(apart.least_seconds, 231.81312 * us, 1e-15);
  EXPECT_NEAR(fused.least_seconds, 231.81312 * us, 1e-15);
}

// Example 3: attention written out in products.
TEST_F(RooflineExample, AttentionStaysOnTheChip) {
  const Tensor query = input({1, 128, 64});
  const Tensor key = input({1, 128, 64});
  const Tensor value = input({1, 128, 64});
  output(bmm(softmax(bmm(query, transpose(key, 1, 2)), -1), value));
  on_toy(false);
  std::int64_t apart = 0;
  for (const Work& work : workload.works) apart += work.bytes.total();
  EXPECT_EQ(apart, 393'216);
  const Roofline fused = on_toy(true);
  EXPECT_THAT(names(), testing::ElementsAre("transpose", "attention"));
  EXPECT_EQ(workload.works[1].bytes.total(), 131'072);
  EXPECT_EQ(workload.works[1].macs, 2'097'152);
  EXPECT_EQ(workload.works[1].flops, 4'276'224);
  EXPECT_NEAR(fused.total.seconds, 4.276224 * us, 1e-15);
}

// Example 4: tensors that stay in memory on the chip.
TEST_F(RooflineExample, MemoryOnTheChipKeepsWhatFits) {
  output(unary(relu_op, linear(input({8, 256}), parameter({512, 256}), {})));
  // Activations need 8,192 + 16,384 + 16,384 bytes at their peak, weights 524,288.
  device.on_chip = 40'959;
  Roofline result = on_toy(false);
  EXPECT_FALSE(result.activations_stay);
  EXPECT_FALSE(result.weights_stay);
  EXPECT_EQ(result.total.moved, 548'864 + 32'768);
  device.on_chip = 40'960;
  result = on_toy(false);
  EXPECT_TRUE(result.activations_stay);
  EXPECT_FALSE(result.weights_stay);
  EXPECT_EQ(result.total.moved, 524'288 + 8'192 + 16'384);
  device.on_chip = 40'960 + 524'288;
  result = on_toy(false);
  EXPECT_TRUE(result.weights_stay);
  EXPECT_EQ(result.total.moved, 8'192 + 16'384);
  EXPECT_EQ(result.total.bytes, 548'864 + 32'768);
  device.caches = {{"L2", device.on_chip}};
  device.on_chip = 0;
  EXPECT_EQ(on_toy(false).total.moved, 548'864 + 32'768);
  EXPECT_EQ(on_toy(false, {.cache = true}).total.moved, 8'192 + 16'384);
}

TEST_F(RooflineExample, AResidualSumJoinsThePathComputedLast) {
  const Tensor x = input({1, 8, 4, 4});
  const Tensor main = norm(conv(x, 8, 3));
  const Tensor shortcut = norm(conv(x, 8, 1));
  output(unary(relu_op, main + shortcut, true));
  EXPECT_THAT(names(),
              testing::ElementsAre("conv2d + batch_norm", "conv2d + batch_norm + add + relu"));
}

TEST_F(RooflineExample, WhatIsReadTwiceWithinAGroupIsNotWritten) {
  const Tensor y = conv(input({1, 8, 4, 4}), 8, 3);
  const Tensor first = unary(relu_op, y);
  output(first + unary(sigmoid_op, y));
  EXPECT_THAT(names(), testing::ElementsAre("conv2d + relu + sigmoid + add"));
}

TEST_F(RooflineExample, WhatIsAlsoReadOutsideIsWritten) {
  const Tensor y = conv(input({1, 8, 4, 4}), 8, 3);
  const Tensor first = unary(relu_op, y);
  output(first + unary(sigmoid_op, conv(y, 8, 3)));
  EXPECT_THAT(names(), testing::ElementsAre("conv2d", "relu", "conv2d + sigmoid + add"));
}

TEST_F(RooflineExample, AnOutputOfTheModelIsWritten) {
  const Tensor y = conv(input({1, 8, 4, 4}), 8, 3);
  output(y);
  output(unary(relu_op, y));
  EXPECT_THAT(names(), testing::ElementsAre("conv2d", "relu"));
}

TEST_F(RooflineExample, ASumThatGrowsIsNotFused) {
  const Tensor y = linear(input({4, 8}), parameter({1, 8}), {});
  output(y + input({4, 16}));
  EXPECT_THAT(names(), testing::ElementsAre("linear", "add"));
}

TEST_F(RooflineExample, ViewsDoNotInterruptAGroup) {
  const Tensor y = linear(input({4, 8}), parameter({8, 8}), {});
  output(gelu(reshape(y, {2, 16}), false));
  EXPECT_THAT(names(), testing::ElementsAre("linear + gelu"));
  EXPECT_EQ(fused_groups(graph, true)[0].nodes.size(), 3U);
}

TEST_F(RooflineExample, AttentionTakesScaleAndMaskAlong) {
  const Tensor scores = matmul(input({2, 8, 4}), input({2, 4, 8})) * 0.5;
  const Tensor weights = dropout(softmax(scores + input({1, 8, 8}), -1));
  output(matmul(weights, input({2, 8, 4})));
  EXPECT_THAT(names(), testing::ElementsAre("attention"));
  // query, key, mask, value and the result: 64 elements each.
  EXPECT_EQ(workload_of(graph, {.fuse = true}).works[0].bytes.total(), 5 * 64 * 4);
}

/// Products and normalisations lead and pointwise operators follow, whichever they are.
TEST_F(RooflineExample, EveryKindFusesAsDeclared) {
  ConvAttrs attrs;
  attrs.stride = attrs.dilation = attrs.padding = attrs.padding_end = {1, 1};
  const Tensor none{&graph, no_id};
  const Tensor x = deform_conv2d(input({1, 3, 8, 8}), parameter({4, 3, 3, 3}), input({1, 18, 8, 8}),
                                 none, none, attrs);
  const Tensor y = unary(relu_op, x);
  LocalResponseNormAttrs response;
  response.size = 5;
  const Tensor mask = input({1, 4, 8, 8}, DType::boolean);
  output(apply(masked_fill_op, ScalarAttrs{}, local_response_norm(max_pool_of(y), response), mask));
  EXPECT_THAT(names(), testing::ElementsAre("deform_conv2d + relu", "max_pool2d",
                                            "local_response_norm + masked_fill"));
}

/// A shift along two axes, as ONNX files have it, moves what one `roll` moves: 64 elements each
/// way.
TEST_F(RooflineExample, PiecesThatAreJoinedAgainAreCopiedOnce) {
  Tensor x = input({8, 8});
  for (const std::int64_t axis : {0, 1})
    x = cat({slice(x, axis, 3, 8), slice(x, axis, 0, 3)}, axis);
  output(x);
  EXPECT_THAT(names(), testing::ElementsAre("slice", "slice", "cat + cat"));
  EXPECT_EQ(on_toy(true).total.moved, 2 * 64 * 4);
  EXPECT_EQ(on_toy(false).total.moved, 4 * 64 * 4);
}

TEST_F(RooflineExample, PiecesThatAreReadElsewhereOrJoinedWithOthersAreWritten) {
  const Tensor x = cat({input({8, 8}), input({8, 8})}, 0);
  const Tensor half = slice(x, 0, 0, 8);
  output(cat({slice(x, 0, 8, 16), half}, 0));
  output(half);
  const Tensor y = cat({input({8, 8}), input({8, 8})}, 0);
  output(cat({slice(y, 0, 0, 8), input({8, 8})}, 0));
  EXPECT_THAT(names(), testing::ElementsAre("cat", "slice", "slice", "cat", "cat", "slice", "cat"));
}

TEST_F(RooflineExample, ProductsWithoutSoftmaxAreNotAttention) {
  output(matmul(matmul(input({2, 8, 4}), input({2, 4, 8})), input({2, 8, 4})));
  EXPECT_THAT(names(), testing::ElementsAre("matmul", "matmul"));
}

TEST_F(RooflineExample, AProductWithoutUnitsIsAnError) {
  output(linear(input({8, 256}), parameter({512, 256}), {}));
  Device integers;
  integers.name = "Int";
  integers.peaks[static_cast<std::size_t>(NumberType::int8)] = 4e12;
  integers.bandwidth = 1e9;
  workload = workload_of(graph, {});
  try {
    roofline_of(graph, workload, integers);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::usage);
    EXPECT_THAT(error.what(),
                testing::HasSubstr("Int computes in int8, and linear in the model is float32"));
  }
  graph.count_floating_as(DType::int8);
  workload = workload_of(graph, {});
  EXPECT_EQ(roofline_of(graph, workload, integers).used, NumberType::int8);
}

TEST_F(RooflineExample, Tf32HasTheBytesOfFloat32) {
  output(linear(input({8, 256}), parameter({512, 256}), {}));
  device.peaks[static_cast<std::size_t>(NumberType::tf32)] = 8e12;
  workload = workload_of(graph, {.tf32 = true});
  const Roofline result = roofline_of(graph, workload, device);
  EXPECT_EQ(result.used, NumberType::tf32);
  EXPECT_NEAR(result.total.compute, 0.262144 * us, 1e-15);
  EXPECT_NEAR(result.total.memory, 5.48864 * us, 1e-15);
}

TEST_F(RooflineExample, AGraphWithoutNodesTakesNoTime) {
  output(input({4}));
  const Roofline result = on_toy(true);
  EXPECT_EQ(result.total.seconds, 0);
  EXPECT_EQ(result.total.compute_utilisation(), 0);
}

TEST_F(RooflineExample, ANodeWithoutOutputsTakesNoTime) {
  const Tensor x = input({4});
  output(x);
  graph.append_declared(unknown_op, graph.keep(UnknownAttrs{"made", "up"}), {&x.id, 1}, {});
  EXPECT_EQ(on_toy(true).total.compute, 0);
}

/// A file that is written of a model has the model's bound when fused: shifts are two
/// concatenations there, activations are written out, channels are shuffled by a reshape.
TEST(RooflineZoo, OwnExportsHaveTheSameBoundWhenFused) {
  Device device = toy();
  const auto seconds_of = [&](const Graph& graph) {
    return roofline_of(graph, workload_of(graph, {.fuse = true}), device).total.seconds;
  };
  Graph graph, copy;
  for (const ZooEntry& entry : zoo()) {
    constexpr std::string_view names[] = {"swin_t", "swin_v2_t", "shufflenet_v2_x0_5",
                                          "efficientnet_b0", "vit_b_16"};
    if (std::ranges::find(names, entry.model->name) == std::end(names)) continue;
    trace(*entry.model, {}, graph);
    const std::string file =
        find_graph_writer("onnx")->write({graph, "model", "builtin", "", {}}, {});
    import_file(MappedFile("model.onnx", std::as_bytes(std::span(file))), {}, copy);
    const double seconds = seconds_of(graph);
    EXPECT_NEAR(seconds_of(copy), seconds, 0.01 * seconds) << entry.model->name;
  }
}

/// The work of every model adds up to its profile, each node is in one group, fusion never moves
/// more, and the bounds keep their order.
TEST(RooflineZoo, WorkAddsUpToTheProfile) {
  const Device device = toy();
  Graph graph;
  for (const ZooEntry& entry : zoo()) {
    trace(*entry.model, {}, graph);
    const Profile metrics = profile(graph);
    std::int64_t bytes_apart = 0;
    for (const bool fuse : {false, true}) {
      const Workload workload = workload_of(graph, {.fuse = fuse});
      const Roofline result = roofline_of(graph, workload, device);
      std::set<NodeId> nodes;
      std::size_t members = 0;
      for (const Work& work : workload.works) {
        nodes.insert(work.group.nodes.begin(), work.group.nodes.end());
        members += work.group.nodes.size();
      }
      EXPECT_EQ(nodes.size(), graph.nodes().size()) << entry.model->name;
      EXPECT_EQ(members, graph.nodes().size()) << entry.model->name;
      EXPECT_EQ(result.total.macs, metrics.total.macs) << entry.model->name;
      EXPECT_EQ(result.total.flops, metrics.total.flops) << entry.model->name;
      const std::int64_t bytes = metrics.total.bytes_read + metrics.total.bytes_written;
      if (!fuse) {
        EXPECT_EQ(result.total.bytes, bytes) << entry.model->name;
        bytes_apart = bytes;
      }
      EXPECT_LE(result.total.bytes, bytes_apart) << entry.model->name;
      EXPECT_LE(workload.compulsory.total(), result.total.bytes) << entry.model->name;
      EXPECT_LE(result.least_seconds, result.total.seconds * (1 + 1e-9)) << entry.model->name;
      EXPECT_NEAR(result.modules[0].seconds, result.total.seconds, 1e-9) << entry.model->name;
    }
  }
}

}  // namespace
}  // namespace zoometer
