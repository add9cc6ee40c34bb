#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// A binary operator takes a second tensor, or this number in its place.
struct ScalarAttrs {
  double scalar = 0;  ///< meaningful when there is no second input
  static constexpr std::tuple fields{field("scalar", &ScalarAttrs::scalar)};
};

/// Of clamp and hardtanh.
struct ClampAttrs {
  double min = 0;  ///< what is below becomes this
  double max = 0;  ///< what is above becomes this
  static constexpr std::tuple fields{field("min", &ClampAttrs::min),
                                     field("max", &ClampAttrs::max)};
};

/// Of threshold.
struct ThresholdAttrs {
  double threshold = 0;  ///< what is above stays
  double value = 0;      ///< what the rest becomes
  static constexpr std::tuple fields{field("threshold", &ThresholdAttrs::threshold),
                                     field("value", &ThresholdAttrs::value)};
};

/// Of leaky_relu.
struct SlopeAttrs {
  double negative_slope = 0.01;  ///< the factor of negative elements
  static constexpr std::tuple fields{field("negative_slope", &SlopeAttrs::negative_slope)};
};

/// Of gelu.
struct GeluAttrs {
  bool tanh = false;  ///< the tanh approximation
  static constexpr std::tuple fields{field("tanh", &GeluAttrs::tanh)};
};

/// Of an operator along one axis.
struct AxisAttrs {
  std::int64_t dim = -1;  ///< negative ones count from the end
  static constexpr std::tuple fields{field("dim", &AxisAttrs::dim)};
};

/// Of dropout_training.
struct DropoutAttrs {
  double p = 0.5;  ///< the probability that an element is dropped
  static constexpr std::tuple fields{field("p", &DropoutAttrs::p)};
};

/// Of to.
struct CastAttrs {
  DType dtype = DType::float32;  ///< the result's
  static constexpr std::tuple fields{field("dtype", &CastAttrs::dtype)};
};

/// @{
/// Operators of one input, element by element, each PyTorch's function of that name.
extern const OpDef relu_op, relu6_op, leaky_relu_op, prelu_op, elu_op, hardswish_op, hardsigmoid_op,
    hardtanh_op, sigmoid_op, silu_op, gelu_op, mish_op, softplus_op, softsign_op, tanh_op, exp_op,
    log_op, log2_op, log1p_op, sqrt_op, rsqrt_op, reciprocal_op, sin_op, cos_op, tan_op, asin_op,
    acos_op, atan_op, sinh_op, cosh_op, erf_op, abs_op, neg_op, sign_op, floor_op, ceil_op,
    round_op, clamp_op, logical_not_op, isnan_op, isinf_op, asinh_op, acosh_op, atanh_op, expm1_op,
    log10_op, trunc_op, erfc_op, log_sigmoid_op, selu_op, celu_op, threshold_op, bitwise_not_op,
    isfinite_op;
/// @}
/// @{
/// Operators of two inputs that broadcast, or of one and a number (where: of three), each PyTorch's
/// function of that name.
extern const OpDef add_op, sub_op, mul_op, div_op, pow_op, remainder_op, floor_divide_op,
    maximum_op, minimum_op, atan2_op, fmod_op, bitwise_and_op, bitwise_or_op, bitwise_xor_op, eq_op,
    ne_op, lt_op, le_op, gt_op, ge_op, logical_and_op, logical_or_op, logical_xor_op, where_op;
/// @}
/// @{
/// Operators of one input whose attributes are of other types.
extern const OpDef softmax_op, log_softmax_op, dropout_op, dropout_training_op, stochastic_depth_op,
    to_op;
/// @}

/// Applies an operator of one input and no attributes: `unary(exp_op, x)`. In place, the result
/// lives in the memory of x.
Tensor unary(const OpDef& op, Tensor x, bool inplace = false);
/// Applies an operator of two broadcasting inputs, or of one and a number.
Tensor binary(const OpDef& op, Tensor a, Tensor b, bool inplace = false);
/// The same with a number as the second input.
Tensor binary(const OpDef& op, Tensor a, double b, bool inplace = false);

/// @{
/// Arithmetic, element by element, of two tensors that broadcast, or of one and a number.
inline Tensor operator+(Tensor a, Tensor b) { return binary(add_op, a, b); }
inline Tensor operator-(Tensor a, Tensor b) { return binary(sub_op, a, b); }
inline Tensor operator*(Tensor a, Tensor b) { return binary(mul_op, a, b); }
inline Tensor operator/(Tensor a, Tensor b) { return binary(div_op, a, b); }
inline Tensor operator+(Tensor a, double b) { return binary(add_op, a, b); }
inline Tensor operator-(Tensor a, double b) { return binary(sub_op, a, b); }
inline Tensor operator*(Tensor a, double b) { return binary(mul_op, a, b); }
inline Tensor operator/(Tensor a, double b) { return binary(div_op, a, b); }
/// @}
/// a += b: the sum lives in a's memory.
inline Tensor add_(Tensor a, Tensor b) { return binary(add_op, a, b, true); }

/// Each element moved to the nearest one of min to max.
Tensor clamp(Tensor x, double min, double max);
/// Negative elements times the slope, others as they are.
Tensor leaky_relu(Tensor x, double negative_slope, bool inplace = false);
/// x times the probability that a standard normal number is below x, by the error function or its
/// approximation with tanh.
Tensor gelu(Tensor x, bool tanh_approximation = false);
/// Negative elements times a learnt slope: `slope` has one element, or one per channel (dimension
/// 1).
Tensor prelu(Tensor x, Tensor slope);
/// exp(x) over its sum along an axis.
Tensor softmax(Tensor x, std::int64_t dim);
/// The logarithm of that.
Tensor log_softmax(Tensor x, std::int64_t dim);
/// a where the condition holds, else b; the three broadcast.
Tensor where(Tensor condition, Tensor a, Tensor b);
/// The identity in evaluation mode.
Tensor dropout(Tensor x);
/// Elements dropped with that probability, the others scaled. Its second output is the mask.
Tensor dropout_training(Tensor x, double probability);
/// The identity in evaluation mode.
Tensor stochastic_depth(Tensor x);
/// Converts the element type.
Tensor to(Tensor x, DType dtype);

}  // namespace zoometer
