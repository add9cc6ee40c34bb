// The operators of src/op/indexing: shapes and costs by hand, and each numbered constraint broken
// once. The case named split_c2 breaks C2 of split.
#include "bench.hpp"
#include "op/indexing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace zoometer {
namespace {

using Case = testing::BrokenConstraint;
using testing::Bench;

void split_into(Tensor x, std::initializer_list<std::int64_t> sizes, std::int64_t dim) {
  split(x, std::span(sizes.begin(), sizes.size()), dim);
}

const Case cases[] = {
    {"split_c1", [](Bench& b) { split_into(b.input({4}), {4}, 1); }},
    {"split_c2",
     [](Bench& b) {
       split_into(b.input({4}), {2, 3}, 0);
     }},
    {"unbind_c1", [](Bench& b) { unbind(b.input({4}), 1); }},
    {"unbind_c2",
     [](Bench& b) {
       unbind(b.input({0, 4}), 0);
     }},
    {"as_strided_c1",
     [](Bench& b) {
       apply(as_strided_op, StridedAttrs{{2, 2}, {2}, 0}, b.input({4}));
     }},
    {"diagonal_c1",
     [](Bench& b) {
       apply(diagonal_op, DiagonalAttrs{0, 1, 1}, b.input({4, 4}));
     }},
    {"sliding_window_c1",
     [](Bench& b) {
       apply(sliding_window_op, WindowAttrs{1, 2, 1}, b.input({4}));
     }},
    {"sliding_window_c2",
     [](Bench& b) {
       apply(sliding_window_op, WindowAttrs{0, 5, 1}, b.input({4}));
     }},
    {"tril_c1", [](Bench& b) { apply(tril_op, TriangleAttrs{}, b.input({4})); }},
    {"triu_c1", [](Bench& b) { apply(triu_op, TriangleAttrs{}, b.input({4})); }},
    {"repeat_interleave_c1",
     [](Bench& b) {
       apply(repeat_interleave_op, ChunkAttrs{2, 1}, b.input({4}));
     }},
    {"repeat_interleave_c2",
     [](Bench& b) {
       apply(repeat_interleave_op, ChunkAttrs{0, 0}, b.input({4}));
     }},
    {"advanced_index_c1",
     [](Bench& b) {
       const Tensor indices[] = {b.indices({2}), b.indices({2})};
       advanced_index(b.input({4, 5}), indices, {1, 1});
     }},
    {"advanced_index_c2",
     [](Bench& b) {
       const Tensor indices[] = {b.indices({2}), b.indices({3})};
       advanced_index(b.input({4, 5}), indices, {0, 1});
     }},
    {"masked_select_c1",
     [](Bench& b) {
       apply(masked_select_op, NoAttrs{}, b.input({4}), b.input({3}, DType::boolean));
     }},
    {"copy_c1", [](Bench& b) { apply(copy_op, NoAttrs{}, b.input({1}), b.input({4})); }},
    {"slice_scatter_c1",
     [](Bench& b) {
       apply(slice_scatter_op, SliceAttrs{1, 0, 2, 1}, b.input({4}), b.input({2}));
     }},
    {"slice_scatter_c2",
     [](Bench& b) {
       apply(slice_scatter_op, SliceAttrs{0, 0, 2, 1}, b.input({4}), b.input({2, 1}));
     }},
    {"select_scatter_c1",
     [](Bench& b) {
       apply(select_scatter_op, SelectAttrs{1, 0}, b.input({4}), b.input({}));
     }},
    {"select_scatter_c2",
     [](Bench& b) {
       apply(select_scatter_op, SelectAttrs{0, 0}, b.input({4}), b.input({4}));
     }},
    {"as_strided_scatter_c1",
     [](Bench& b) {
       apply(as_strided_scatter_op, StridedAttrs{{2}, {-1}, 0}, b.input({4}), b.input({2}));
     }},
    {"as_strided_scatter_c2",
     [](Bench& b) {
       apply(as_strided_scatter_op, StridedAttrs{{2}, {1}, 0}, b.input({4}), b.input({3}));
     }},
    {"written_slice_c1",
     [](Bench& b) {
       apply(written_slice_op, SliceAttrs{1, 0, 2, 1}, b.input({4}), b.input({2}));
     }},
    {"written_slice_c2",
     [](Bench& b) {
       apply(written_slice_op, SliceAttrs{0, 0, 2, 1}, b.input({4}), b.input({2, 1}));
     }},
    {"written_view_c1",
     [](Bench& b) {
       apply(written_view_op, StridedAttrs{{2}, {-1}, 0}, b.input({4}), b.input({2}));
     }},
    {"written_view_c2",
     [](Bench& b) {
       apply(written_view_op, StridedAttrs{{2}, {1}, 0}, b.input({4}), b.input({3}));
     }},
    {"scatter_c1",
     [](Bench& b) {
       apply(scatter_op, ScatterAttrs{1, ""}, b.input({4}), b.indices({2}), b.input({2}));
     }},
    {"scatter_c2",
     [](Bench& b) {
       apply(scatter_op, ScatterAttrs{0, ""}, b.input({4}), b.indices({2, 1}), b.input({2, 1}));
     }},
    {"index_copy_c1",
     [](Bench& b) {
       apply(index_copy_op, ScatterAttrs{2, ""}, b.input({4, 3}), b.indices({2}), b.input({2, 3}));
     }},
    {"index_copy_c2",
     [](Bench& b) {
       apply(index_copy_op, ScatterAttrs{0, ""}, b.input({4, 3}), b.indices({2}), b.input({1, 3}));
     }},
    {"index_put_c1",
     [](Bench& b) {
       const Tensor indices[] = {b.indices({2})};
       index_put(b.input({4}), b.input({2}), indices, {{1}, false});
     }},
    {"index_put_c2",
     [](Bench& b) {
       const Tensor indices[] = {b.indices({2}), b.indices({3})};
       index_put(b.input({4, 4}), b.input({2}), indices, {{0, 1}, false});
     }},
    {"masked_fill_c1",
     [](Bench& b) {
       apply(masked_fill_op, ScalarAttrs{1}, b.input({4}), b.input({3}, DType::boolean));
     }},
    {"random_c1", [](Bench& b) { b.graph.append(random_op, RandomAttrs{{-1}}, {}); }},
};

class IndexingConstraints : public ::testing::TestWithParam<Case> {};

TEST_P(IndexingConstraints, IsCitedWhenBroken) { testing::expect_cited(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, IndexingConstraints, ::testing::ValuesIn(cases),
                         [](const auto& test) { return test.param.name; });

struct Result {
  std::string name;
  std::string shape;
  std::int64_t other;  ///< operations other than multiply-accumulates, by hand
  Tensor (*build)(Bench& bench);
};

void PrintTo(const Result& test, std::ostream* out) { *out << test.name; }

const Result results[] = {
    {"split", "(2, 3)", 0,
     [](Bench& b) {
       const std::int64_t sizes[] = {1, 3};
       return split(b.input({2, 4}), sizes, -1)[1];
     }},
    {"unbind", "(4,)", 0,
     [](Bench& b) {
       return unbind(b.input({2, 4}), 0)[1];
     }},
    {"diagonal", "(3, 3)", 0,
     [](Bench& b) {
       return apply(diagonal_op, DiagonalAttrs{1, 0, 2}, b.input({4, 3, 4}));
     }},
    {"diagonal_below", "(2,)", 0,
     [](Bench& b) {
       return apply(diagonal_op, DiagonalAttrs{-2, 0, 1}, b.input({4, 3}));
     }},
    {"sliding_window", "(2, 4, 3)", 0,
     [](Bench& b) {
       return apply(sliding_window_op, WindowAttrs{1, 3, 2}, b.input({2, 9}));
     }},
    {"repeat_interleave", "(2, 12)", 0,
     [](Bench& b) {
       return apply(repeat_interleave_op, ChunkAttrs{3, 1}, b.input({2, 4}));
     }},
    // x[:, i, j]: the index takes the place of the neighbours
    {"neighbours", "(2, 6, 5)", 0,
     [](Bench& b) {
       const Tensor indices[] = {b.indices({6}), b.indices({1})};
       return advanced_index(b.input({2, 3, 4, 5}), indices, {1, 2});
     }},
    // x[i, :, j]: it comes first
    {"apart", "(7, 6, 3, 5)", 0,
     [](Bench& b) {
       const Tensor indices[] = {b.indices({7, 1}), b.indices({6})};
       return advanced_index(b.input({2, 3, 4, 5}), indices, {0, 2});
     }},
    {"masked_select", "(8,)", 0,
     [](Bench& b) {
       return apply(masked_select_op, NoAttrs{}, b.input({2, 4}), b.input({4}, DType::boolean));
     }},
    {"nonzero", "(8, 2)", 8,
     [](Bench& b) {
       return unary(nonzero_op, b.input({2, 4}));
     }},
    {"scatter", "(2, 4)", 0,
     [](Bench& b) {
       return apply(scatter_op, ScatterAttrs{1, ""}, b.input({2, 4}), b.indices({2, 3}),
                    b.input({2, 3}));
     }},
    {"scatter_sum", "(2, 4)", 6,
     [](Bench& b) {
       return apply(scatter_op, ScatterAttrs{1, "sum"}, b.input({2, 4}), b.indices({2, 3}),
                    b.input({2, 3}));
     }},
    {"index_add", "(5, 4)", 12,
     [](Bench& b) {
       return apply(index_copy_op, ScatterAttrs{0, "sum"}, b.input({5, 4}), b.indices({3}),
                    b.input({3, 4}));
     }},
    {"index_put_accumulate", "(5, 4)", 12,
     [](Bench& b) {
       const Tensor indices[] = {b.indices({3})};
       return index_put(b.input({5, 4}), b.input({3, 4}), indices, {{0}, true});
     }},
    {"masked_fill", "(2, 4)", 8,
     [](Bench& b) {
       return apply(masked_fill_op, ScalarAttrs{1}, b.input({2, 4}), b.input({4}, DType::boolean));
     }},
};

class IndexingResults : public ::testing::TestWithParam<Result> {};

TEST_P(IndexingResults, HaveTheirShapeAndCost) {
  Bench bench;
  const Tensor result = GetParam().build(bench);
  EXPECT_EQ(to_string(result.shape()), GetParam().shape);
  const NodeView node = bench.graph.view(bench.graph.value(result.id).producer);
  const Cost cost = node.op().cost == nullptr ? Cost{} : node.op().cost(node);
  EXPECT_EQ(cost.macs, 0);
  EXPECT_EQ(cost.other, GetParam().other);
}

INSTANTIATE_TEST_SUITE_P(All, IndexingResults, ::testing::ValuesIn(results),
                         [](const auto& test) { return test.param.name; });

TEST(Indexing, MarksWhatDependsOnData) {
  Bench bench;
  const Tensor picked =
      apply(masked_select_op, NoAttrs{}, bench.input({4}), bench.input({4}, DType::boolean));
  EXPECT_TRUE(bench.graph.value(picked.id).has(Value::bounded));
  EXPECT_TRUE(bench.graph.value(unary(nonzero_op, picked).id).has(Value::bounded));
}

}  // namespace
}  // namespace zoometer
