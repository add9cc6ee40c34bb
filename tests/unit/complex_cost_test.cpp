// What operators cost on complex numbers, in operations on real ones: a product is 4 products and 2
// sums, a sum is 2 sums, so that a multiply-accumulate is 4.
#include <gtest/gtest.h>

#include "analysis/convention.hpp"
#include "analysis/profile.hpp"
#include "bench.hpp"
#include "op/signal.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

using testing::Bench;

struct Complex {
  Bench b;
  Tensor input(const Shape& shape) { return b.input(shape, DType::complex64); }
  Metrics total() const { return profile(b.graph).total; }
};

TEST(ComplexNumbers, MultiplyAndAddAsRealOnes) {
  Complex product;
  product.input({3, 8}) * product.input({3, 8});
  EXPECT_EQ(product.total().flops, 24 * 6);
  Complex sum;
  sum.input({3, 8}) + sum.input({3, 8});
  EXPECT_EQ(sum.total().flops, 24 * 2);
  Complex quotient;
  quotient.input({3, 8}) / quotient.input({3, 8});
  EXPECT_EQ(quotient.total().flops, 24 * 11);
}

TEST(ComplexNumbers, HaveFourMultiplyAccumulatesForEach) {
  Complex product;
  matmul(product.input({3, 8}), product.input({8, 5}));
  EXPECT_EQ(product.total().macs, 4 * 3 * 8 * 5);
  EXPECT_EQ(product.total().flops, 8 * 3 * 8 * 5);
  EXPECT_EQ(product.total().macs_masked, product.total().macs);
  // The products of a Fourier neural operator's modes.
  Complex modes;
  einsum("bixy,ioxy->boxy", modes.input({2, 4, 3, 3}), modes.input({4, 6, 3, 3}));
  EXPECT_EQ(modes.total().macs, 4 * 2 * 4 * 6 * 3 * 3);
  Complex reduced;
  sum(reduced.input({3, 8}), {1});
  EXPECT_EQ(reduced.total().flops, 24 * 2);
}

TEST(ComplexNumbers, CountWhatTheResultIsToo) {
  Bench b;
  const Tensor real = b.input({3, 8, 2});
  view_as_complex(real);
  EXPECT_EQ(profile(b.graph).total.flops, 0);
  Complex magnitude;
  unary(abs_op, magnitude.input({3, 8}));
  EXPECT_EQ(magnitude.total().flops, 24) << "one operation, whatever the type";
}

// Other tools do not look at the type.
TEST(ComplexNumbers, AreOneForOtherTools) {
  Complex product;
  matmul(product.input({3, 8}), product.input({8, 5}));
  EXPECT_EQ(profile(product.b.graph, find_convention("torch")).total.cost, 2 * 3 * 8 * 5);
  EXPECT_EQ(profile(product.b.graph, find_convention("native")).total.cost, 8 * 3 * 8 * 5);
}

}  // namespace
}  // namespace zoometer
