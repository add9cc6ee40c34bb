#include "zoometer/op/elementwise.hpp"

#include <cmath>
#include <numbers>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

std::string constant(OnnxStep& step, double value) { return step.number(value, step.dtype()); }

// -- one input ----------------------------------------------------------------------------------

void make_clip(OnnxStep& step, double least, double most) {
  const bool is_integer = !is_floating(step.dtype());
  // An integer has no infinity; a missing limit does not limit.
  const std::string low = is_integer && std::isinf(least) ? "" : constant(step, least);
  const std::string high = is_integer && std::isinf(most) ? "" : constant(step, most);
  step.make("Clip", {step.in(0), low, high});
}

/// ONNX Runtime has no Relu of 64-bit integers.
void write_relu(OnnxStep& step) {
  if (is_floating(step.dtype())) return step.make("Relu", {step.in(0)});
  step.make("Max", {step.in(0), constant(step, 0)});
}
void write_relu6(OnnxStep& step) { make_clip(step, 0, 6); }
void write_clamp(OnnxStep& step) {
  make_clip(step, step.attrs<ClampAttrs>().min, step.attrs<ClampAttrs>().max);
}
void write_leaky_relu(OnnxStep& step) {
  step.make("LeakyRelu", {step.in(0)}, {{"alpha", step.attrs<SlopeAttrs>().negative_slope}});
}
void write_elu(OnnxStep& step) {
  step.make("Elu", {step.in(0)}, {{"alpha", step.attrs<SlopeAttrs>().negative_slope}});
}
void write_celu(OnnxStep& step) {
  step.make("Celu", {step.in(0)}, {{"alpha", step.attrs<SlopeAttrs>().negative_slope}});
}
void write_hardsigmoid(OnnxStep& step) {
  step.make("HardSigmoid", {step.in(0)}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
}

void write_prelu(OnnxStep& step) {
  std::string slope = step.in(1);
  const std::int64_t rank = step.shape(0).rank();
  if (step.shape(1).rank() == 1 && step.shape(1).dim(0) > 1 && rank > 2) {
    Ints per_channel = Ints::filled(static_cast<std::size_t>(rank - 1), 1);
    per_channel[0] = step.shape(1).dim(0);
    slope = step.reshape(slope, per_channel);
  }
  step.make("PRelu", {step.in(0), slope});
}

void write_silu(OnnxStep& step) {
  step.make("Mul", {step.in(0), step.add("Sigmoid", {step.in(0)})});
}

/// x / 2 (1 + erf(x / sqrt(2))), or with tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
void write_gelu(OnnxStep& step) {
  const std::string x = step.in(0);
  std::string sign;
  if (step.attrs<GeluAttrs>().tanh) {
    const std::string cube = step.add("Mul", {step.add("Mul", {x, x}), x});
    const std::string bent =
        step.add("Add", {x, step.add("Mul", {cube, constant(step, 0.044715)})});
    const std::string scale = constant(step, std::sqrt(2 * std::numbers::inv_pi));
    sign = step.add("Tanh", {step.add("Mul", {bent, scale})});
  } else {
    sign = step.add("Erf", {step.add("Div", {x, constant(step, std::numbers::sqrt2)})});
  }
  const std::string weight = step.add("Add", {sign, constant(step, 1)});
  const std::string twice = step.add("Mul", {x, weight});
  step.make("Mul", {twice, constant(step, 0.5)});
}

void write_mish(OnnxStep& step) {
  const std::string gate = step.add("Tanh", {step.add("Softplus", {step.in(0)})});
  step.make("Mul", {step.in(0), gate});
}

/// The logarithm to another base.
template <int base>
void write_log(OnnxStep& step) {
  const std::string natural = step.add("Log", {step.in(0)});
  step.make("Div", {natural, constant(step, std::log(static_cast<double>(base)))});
}

void write_log1p(OnnxStep& step) {
  step.make("Log", {step.add("Add", {step.in(0), constant(step, 1)})});
}
void write_expm1(OnnxStep& step) {
  step.make("Sub", {step.add("Exp", {step.in(0)}), constant(step, 1)});
}
void write_erfc(OnnxStep& step) {
  step.make("Sub", {constant(step, 1), step.add("Erf", {step.in(0)})});
}
void write_rsqrt(OnnxStep& step) { step.make("Reciprocal", {step.add("Sqrt", {step.in(0)})}); }
void write_log_sigmoid(OnnxStep& step) {
  step.make("Neg", {step.add("Softplus", {step.add("Neg", {step.in(0)})})});
}
void write_trunc(OnnxStep& step) {
  if (!is_floating(step.dtype())) return step.make("Identity", {step.in(0)});
  const std::string length = step.add("Floor", {step.add("Abs", {step.in(0)})});
  step.make("Mul", {step.add("Sign", {step.in(0)}), length});
}

void write_threshold(OnnxStep& step) {
  const auto& attrs = step.attrs<ThresholdAttrs>();
  const std::string above = step.add("Greater", {step.in(0), constant(step, attrs.threshold)});
  step.make("Where", {above, step.in(0), constant(step, attrs.value)});
}

void write_isfinite(OnnxStep& step) {
  const std::string infinite = step.add("IsInf", {step.in(0)});
  const std::string either = step.add("Or", {infinite, step.add("IsNaN", {step.in(0)})});
  step.make("Not", {either});
}

void write_logical_not(OnnxStep& step) {
  step.make("Not", {step.cast(step.in(0), step.dtype(), DType::boolean)});
}

void write_bitwise_not(OnnxStep& step) {
  if (step.dtype() == DType::boolean) return step.make("Not", {step.in(0)});
  step.require_opset(newer_onnx_opset);
  step.make("BitwiseNot", {step.in(0)});
}

void write_axis(OnnxStep& step, std::string_view op_type) {
  step.make(op_type, {step.in(0)}, {{"axis", step.attrs<AxisAttrs>().dim}});
}
/// ONNX has no axis of a number: its softmax is 1.
void write_softmax(OnnxStep& step) {
  if (step.shape(0).rank() > 0) return write_axis(step, "Softmax");
  step.make("Exp", {step.add("Sub", {step.in(0), step.in(0)})});
}
void write_log_softmax(OnnxStep& step) {
  if (step.shape(0).rank() > 0) return write_axis(step, "LogSoftmax");
  step.make("Sub", {step.in(0), step.in(0)});
}

/// ONNX has no trigonometric functions of bfloat16.
void write_in_float32(OnnxStep& step, std::string_view op_type) {
  if (step.dtype() != DType::bfloat16) return step.make(op_type, {step.in(0)});
  const std::string x = step.cast(step.in(0), DType::bfloat16, DType::float32);
  step.make("Cast", {step.add(op_type, {x})}, {{"to", DType::bfloat16}});
}
void write_cos(OnnxStep& step) { write_in_float32(step, "Cos"); }
void write_sin(OnnxStep& step) { write_in_float32(step, "Sin"); }

void write_cast(OnnxStep& step) { step.make("Cast", {step.in(0)}, {{"to", step.out_dtype()}}); }

// -- two inputs ---------------------------------------------------------------------------------

/// The type in which ONNX Runtime computes: it has no kernels for short integers.
DType computed_type(DType dtype) {
  const bool is_short =
      !is_floating(dtype) && !is_complex(dtype) && dtype != DType::boolean && bits_of(dtype) < 32;
  return is_short ? DType::int32 : dtype;
}

/// The equivalent ONNX operator, on operands of the result's type, to which PyTorch converts them.
void make_pair(OnnxStep& step, std::string_view op_type, OnnxArguments arguments = {}) {
  if (is_complex(step.out_dtype())) step.fail("on complex numbers has no ONNX equivalent");
  const DType common = computed_type(step.out_dtype());
  const auto [a, b] = step.operands(common);
  if (common == step.out_dtype()) return step.make(op_type, {a, b}, arguments);
  step.make("Cast", {step.add(op_type, {a, b}, arguments)}, {{"to", step.out_dtype()}});
}

/// Of truth values, the operator on these.
void make_pair_or_truth(OnnxStep& step, std::string_view op_type, std::string_view of_truths) {
  if (step.out_dtype() != DType::boolean) return make_pair(step, op_type);
  const auto [a, b] = step.operands(DType::boolean);
  step.make(of_truths, {a, b});
}

void write_add(OnnxStep& step) { make_pair_or_truth(step, "Add", "Or"); }
void write_sub(OnnxStep& step) { make_pair(step, "Sub"); }
void write_mul(OnnxStep& step) { make_pair_or_truth(step, "Mul", "And"); }
void write_div(OnnxStep& step) { make_pair(step, "Div"); }
/// The result has the type of the base, whatever the type of the exponent.
void write_pow(OnnxStep& step) {
  const std::string base = step.operand(0, step.out_dtype());
  const std::string exponent =
      step.has(1) ? step.operand(1, step.dtype(1))
                  : step.number(step.attrs<ScalarAttrs>().scalar, step.out_dtype());
  step.make("Pow", {base, exponent});
}
void write_maximum(OnnxStep& step) { make_pair_or_truth(step, "Max", "Or"); }
void write_minimum(OnnxStep& step) { make_pair_or_truth(step, "Min", "And"); }

/// Operands of the type in which PyTorch compares them; ONNX compares no truth values by size.
std::pair<std::string, std::string> compared(OnnxStep& step, bool by_size) {
  DType common = step.compared_type();
  if (is_complex(common)) step.fail("on complex numbers has no ONNX equivalent");
  if (by_size && common == DType::boolean) common = DType::int32;
  return step.operands(computed_type(common));
}
void make_comparison(OnnxStep& step, std::string_view op_type) {
  const auto [a, b] = compared(step, true);
  step.make(op_type, {a, b});
}
void write_eq(OnnxStep& step) {
  const auto [a, b] = compared(step, false);
  step.make("Equal", {a, b});
}
void write_lt(OnnxStep& step) { make_comparison(step, "Less"); }
void write_le(OnnxStep& step) { make_comparison(step, "LessOrEqual"); }
void write_gt(OnnxStep& step) { make_comparison(step, "Greater"); }
void write_ge(OnnxStep& step) { make_comparison(step, "GreaterOrEqual"); }
void write_fmod(OnnxStep& step) { make_pair(step, "Mod", {{"fmod", std::int64_t{1}}}); }

void write_ne(OnnxStep& step) {
  const auto [a, b] = compared(step, false);
  step.make("Not", {step.add("Equal", {a, b})});
}

/// With the sign of the divisor, as in Python.
void write_remainder(OnnxStep& step) {
  const auto [a, b] = step.operands(step.out_dtype());
  if (!is_floating(step.out_dtype())) return step.make("Mod", {a, b});
  const std::string whole = step.add("Floor", {step.add("Div", {a, b})});
  step.make("Sub", {a, step.add("Mul", {whole, b})});
}

/// ONNX divides integers towards zero.
void write_floor_divide(OnnxStep& step) {
  const auto [a, b] = step.operands(step.out_dtype());
  if (is_floating(step.out_dtype())) return step.make("Floor", {step.add("Div", {a, b})});
  const std::string whole = step.add("Sub", {a, step.add("Mod", {a, b})});
  step.make("Div", {whole, b});
}

void make_logical(OnnxStep& step, std::string_view op_type) {
  std::string a = step.operand(0, DType::boolean);
  std::string b = step.has(1) ? step.operand(1, DType::boolean)
                              : step.number(step.attrs<ScalarAttrs>().scalar, DType::boolean);
  step.make(op_type, {a, b});
}
void write_and(OnnxStep& step) { make_logical(step, "And"); }
void write_or(OnnxStep& step) { make_logical(step, "Or"); }
void write_xor(OnnxStep& step) { make_logical(step, "Xor"); }

void make_bitwise(OnnxStep& step, std::string_view op_type) {
  if (step.out_dtype() == DType::boolean) return make_logical(step, op_type);
  step.require_opset(newer_onnx_opset);
  const auto [a, b] = step.operands(step.out_dtype());
  step.make("Bitwise" + std::string(op_type), {a, b});
}
void write_bitwise_and(OnnxStep& step) { make_bitwise(step, "And"); }
void write_bitwise_or(OnnxStep& step) { make_bitwise(step, "Or"); }
void write_bitwise_xor(OnnxStep& step) { make_bitwise(step, "Xor"); }

void write_where(OnnxStep& step) {
  const DType common = step.out_dtype();
  const std::string condition = step.operand(0, DType::boolean);
  const std::string a = step.operand(1, common);
  step.make("Where", {condition, a, step.operand(2, common)});
}

void write_dropout_training(OnnxStep& step) {
  const std::string ratio = step.number(step.attrs<DropoutAttrs>().p);
  const std::string is_training = step.number(1, DType::boolean);
  step.make("Dropout", {step.in(0), ratio, is_training});
}

constexpr OnnxExportRule elementwise_rules[] = {{&relu_op, {}, write_relu},
                                                {&relu6_op, {}, write_relu6},
                                                {&leaky_relu_op, {}, write_leaky_relu},
                                                {&prelu_op, {}, write_prelu},
                                                {&elu_op, {}, write_elu},
                                                {&hardswish_op, "HardSwish"},
                                                {&hardsigmoid_op, {}, write_hardsigmoid},
                                                {&hardtanh_op, {}, write_clamp},
                                                {&sigmoid_op, "Sigmoid"},
                                                {&silu_op, {}, write_silu},
                                                {&gelu_op, {}, write_gelu},
                                                {&mish_op, {}, write_mish},
                                                {&softplus_op, "Softplus"},
                                                {&softsign_op, "Softsign"},
                                                {&tanh_op, "Tanh"},
                                                {&exp_op, "Exp"},
                                                {&log_op, "Log"},
                                                {&log2_op, {}, write_log<2>},
                                                {&log10_op, {}, write_log<10>},
                                                {&log1p_op, {}, write_log1p},
                                                {&expm1_op, {}, write_expm1},
                                                {&sqrt_op, "Sqrt"},
                                                {&rsqrt_op, {}, write_rsqrt},
                                                {&reciprocal_op, "Reciprocal"},
                                                {&sin_op, {}, write_sin},
                                                {&cos_op, {}, write_cos},
                                                {&tan_op, "Tan"},
                                                {&asin_op, "Asin"},
                                                {&acos_op, "Acos"},
                                                {&atan_op, "Atan"},
                                                {&sinh_op, "Sinh"},
                                                {&cosh_op, "Cosh"},
                                                {&asinh_op, "Asinh"},
                                                {&acosh_op, "Acosh"},
                                                {&atanh_op, "Atanh"},
                                                {&erf_op, "Erf"},
                                                {&erfc_op, {}, write_erfc},
                                                {&abs_op, "Abs"},
                                                {&neg_op, "Neg"},
                                                {&sign_op, "Sign"},
                                                {&floor_op, "Floor"},
                                                {&ceil_op, "Ceil"},
                                                {&round_op, "Round"},
                                                {&trunc_op, {}, write_trunc},
                                                {&clamp_op, {}, write_clamp},
                                                {&threshold_op, {}, write_threshold},
                                                {&log_sigmoid_op, {}, write_log_sigmoid},
                                                {&selu_op, "Selu"},
                                                {&celu_op, {}, write_celu},
                                                {&logical_not_op, {}, write_logical_not},
                                                {&bitwise_not_op, {}, write_bitwise_not},
                                                {&isnan_op, "IsNaN"},
                                                {&isinf_op, "IsInf"},
                                                {&isfinite_op, {}, write_isfinite},
                                                {&add_op, {}, write_add},
                                                {&sub_op, {}, write_sub},
                                                {&mul_op, {}, write_mul},
                                                {&div_op, {}, write_div},
                                                {&pow_op, {}, write_pow},
                                                {&remainder_op, {}, write_remainder},
                                                {&fmod_op, {}, write_fmod},
                                                {&floor_divide_op, {}, write_floor_divide},
                                                {&maximum_op, {}, write_maximum},
                                                {&minimum_op, {}, write_minimum},
                                                {&bitwise_and_op, {}, write_bitwise_and},
                                                {&bitwise_or_op, {}, write_bitwise_or},
                                                {&bitwise_xor_op, {}, write_bitwise_xor},
                                                {&eq_op, {}, write_eq},
                                                {&ne_op, {}, write_ne},
                                                {&lt_op, {}, write_lt},
                                                {&le_op, {}, write_le},
                                                {&gt_op, {}, write_gt},
                                                {&ge_op, {}, write_ge},
                                                {&logical_and_op, {}, write_and},
                                                {&logical_or_op, {}, write_or},
                                                {&logical_xor_op, {}, write_xor},
                                                {&where_op, {}, write_where},
                                                {&softmax_op, {}, write_softmax},
                                                {&log_softmax_op, {}, write_log_softmax},
                                                {&dropout_op, "Identity", nullptr, on_integers},
                                                {&dropout_training_op, {}, write_dropout_training},
                                                {&stochastic_depth_op, "Identity"},
                                                {&to_op, {}, write_cast}};

}  // namespace

extern constinit const OnnxExportRules elementwise_onnx_export_rules = {elementwise_rules};

}  // namespace zoometer
