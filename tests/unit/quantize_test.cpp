// The operators of quantisation: what they return, what they cost, and every constraint by its
// number in docs/operators.md.
#include "op/quantize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "zoometer/op/conv.hpp"

namespace zoometer {
namespace {

class Quantize : public ::testing::Test {
 protected:
  Quantize() { graph_.add_module(no_id, "", "Root"); }

  Tensor input(const Shape& shape, DType dtype = DType::float32) {
    return {&graph_, graph_.add_input("x", shape, dtype)};
  }

  Cost cost_of_last() const {
    const NodeView node(graph_, graph_.nodes().back());
    return node.op().cost(node);
  }

  template <class Call>
  static void expect_constraint(const char* text, const Call& call) {
    try {
      call();
      ADD_FAILURE() << "no error; expected " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::shape);
      EXPECT_EQ(error.message, text);
    }
  }

  Graph graph_;
};

TEST_F(Quantize, PerTensorGivesTheDType) {
  const Tensor x = quantize_per_tensor(input({2, 3, 4}), input({1}), input({1}, DType::int64));
  EXPECT_EQ(x.shape(), Shape({2, 3, 4}));
  EXPECT_EQ(x.dtype(), DType::quint8);
  EXPECT_EQ(graph_.bytes(x.id), 24);
  EXPECT_EQ(cost_of_last().other, 48);
}

TEST_F(Quantize, PerChannelTakesAScaleForEachIndex) {
  const Tensor x = quantize_per_channel(input({8, 3, 4}), input({3}), input({3}, DType::int64),
                                        {.axis = 1, .dtype = DType::qint8});
  EXPECT_EQ(x.dtype(), DType::qint8);
  EXPECT_EQ(cost_of_last().other, 192);
}

TEST_F(Quantize, DequantizeGivesFloat32) {
  const Tensor x = dequantize(input({5}, DType::quint8));
  EXPECT_EQ(x.dtype(), DType::float32);
  EXPECT_EQ(cost_of_last().other, 10);
}

TEST_F(Quantize, RequantizeLivesInItsInputsMemory) {
  const Tensor weight = input({4, 3, 1, 1}, DType::qint8);
  const Tensor y = convolution(input({1, 3, 2, 2}, DType::quint8), weight, input({4}),
                               ConvAttrs{{1, 1}, {0, 0}, {0, 0}, {1, 1}, {}, 1});
  EXPECT_EQ(y.dtype(), DType::quint8);
  EXPECT_EQ(cost_of_last().macs, 48);
  const Tensor z = requantize(y, input({}), input({}, DType::int64), {.relu = true});
  EXPECT_EQ(z.dtype(), DType::quint8);
  EXPECT_TRUE(graph_.value(z.id).has(Value::shares));
  EXPECT_FALSE(graph_.value(z.id).has(Value::strided));
  EXPECT_EQ(cost_of_last().other, 32);
}

TEST_F(Quantize, quantize_per_tensor_c1) {
  expect_constraint("quantize_per_tensor C1",
                    [&] { quantize_per_tensor(input({2}), input({2}), input({1})); });
}

TEST_F(Quantize, quantize_per_tensor_c2) {
  expect_constraint("quantize_per_tensor C2", [&] {
    quantize_per_tensor(input({2}), input({1}), input({1}), {DType::float16});
  });
}

TEST_F(Quantize, quantize_per_channel_c1) {
  expect_constraint("quantize_per_channel C1", [&] {
    quantize_per_channel(input({2, 3}), input({2}), input({2}), {.axis = 2});
  });
}

TEST_F(Quantize, quantize_per_channel_c2) {
  expect_constraint("quantize_per_channel C2", [&] {
    quantize_per_channel(input({2, 3}), input({2}), input({3}));
  });
}

TEST_F(Quantize, quantize_per_channel_c3) {
  expect_constraint("quantize_per_channel C3", [&] {
    quantize_per_channel(input({2, 3}), input({2}), input({2}), {.dtype = DType::float32});
  });
}

TEST_F(Quantize, dequantize_c1) {
  expect_constraint("dequantize C1", [&] { dequantize(input({2})); });
}

TEST_F(Quantize, requantize_c1) {
  expect_constraint("requantize C1",
                    [&] { requantize(input({2}, DType::quint8), input({2}), input({2})); });
}

TEST_F(Quantize, requantize_c2) {
  expect_constraint("requantize C2", [&] { requantize(input({2}), input({1}), input({1})); });
}

}  // namespace
}  // namespace zoometer
