#pragma once

#include "zoometer/op/op.hpp"

// Integers that stand for real numbers: real = scale x (integer - zero point). As in PyTorch, the
// scale and the zero point are part of a quantised tensor, set by the operator that makes it;
// operators that only move or select elements keep them. Convolutions, linear layers, sums,
// products and activations take quantised tensors as they take float ones, so that their
// multiply-accumulates count the same and differ only by dtype; `requantize` after them sets
// the scale of their result.

namespace zoometer {

struct QuantizeAttrs {
  DType dtype = DType::quint8;
  static constexpr std::tuple fields{field("dtype", &QuantizeAttrs::dtype)};
};

struct QuantizePerChannelAttrs {
  std::int64_t axis = 0;
  DType dtype = DType::qint8;
  static constexpr std::tuple fields{field("axis", &QuantizePerChannelAttrs::axis),
                                     field("dtype", &QuantizePerChannelAttrs::dtype)};
};

struct RequantizeAttrs {
  bool relu = false;  ///< clamps at the zero point, which is what a folded ReLU does
  static constexpr std::tuple fields{field("relu", &RequantizeAttrs::relu)};
};

extern const OpDef quantize_per_tensor_op, quantize_per_channel_op, dequantize_op, requantize_op;

/// x, float, with one scale and one zero point -> the attribute's dtype.
Tensor quantize_per_tensor(Tensor x, Tensor scale, Tensor zero_point,
                           const QuantizeAttrs& attrs = {});
/// The same with a scale and a zero point for each index of the axis.
Tensor quantize_per_channel(Tensor x, Tensor scales, Tensor zero_points,
                            const QuantizePerChannelAttrs& attrs = {});
/// A quantised x -> float32.
Tensor dequantize(Tensor x);
/// The result of an integer operator, rounded and clamped to its scale and zero point, in place.
Tensor requantize(Tensor x, Tensor scale, Tensor zero_point, const RequantizeAttrs& attrs = {});

}  // namespace zoometer
