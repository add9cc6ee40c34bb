// Each numbered constraint of docs/operators.md, broken once: the error cites the operator and the
// number. The case named conv2d_c4 breaks C4 of conv2d.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "bench.hpp"
#include "op/detection.hpp"
#include "op/linalg.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/op/rotary.hpp"

namespace zoometer {
namespace {

/// A graph with one module, whose inputs are made on request.
using Case = testing::BrokenConstraint;
using testing::Bench;

ConvAttrs plain_conv(std::int64_t groups = 1) {
  return {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {}, groups};
}

PoolAttrs plain_pool(std::int64_t kernel) {
  return {{kernel, kernel}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, false, true};
}

const Shape image{1, 8, 10, 10};

/// An LSTM of 4 hidden units over 5 steps of 2 sequences of 3 features; a shape that is empty
/// omits the input.
struct LstmShapes {
  Shape x{5, 2, 3}, weights{1, 16, 3}, recurrent{1, 16, 4};
  Shape bias{}, lengths{}, hidden{}, cell{}, peepholes{}, projection{};
};

void lstm(Bench& b, const LstmShapes& shapes) {
  const auto input = [&](const Shape& shape) {
    return shape.empty() ? Tensor{&b.graph, no_id} : b.input(shape);
  };
  apply(lstm_op, RecurrentAttrs{}, input(shapes.x), input(shapes.weights), input(shapes.recurrent),
        input(shapes.bias), input(shapes.lengths), input(shapes.hidden), input(shapes.cell),
        input(shapes.peepholes), input(shapes.projection));
}

const Case cases[] = {
    {"conv2d_c1",
     [](Bench& b) {
       convolution(b.input({8, 10, 10}), b.input({4, 8, 3, 3}), {}, plain_conv());
     }},
    {"conv2d_c2",
     [](Bench& b) {
       ConvAttrs attrs = plain_conv();
       attrs.stride = {0, 1};
       convolution(b.input(image), b.input({4, 8, 3, 3}), {}, attrs);
     }},
    {"conv2d_c3",
     [](Bench& b) {
       convolution(b.input(image), b.input({4, 8, 3, 3}), {}, plain_conv(3));
     }},
    {"conv2d_c4",
     [](Bench& b) {
       convolution(b.input(image), b.input({4, 7, 3, 3}), {}, plain_conv());
     }},
    {"conv2d_c5",
     [](Bench& b) {
       convolution(b.input(image), b.input({4, 8, 3, 3}), b.input({5}), plain_conv());
     }},
    {"conv2d_c6",
     [](Bench& b) {
       convolution(b.input(image), b.input({4, 8, 11, 3}), {}, plain_conv());
     }},
    {"conv2d_c7",
     [](Bench& b) {
       convolution(b.input(image), b.input({4, 8, 0, 3}), {}, plain_conv());
     }},
    {"conv_transpose2d_c4",
     [](Bench& b) {
       conv_transpose(b.input(image), b.input({4, 8, 3, 3}), {}, plain_conv());
     }},
    {"lstm_c1",
     [](Bench& b) {
       lstm(b, {.weights = {2, 16, 3}});
     }},
    {"lstm_c2",
     [](Bench& b) {
       lstm(b, {.recurrent = {1, 16, 5}});
     }},
    {"lstm_c3",
     [](Bench& b) {
       lstm(b, {.weights = {1, 16, 4}});
     }},
    {"lstm_c4",
     [](Bench& b) {
       lstm(b, {.bias = {1, 24}});
     }},
    {"lstm_c5", [](Bench& b) { lstm(b, {.lengths = {5}}); }},
    {"lstm_c6",
     [](Bench& b) {
       lstm(b, {.cell = {2, 1, 4}});
     }},
    {"lstm_c7",
     [](Bench& b) {
       lstm(b, {.peepholes = {1, 16}});
     }},
    {"lstm_c8",
     [](Bench& b) {
       lstm(b, {.projection = {1, 5, 4}});
     }},
    {"grouped_matmul_c1",
     [](Bench& b) {
       grouped_matmul(b.input({4, 8}), b.input({8, 3}), b.indices({2}));
     }},
    {"grouped_matmul_c2",
     [](Bench& b) {
       grouped_matmul(b.input({4, 8}), b.input({2, 7, 3}), b.indices({2}));
     }},
    {"grouped_matmul_c3",
     [](Bench& b) {
       grouped_matmul(b.input({4, 8}), b.input({2, 8, 3}), b.indices({3}));
     }},
    {"searchsorted_c1",
     [](Bench& b) {
       searchsorted(b.input({2, 6}), b.input({3, 5}));
     }},
    {"inverse_c1",
     [](Bench& b) {
       unary(inverse_op, b.input({2, 3}));
     }},
    {"determinant_c1", [](Bench& b) { unary(determinant_op, b.input({3})); }},
    {"solve_c1",
     [](Bench& b) {
       solve(solve_op, b.input({2, 3}), b.input({3, 1}));
     }},
    {"solve_c2",
     [](Bench& b) {
       solve(solve_op, b.input({3, 3}), b.input({4, 1}));
     }},
    {"rotary_embedding_c1",
     [](Bench& b) {
       rotary_embedding(b.input({4}), b.input({8, 2}), b.input({8, 2}), {});
     }},
    {"rotary_embedding_c2",
     [](Bench& b) {
       rotary_embedding(b.input({5, 4}), b.input({8, 2}), b.input({8, 3}), {});
     }},
    {"class_nms_c1",
     [](Bench& b) {
       apply(class_nms_op, ClassNmsAttrs{}, b.input({6, 4}), b.input({1, 2, 6}));
     }},
    {"class_nms_c2",
     [](Bench& b) {
       apply(class_nms_op, ClassNmsAttrs{}, b.input({1, 6, 4}), b.input({1, 2, 5}));
     }},
    {"linear_c1",
     [](Bench& b) {
       linear(b.input({2, 8}), b.input({8}), {});
     }},
    {"linear_c2",
     [](Bench& b) {
       linear(b.input({2, 8}), b.input({4, 7}), {});
     }},
    {"linear_c3",
     [](Bench& b) {
       linear(b.input({2, 8}), b.input({4, 8}), b.input({8}));
     }},
    {"matmul_c1",
     [](Bench& b) {
       matmul(b.input({}), b.input({3, 3}));
     }},
    {"matmul_c2",
     [](Bench& b) {
       matmul(b.input({2, 3}), b.input({4, 5}));
     }},
    {"matmul_c3",
     [](Bench& b) {
       matmul(b.input({2, 4, 3}), b.input({3, 3, 5}));
     }},
    {"bmm_c1",
     [](Bench& b) {
       bmm(b.input({2, 3}), b.input({2, 3, 4}));
     }},
    {"bmm_c2",
     [](Bench& b) {
       bmm(b.input({2, 3, 4}), b.input({3, 4, 5}));
     }},
    {"bmm_c3",
     [](Bench& b) {
       bmm(b.input({2, 3, 4}), b.input({2, 5, 6}));
     }},
    {"addmm_c1",
     [](Bench& b) {
       addmm(b.input({5}), b.input({2, 3, 4}), b.input({4, 5}));
     }},
    {"addmm_c2",
     [](Bench& b) {
       addmm(b.input({5}), b.input({2, 3}), b.input({4, 5}));
     }},
    {"addmm_c3",
     [](Bench& b) {
       addmm(b.input({6}), b.input({2, 4}), b.input({4, 5}));
     }},
    {"einsum_c1",
     [](Bench& b) {
       einsum("ij,jk", b.input({2, 3}), b.input({3, 4}));
     }},
    {"einsum_c2",
     [](Bench& b) {
       einsum("ii,ij->ij", b.input({2, 2}), b.input({2, 4}));
     }},
    {"einsum_c3",
     [](Bench& b) {
       einsum("ij,jk->ik", b.input({2, 3}), b.input({4, 4}));
     }},
    {"einsum_c4",
     [](Bench& b) {
       einsum("ij,jk->iz", b.input({2, 3}), b.input({3, 4}));
     }},
    {"scaled_dot_product_attention_c1",
     [](Bench& b) {
       scaled_dot_product_attention(b.input({2, 4, 8}), b.input({4, 8}), b.input({2, 4, 8}), {});
     }},
    {"scaled_dot_product_attention_c2",
     [](Bench& b) {
       scaled_dot_product_attention(b.input({2, 4, 8}), b.input({2, 4, 7}), b.input({2, 4, 8}), {});
     }},
    {"scaled_dot_product_attention_c3",
     [](Bench& b) {
       scaled_dot_product_attention(b.input({2, 4, 8}), b.input({2, 4, 8}), b.input({2, 5, 8}), {});
     }},
    {"batch_norm_c1",
     [](Bench& b) { batch_norm(b.input({8}), {}, {}, b.input({8}), b.input({8})); }},
    {"batch_norm_c2",
     [](Bench& b) { batch_norm(b.input(image), b.input({7}), {}, b.input({8}), b.input({8})); }},
    {"layer_norm_c1", [](Bench& b) { layer_norm(b.input({8}), {}, {}, {.normalized_rank = 2}); }},
    {"layer_norm_c2",
     [](Bench& b) {
       layer_norm(b.input({2, 8}), b.input({7}), {});
     }},
    {"group_norm_c1",
     [](Bench& b) {
       group_norm(b.input({8}), {}, {}, {2, 1e-5});
     }},
    {"group_norm_c2",
     [](Bench& b) {
       group_norm(b.input(image), b.input({4}), {}, {2, 1e-5});
     }},
    {"group_norm_c3",
     [](Bench& b) {
       group_norm(b.input(image), {}, {}, {3, 1e-5});
     }},
    {"local_response_norm_c1", [](Bench& b) { local_response_norm(b.input({8}), {}); }},
    {"local_response_norm_c2", [](Bench& b) { local_response_norm(b.input(image), {.size = 0}); }},
    {"max_pool2d_c1",
     [](Bench& b) {
       max_pool(b.input({10, 10}), plain_pool(2));
     }},
    {"max_pool2d_c2", [](Bench& b) { max_pool(b.input(image), plain_pool(0)); }},
    {"max_pool2d_c3",
     [](Bench& b) {
       PoolAttrs attrs = plain_pool(2);
       attrs.padding = {-1, 0};
       max_pool(b.input(image), attrs);
     }},
    {"avg_pool2d_c4", [](Bench& b) { avg_pool(b.input(image), plain_pool(11)); }},
    {"adaptive_avg_pool2d_c1",
     [](Bench& b) {
       adaptive_avg_pool(b.input({10, 10}), {{1, 1}});
     }},
    {"adaptive_avg_pool2d_c2",
     [](Bench& b) {
       adaptive_avg_pool(b.input(image), {{-1, 1}});
     }},
    {"add_c1",
     [](Bench& b) {
       b.input({2, 3}) + b.input({2, 4});
     }},
    {"where_c1", [](Bench& b) { where(b.input({2}, DType::boolean), b.input({3}), b.input({3})); }},
    {"softmax_c1",
     [](Bench& b) {
       softmax(b.input({2, 3}), 2);
     }},
    {"mean_c1",
     [](Bench& b) {
       mean(b.input({2, 3}), {1, -1});
     }},
    {"argmax_c1",
     [](Bench& b) {
       reduce(argmax_op, b.input({2, 3}), {5});
     }},
    {"topk_c1",
     [](Bench& b) {
       topk(b.input({2, 3}), 1, 4);
     }},
    {"topk_c2",
     [](Bench& b) {
       topk(b.input({2, 3}), 4);
     }},
    {"sort_c1",
     [](Bench& b) {
       sort(b.input({2, 3}), -3);
     }},
    {"reshape_c1",
     [](Bench& b) {
       reshape(b.input({2, 3}), {4, -1});
     }},
    {"reshape_c2",
     [](Bench& b) {
       reshape(b.input({2, 3}), {-1, -1});
     }},
    {"flatten_c1",
     [](Bench& b) {
       flatten(b.input({2, 3}), 2);
     }},
    {"squeeze_c1",
     [](Bench& b) {
       squeeze(b.input({2, 1}), 2);
     }},
    {"unsqueeze_c1",
     [](Bench& b) {
       unsqueeze(b.input({2, 1}), 4);
     }},
    {"transpose_c1",
     [](Bench& b) {
       transpose(b.input({2, 1}), 0, 2);
     }},
    {"permute_c1",
     [](Bench& b) {
       permute(b.input({2, 3, 4}), {0, 0, 1});
     }},
    {"expand_c1",
     [](Bench& b) {
       expand(b.input({2, 3}), {2, 4});
     }},
    {"expand_c2",
     [](Bench& b) {
       expand(b.input({2, 3}), {3});
     }},
    {"slice_c1",
     [](Bench& b) {
       slice(b.input({2, 3}), 2, 0, 1);
     }},
    {"slice_c2",
     [](Bench& b) {
       slice(b.input({2, 3}), 1, 0, 1, 0);
     }},
    {"select_c1",
     [](Bench& b) {
       select(b.input({2, 3}), 2, 0);
     }},
    {"select_c2",
     [](Bench& b) {
       select(b.input({2, 3}), 1, 3);
     }},
    {"chunk_c1",
     [](Bench& b) {
       chunk(b.input({2, 3}), 2, 5);
     }},
    {"chunk_c2",
     [](Bench& b) {
       chunk(b.input({2, 3}), 0, 1);
     }},
    {"cat_c1",
     [](Bench& b) {
       cat({b.input({2, 3}), b.input({2, 3})}, 2);
     }},
    {"cat_c2",
     [](Bench& b) {
       cat({b.input({2, 3}), b.input({3, 3})}, 1);
     }},
    {"stack_c1",
     [](Bench& b) {
       stack({b.input({2, 3}), b.input({2, 3})}, 4);
     }},
    {"stack_c2",
     [](Bench& b) {
       stack({b.input({2, 3}), b.input({2, 4})}, 0);
     }},
    {"pad_c1",
     [](Bench& b) {
       pad(b.input({2, 3}), {{1}, {1}, "constant", 0});
     }},
    {"pad_c2",
     [](Bench& b) {
       pad(b.input({2, 3}), {{-2, 0}, {-1, 0}, "constant", 0});
     }},
    {"roll_c1",
     [](Bench& b) {
       roll(b.input({2, 3}), {1}, {2});
     }},
    {"repeat_c1",
     [](Bench& b) {
       repeat(b.input({2, 3}), {2});
     }},
    {"index_select_c1",
     [](Bench& b) {
       index_select(b.input({2, 3}), 3, b.input({1}, DType::int64));
     }},
    {"index_select_c2",
     [](Bench& b) {
       index_select(b.input({2, 3}), 1, b.input({1, 1}, DType::int64));
     }},
    {"gather_c1",
     [](Bench& b) {
       gather(b.input({2, 3}), 3, b.input({1, 1}, DType::int64));
     }},
    {"gather_c2",
     [](Bench& b) {
       gather(b.input({2, 3}), 1, b.input({1}, DType::int64));
     }},
    {"embedding_c1", [](Bench& b) { embedding(b.input({2}), b.input({1}, DType::int64)); }},
    {"index_c1", [](Bench& b) { index(b.input({}), b.input({1}, DType::int64)); }},
    {"pixel_shuffle_c1", [](Bench& b) { pixel_shuffle(b.input(image), 3); }},
    {"pixel_shuffle_c2", [](Bench& b) { pixel_shuffle(b.input(image), 0); }},
    {"full_c1", [](Bench& b) { full(b.graph, {-1}, 0); }},
    {"arange_c2", [](Bench& b) { arange(b.graph, 0, 5, -1); }},
};

class OperatorConstraints : public ::testing::TestWithParam<Case> {};

TEST_P(OperatorConstraints, IsCitedWhenBroken) { testing::expect_cited(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, OperatorConstraints, ::testing::ValuesIn(cases),
                         [](const auto& test) { return test.param.name; });

struct CostCase {
  std::string name;
  std::int64_t macs;
  std::int64_t other;
  Tensor (*build)(Bench& bench);
};

void PrintTo(const CostCase& test, std::ostream* out) { *out << test.name; }

// By hand from the formulas of docs/operators.md.
const CostCase costs[] = {
    // 1 x 4 x 8 x 8 outputs, 8 x 3 x 3 products each, and a bias
    {"conv2d", 256 * 72, 256,
     [](Bench& b) {
       return convolution(b.input(image), b.input({4, 8, 3, 3}), b.input({4}), plain_conv());
     }},
    // depthwise: 1 x 8 x 8 x 8 outputs, 9 products each
    {"conv2d_grouped", 512 * 9, 0,
     [](Bench& b) {
       return convolution(b.input(image), b.input({8, 1, 3, 3}), {}, plain_conv(8));
     }},
    // 800 inputs, each spread over 4 x 3 x 3 outputs
    {"conv_transpose2d", 800 * 36, 0,
     [](Bench& b) {
       return conv_transpose(b.input(image), b.input({8, 4, 3, 3}), {}, plain_conv());
     }},
    {"linear", 2 * 3 * 4 * 5, 2 * 3 * 4,
     [](Bench& b) {
       return linear(b.input({2, 3, 5}), b.input({4, 5}), b.input({4}));
     }},
    {"matmul_broadcast", 6 * 2 * 4 * 3, 0,
     [](Bench& b) {
       return matmul(b.input({6, 2, 3}), b.input({3, 4}));
     }},
    {"matmul_vector", 2 * 3, 0,
     [](Bench& b) {
       return matmul(b.input({2, 3}), b.input({3}));
     }},
    {"bmm", 6 * 2 * 4 * 3, 0,
     [](Bench& b) {
       return bmm(b.input({6, 2, 3}), b.input({6, 3, 4}));
     }},
    {"einsum", 2 * 3 * 4 * 5, 0,
     [](Bench& b) {
       return einsum("bij,bjk->bik", b.input({2, 3, 4}), b.input({2, 4, 5}));
     }},
    // 2 x 4 x 6 scores of 8 products each, times values of 8
    {"attention", 48 * 16, 48 * 6,
     [](Bench& b) {
       return scaled_dot_product_attention(b.input({2, 4, 8}), b.input({2, 6, 8}),
                                           b.input({2, 6, 8}), {});
     }},
    {"batch_norm", 0, 1600,
     [](Bench& b) {
       return batch_norm(b.input(image), b.input({8}), b.input({8}), b.input({8}), b.input({8}));
     }},
    {"layer_norm", 0, 16 * 7,
     [](Bench& b) {
       return layer_norm(b.input({2, 8}), b.input({8}), b.input({8}));
     }},
    {"max_pool2d", 0, 8 * 81 * 3, [](Bench& b) { return max_pool(b.input(image), plain_pool(2)); }},
    {"avg_pool2d", 0, 8 * 81 * 4, [](Bench& b) { return avg_pool(b.input(image), plain_pool(2)); }},
    {"adaptive_avg_pool2d", 0, 808,
     [](Bench& b) {
       return adaptive_avg_pool(b.input(image), {{1, 1}});
     }},
    {"softmax", 0, 4000, [](Bench& b) { return softmax(b.input(image), 1); }},
    {"sigmoid", 0, 3200, [](Bench& b) { return unary(sigmoid_op, b.input(image)); }},
    {"add_broadcast", 0, 800,
     [](Bench& b) {
       return b.input(image) + b.input({1, 8, 1, 1});
     }},
    {"reshape", 0, 0,
     [](Bench& b) {
       return reshape(b.input(image), {8, 100});
     }},
};

class OperatorCosts : public ::testing::TestWithParam<CostCase> {};

TEST_P(OperatorCosts, EqualTheFormula) {
  Bench bench;
  const Tensor result = GetParam().build(bench);
  const NodeView node = bench.graph.view(bench.graph.value(result.id).producer);
  const Cost cost = node.op().cost == nullptr ? Cost{} : node.op().cost(node);
  EXPECT_EQ(cost.macs, GetParam().macs);
  EXPECT_EQ(cost.other, GetParam().other);
}

INSTANTIATE_TEST_SUITE_P(All, OperatorCosts, ::testing::ValuesIn(costs),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoometer
