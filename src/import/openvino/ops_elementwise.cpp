// Layers that compute each element by itself, or along axes, and quantisation.
#include <algorithm>
#include <cmath>

#include "import/openvino/call.hpp"
#include "op/quantize.hpp"
#include "op/special.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// -- numbers that are known -------------------------------------------------------------------

using Folded = double (*)(double, double);

/// What a folded layer computes; null for those that only data has. Integers divide as in C++.
Folded folded(const OpDef* op, bool is_integer) {
  if (op == &add_op) return [](double a, double b) { return a + b; };
  if (op == &sub_op) return [](double a, double b) { return a - b; };
  if (op == &mul_op) return [](double a, double b) { return a * b; };
  if (op == &pow_op) return [](double a, double b) { return std::pow(a, b); };
  if (op == &maximum_op) return [](double a, double b) { return std::max(a, b); };
  if (op == &minimum_op) return [](double a, double b) { return std::min(a, b); };
  if (op == &div_op && is_integer)
    return [](double a, double b) { return b == 0 ? 0 : std::trunc(a / b); };
  if (op == &div_op) return [](double a, double b) { return a / b; };
  if (op == &fmod_op) return [](double a, double b) { return b == 0 ? 0 : std::fmod(a, b); };
  if (op == &remainder_op)
    return [](double a, double b) { return b == 0 ? 0 : a - b * std::floor(a / b); };
  if (op == &eq_op) return [](double a, double b) { return double(a == b); };
  if (op == &ne_op) return [](double a, double b) { return double(a != b); };
  if (op == &lt_op) return [](double a, double b) { return double(a < b); };
  if (op == &le_op) return [](double a, double b) { return double(a <= b); };
  if (op == &gt_op) return [](double a, double b) { return double(a > b); };
  if (op == &ge_op) return [](double a, double b) { return double(a >= b); };
  if (op == &logical_and_op) return [](double a, double b) { return double(a != 0 && b != 0); };
  if (op == &logical_or_op) return [](double a, double b) { return double(a != 0 || b != 0); };
  return nullptr;
}

/// Whether real numbers are computed of constants only: these are learnt.
bool is_learnt(const OpenvinoCall& call, std::size_t index) {
  return is_floating(call.dtype(index)) && call.is_constant(index);
}

bool fold_binary(OpenvinoCall& call) {
  const Folded compute = folded(call.row().op, !is_floating(call.dtype(0)));
  const bool has_computed = call.value(0).known != nullptr || call.value(1).known != nullptr;
  if (compute == nullptr || (is_learnt(call, 0) && is_learnt(call, 1))) return false;
  if (!has_computed && (is_learnt(call, 0) || is_learnt(call, 1))) return false;
  const OpenvinoKnown* a = call.known(0);
  const OpenvinoKnown* b = a == nullptr ? nullptr : call.known(1);
  if (b == nullptr || a->elements.empty() || b->elements.empty()) return false;
  const std::size_t count = std::max(a->elements.size(), b->elements.size());
  const auto fits = [&](const OpenvinoKnown& each) {
    return each.elements.size() == count || each.elements.size() == 1;
  };
  if (!fits(*a) || !fits(*b)) return false;
  const bool has_shape_of_a = a->elements.size() == count &&
                              (b->elements.size() != count || a->shape.rank() >= b->shape.rank());
  OpenvinoKnown result{has_shape_of_a ? a->shape : b->shape, a->dtype, {}};
  for (std::size_t i = 0; i < count; ++i) {
    result.elements.push_back(compute(a->elements[a->elements.size() == 1 ? 0 : i],
                                      b->elements[b->elements.size() == 1 ? 0 : i]));
  }
  return call.out_known(std::move(result));
}

/// The same for one operand that is no learnt constant.
bool fold_unary(OpenvinoCall& call, double (*compute)(double)) {
  if (is_learnt(call, 0)) return false;
  const OpenvinoKnown* known = call.known(0);
  if (known == nullptr) return false;
  OpenvinoKnown result{known->shape, known->dtype, {}};
  for (const double element : known->elements) result.elements.push_back(compute(element));
  return call.out_known(std::move(result));
}

// -- integers that stand for real numbers -------------------------------------------------------

/// Whether numbers of the type stand for real ones: biases are constants of 32 bits.
bool is_quantised(DType dtype, bool is_stored) {
  const std::int64_t bits = bits_of(dtype);
  if (dtype == DType::boolean || bits == 0) return false;
  return bits <= 8 || (is_stored && !is_floating(dtype) && bits <= 32);
}

bool emit_convert(OpenvinoCall& call) {
  const DType from = call.dtype(0);
  const DType to_type = call.output().dtype;
  const bool is_stored = call.source(0).type == "Const";
  if (is_quantised(from, is_stored) && is_floating(to_type)) {
    OpenvinoValue value;
    value.known = call.known(0);
    value.integers = call.in(0, is_stored).id;
    value.dtype = to_type;
    return call.out(value, 0);
  }
  const bool is_at_load = is_stored && is_floating(from) && is_floating(to_type);
  if (from == to_type || is_at_load || call.layer().decompresses) {
    if (const OpenvinoKnown* known = is_learnt(call, 0) ? nullptr : call.known(0))
      return call.out_known(*known);
    return call.out(call.in(0));
  }
  if (fold_unary(
          call, is_floating(to_type) ? [](double x) { return x; }
                                     : [](double x) { return std::trunc(x); }))
    return true;
  return call.out(to(call.in(0), to_type));
}

bool is_pending(const OpenvinoValue& value) { return value.integers != no_id && value.id == no_id; }

/// Whether an operand has no more elements than the integers, which it broadcasts to.
bool is_beside(Graph& graph, const Shape& operand, ValueId integers) {
  Shape both;
  return broadcast(operand, graph.shape(integers), both) && both == graph.shape(integers);
}

/// The zero point of integers that are made real.
bool subtract_zero_point(OpenvinoCall& call) {
  const OpenvinoValue value = call.value(0);
  if (!is_pending(value) || value.zero_point != no_id) return false;
  const OpenvinoValue& other = call.value(1);
  if (!call.is_constant(1) || !is_beside(call.graph(), call.shape(1), value.integers)) return false;
  OpenvinoValue result = value;
  result.zero_point = is_pending(other) ? other.integers : call.in(1).id;
  call.reader().mark_quantisation({&call.graph(), result.zero_point});
  return call.out(result, 0);
}

/// The scale of integers that are made real: all of it is one operator, as ONNX's
/// DequantizeLinear.
bool multiply_scale(OpenvinoCall& call) {
  for (const std::size_t at : {0U, 1U}) {
    const OpenvinoValue value = call.value(at);
    if (!is_pending(value) || !is_beside(call.graph(), call.shape(1 - at), value.integers))
      continue;
    const Tensor scale = call.in(1 - at);
    call.reader().mark_quantisation(scale);
    Graph& graph = call.graph();
    const ValueId inputs[] = {value.integers, scale.id, value.zero_point};
    const OutputType type{graph.shape(value.integers), value.dtype,
                          graph.value(value.integers).has(Value::bounded)};
    const NodeId node = graph.append_declared(dequantize_op, nullptr, inputs, std::span(&type, 1));
    return call.out({&graph, graph.nodes()[node].first_output});
  }
  return false;
}

bool emit_binary(OpenvinoCall& call) {
  if (call.row().op == &sub_op && subtract_zero_point(call)) return true;
  if (call.row().op == &mul_op && multiply_scale(call)) return true;
  if (fold_binary(call)) return true;
  return call.out(binary(*call.row().op, call.in(0), call.in(1)));
}

/// Rounded to one of so many levels and back. The bounds may be one for each channel.
bool emit_fake_quantize(OpenvinoCall& call) {
  const std::int64_t levels = call.option("levels", 256);
  call.require(levels >= 2, "at least 2 levels");
  const Tensor x = call.in(0);
  const Tensor high = call.in(2);
  for (std::size_t i = 1; i < 5; ++i) call.reader().mark_quantisation(call.in(i));
  call.reader().note_rounded_products();
  const RoundedType type{levels <= 256 ? (levels <= 16 ? "uint4" : "uint8") : "", log2_ceil(levels),
                         0, levels - 1};
  return call.out(fake_quantize(x, high, {&call.graph(), no_id}, type));
}

/// Rounded to a type of 8 bits and back, with a scale and a shift.
bool emit_fake_convert(OpenvinoCall& call) {
  call.text("destination_type");
  const Tensor x = call.in(0);
  const Tensor scale = call.in(1);
  call.reader().mark_quantisation(scale);
  const Tensor shift = call.optional_in(2);
  if (shift) call.reader().mark_quantisation(shift);
  return call.out_stand_in(fake_quantize(x, scale, shift, {"", 8}));
}

// -- one operand ------------------------------------------------------------------------------

bool emit_unary(OpenvinoCall& call) { return call.out(unary(*call.row().op, call.in(0))); }

bool emit_rounding(OpenvinoCall& call) {
  const OpDef* op = call.row().op;
  const auto compute = op == &floor_op  ? +[](double x) { return std::floor(x); }
                       : op == &ceil_op ? +[](double x) { return std::ceil(x); }
                                        : +[](double x) { return std::nearbyint(x); };
  return fold_unary(call, compute) || emit_unary(call);
}

bool emit_negative(OpenvinoCall& call) {
  return fold_unary(call, [](double x) { return -x; }) || emit_unary(call);
}

bool emit_not(OpenvinoCall& call) {
  return fold_unary(call, [](double x) { return double(x == 0); }) || emit_unary(call);
}

bool emit_identity(OpenvinoCall& call) {
  if (const OpenvinoKnown* known = call.value(0).known) return call.out_known(*known);
  return call.out(call.in(0));
}

bool emit_clamp(OpenvinoCall& call) {
  return call.out(clamp(call.in(0), call.real("min", 0), call.real("max", 0)));
}

bool emit_elu(OpenvinoCall& call) {
  return call.out(apply(elu_op, SlopeAttrs{call.real("alpha", 1)}, call.in(0)));
}

bool emit_gelu(OpenvinoCall& call) {
  const std::string_view mode = call.text("approximation_mode", "ERF");
  return call.out(gelu(call.in(0), mode == "TANH" || mode == "tanh"));
}

bool emit_hard_sigmoid(OpenvinoCall& call) {
  const OpenvinoKnown* alpha = call.known(1);
  const OpenvinoKnown* beta = call.known(2);
  const auto first = [](const OpenvinoKnown* known, double otherwise) {
    return known == nullptr || known->elements.empty() ? otherwise : known->elements[0];
  };
  return call.out(clamp(call.in(0) * first(alpha, 0.2) + first(beta, 0.5), 0, 1));
}

bool emit_swish(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  const OpenvinoKnown* beta = call.known(1);
  const bool is_plain =
      !call.has(1) || (beta != nullptr && beta->elements.size() == 1 && beta->elements[0] == 1);
  if (is_plain) return call.out(unary(silu_op, x));
  return call.out(x * unary(sigmoid_op, x * call.in(1)));
}

bool emit_prelu(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  Tensor slope = call.in(1);
  if (slope.rank() != 1) slope = reshape(slope, {-1});
  return call.out(prelu(x, slope));
}

bool emit_softmax(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  const std::int64_t axis = call.axis(call.option("axis", 1), x.rank());
  return call.out(call.row().op == &softmax_op ? softmax(x, axis) : log_softmax(x, axis));
}

// -- several operands -------------------------------------------------------------------------

bool emit_squared_difference(OpenvinoCall& call) {
  const Tensor difference = call.in(0) - call.in(1);
  return call.out(difference * difference);
}

bool emit_select(OpenvinoCall& call) {
  const OpenvinoKnown* condition = call.known(0);
  const OpenvinoKnown* a = call.known(1);
  const OpenvinoKnown* b = call.known(2);
  if (condition != nullptr && condition->elements.size() == 1 && a != nullptr && b != nullptr &&
      a->shape == b->shape) {
    return call.out_known(condition->elements[0] != 0 ? *a : *b);
  }
  return call.out(where(call.in(0), call.in(1), call.in(2)));
}

bool emit_convert_like(OpenvinoCall& call) {
  call.in(1);
  return call.out(call.dtype(0) == call.output().dtype ? call.in(0)
                                                       : to(call.in(0), call.output().dtype));
}

bool emit_promote(OpenvinoCall& call) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor x = call.in(i);
    call.out(x.dtype() == call.output(i).dtype ? x : to(x, call.output(i).dtype), i);
  }
  return true;
}

/// A shift is a product or a quotient by a power of two.
bool emit_shift(OpenvinoCall& call) {
  return call.out_stand_in(binary(*call.row().op, call.in(0), call.in(1)));
}

// -- along axes -------------------------------------------------------------------------------

/// The axes that turn the operand into the stated sizes, where their constant is not there.
std::optional<Ints> axes_between(OpenvinoCall& call, bool keeps) {
  constexpr std::int64_t most_rank = 8;
  const Shape x = call.in(0).shape();
  const std::optional<Shape> result = call.stated();
  if (x.rank() > most_rank || !result) return std::nullopt;
  for (unsigned chosen = 0; chosen < 1U << x.size(); ++chosen) {
    Shape left;
    Ints axes;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool is_reduced = (chosen >> i & 1U) != 0;
      if (is_reduced) axes.push_back(static_cast<std::int64_t>(i));
      if (!is_reduced || keeps) left.push_back(is_reduced ? 1 : x[i]);
    }
    if (left == *result) return axes;
  }
  return std::nullopt;
}

std::optional<Ints> reduced_axes(OpenvinoCall& call, std::int64_t rank, bool keeps) {
  const std::optional<Ints> axes = call.axes(1, rank);
  return axes ? axes : axes_between(call, keeps);
}

/// Sizes that are reduced: their product, sum or extreme is known.
bool fold_reduction(OpenvinoCall& call, bool keeps) {
  const OpenvinoKnown* known = call.value(0).known;
  const OpDef* op = call.row().op;
  if (known == nullptr || known->shape.rank() != 1 || known->elements.empty()) return false;
  const Folded compute = op == &prod_op   ? folded(&mul_op, false)
                         : op == &sum_op  ? folded(&add_op, false)
                         : op == &amax_op ? folded(&maximum_op, false)
                         : op == &amin_op ? folded(&minimum_op, false)
                                          : nullptr;
  if (compute == nullptr) return false;
  double result = known->elements[0];
  for (std::size_t i = 1; i < known->elements.size(); ++i)
    result = compute(result, known->elements[i]);
  call.known(0);
  return call.out_known({keeps ? Shape{1} : Shape{}, known->dtype, {result}});
}

bool emit_reduce(OpenvinoCall& call) {
  const bool keeps = call.flag("keep_dims", false);
  if (fold_reduction(call, keeps)) return true;
  const Tensor x = call.in(0);
  const std::optional<Ints> axes = reduced_axes(call, x.rank(), keeps);
  if (!axes) return false;
  if (axes->empty()) return call.out(clone(x));  // nothing is reduced
  const bool is_absolute = call.type() == "ReduceL1";
  return call.out(reduce(*call.row().op, is_absolute ? unary(abs_op, x) : x, *axes, keeps));
}

bool emit_cumsum(OpenvinoCall& call) {
  // No cost depends on the axis.
  const std::int64_t axis = call.integer(1).value_or(-1);
  return call.out(cumsum(call.in(0), axis));
}

/// (x - mean) over the root of the variance.
bool emit_mvn(OpenvinoCall& call) {
  const bool across = call.flag("across_channels", false);
  const double eps = call.real("eps", 1e-9);
  const bool divides = call.flag("normalize_variance", true);
  const Tensor x = call.in(0);
  Ints axes;
  if (call.has(1)) {
    const std::optional<Ints> listed = call.axes(1, x.rank());
    // The file of constants may be missing: layers are normalised over their last axes.
    const std::int64_t count = std::min(numel(call.shape(1)), x.rank());
    if (listed) axes = *listed;
    for (std::int64_t i = x.rank() - count; !listed && i < x.rank(); ++i) axes.push_back(i);
  } else {
    for (const std::int64_t each : call.list("reduction_axes"))
      axes.push_back(call.axis(each, x.rank()));
    const bool is_listed = !axes.empty();
    for (std::int64_t i = across ? 1 : 2; !is_listed && i < x.rank(); ++i) axes.push_back(i);
  }
  call.require(!axes.empty(), "axes");
  const Tensor centred = x - mean(x, axes, true);
  if (!divides) return call.out(centred);
  const Tensor variance = mean(centred * centred, axes, true);
  return call.out(centred / (unary(sqrt_op, variance) + eps));
}

/// x over the root of the sum of its squares along axes, which are the channels where none are
/// given.
bool emit_normalize(OpenvinoCall& call) {
  const double added = call.real(call.has(1) ? "eps" : "bias", 0);
  const Tensor x = call.in(0);
  const std::optional<Ints> axes = call.has(1) ? call.axes(1, x.rank()) : Ints{1};
  if (!axes) return false;
  if (axes->empty()) return call.out(x / unary(sqrt_op, x * x + added));
  return call.out(x / unary(sqrt_op, sum(x * x, *axes, true) + added));
}

bool emit_lrn(OpenvinoCall& call) {
  LocalResponseNormAttrs attrs;
  attrs.size = call.option("size", 5);
  attrs.alpha = call.real("alpha", 1e-4);
  attrs.beta = call.real("beta", 0.75);
  attrs.k = call.real("bias", 1);
  call.require(attrs.size >= 1, "a size of at least 1");
  const Tensor x = call.in(0);
  const auto axes = call.integers(1);
  const bool is_across_channels = !axes || (axes->size() == 1 && (*axes)[0] == 1);
  const Tensor result = local_response_norm(x, attrs);
  return is_across_channels ? call.out(result) : call.out_stand_in(result);
}

/// Operands of the first version: gamma, beta, x, mean, variance; later x is the first.
bool emit_batch_norm(OpenvinoCall& call) {
  const double eps = call.real(call.has_option("epsilon") ? "epsilon" : "eps", 1e-5);
  const bool is_first = call.shape(0).rank() > 1;
  const Tensor x = call.in(is_first ? 0 : 2);
  const Tensor gamma = call.in(is_first ? 1 : 0);
  const Tensor beta = call.in(is_first ? 2 : 1);
  return call.out(batch_norm(x, gamma, beta, call.in(3), call.in(4), {eps}));
}

bool emit_group_norm(OpenvinoCall& call) {
  const GroupNormAttrs attrs{call.option("num_groups", 1), call.real("epsilon", 1e-5)};
  const Tensor x = call.in(0);
  const Tensor scale = call.in(1);
  return call.out(group_norm(x, scale, call.in(2), attrs));
}

constexpr std::string_view broadcasts = "auto_broadcast";

constexpr OpenvinoOperator elementwise_rows[] = {
    {"Abs", emit_unary, {}, &abs_op},
    {"Acos", emit_unary, {}, &acos_op},
    {"Acosh", emit_unary, {}, &acosh_op},
    {"Add", emit_binary, broadcasts, &add_op},
    {"Asin", emit_unary, {}, &asin_op},
    {"Asinh", emit_unary, {}, &asinh_op},
    {"Atan", emit_unary, {}, &atan_op},
    {"Atanh", emit_unary, {}, &atanh_op},
    {"BatchNormInference", emit_batch_norm},
    {"BitwiseAnd", emit_binary, broadcasts, &bitwise_and_op},
    {"BitwiseLeftShift", emit_shift, broadcasts, &mul_op},
    {"BitwiseNot", emit_unary, {}, &bitwise_not_op},
    {"BitwiseOr", emit_binary, broadcasts, &bitwise_or_op},
    {"BitwiseRightShift", emit_shift, broadcasts, &floor_divide_op},
    {"BitwiseXor", emit_binary, broadcasts, &bitwise_xor_op},
    {"Ceiling", emit_rounding, {}, &ceil_op},
    {"Clamp", emit_clamp},
    {"Convert", emit_convert, "destination_type"},
    {"ConvertLike", emit_convert_like},
    {"ConvertPromoteTypes", emit_promote,
     "promote_unsafe pytorch_scalar_promotion "
     "u64_integer_promotion_target"},
    {"Cos", emit_unary, {}, &cos_op},
    {"Cosh", emit_unary, {}, &cosh_op},
    {"CumSum", emit_cumsum, "exclusive reverse"},
    {"Divide", emit_binary, "auto_broadcast m_pythondiv", &div_op},
    {"Elu", emit_elu},
    {"Equal", emit_binary, broadcasts, &eq_op},
    {"Erf", emit_unary, {}, &erf_op},
    {"ErfInv", emit_unary, {}, &erfinv_op},
    {"Exp", emit_unary, {}, &exp_op},
    {"FakeConvert", emit_fake_convert},
    {"FakeQuantize", emit_fake_quantize, broadcasts},
    {"Floor", emit_rounding, {}, &floor_op},
    {"FloorMod", emit_binary, broadcasts, &remainder_op},
    {"GRN", emit_normalize},
    {"Gelu", emit_gelu},
    {"Greater", emit_binary, broadcasts, &gt_op},
    {"GreaterEqual", emit_binary, broadcasts, &ge_op},
    {"GroupNormalization", emit_group_norm},
    {"HSigmoid", emit_unary, {}, &hardsigmoid_op},
    {"HSwish", emit_unary, {}, &hardswish_op},
    {"HardSigmoid", emit_hard_sigmoid},
    {"Identity", emit_identity},
    {"IsFinite", emit_unary, {}, &isfinite_op},
    {"IsInf", emit_unary, "detect_negative detect_positive", &isinf_op},
    {"IsNaN", emit_unary, {}, &isnan_op},
    {"LRN", emit_lrn},
    {"Less", emit_binary, broadcasts, &lt_op},
    {"LessEqual", emit_binary, broadcasts, &le_op},
    {"Log", emit_unary, {}, &log_op},
    {"LogSoftmax", emit_softmax, {}, &log_softmax_op},
    {"LogicalAnd", emit_binary, broadcasts, &logical_and_op},
    {"LogicalNot", emit_not, {}, &logical_not_op},
    {"LogicalOr", emit_binary, broadcasts, &logical_or_op},
    {"LogicalXor", emit_binary, broadcasts, &logical_xor_op},
    {"MVN", emit_mvn, "eps_mode"},
    {"Maximum", emit_binary, broadcasts, &maximum_op},
    {"Minimum", emit_binary, broadcasts, &minimum_op},
    {"Mish", emit_unary, {}, &mish_op},
    {"Mod", emit_binary, broadcasts, &fmod_op},
    {"Multiply", emit_binary, broadcasts, &mul_op},
    {"Negative", emit_negative, {}, &neg_op},
    {"NormalizeL2", emit_normalize, "eps_mode"},
    {"NotEqual", emit_binary, broadcasts, &ne_op},
    {"PReLU", emit_prelu},
    {"Power", emit_binary, broadcasts, &pow_op},
    {"ReLU", emit_unary, {}, &relu_op},
    {"ReduceL1", emit_reduce, {}, &sum_op},
    {"ReduceL2", emit_reduce, {}, &norm_op},
    {"ReduceLogicalAnd", emit_reduce, {}, &all_op},
    {"ReduceLogicalOr", emit_reduce, {}, &any_op},
    {"ReduceMax", emit_reduce, {}, &amax_op},
    {"ReduceMean", emit_reduce, {}, &mean_op},
    {"ReduceMin", emit_reduce, {}, &amin_op},
    {"ReduceProd", emit_reduce, {}, &prod_op},
    {"ReduceSum", emit_reduce, {}, &sum_op},
    {"Round", emit_rounding, "mode", &round_op},
    {"Select", emit_select, broadcasts},
    {"Selu", emit_unary, {}, &selu_op},
    {"Sigmoid", emit_unary, {}, &sigmoid_op},
    {"Sign", emit_unary, {}, &sign_op},
    {"Sin", emit_unary, {}, &sin_op},
    {"Sinh", emit_unary, {}, &sinh_op},
    {"SoftMax", emit_softmax, {}, &softmax_op},
    {"SoftPlus", emit_unary, {}, &softplus_op},
    {"SoftSign", emit_unary, {}, &softsign_op},
    {"Softmax", emit_softmax, {}, &softmax_op},
    {"Sqrt", emit_unary, {}, &sqrt_op},
    {"SquaredDifference", emit_squared_difference, broadcasts},
    {"Subtract", emit_binary, broadcasts, &sub_op},
    {"Swish", emit_swish},
    {"Tan", emit_unary, {}, &tan_op},
    {"Tanh", emit_unary, {}, &tanh_op},
};

}  // namespace

extern constinit const OpenvinoOperators openvino_elementwise_operators = {elementwise_rows};

}  // namespace zoometer
