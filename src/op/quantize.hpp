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

/// What the numbers of `fake_quantize` and `multi_threshold` could be stored as.
struct RoundedType {
  std::string_view name = "";  ///< "int4", "uint2", "bipolar"; empty if it is not known
  std::int64_t bits = 0;       ///< of one number; 0 if it is not known
  std::int64_t least = 0;      ///< the integers, of `fake_quantize`; both 0 if they are not known
  std::int64_t most = 0;       ///< the largest of them
  static constexpr std::tuple fields{
      field("type", &RoundedType::name), field("bits", &RoundedType::bits),
      field("least", &RoundedType::least), field("most", &RoundedType::most)};
};

extern const OpDef fake_quantize_op, multi_threshold_op, matmul_n_bits_op;

/// What a node of `fake_quantize` or `multi_threshold` rounds to.
RoundedType rounded_type_of(const NodeView& node);

/// x rounded to multiples of the scale that few bits can count, as real numbers; the zero point may
/// be empty. The scale and the zero point broadcast to x.
Tensor fake_quantize(Tensor x, Tensor scale, Tensor zero_point, const RoundedType& attrs);
/// For each element of x (N, C, ...) how many of its channel's thresholds (C or 1, count) it
/// reaches, times a scale and plus a shift.
Tensor multi_threshold(Tensor x, Tensor thresholds, const RoundedType& attrs);

/// The operands of `matmul_n_bits`; all after the scales may be empty.
struct PackedWeight {
  Tensor weight;       ///< (out, in) integers of few bits, one matrix for each expert, or as packed
  Tensor scales;       ///< one for each block of a row
  Tensor zero_points;  ///< as many, if blocks have one
  Tensor groups;       ///< the block of each column, if it is not its place that says it
  Tensor bias;         ///< (out) or (experts, out)
};
struct PackedAttrs {
  std::int64_t in = 0;       ///< features of x
  std::int64_t out = 0;      ///< features of the result
  std::int64_t experts = 1;  ///< how many matrices there are; each row of x takes one of them
  static constexpr std::tuple fields{field("in_features", &PackedAttrs::in),
                                     field("out_features", &PackedAttrs::out),
                                     field("experts", &PackedAttrs::experts)};
};
/// x times the transposed weight, plus a bias; the kernel unpacks the weight while it multiplies.
Tensor matmul_n_bits(Tensor x, const PackedWeight& operands, const PackedAttrs& attrs);

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
