#include "zoometer/op/elementwise.hpp"

#include "zoometer/ir/graph.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand pair_inputs[] = {{"a", Role::data}, {"b", Role::data}};
constexpr Operand where_inputs[] = {
    {"condition", Role::mask}, {"a", Role::data}, {"b", Role::data}};
constexpr Operand prelu_inputs[] = {{"x", Role::data}, {"slope", Role::scale}};
constexpr std::string_view broadcast_constraints[] = {"shapes that broadcast"};
constexpr std::string_view axis_constraints[] = {"an axis within the rank of x"};
constexpr std::string_view prelu_constraints[] = {"a slope of one element, or one per channel"};

Shape broadcast_inputs(const Inference& in) {
  Shape out = in.shape(0);
  for (std::size_t i = 1; i < in.input_count(); ++i) {
    if (!in.has(i)) continue;
    Shape next;
    in.require(broadcast(out, in.shape(i), next), 1);
    out = next;
  }
  return out;
}

void infer_arithmetic(Inference& in) {
  const bool two = in.input_count() > 1 && in.has(1);
  in.output(broadcast_inputs(in), two ? promote(in.dtype(0), in.dtype(1)) : in.dtype(0));
}

void infer_comparison(Inference& in) { in.output(broadcast_inputs(in), DType::boolean); }

void infer_dropout_training(Inference& in) {
  infer_same(in);
  in.output(in.shape(0), DType::boolean);
}

std::int64_t mask_bytes(const NodeView& node) { return node.out_numel(); }
std::int64_t result_bytes(const NodeView& node) { return node.graph().bytes(node.output()); }

constexpr Extra divisor_of_each{"the divisor of each element", result_bytes};
constexpr Extra mask_of_each{"a truth value (1 byte) for each element", mask_bytes, 1};
/// Whole multiples of b are taken from a.
constexpr Backward multiples_of_second = keeps_nothing.also_for_second(first | second);

void infer_boolean(Inference& in) { in.output(in.shape(0), DType::boolean); }

void infer_where(Inference& in) {
  in.output(broadcast_inputs(in), promote(in.dtype(1), in.dtype(2)));
}

void infer_prelu(Inference& in) {
  const std::int64_t slopes = in.numel(1);
  in.require(slopes == 1 || (in.shape(0).rank() > 1 && slopes == in.shape(0).dim(1)) ||
                 in.shape(1).rank() >= 1,
             1);
  in.output(in.shape(0), in.dtype(0));
}

void infer_axis(Inference& in) {
  if (in.shape(0).rank() > 0) in.axis(in.attrs<AxisAttrs>().dim, in.shape(0).rank(), 1);
  infer_same(in);
}

void infer_cast(Inference& in) { in.output(in.shape(0), in.attrs<CastAttrs>().dtype); }

template <std::int64_t N>
constexpr std::string_view per_element_text() {
  if constexpr (N == 1) return "1 per element";
  if constexpr (N == 2) return "2 per element";
  if constexpr (N == 3) return "3 per element";
  if constexpr (N == 4) return "4 per element";
  if constexpr (N == 5) return "5 per element";
  return "6 per element";
}

template <std::int64_t N, class Attrs = NoAttrs>
constexpr OpDef pointwise(std::string_view name, std::string_view summary, const Backward& backward,
                          Arithmetic arithmetic = real_arithmetic,
                          void (*infer)(Inference&) = infer_same) {
  return {.name = name,
          .summary = summary,
          .formula = per_element_text<N>(),
          .kind = OpKind::pointwise,
          .inputs = input_x,
          .constraints = no_constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = backward,
          .fusion = Fuse::follows,
          .memory = infer == infer_same ? over_first : new_memory,
          .arithmetic = arithmetic,
          .infer = infer,
          .cost = per_output<N>};
}

constexpr OpDef pairwise(std::string_view name, std::string_view summary, const Backward& backward,
                         Arithmetic arithmetic = real_arithmetic,
                         void (*infer)(Inference&) = infer_arithmetic) {
  return {.name = name,
          .summary = summary,
          .formula = "1 per output element",
          .kind = OpKind::pointwise,
          .inputs = pair_inputs,
          .constraints = broadcast_constraints,
          .attrs = AttrType::of<ScalarAttrs>(),
          .backward = backward,
          .fusion = Fuse::follows,
          .memory = infer == infer_arithmetic ? over_first : new_memory,
          .arithmetic = arithmetic,
          .infer = infer,
          .cost = per_output<1>};
}

constexpr OpDef predicate(std::string_view name, std::string_view summary) {
  return pointwise<1>(name, summary, keeps_nothing, real_arithmetic, infer_boolean);
}

constexpr OpDef comparison(std::string_view name, std::string_view summary) {
  return pairwise(name, summary, keeps_nothing, real_arithmetic, infer_comparison);
}

constexpr OpDef identity(std::string_view name, std::string_view summary) {
  return {.name = name,
          .summary = summary,
          .formula = "0: the identity in evaluation mode",
          .kind = OpKind::pointwise,
          .inputs = input_x,
          .constraints = no_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .backward = keeps_nothing,
          .fusion = Fuse::follows,
          .memory = alias,
          .arithmetic = real_arithmetic,
          .coverage = Coverage::zero,
          .infer = infer_same};
}

constexpr OpDef softmax_like(std::string_view name, std::string_view summary,
                             std::string_view formula, Fuse fusion) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::softmax,
          .inputs = input_x,
          .constraints = axis_constraints,
          .attrs = AttrType::of<AxisAttrs>(),
          .backward = keeps(result),
          .fusion = fusion,
          .memory = new_memory,
          .arithmetic = real_arithmetic,
          .infer = infer_axis,
          .cost = per_output<5>};
}

}  // namespace

// One operation is an addition, multiplication, division, comparison, rounding or one call of a
// transcendental function.
constinit const OpDef relu_op = pointwise<1>("relu", "max(x, 0).", keeps(result));
constinit const OpDef relu6_op = pointwise<2>("relu6", "min(max(x, 0), 6).", keeps(first));
constinit const OpDef leaky_relu_op = pointwise<2, SlopeAttrs>(
    "leaky_relu", "x where positive, else slope x x.", keeps(first_or_result));
constinit const OpDef prelu_op = {.name = "prelu",
                                  .summary = "x where positive, else a learnt slope times x.",
                                  .formula = "2 per element",
                                  .kind = OpKind::pointwise,
                                  .inputs = prelu_inputs,
                                  .constraints = prelu_constraints,
                                  .attrs = AttrType::of<NoAttrs>(),
                                  .backward = keeps(first),
                                  .fusion = Fuse::follows,
                                  .memory = new_memory,
                                  .arithmetic = real_arithmetic,
                                  .infer = infer_prelu,
                                  .cost = per_output<2>};
constinit const OpDef elu_op = pointwise<4, SlopeAttrs>(
    "elu", "x where positive, else a x (exp(x) - 1).", keeps(first_or_result));
constinit const OpDef hardswish_op =
    pointwise<5>("hardswish", "x x min(max(x + 3, 0), 6) / 6.", keeps(first));
constinit const OpDef hardsigmoid_op =
    pointwise<4>("hardsigmoid", "min(max(x + 3, 0), 6) / 6.", keeps(first));
constinit const OpDef hardtanh_op =
    pointwise<2, ClampAttrs>("hardtanh", "min(max(x, least), most).", keeps(first));
constinit const OpDef sigmoid_op = pointwise<4>("sigmoid", "1 / (1 + exp(-x)).", keeps(result));
constinit const OpDef silu_op = pointwise<5>("silu", "x x sigmoid(x).", keeps(first));
constinit const OpDef gelu_op =
    pointwise<5, GeluAttrs>("gelu", "0.5 x x (1 + erf(x / sqrt(2))).", keeps(first));
constinit const OpDef mish_op = pointwise<5>("mish", "x x tanh(log(1 + exp(x))).", keeps(first));
constinit const OpDef softplus_op = pointwise<3>("softplus", "log(1 + exp(x)).", keeps(first));
constinit const OpDef softsign_op =
    pointwise<3>("softsign", "x / (1 + |x|).", keeps(first).with(divisor_of_each));
constinit const OpDef tanh_op = pointwise<1>("tanh", "Hyperbolic tangent.", keeps(result));
constinit const OpDef exp_op = pointwise<1>("exp", "Exponential.", keeps(result));
constinit const OpDef log_op = pointwise<1>("log", "Natural logarithm.", keeps(first));
constinit const OpDef log2_op = pointwise<1>("log2", "Logarithm to base 2.", keeps(first));
constinit const OpDef log1p_op = pointwise<2>("log1p", "log(1 + x).", keeps(first));
constinit const OpDef sqrt_op = pointwise<1>("sqrt", "Square root.", keeps(result));
constinit const OpDef rsqrt_op = pointwise<2>("rsqrt", "1 / sqrt(x).", keeps(result));
constinit const OpDef reciprocal_op =
    pointwise<1>("reciprocal", "1 / x.", keeps(result), divisions);
constinit const OpDef sin_op = pointwise<1>("sin", "Sine.", keeps(first));
constinit const OpDef cos_op = pointwise<1>("cos", "Cosine.", keeps(first));
constinit const OpDef tan_op = pointwise<1>("tan", "Tangent.", keeps(result));
constinit const OpDef asin_op = pointwise<1>("asin", "Inverse sine.", keeps(first));
constinit const OpDef acos_op = pointwise<1>("acos", "Inverse cosine.", keeps(first));
constinit const OpDef atan_op = pointwise<1>("atan", "Inverse tangent.", keeps(first));
constinit const OpDef sinh_op = pointwise<1>("sinh", "Hyperbolic sine.", keeps(first));
constinit const OpDef cosh_op = pointwise<1>("cosh", "Hyperbolic cosine.", keeps(first));
constinit const OpDef erf_op = pointwise<1>("erf", "Error function.", keeps(first));
constinit const OpDef abs_op = pointwise<1>("abs", "Absolute value.", keeps(first));
constinit const OpDef neg_op = pointwise<1>("neg", "-x.", keeps_nothing, additions);
constinit const OpDef sign_op = pointwise<1>("sign", "-1, 0 or 1.", keeps_nothing);
constinit const OpDef floor_op = pointwise<1>("floor", "Rounds down.", keeps_nothing);
constinit const OpDef ceil_op = pointwise<1>("ceil", "Rounds up.", keeps_nothing);
constinit const OpDef round_op = pointwise<1>("round", "Rounds to the nearest.", keeps_nothing);
constinit const OpDef clamp_op =
    pointwise<2, ClampAttrs>("clamp", "min(max(x, min), max).", keeps(first));
constinit const OpDef logical_not_op = predicate("logical_not", "Negates a truth value.");
constinit const OpDef isnan_op = predicate("isnan", "Whether x is not a number.");
constinit const OpDef isinf_op = predicate("isinf", "Whether x is infinite.");

constinit const OpDef asinh_op = pointwise<1>("asinh", "Inverse hyperbolic sine.", keeps(first));
constinit const OpDef acosh_op = pointwise<1>("acosh", "Inverse hyperbolic cosine.", keeps(first));
constinit const OpDef atanh_op = pointwise<1>("atanh", "Inverse hyperbolic tangent.", keeps(first));
constinit const OpDef expm1_op = pointwise<2>("expm1", "exp(x) - 1.", keeps(result));
constinit const OpDef log10_op = pointwise<1>("log10", "Logarithm to base 10.", keeps(first));
constinit const OpDef trunc_op = pointwise<1>("trunc", "Rounds towards zero.", keeps_nothing);
constinit const OpDef erfc_op = pointwise<2>("erfc", "1 - erf(x).", keeps(first));
constinit const OpDef log_sigmoid_op =
    pointwise<4>("log_sigmoid", "-log(1 + exp(-x)).", keeps(first));
constinit const OpDef selu_op = pointwise<5>(
    "selu", "s x x where positive, else s x a x (exp(x) - 1).", keeps(first_or_result));
constinit const OpDef celu_op = pointwise<5, SlopeAttrs>(
    "celu", "x where positive, else a x (exp(x / a) - 1).", keeps(first_or_result));
constinit const OpDef threshold_op =
    pointwise<1, ThresholdAttrs>("threshold", "x above the threshold, else a value.", keeps(first));
constinit const OpDef bitwise_not_op =
    pointwise<1>("bitwise_not", "All bits the other way.", keeps_nothing);
constinit const OpDef isfinite_op = predicate("isfinite", "Whether x is a finite number.");

constinit const OpDef add_op = pairwise("add", "a + b.", keeps_nothing, additions);
constinit const OpDef sub_op = pairwise("sub", "a - b.", keeps_nothing, additions);
constinit const OpDef mul_op = pairwise("mul", "a x b.", keeps_factors(), multiplications);
constinit const OpDef div_op = pairwise("div", "a / b.", keeps_factors().also(second), divisions);
constinit const OpDef pow_op =
    pairwise("pow", "a to the power b.", keeps(first | second).also_for_second(result));
constinit const OpDef remainder_op =
    pairwise("remainder", "Remainder of a / b.", multiples_of_second);
constinit const OpDef floor_divide_op =
    pairwise("floor_divide", "a / b rounded down.", keeps_nothing);
constinit const OpDef maximum_op = pairwise("maximum", "The larger one.", keeps(first | second));
constinit const OpDef minimum_op = pairwise("minimum", "The smaller one.", keeps(first | second));
constinit const OpDef atan2_op =
    pairwise("atan2", "Angle of the point (b, a).", keeps(first | second));
constinit const OpDef fmod_op =
    pairwise("fmod", "Remainder of a / b, with the sign of a.", multiples_of_second);
constinit const OpDef bitwise_and_op = pairwise("bitwise_and", "Bits set in both.", keeps_nothing);
constinit const OpDef bitwise_or_op = pairwise("bitwise_or", "Bits set in either.", keeps_nothing);
constinit const OpDef bitwise_xor_op =
    pairwise("bitwise_xor", "Bits set in one of both.", keeps_nothing);
constinit const OpDef eq_op = comparison("eq", "a == b.");
constinit const OpDef ne_op = comparison("ne", "a != b.");
constinit const OpDef lt_op = comparison("lt", "a < b.");
constinit const OpDef le_op = comparison("le", "a <= b.");
constinit const OpDef gt_op = comparison("gt", "a > b.");
constinit const OpDef ge_op = comparison("ge", "a >= b.");
constinit const OpDef logical_and_op = comparison("logical_and", "Both hold.");
constinit const OpDef logical_or_op = comparison("logical_or", "Either holds.");
constinit const OpDef logical_xor_op = comparison("logical_xor", "One of both holds.");
constinit const OpDef where_op = {.name = "where",
                                  .summary = "a where the condition holds, else b.",
                                  .formula = "1 per output element",
                                  .kind = OpKind::pointwise,
                                  .inputs = where_inputs,
                                  .constraints = broadcast_constraints,
                                  .attrs = AttrType::of<NoAttrs>(),
                                  .backward = keeps(first),
                                  .fusion = Fuse::follows,
                                  .memory = new_memory,
                                  .arithmetic = real_arithmetic,
                                  .infer = infer_where,
                                  .cost = per_output<1>};

constinit const OpDef softmax_op =
    softmax_like("softmax", "exp(x) divided by its sum along an axis.",
                 "5 per element: maximum, difference, exponential, sum, division", Fuse::absorbed);
constinit const OpDef log_softmax_op =
    softmax_like("log_softmax", "Logarithm of the softmax.",
                 "5 per element: maximum, difference, exponential, sum, difference", Fuse::alone);
constinit const OpDef dropout_op = identity("dropout", "Drops elements while training.");
constinit const OpDef dropout_training_op = {
    .name = "dropout_training",
    .summary = "Drops elements at random and scales the others. The second output is the mask.",
    .formula = "3 per element: a comparison of a random number, a product with the mask, a scale",
    .kind = OpKind::pointwise,
    .inputs = input_x,
    .constraints = no_constraints,
    .attrs = AttrType::of<DropoutAttrs>(),
    .backward = keeps_nothing.with(mask_of_each),
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_dropout_training,
    .cost = per_output<3>};
constinit const OpDef stochastic_depth_op =
    identity("stochastic_depth", "Drops samples while training.");
constinit const OpDef to_op = {.name = "to",
                               .summary = "Converts the element type.",
                               .formula = "1 per element",
                               .kind = OpKind::pointwise,
                               .inputs = input_x,
                               .constraints = no_constraints,
                               .attrs = AttrType::of<CastAttrs>(),
                               .backward = keeps_nothing,
                               .fusion = Fuse::follows,
                               .memory = new_memory,
                               .arithmetic = real_arithmetic,
                               .infer = infer_cast,
                               .cost = per_output<1>};

namespace {

constexpr const OpDef* ops[] = {&relu_op,
                                &relu6_op,
                                &leaky_relu_op,
                                &prelu_op,
                                &elu_op,
                                &hardswish_op,
                                &hardsigmoid_op,
                                &hardtanh_op,
                                &sigmoid_op,
                                &silu_op,
                                &gelu_op,
                                &mish_op,
                                &softplus_op,
                                &softsign_op,
                                &tanh_op,
                                &exp_op,
                                &log_op,
                                &log2_op,
                                &log1p_op,
                                &sqrt_op,
                                &rsqrt_op,
                                &reciprocal_op,
                                &sin_op,
                                &cos_op,
                                &tan_op,
                                &asin_op,
                                &acos_op,
                                &atan_op,
                                &sinh_op,
                                &cosh_op,
                                &erf_op,
                                &abs_op,
                                &neg_op,
                                &sign_op,
                                &floor_op,
                                &ceil_op,
                                &round_op,
                                &clamp_op,
                                &logical_not_op,
                                &isnan_op,
                                &isinf_op,
                                &asinh_op,
                                &acosh_op,
                                &atanh_op,
                                &expm1_op,
                                &log10_op,
                                &trunc_op,
                                &erfc_op,
                                &log_sigmoid_op,
                                &selu_op,
                                &celu_op,
                                &threshold_op,
                                &bitwise_not_op,
                                &isfinite_op,
                                &fmod_op,
                                &add_op,
                                &sub_op,
                                &mul_op,
                                &div_op,
                                &pow_op,
                                &remainder_op,
                                &floor_divide_op,
                                &maximum_op,
                                &minimum_op,
                                &atan2_op,
                                &bitwise_and_op,
                                &bitwise_or_op,
                                &bitwise_xor_op,
                                &eq_op,
                                &ne_op,
                                &lt_op,
                                &le_op,
                                &gt_op,
                                &ge_op,
                                &logical_and_op,
                                &logical_or_op,
                                &logical_xor_op,
                                &where_op,
                                &softmax_op,
                                &log_softmax_op,
                                &dropout_op,
                                &dropout_training_op,
                                &stochastic_depth_op,
                                &to_op};

Tensor in_place(Tensor result, bool inplace) {
  if (inplace) result.graph->mark_in_place(result.id);
  return result;
}

}  // namespace

extern constinit const OpGroup elementwise_ops = {
    "elementwise", "One result per element, with broadcasting.", ops};

Tensor unary(const OpDef& op, Tensor x, bool inplace) {
  return in_place(apply(op, NoAttrs{}, x), inplace);
}

Tensor binary(const OpDef& op, Tensor a, Tensor b, bool inplace) {
  return in_place(apply(op, ScalarAttrs{}, a, b), inplace);
}

Tensor binary(const OpDef& op, Tensor a, double b, bool inplace) {
  return in_place(apply(op, ScalarAttrs{b}, a), inplace);
}

Tensor clamp(Tensor x, double min, double max) { return apply(clamp_op, ClampAttrs{min, max}, x); }

Tensor leaky_relu(Tensor x, double negative_slope, bool inplace) {
  return in_place(apply(leaky_relu_op, SlopeAttrs{negative_slope}, x), inplace);
}

Tensor gelu(Tensor x, bool tanh_approximation) {
  return apply(gelu_op, GeluAttrs{tanh_approximation}, x);
}

Tensor prelu(Tensor x, Tensor slope) { return apply(prelu_op, NoAttrs{}, x, slope); }

Tensor softmax(Tensor x, std::int64_t dim) { return apply(softmax_op, AxisAttrs{dim}, x); }

Tensor log_softmax(Tensor x, std::int64_t dim) { return apply(log_softmax_op, AxisAttrs{dim}, x); }

Tensor where(Tensor condition, Tensor a, Tensor b) {
  return apply(where_op, NoAttrs{}, condition, a, b);
}

Tensor dropout(Tensor x) { return unary(dropout_op, x); }

Tensor dropout_training(Tensor x, double probability) {
  return apply(dropout_training_op, DropoutAttrs{probability}, x);
}

Tensor stochastic_depth(Tensor x) { return unary(stochastic_depth_op, x); }

Tensor to(Tensor x, DType dtype) { return apply(to_op, CastAttrs{dtype}, x); }

}  // namespace zoometer
