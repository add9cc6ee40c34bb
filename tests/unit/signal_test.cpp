#include "op/signal.hpp"

#include "bench.hpp"

namespace zoometer {
namespace {

using testing::Bench;
using testing::BrokenConstraint;

std::int64_t flops_of(Tensor made) {
  const NodeView node = made.graph->view(made.graph->value(made.id).producer);
  const Cost cost = node.op().cost(node);
  EXPECT_EQ(cost.macs, 0);
  return cost.other;
}

TEST(Signal, CountsTransformsByTheUsualAccount) {
  Bench b;
  const Tensor complex = dft(b.input({3, 8, 4, 2}), {.dim = 1});
  EXPECT_EQ(complex.shape(), (Shape{3, 8, 4, 2}));
  EXPECT_EQ(flops_of(complex), 3 * 4 * 5 * 8 * 3);  // 12 transforms, log2 8 = 3
  const Tensor real = dft(b.input({3, 8, 1}), {.dim = -2, .onesided = true});
  EXPECT_EQ(real.shape(), (Shape{3, 5, 2}));
  EXPECT_EQ(flops_of(real), 3 * 5 * 8 * 3 / 2);
  const Tensor padded = dft(b.input({3, 8, 1}), {.dim = 1, .length = 16});
  EXPECT_EQ(padded.shape(), (Shape{3, 16, 2}));
  EXPECT_EQ(flops_of(padded), 3 * 5 * 16 * 4 / 2);
  const Tensor back = dft(b.input({3, 8, 2}), {.dim = 1, .inverse = true});
  EXPECT_EQ(flops_of(back), 3 * 5 * 8 * 3 + 3 * 8 * 2);
  const Tensor to_real = dft(b.input({3, 5, 2}), {.dim = 1, .onesided = true, .inverse = true});
  EXPECT_EQ(to_real.shape(), (Shape{3, 8, 1}));
  EXPECT_EQ(flops_of(to_real), 3 * 5 * 8 * 3 / 2 + 3 * 8);
}

TEST(Signal, CountsEveryFrame) {
  Bench b;
  const Tensor x = b.input({2, 100, 1});
  const Tensor framed = stft(x, b.input({16}), {.frame_length = 16, .frame_step = 8});
  EXPECT_EQ(framed.shape(), (Shape{2, 11, 9, 2}));  // (100 - 16) / 8 + 1 frames
  EXPECT_EQ(flops_of(framed), 2 * 11 * (16 + 5 * 16 * 4 / 2));
  const Tensor whole = stft(b.input({2, 100, 2}), {&b.graph, no_id},
                            {.frame_length = 16, .frame_step = 8, .onesided = false});
  EXPECT_EQ(whole.shape(), (Shape{2, 11, 16, 2}));
  EXPECT_EQ(flops_of(whole), 2 * 11 * 5 * 16 * 4);
}

const BrokenConstraint broken[] = {
    {"dft_c1",
     [](Bench& b) {
       dft(b.input({3, 8, 3}), {.dim = 1});
     }},
    {"dft_c1", [](Bench& b) { dft(b.input({2}), {.dim = 0}); }},
    {"dft_c2",
     [](Bench& b) {
       dft(b.input({3, 8, 1}), {.dim = 2});
     }},
    {"dft_c2",
     [](Bench& b) {
       dft(b.input({3, 8, 1}), {.dim = 3});
     }},
    {"dft_c3",
     [](Bench& b) {
       dft(b.input({3, 0, 1}), {.dim = 1});
     }},
    {"dft_c3",
     [](Bench& b) {
       dft(b.input({3, 8, 1}), {.dim = 1, .length = -4});
     }},
    {"dft_c4",
     [](Bench& b) {
       dft(b.input({3, 8, 2}), {.dim = 1, .onesided = true});
     }},
    {"dft_c4",
     [](Bench& b) {
       dft(b.input({3, 8, 1}), {.dim = 1, .onesided = true, .inverse = true});
     }},
    {"view_as_complex_c1",
     [](Bench& b) {
       view_as_complex(b.input({3, 8}));
     }},
    {"view_as_complex_c1",
     [](Bench& b) {
       view_as_complex(b.indices({3, 2}));
     }},
    {"view_as_real_c1",
     [](Bench& b) {
       view_as_real(b.input({3, 2}));
     }},
    {"stft_c1",
     [](Bench& b) {
       stft(b.input({100, 1}), {&b.graph, no_id}, {16, 8, true});
     }},
    {"stft_c2",
     [](Bench& b) {
       stft(b.input({1, 9, 1}), {&b.graph, no_id}, {16, 8, true});
     }},
    {"stft_c2",
     [](Bench& b) {
       stft(b.input({1, 99, 1}), {&b.graph, no_id}, {16, 0, true});
     }},
    {"stft_c3",
     [](Bench& b) {
       stft(b.input({1, 99, 1}), b.input({8}), {16, 8, true});
     }},
    {"stft_c4",
     [](Bench& b) {
       stft(b.input({1, 99, 2}), {&b.graph, no_id}, {16, 8, true});
     }},
};

TEST(Signal, CitesTheBrokenConstraint) {
  for (const BrokenConstraint& test : broken) testing::expect_cited(test);
}

}  // namespace
}  // namespace zoometer
