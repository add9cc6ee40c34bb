// Where views have their elements, what they read, and what is written in place. Guards the kinds:
// views that are contiguous by their strides, expanded tensors, operands that are the same tensor,
// rows written into a cache.
#include "zoometer/ir/layout.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "analysis/traffic.hpp"
#include "ir/updates.hpp"
#include "op/indexing.hpp"
#include "op/language.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

class LayoutExample : public ::testing::Test {
 protected:
  LayoutExample() { graph.add_module(no_id, "", "Net"); }
  Tensor input(const Shape& shape, DType dtype = DType::float32) {
    return {&graph, graph.add_input("x", shape, dtype)};
  }
  bool is_view(Tensor x) const {
    return moves_nothing(graph, graph.nodes()[graph.value(x.id).producer]);
  }
  Metrics total() const { return profile(graph).total; }
  Graph graph;
};

TEST_F(LayoutExample, SlicesOfTheFirstAxisAreReshapedWithoutACopy) {
  const Tensor x = input({8, 128, 64});
  EXPECT_TRUE(is_view(reshape(slice(x, 0, 2, 6, 1), {4 * 128 * 64})));
  EXPECT_TRUE(is_view(reshape(select(x, 0, 3), {128 * 64})));
  EXPECT_TRUE(is_view(reshape(unbind(x, 0)[7], {128 * 64})));
  EXPECT_FALSE(is_view(reshape(slice(x, 1, 2, 6, 1), {8 * 4 * 64})));
  EXPECT_TRUE(is_view(reshape(slice(x, 1, 2, 6, 1), {8, 4 * 64}))) << "neighbours stay neighbours";
}

TEST_F(LayoutExample, TranspositionsOfAnAxisOfLengthOneAreContiguous) {
  const Tensor one = input({1, 8, 4});
  EXPECT_TRUE(is_view(contiguous(transpose(one, 0, 1))));
  const Tensor two = input({2, 8, 4});
  EXPECT_FALSE(is_view(contiguous(transpose(two, 0, 1))));
  EXPECT_TRUE(is_view(contiguous(expand(two, {2, 8, 4}))));
  EXPECT_FALSE(is_view(contiguous(expand(input({2, 1, 4}), {2, 8, 4}))));
}

TEST_F(LayoutExample, NamesThePlaceOfEachPiece) {
  const Tensor x = input({6, 10});
  const Tensor piece = chunk(slice(transpose(x, 0, 1), 0, 1, 9, 2), 2, 1)[1];
  const Layout layout = layout_of(graph, piece.id);
  EXPECT_EQ(layout.offset, 1 + 3 * 10);
  EXPECT_EQ(layout.strides, (Ints{2, 10}));
  EXPECT_EQ(owner_of(graph, piece.id), x.id);
}

// A hostile step must not overflow.
TEST_F(LayoutExample, AcceptsTheLargestStep) {
  const Tensor x = input({6, 10});
  const Tensor piece = slice(x, 0, 0, 6, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(piece.shape(), (Shape{1, 10}));
  binary(add_op, piece, 1.0);
  EXPECT_LE(total().bytes_read, 240);
}

// What a value's memory is must not be searched again for each of many views of views.
TEST_F(LayoutExample, FindsTheMemoryOfLongChainsOfViews) {
  constexpr int count = 20'000;
  Tensor x = input({4, 4});
  for (int i = 0; i < count; ++i) {
    const Tensor y = reshape(x, {4, 4});
    binary(add_op, x, y);
    x = y;
  }
  EXPECT_EQ(total().bytes_read, std::int64_t{count} * 4 * 4 * 4);
}

TEST_F(LayoutExample, ReadsAnExpandedTensorOnce) {
  const Tensor x = input({64, 4});
  const Tensor column = input({64, 1});
  binary(add_op, x, expand(column, {64, 4}));
  EXPECT_EQ(total().bytes_read, 4 * (64 * 4 + 64));
}

TEST_F(LayoutExample, ReadsOneTensorOnceHoweverOftenItIsAnOperand) {
  const Tensor x = input({1, 2, 8, 4});
  scaled_dot_product_attention(x, x, x, {}, {});
  EXPECT_EQ(total().bytes_read, 4 * 64);
  graph.rewind({.values = 1});
  binary(mul_op, x, x);
  EXPECT_EQ(total().bytes_read, 4 * 64);
}

TEST_F(LayoutExample, ReadsWhatViewsHaveInCommonOnce) {
  const Tensor x = input({8, 4});
  matmul(x, transpose(x, 0, 1));
  EXPECT_EQ(total().bytes_read, 4 * 32);
  graph.rewind({.values = 1});
  binary(add_op, slice(x, 0, 0, 3, 1), slice(x, 0, 2, 5, 1));
  EXPECT_EQ(total().bytes_read, 4 * 5 * 4);
  graph.rewind({.values = 1});
  binary(add_op, slice(x, 0, 0, 3, 1), slice(x, 0, 4, 7, 1));
  EXPECT_EQ(total().bytes_read, 4 * 6 * 4);
}

TEST_F(LayoutExample, LooksUpNoMoreThanTheTableHas) {
  embedding(input({2, 16}), input({100}, DType::int64));
  EXPECT_EQ(total().bytes_read, 2 * 16 * 4 + 100 * 8);
}

// -- updates --------------------------------------------------------------------------------------

TEST_F(LayoutExample, MovesTheRowsThatItWritesIntoACache) {
  const Tensor cache = input({1, 2, 1024, 16});
  const Tensor row = input({1, 2, 1, 16});
  const Tensor place = input({1}, DType::int64);
  const Tensor result = apply(index_copy_op, ScatterAttrs{2, ""}, cache, place, row);
  EXPECT_GT(total().bytes_written, 128) << "the caller keeps its input";
  write_updates_in_place(graph, std::array{cache.id});
  graph.add_output("y", result.id);
  EXPECT_EQ(total().bytes_written, 128);
  EXPECT_EQ(total().bytes_read, 128 + 8);
  EXPECT_EQ(activations_of(graph).peak_bytes, 4 * 2 * 1024 * 16 + 128 + 8) << "one cache";
}

TEST_F(LayoutExample, SumsReadWhatTheyAddTo) {
  const Tensor cache = unary(relu_op, input({64, 8}));
  const Tensor result =
      index_put(cache, input({2, 8}), std::array{input({2}, DType::int64)}, {Ints{0}, true});
  const Metrics before = total();
  write_updates_in_place(graph, {});
  EXPECT_EQ(before.bytes_written - total().bytes_written, 4 * (64 - 2) * 8);
  EXPECT_EQ(before.bytes_read - total().bytes_read, 4 * (64 - 2) * 8);
  EXPECT_TRUE(graph.value(result.id).has(Value::shares));
}

TEST_F(LayoutExample, CopiesWhatIsReadAfterwardsOrBelongsToTheCaller) {
  const Tensor given = input({64, 8});
  const Tensor made = unary(relu_op, given);
  const Tensor piece = input({4, 8});
  const SliceAttrs rows{0, 0, 4, 1};
  const Tensor of_given = apply(slice_scatter_op, rows, given, piece);
  const Tensor of_made = apply(slice_scatter_op, rows, made, piece);
  binary(add_op, of_made, select(made, 0, 0));
  const Tensor of_output = apply(slice_scatter_op, rows, of_made, piece);
  graph.add_output("y", of_made.id);
  write_updates_in_place(graph, {});
  for (const Tensor& result : {of_given, of_made, of_output})
    EXPECT_FALSE(graph.value(result.id).has(Value::shares));
}

// -- mixtures of experts --------------------------------------------------------------------------

TEST_F(LayoutExample, ReadsTheExpertsThatRowsMayChoose) {
  const Tensor scores = input({3, 8});  // 3 tokens choose 2 of 8 experts each
  const Selection best = topk(scores, 2, 1);
  const Tensor rows = index_select(input({3, 16}), 0, flatten(best.indices, 0, -1));
  const Tensor ends = input({8}, DType::int32);
  graph.add_output("y", grouped_matmul(rows, input({8, 16, 4}), ends).id);
  const Profile figures = profile(graph);
  ASSERT_TRUE(figures.experts);
  EXPECT_EQ(figures.experts->least, 2);
  EXPECT_EQ(figures.experts->most, 6);
  EXPECT_DOUBLE_EQ(figures.experts->expected, 8 * (1 - 0.75 * 0.75 * 0.75));
  const Metrics product = metrics_of(graph.view(static_cast<NodeId>(graph.nodes().size() - 1)));
  EXPECT_EQ(product.bytes_read, 4 * (6 * 16 + 6 * 16 * 4 + 8));
  const Workload least = workload_of(graph, {});
  EXPECT_EQ(least.works.back().bytes.total(), 4 * (6 * 16 + 2 * 16 * 4 + 8 + 6 * 4));
}

TEST_F(LayoutExample, ReadsTheExpertsOfTokensOnceForEachLayer) {
  const Tensor choice = input({3, 2}, DType::int64);  // 3 tokens choose 2 of 8 experts each
  const Tensor bias = input({8, 4});
  const Tensor inner = expert_linear(input({3, 16}), input({8, 4, 16}), bias, choice, {});
  graph.add_output("y", expert_linear(inner, input({8, 16, 4}), {}, choice, {}).id);
  const Profile figures = profile(graph);
  ASSERT_TRUE(figures.experts);
  EXPECT_EQ(figures.experts->least, 2);
  EXPECT_EQ(figures.experts->most, 6);
  EXPECT_DOUBLE_EQ(figures.experts->expected, 8 * (1 - 0.75 * 0.75 * 0.75));
  EXPECT_EQ(metrics_of(graph.view(0)).bytes_read, 4 * (3 * 16 + 6 * 4 * 16 + 6 * 4) + 8 * 6);
  const Workload least = workload_of(graph, {});
  EXPECT_EQ(least.works.front().bytes.total(), 4 * (3 * 16 + 2 * 4 * 16 + 2 * 4 + 6 * 4) + 8 * 6);
}

// -- runtimes without views -----------------------------------------------------------------------

TEST_F(LayoutExample, CopiesEveryViewIfARuntimeHasNone) {
  const Tensor x = input({8, 32});
  const Chunks halves = chunk(x, 2, 1);
  graph.add_output("y", (reshape(halves[0], {128}) * reshape(halves[1], {128})).id);
  graph.copy_views();
  const Metrics metrics = total();
  EXPECT_EQ(metrics.bytes_read, 4 * (256 + 256));
  EXPECT_EQ(metrics.bytes_written, 4 * (256 + 128));
  EXPECT_EQ(activations_of(graph).peak_bytes, 4 * (256 + 256 + 128));
}

}  // namespace
}  // namespace zoometer
