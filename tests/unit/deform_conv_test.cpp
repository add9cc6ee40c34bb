#include "op/deform_conv.hpp"

#include "bench.hpp"

namespace zoometer {
namespace {

using testing::Bench;
using testing::BrokenConstraint;

ConvAttrs attrs_of(std::int64_t groups = 1) { return {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {}, groups}; }

/// For x (2, 8, 9, 9); a kernel of 3 x 3 with stride 2 and padding 1 gives 5 x 5.
Tensor deform(Bench& b, const Shape& weight, const Shape& offset, const Shape& mask = {},
              const ConvAttrs& attrs = attrs_of(), const Shape& x = {2, 8, 9, 9}) {
  const Tensor none{&b.graph, no_id};
  return deform_conv2d(b.input(x), b.input(weight), b.input(offset), b.input({weight[0]}),
                       mask.rank() == 0 ? none : b.input(mask), attrs);
}

TEST(DeformConv, IsAConvolutionAndItsSamples) {
  Bench b;
  const auto cost = [](Tensor made) {
    const NodeView node = made.graph->view(made.graph->value(made.id).producer);
    return node.op().cost(node);
  };
  const std::int64_t outputs = 2 * 6 * 25;
  const std::int64_t samples = 2 * 8 * 25 * 9;
  const Tensor plain = deform(b, {6, 8, 3, 3}, {2, 18, 5, 5});
  EXPECT_EQ(plain.shape(), (Shape{2, 6, 5, 5}));
  EXPECT_EQ(cost(plain).macs, outputs * 8 * 9);
  EXPECT_EQ(cost(plain).other, 7 * samples + 16 * (2 * 9 * 25) + outputs);
  // two groups of channels with their own offsets, a mask, and groups of the convolution
  const Tensor masked = deform(b, {6, 4, 3, 3}, {2, 36, 5, 5}, {2, 18, 5, 5}, attrs_of(2));
  EXPECT_EQ(cost(masked).macs, outputs * 4 * 9);
  EXPECT_EQ(cost(masked).other, 8 * samples + 16 * (2 * 2 * 9 * 25) + outputs);
}

const BrokenConstraint broken[] = {
    {"deform_conv2d_c1",
     [](Bench& b) {
       deform(b, {6, 8, 3}, {2, 18, 5, 5});
     }},
    {"deform_conv2d_c2",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 18, 5, 5}, {}, {{0, 2}, {1, 1}, {1, 1}, {1, 1}, {}, 1});
     }},
    {"deform_conv2d_c2",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 18, 5, 5}, {}, {{2, 2}, {1}, {1}, {1, 1}, {}, 1});
     }},
    {"deform_conv2d_c3",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 18, 5, 5}, {}, attrs_of(3));
     }},
    {"deform_conv2d_c3",
     [](Bench& b) {
       deform(b, {5, 4, 3, 3}, {2, 18, 5, 5}, {}, attrs_of(2));
     }},
    {"deform_conv2d_c4",
     [](Bench& b) {
       deform(b, {6, 7, 3, 3}, {2, 18, 5, 5});
     }},
    {"deform_conv2d_c5",
     [](Bench& b) {
       deform_conv2d(b.input({2, 8, 9, 9}), b.input({6, 8, 3, 3}), b.input({2, 18, 5, 5}),
                     b.input({5}), {&b.graph, no_id}, attrs_of());
     }},
    {"deform_conv2d_c6",
     [](Bench& b) {
       deform(b, {6, 8, 13, 3}, {2, 18, 5, 5});
     }},
    {"deform_conv2d_c6",
     [](Bench& b) {
       deform(b, {6, 8, 0, 3}, {2, 18, 5, 5});
     }},
    {"deform_conv2d_c7",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 9, 5, 5});
     }},
    {"deform_conv2d_c7",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 18, 5, 4});
     }},
    {"deform_conv2d_c7",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 54, 5, 5});
     }},
    {"deform_conv2d_c8",
     [](Bench& b) {
       deform(b, {6, 8, 3, 3}, {2, 18, 5, 5}, {2, 18, 5, 5});
     }},
};

TEST(DeformConv, CitesTheBrokenConstraint) {
  for (const BrokenConstraint& test : broken) testing::expect_cited(test);
}

}  // namespace
}  // namespace zoometer
