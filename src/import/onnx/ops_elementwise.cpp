// Operators of one result per element, with broadcasting.
#include <cmath>
#include <limits>
#include <numbers>

#include "import/onnx/ops.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

template <const OpDef& Op>
void emit_unary(OnnxContext& context) {
  context.out(unary(Op, context.in(0)));
}

/// Before version 7 the second input's dimensions began at an axis of the first.
Tensor aligned_second(OnnxContext& context) {
  Tensor second = context.in(1);
  const OnnxAttribute* axis = context.attribute("axis");
  if (context.opset() >= 7 || axis == nullptr || context.integer("broadcast", 0) == 0)
    return second;
  const std::int64_t start = context.axis(axis->integer, context.rank(0));
  Shape shape = second.shape();
  context.require(start + shape.rank() <= context.rank(0), "an axis that leaves room for input 1");
  while (start + shape.rank() < context.rank(0)) shape.push_back(1);
  return shape == second.shape() ? second : reshape(second, shape);
}

template <const OpDef& Op>
void emit_binary(OnnxContext& context) {
  const std::optional<double> number = context.constant_number(1);
  if (number && context.rank(1) <= context.rank(0)) {
    return context.out(binary(Op, context.in(0), *number));
  }
  const Tensor first = context.in(0);
  context.out(binary(Op, first, aligned_second(context)));
}

/// The power has the type of the base.
void emit_pow(OnnxContext& context) {
  emit_binary<pow_op>(context);
  if (context.outputs().empty()) return;
  context.graph().set_dtype(context.outputs()[0].id, context.dtype(0));
}

/// Max, Min, Sum: any number of inputs.
template <const OpDef& Op>
void emit_variadic(OnnxContext& context) {
  if (context.input_count() == 1) return context.out_value(0, context.value(0));
  Tensor result = context.in(0);
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    result = binary(Op, result, context.in(i));
  }
  context.out(result);
}

void emit_mean(OnnxContext& context) {
  Tensor sum = context.in(0);
  for (std::size_t i = 1; i < context.input_count(); ++i) sum = sum + context.in(i);
  context.out(sum / static_cast<double>(context.input_count()));
}

void emit_mod(OnnxContext& context) {
  if (context.integer("fmod", 0) != 0) return emit_binary<fmod_op>(context);
  emit_binary<remainder_op>(context);
}

void emit_shift(OnnxContext& context) {
  // A shift is a product or a quotient by a power of two.
  if (context.text("direction", "") == "RIGHT") return emit_binary<floor_divide_op>(context);
  emit_binary<mul_op>(context);
}

void emit_cast(OnnxContext& context) {
  const OnnxAttribute* to_type = context.attribute("to");
  context.require(to_type != nullptr, "an attribute 'to'");
  DType dtype = onnx_dtype(to_type->integer);
  if (context.opset() < 6) {  // a name, "FLOAT"
    constexpr std::pair<std::string_view, DType> names[] = {
        {"FLOAT", DType::float32}, {"DOUBLE", DType::float64}, {"FLOAT16", DType::float16},
        {"INT64", DType::int64},   {"INT32", DType::int32},    {"INT16", DType::int16},
        {"INT8", DType::int8},     {"UINT8", DType::uint8},    {"UINT16", DType::uint16},
        {"UINT32", DType::uint32}, {"UINT64", DType::uint64},  {"BOOL", DType::boolean},
        {"STRING", DType::string}};
    for (const auto& [name, type] : names) {
      if (to_type->text == name) dtype = type;
    }
  }
  context.out(to(context.in(0), dtype));
}

void emit_cast_like(OnnxContext& context) { context.out(to(context.in(0), context.dtype(1))); }

void emit_clip(OnnxContext& context) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = context.in(0);
  if (context.opset() < 11) {
    return context.out(clamp(x, context.real("min", -infinity), context.real("max", infinity)));
  }
  const auto bound = [&](std::size_t input, double otherwise) -> std::optional<double> {
    if (!context.has(input)) return otherwise;
    const KnownTensor* known = context.known(input);
    if (known == nullptr || known->count() != 1) return std::nullopt;
    context.elements(input);
    return known->real(0);
  };
  const auto least = bound(1, -infinity);
  const auto most = bound(2, infinity);
  if (least && most) return context.out(clamp(x, *least, *most));
  Tensor result = x;
  if (context.has(1)) result = binary(maximum_op, result, context.in(1));
  if (context.has(2)) result = binary(minimum_op, result, context.in(2));
  context.out(result);
}

void emit_leaky_relu(OnnxContext& context) {
  context.out(leaky_relu(context.in(0), context.real("alpha", 0.01)));
}

void emit_prelu(OnnxContext& context) { context.out(prelu(context.in(0), context.weight(1))); }

void emit_elu(OnnxContext& context) {
  context.out(apply(elu_op, SlopeAttrs{context.real("alpha", 1.0)}, context.in(0)));
}

void emit_celu(OnnxContext& context) {
  context.out(apply(celu_op, SlopeAttrs{context.real("alpha", 1.0)}, context.in(0)));
}

void emit_thresholded_relu(OnnxContext& context) {
  context.out(apply(threshold_op, ThresholdAttrs{context.real("alpha", 1.0), 0}, context.in(0)));
}

/// x + bias below -lambd, x - bias above lambd, else 0.
void emit_shrink(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.out(shrink(x, context.real("lambd", 0.5), context.real("bias", 0)));
}

void emit_hard_sigmoid(OnnxContext& context) {
  const double alpha = context.real("alpha", 0.2);
  const double beta = context.real("beta", 0.5);
  const Tensor x = context.in(0);
  if (std::abs(alpha - 1.0 / 6) < 1e-4 && beta == 0.5) return context.out(unary(hardsigmoid_op, x));
  context.out(clamp(x * alpha + beta, 0, 1));
}

void emit_gelu(OnnxContext& context) {
  context.out(gelu(context.in(0), context.text("approximate", "none") == "tanh"));
}

void emit_swish(OnnxContext& context) {
  const double alpha = context.real("alpha", 1.0);
  const Tensor x = context.in(0);
  if (alpha == 1.0) return context.out(unary(silu_op, x));
  context.out(x * unary(sigmoid_op, x * alpha));
}

/// Applies a function along one axis. Before version 13 the dimensions from the axis on were one.
template <class Function>
void along_axis(OnnxContext& context, Function function) {
  const Tensor x = context.in(0);
  const std::int64_t rank = x.rank();
  const bool is_old = context.opset() < 13;
  if (rank == 0) return context.out(function(x, 0));
  const std::int64_t axis = context.axis(context.integer("axis", is_old ? 1 : -1), rank);
  if (!is_old || axis == rank - 1) return context.out(function(x, axis));
  const Shape shape = x.shape();
  context.out(reshape(function(flatten(x, axis, -1), axis), shape));
}

void emit_softmax(OnnxContext& context) { along_axis(context, softmax); }

void emit_log_softmax(OnnxContext& context) { along_axis(context, log_softmax); }

/// 1 at the largest element along an axis.
void emit_hardmax(OnnxContext& context) {
  along_axis(context, [](Tensor x, std::int64_t axis) {
    return to(binary(eq_op, x, reduce(amax_op, x, {axis}, true)), x.dtype());
  });
}

void emit_dropout(OnnxContext& context) {
  context.out(0, dropout(context.in(0)));
  if (!context.wants(1)) return;
  const DType dtype = context.opset() >= 10 ? DType::boolean : context.dtype(0);
  context.out(1, context.make_uniform(dtype, context.shape(0), 1));
}

void emit_where(OnnxContext& context) {
  context.out(where(context.in(0), context.in(1), context.in(2)));
}

void emit_bernoulli(OnnxContext& context) {
  const Tensor x = context.in(0);
  const OnnxAttribute* dtype = context.attribute("dtype");
  const RandomAttrs attrs{x.shape(), x.dtype(), "uniform"};
  const Tensor random = context.append(random_op, attrs, {});
  context.out(
      to(binary(lt_op, random, x), dtype != nullptr ? onnx_dtype(dtype->integer) : x.dtype()));
}

constexpr OnnxOperator rows[] = {
    {"Abs", emit_unary<abs_op>},
    {"Acos", emit_unary<acos_op>},
    {"Acosh", emit_unary<acosh_op>},
    {"Add", emit_binary<add_op>},
    {"And", emit_binary<logical_and_op>},
    {"Asin", emit_unary<asin_op>},
    {"Asinh", emit_unary<asinh_op>},
    {"Atan", emit_unary<atan_op>},
    {"Atanh", emit_unary<atanh_op>},
    {"Bernoulli", emit_bernoulli},
    {"BitShift", emit_shift},
    {"BitwiseAnd", emit_binary<bitwise_and_op>},
    {"BitwiseNot", emit_unary<bitwise_not_op>},
    {"BitwiseOr", emit_binary<bitwise_or_op>},
    {"BitwiseXor", emit_binary<bitwise_xor_op>},
    {"Cast", emit_cast},
    {"CastLike", emit_cast_like},
    {"Ceil", emit_unary<ceil_op>},
    {"Celu", emit_celu},
    {"Clip", emit_clip},
    {"Cos", emit_unary<cos_op>},
    {"Cosh", emit_unary<cosh_op>},
    {"Div", emit_binary<div_op>},
    {"Dropout", emit_dropout},
    {"Elu", emit_elu},
    {"Equal", emit_binary<eq_op>},
    {"Erf", emit_unary<erf_op>},
    {"Exp", emit_unary<exp_op>},
    {"Floor", emit_unary<floor_op>},
    {"Gelu", emit_gelu},
    {"Greater", emit_binary<gt_op>},
    {"GreaterOrEqual", emit_binary<ge_op>},
    {"HardSigmoid", emit_hard_sigmoid},
    {"HardSwish", emit_unary<hardswish_op>},
    {"Hardmax", emit_hardmax},
    {"IsInf", emit_unary<isinf_op>},
    {"IsNaN", emit_unary<isnan_op>},
    {"LeakyRelu", emit_leaky_relu},
    {"Less", emit_binary<lt_op>},
    {"LessOrEqual", emit_binary<le_op>},
    {"Log", emit_unary<log_op>},
    {"LogSoftmax", emit_log_softmax},
    {"Max", emit_variadic<maximum_op>},
    {"Mean", emit_mean},
    {"Min", emit_variadic<minimum_op>},
    {"Mish", emit_unary<mish_op>},
    {"Mod", emit_mod},
    {"Mul", emit_binary<mul_op>},
    {"Neg", emit_unary<neg_op>},
    {"Not", emit_unary<logical_not_op>},
    {"Or", emit_binary<logical_or_op>},
    {"PRelu", emit_prelu},
    {"Pow", emit_pow},
    {"Reciprocal", emit_unary<reciprocal_op>},
    {"Relu", emit_unary<relu_op>},
    {"Round", emit_unary<round_op>},
    {"Selu", emit_unary<selu_op>},
    {"Shrink", emit_shrink},
    {"Sigmoid", emit_unary<sigmoid_op>},
    {"Sign", emit_unary<sign_op>},
    {"Sin", emit_unary<sin_op>},
    {"Sinh", emit_unary<sinh_op>},
    {"Softmax", emit_softmax},
    {"Softplus", emit_unary<softplus_op>},
    {"Softsign", emit_unary<softsign_op>},
    {"Sqrt", emit_unary<sqrt_op>},
    {"Sub", emit_binary<sub_op>},
    {"Sum", emit_variadic<add_op>},
    {"Swish", emit_swish},
    {"Tan", emit_unary<tan_op>},
    {"Tanh", emit_unary<tanh_op>},
    {"ThresholdedRelu", emit_thresholded_relu},
    {"Where", emit_where},
    {"Xor", emit_binary<logical_xor_op>},
};

}  // namespace

extern constinit const OnnxOperators onnx_elementwise_operators = {"", rows};

}  // namespace zoometer
