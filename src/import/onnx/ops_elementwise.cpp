// Operators of one result per element, with broadcasting.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "import/onnx/fold.hpp"
#include "import/onnx/ranges.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

template <const OpDef& Op>
OnnxOutcome emit_unary(OnnxContext& context) {
  return context.out(unary(Op, context.in(0)));
}

/// Before version 7: the axis of the first input where the dimensions of the second begin.
std::optional<std::int64_t> axis_of_second(const OnnxContext& context) {
  if (context.opset() >= 7) return std::nullopt;
  const OnnxAttribute* axis = context.attribute("axis");
  const bool broadcasts = context.integer("broadcast", 0) != 0;
  if (axis == nullptr || !broadcasts) return std::nullopt;
  return axis->integer;
}

Tensor aligned_second(OnnxContext& context, std::int64_t axis) {
  const Tensor second = context.in(1);
  const std::int64_t start = context.axis(axis, context.rank(0));
  Shape shape = second.shape();
  context.require(start + shape.rank() <= context.rank(0), "an axis that leaves room for input 1");
  while (start + shape.rank() < context.rank(0)) shape.push_back(1);
  return shape == second.shape() ? second : reshape(second, shape);
}

/// Whether an input of an addition is the bias of a linear layer with one output: a vector of one
/// element beside a product with one column.
bool is_single_bias(OnnxContext& context, std::size_t index) {
  const OnnxValue& product = context.value(1 - index);
  if (context.value(index).id != no_id || product.id == no_id) return false;
  if (context.shape(index) != Shape{1} || context.rank(1 - index) == 0) return false;
  const Value& made = context.graph().value(product.id);
  if (!made.is_computed()) return false;
  return context.graph().nodes()[made.producer].op->kind == OpKind::product &&
         context.shape(1 - index).dim(-1) == 1;
}

template <const OpDef& Op>
OnnxOutcome emit_binary(OnnxContext& context) {
  const std::optional<std::int64_t> axis = axis_of_second(context);
  if constexpr (&Op == &add_op) {
    for (const std::size_t bias : {0U, 1U}) {
      if (!is_single_bias(context, bias)) continue;
      return context.out(binary(Op, context.in(1 - bias), context.in(bias, OnnxRole::weight)));
    }
  }
  const std::optional<double> number = context.constant_number(1);
  if (number && context.rank(1) <= context.rank(0)) {
    return context.out(binary(Op, context.in(0), *number));
  }
  const Tensor first = context.in(0);
  return context.out(binary(Op, first, axis ? aligned_second(context, *axis) : context.in(1)));
}

/// The power has the type of the base.
OnnxOutcome emit_pow(OnnxContext& context) {
  emit_binary<pow_op>(context);
  if (!context.outputs().empty())
    context.graph().set_dtype(context.outputs()[0].id, context.dtype(0));
  return OnnxOutcome::done;
}

/// Max, Min, Sum: any number of inputs.
template <const OpDef& Op>
OnnxOutcome emit_variadic(OnnxContext& context) {
  if (context.input_count() == 1) return context.out_value(0, context.value(0));
  Tensor result = context.in(0);
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    result = binary(Op, result, context.in(i));
  }
  return context.out(result);
}

OnnxOutcome emit_mean(OnnxContext& context) {
  Tensor sum = context.in(0);
  for (std::size_t i = 1; i < context.input_count(); ++i) sum = sum + context.in(i);
  return context.out(sum / static_cast<double>(context.input_count()));
}

OnnxOutcome emit_mod(OnnxContext& context) {
  if (context.integer("fmod", 0) != 0) return emit_binary<fmod_op>(context);
  return emit_binary<remainder_op>(context);
}

OnnxOutcome emit_shift(OnnxContext& context) {
  // A shift is a product or a quotient by a power of two.
  if (context.text("direction", "") == "RIGHT") return emit_binary<floor_divide_op>(context);
  return emit_binary<mul_op>(context);
}

OnnxOutcome emit_cast(OnnxContext& context) {
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
  return context.out(to(context.in(0), dtype));
}

OnnxOutcome emit_bitcast(OnnxContext& context) {
  const Tensor x = context.in(0);
  const DType dtype = onnx_dtype(context.integer("to", 0));
  context.require(bits_of(dtype) == bits_of(x.dtype()), "a type of as many bits");
  return context.out(apply(bitcast_op, CastAttrs{dtype}, x));
}

OnnxOutcome emit_swiglu(OnnxContext& context) {
  const Tensor gate = context.in(0);
  const double alpha = context.real("alpha", 1);
  const Tensor factor = alpha == 1 ? unary(silu_op, gate) : gate * unary(sigmoid_op, gate * alpha);
  return context.out(factor * context.in(1));
}

OnnxOutcome emit_cast_like(OnnxContext& context) {
  return context.out(to(context.in(0), context.dtype(1)));
}

OnnxOutcome emit_clip(OnnxContext& context) {
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
  return context.out(result);
}

OnnxOutcome emit_leaky_relu(OnnxContext& context) {
  return context.out(leaky_relu(context.in(0), context.real("alpha", 0.01)));
}

OnnxOutcome emit_prelu(OnnxContext& context) {
  return context.out(prelu(context.in(0), context.in(1)));
}

OnnxOutcome emit_elu(OnnxContext& context) {
  return context.out(apply(elu_op, SlopeAttrs{context.real("alpha", 1.0)}, context.in(0)));
}

OnnxOutcome emit_celu(OnnxContext& context) {
  return context.out(apply(celu_op, SlopeAttrs{context.real("alpha", 1.0)}, context.in(0)));
}

OnnxOutcome emit_thresholded_relu(OnnxContext& context) {
  return context.out(
      apply(threshold_op, ThresholdAttrs{context.real("alpha", 1.0), 0}, context.in(0)));
}

/// x + bias below -lambd, x - bias above lambd, else 0.
OnnxOutcome emit_shrink(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.out(shrink(x, context.real("lambd", 0.5), context.real("bias", 0)));
}

OnnxOutcome emit_hard_sigmoid(OnnxContext& context) {
  const double alpha = context.real("alpha", 0.2);
  const double beta = context.real("beta", 0.5);
  const Tensor x = context.in(0);
  if (std::abs(alpha - 1.0 / 6) < 1e-4 && beta == 0.5) return context.out(unary(hardsigmoid_op, x));
  return context.out(clamp(x * alpha + beta, 0, 1));
}

OnnxOutcome emit_gelu(OnnxContext& context) {
  return context.out(gelu(context.in(0), context.text("approximate", "none") == "tanh"));
}

OnnxOutcome emit_swish(OnnxContext& context) {
  const double alpha = context.real("alpha", 1.0);
  const Tensor x = context.in(0);
  if (alpha == 1.0) return context.out(unary(silu_op, x));
  return context.out(x * unary(sigmoid_op, x * alpha));
}

/// Applies a function along one axis. Before version 13 the dimensions from the axis on were one.
template <class Function>
OnnxOutcome along_axis(OnnxContext& context, Function function) {
  const Tensor x = context.in(0);
  const std::int64_t rank = x.rank();
  const bool is_old = context.opset() < 13;
  const std::int64_t given = context.integer("axis", is_old ? 1 : -1);
  if (rank == 0) return context.out(function(x, 0));
  if (is_old && given == rank)  // one element each
    return context.out(squeeze(function(unsqueeze(x, rank), rank), rank));
  const std::int64_t axis = context.axis(given, rank);
  if (!is_old || axis == rank - 1) return context.out(function(x, axis));
  const Shape shape = x.shape();
  return context.out(reshape(function(flatten(x, axis, -1), axis), shape));
}

OnnxOutcome emit_softmax(OnnxContext& context) { return along_axis(context, softmax); }

OnnxOutcome emit_log_softmax(OnnxContext& context) { return along_axis(context, log_softmax); }

/// 1 at the largest element along an axis.
OnnxOutcome emit_hardmax(OnnxContext& context) {
  return along_axis(context, [](Tensor x, std::int64_t axis) {
    return to(binary(eq_op, x, reduce(amax_op, x, {axis}, true)), x.dtype());
  });
}

/// In training where input 2 says so, since version 12.
OnnxOutcome emit_dropout(OnnxContext& context) {
  const KnownTensor* training = context.has(2) ? context.known(2) : nullptr;
  if (training != nullptr && training->count() == 1 && training->real(0) != 0) {
    const KnownTensor* ratio = context.has(1) ? context.known(1) : nullptr;
    const bool is_number = ratio != nullptr && ratio->count() == 1;
    const Tensor result = dropout_training(context.in(0), is_number ? ratio->real(0) : 0.5);
    context.out(0, result);
    return context.out(1, sibling_output(result, 1));
  }
  context.out(0, dropout(context.in(0)));
  if (!context.wants(1)) return OnnxOutcome::done;
  const DType dtype = context.opset() >= 10 ? DType::boolean : context.dtype(0);
  return context.out(1, context.make_uniform(dtype, context.shape(0), 1));
}

OnnxOutcome emit_where(OnnxContext& context) {
  return context.out(where(context.in(0), context.in(1), context.in(2)));
}

OnnxOutcome emit_bernoulli(OnnxContext& context) {
  const Tensor x = context.in(0);
  const OnnxAttribute* dtype = context.attribute("dtype");
  const RandomAttrs attrs{x.shape(), x.dtype(), "uniform"};
  const Tensor random = context.append(random_op, attrs, {});
  return context.out(
      to(binary(lt_op, random, x), dtype != nullptr ? onnx_dtype(dtype->integer) : x.dtype()));
}

// -- folds --------------------------------------------------------------------------------------

template <class Function>
bool fold_pairs(OnnxContext& context, Function function, bool is_comparison) {
  const KnownTensor& a = fold_input(context, 0);
  const KnownTensor& b = fold_input(context, 1);
  Shape shape;
  if (a.is_real() != b.is_real() || !broadcast(a.shape, b.shape, shape)) return false;
  const std::optional<std::int64_t> axis = axis_of_second(context);
  if (axis && b.count() != 1 && *axis + b.shape.rank() != a.shape.rank()) return false;
  const bool uniform = a.uniform && b.uniform;
  if (!uniform && !is_small(shape)) return false;
  const std::size_t count = uniform ? 1 : static_cast<std::size_t>(numel(shape));
  FoldElements elements;
  bool good = true;
  for (std::size_t i = 0; i < count && good; ++i) {
    const std::size_t left = uniform ? 0 : broadcast_position(i, shape, a.shape);
    const std::size_t right = uniform ? 0 : broadcast_position(i, shape, b.shape);
    if (!a.is_real()) {
      elements.integers.push_back(function(a.integer(left), b.integer(right), good));
    } else if (is_comparison) {
      elements.integers.push_back(
          static_cast<std::int64_t>(function(a.real(left), b.real(right), good)));
    } else {
      elements.reals.push_back(rounded(function(a.real(left), b.real(right), good), a.dtype));
    }
  }
  return good &&
         finish_fold(context, is_comparison ? DType::boolean : a.dtype, shape, elements, uniform);
}

/// The sign of the dividend, as in C.
struct DividendRemainder {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    good = b != 0 && !(a == INT64_MIN && b == -1);
    return good ? a % b : 0;
  }
  double operator()(double a, double b, bool& good) const { return Remainder{}(a, b, good); }
};
struct Power {
  std::int64_t operator()(std::int64_t a, std::int64_t b, bool& good) const {
    const double result = std::pow(static_cast<double>(a), static_cast<double>(b));
    good = std::abs(result) < 0x1p53;
    return good ? static_cast<std::int64_t>(result) : 0;
  }
  double operator()(double a, double b, bool&) const { return std::pow(a, b); }
};

template <class Function>
bool fold_arithmetic(OnnxContext& context) {
  if (context.input_count() != 2) return false;
  return fold_pairs(context, Function{}, false);
}

bool fold_mod(OnnxContext& context) {
  if (context.integer("fmod", 0) != 0) return fold_arithmetic<DividendRemainder>(context);
  return fold_arithmetic<Remainder>(context);
}

template <class Compare>
bool fold_comparison(OnnxContext& context) {
  if (context.input_count() != 2) return false;
  return fold_pairs(
      context, [](auto a, auto b, bool&) { return static_cast<decltype(a)>(Compare{}(a, b)); },
      true);
}

/// The numbers that an element can be. A guess is a size, so at least 0.
OnnxRange range_of_element(const KnownTensor& tensor, std::size_t index) {
  const std::int64_t number = tensor.integer(index);
  if (tensor.other == nullptr) return {number, number};
  const std::int64_t other = tensor.other->integer(index);
  if (number == other) return {number, number};
  if (tensor.assumed) return {std::min<std::int64_t>({0, number, other}), INT64_MAX};
  return {std::min(number, other), std::max(number, other)};
}

/// Elements that are not exact differ from a number that they cannot be.
bool fold_equal_ranges(OnnxContext& context) {
  const KnownTensor& a = fold_input(context, 0);
  const KnownTensor& b = fold_input(context, 1);
  Shape shape;
  if (a.is_real() || b.is_real() || !broadcast(a.shape, b.shape, shape) || !is_small(shape))
    return false;
  FoldElements elements;
  for (std::size_t i = 0; i < static_cast<std::size_t>(numel(shape)); ++i) {
    const OnnxRange x = range_of_element(a, broadcast_position(i, shape, a.shape));
    const OnnxRange y = range_of_element(b, broadcast_position(i, shape, b.shape));
    const bool is_exact = x.least == x.most && y.least == y.most;
    if (!is_exact && x.least <= y.most && y.least <= x.most) return false;
    elements.integers.push_back(static_cast<std::int64_t>(is_exact && x.least == y.least));
  }
  return finish_fold(context, DType::boolean, shape, elements);
}

/// Min and Max take any number of inputs.
template <class Function>
bool fold_extreme(OnnxContext& context) {
  if (context.input_count() == 1) {
    context.out_value(0, context.value(0));
    return true;
  }
  return fold_arithmetic<Function>(context);
}

template <class Function>
bool fold_each(OnnxContext& context, Function function) {
  const KnownTensor& x = fold_input(context, 0);
  if (!x.uniform && !is_small(x.shape)) return false;
  const std::size_t count = x.uniform ? 1 : x.count();
  FoldElements elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (x.is_real()) {
      const double value = function(x.real(i));
      if (std::isnan(value)) return false;
      elements.reals.push_back(rounded(value, x.dtype));
    } else {
      if (x.integer(i) == INT64_MIN) return false;
      elements.integers.push_back(static_cast<std::int64_t>(function(x.integer(i))));
    }
  }
  return finish_fold(context, x.dtype, x.shape, elements, x.uniform);
}

bool fold_negative(OnnxContext& context) {
  return fold_each(context, [](auto v) { return -v; });
}
bool fold_absolute(OnnxContext& context) {
  return fold_each(context, [](auto v) { return v < 0 ? -v : v; });
}
bool fold_floor(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::floor(static_cast<double>(v)); });
}
bool fold_ceil(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::ceil(static_cast<double>(v)); });
}
bool fold_round(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::nearbyint(static_cast<double>(v)); });
}
bool fold_root(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::sqrt(static_cast<double>(v)); });
}
bool fold_log(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::log(static_cast<double>(v)); });
}
bool fold_exp(OnnxContext& context) {
  return fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return std::exp(static_cast<double>(v)); });
}
bool fold_reciprocal(OnnxContext& context) {
  return fold_input(context, 0).is_real() && fold_each(context, [](auto v) {
           return v == 0 ? std::nan("") : 1.0 / static_cast<double>(v);
         });
}
bool fold_not(OnnxContext& context) {
  return !fold_input(context, 0).is_real() &&
         fold_each(context, [](auto v) { return static_cast<decltype(v)>(v == 0); });
}

struct Both {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a != 0 && b != 0; }
  double operator()(double, double) const { return 0; }
};
struct Either {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a != 0 || b != 0; }
  double operator()(double, double) const { return 0; }
};
struct OnlyOne {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return (a != 0) != (b != 0); }
  double operator()(double, double) const { return 0; }
};

bool cast_to(OnnxContext& context, DType dtype) {
  const KnownTensor& x = fold_input(context, 0);
  if (dtype == DType::string || dtype == DType::unknown || x.dtype == DType::string) return false;
  if (!x.uniform && !is_small(x.shape)) return false;
  const std::size_t count = x.uniform ? 1 : x.count();
  FoldElements elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_floating(dtype)) {
      elements.reals.push_back(rounded(x.real(i), dtype));
    } else {
      elements.integers.push_back(
          dtype == DType::boolean ? static_cast<std::int64_t>(x.real(i) != 0) : x.integer(i));
    }
  }
  return finish_fold(context, dtype, x.shape, elements, x.uniform);
}

bool fold_cast(OnnxContext& context) {
  return cast_to(context, onnx_dtype(context.integer("to", 0)));
}

bool fold_cast_like(OnnxContext& context) { return cast_to(context, context.dtype(1)); }

bool fold_where(OnnxContext& context) {
  if (context.input_count() != 3) return false;
  const KnownTensor& condition = fold_input(context, 0);
  const KnownTensor& a = fold_input(context, 1);
  const KnownTensor& b = fold_input(context, 2);
  Shape pair;
  Shape shape;
  if (a.dtype != b.dtype || condition.is_real() || !broadcast(a.shape, b.shape, pair) ||
      !broadcast(condition.shape, pair, shape) || !is_small(shape)) {
    return false;
  }
  FoldElements elements;
  for (std::size_t i = 0; i < static_cast<std::size_t>(numel(shape)); ++i) {
    const bool holds = condition.integer(broadcast_position(i, shape, condition.shape)) != 0;
    const KnownTensor& source = holds ? a : b;
    elements.append(source, broadcast_position(i, shape, source.shape));
  }
  return finish_fold(context, a.dtype, shape, elements);
}

bool fold_clip(OnnxContext& context) {
  if (context.opset() < 11) return false;
  const KnownTensor& x = fold_input(context, 0);
  if (!is_small(x.shape)) return false;
  FoldElements elements;
  for (std::size_t i = 0; i < x.count(); ++i) {
    double value = x.real(i);
    if (context.has(1)) value = std::max(value, fold_input(context, 1).real(0));
    if (context.has(2)) value = std::min(value, fold_input(context, 2).real(0));
    if (x.is_real()) {
      elements.reals.push_back(value);
    } else {
      elements.integers.push_back(static_cast<std::int64_t>(std::clamp(value, -0x1p62, 0x1p62)));
    }
  }
  return finish_fold(context, x.dtype, x.shape, elements);
}

using enum Meaning;

constexpr NoEffect bernoulli_no_effect[] = {{"seed", "other numbers, as many of them"}};

constexpr NoEffect cast_no_effect[] = {
    {"saturate", "what becomes of numbers that do not fit"},
    {"round_mode", "how numbers are rounded"},
};

constexpr NoEffect dropout_no_effect[] = {
    {"ratio", "inference drops nothing"},
    {"input 1", "inference drops nothing"},
    {"seed", "inference drops nothing"},
    {"is_test", "read as inference in any case"},
};

constexpr NoEffect isinf_no_effect[] = {
    {"detect_negative", "which infinities are found"},
    {"detect_positive", "which infinities are found"},
};

constexpr NoEffect selu_no_effect[] = {
    {"alpha", "a constant of the formula"},
    {"gamma", "a constant of the formula"},
};

constexpr OnnxOperator elementwise_rows[] = {
    {"Abs", same_values, emit_unary<abs_op>, {.fold = fold_absolute, .fold_is_exact = {0}}},
    {"Acos", same_values, emit_unary<acos_op>},
    {"Acosh", same_values, emit_unary<acosh_op>},
    {"Add",
     same_values,
     emit_binary<add_op>,
     {.fold = fold_arithmetic<Plus>, .range = range_of_added}},
    {"And",
     same_values,
     emit_binary<logical_and_op>,
     {.fold = fold_comparison<Both>, .range = range_of_truth}},
    {"Asin", same_values, emit_unary<asin_op>},
    {"Asinh", same_values, emit_unary<asinh_op>},
    {"Atan", same_values, emit_unary<atan_op>},
    {"Atanh", same_values, emit_unary<atanh_op>},
    {"Bernoulli", same_values, emit_bernoulli, {.no_effect = bernoulli_no_effect}},
    {"BitCast", same_values, emit_bitcast},
    {"BitShift", same_cost, emit_shift},
    {"BitwiseAnd", same_values, emit_binary<bitwise_and_op>},
    {"BitwiseNot", same_values, emit_unary<bitwise_not_op>},
    {"BitwiseOr", same_values, emit_binary<bitwise_or_op>},
    {"BitwiseXor", same_values, emit_binary<bitwise_xor_op>},
    {"Cast",
     same_values,
     emit_cast,
     {.fold = fold_cast, .range = range_of_first, .no_effect = cast_no_effect}},
    {"CastLike",
     same_values,
     emit_cast_like,
     {.fold = fold_cast_like, .range = range_of_first, .no_effect = cast_no_effect}},
    {"Ceil", same_values, emit_unary<ceil_op>, {.fold = fold_ceil, .range = range_of_first}},
    {"Celu", same_values, emit_celu},
    {"Clip", same_values, emit_clip, {.fold = fold_clip, .range = range_of_clip}},
    {"Cos", same_values, emit_unary<cos_op>},
    {"Cosh", same_values, emit_unary<cosh_op>},
    {"Div",
     same_values,
     emit_binary<div_op>,
     {.fold = fold_arithmetic<Quotient>, .fold_is_exact = {1}}},
    {"Dropout", same_values, emit_dropout, {.no_effect = dropout_no_effect}},
    {"Elu", same_values, emit_elu},
    {"Equal",
     same_values,
     emit_binary<eq_op>,
     {.fold = fold_comparison<std::equal_to<>>,
      .fold_is_exact = {0, 1},
      .fold_ranges = fold_equal_ranges,
      .range = range_of_truth}},
    {"Erf", same_values, emit_unary<erf_op>},
    {"Exp", same_values, emit_unary<exp_op>, {.fold = fold_exp}},
    {"Floor", same_values, emit_unary<floor_op>, {.fold = fold_floor, .range = range_of_first}},
    {"Gelu", same_values, emit_gelu},
    {"Greater",
     same_values,
     emit_binary<gt_op>,
     {.fold = fold_comparison<std::greater<>>, .range = range_of_truth}},
    {"GreaterOrEqual",
     same_values,
     emit_binary<ge_op>,
     {.fold = fold_comparison<std::greater_equal<>>, .range = range_of_truth}},
    {"HardSigmoid", same_values, emit_hard_sigmoid},
    {"HardSwish", same_values, emit_unary<hardswish_op>},
    {"Hardmax", same_cost, emit_hardmax},
    {"IsInf",
     same_values,
     emit_unary<isinf_op>,
     {.range = range_of_truth, .no_effect = isinf_no_effect}},
    {"IsNaN", same_values, emit_unary<isnan_op>, {.range = range_of_truth}},
    {"LeakyRelu", same_values, emit_leaky_relu},
    {"Less",
     same_values,
     emit_binary<lt_op>,
     {.fold = fold_comparison<std::less<>>, .range = range_of_truth}},
    {"LessOrEqual",
     same_values,
     emit_binary<le_op>,
     {.fold = fold_comparison<std::less_equal<>>, .range = range_of_truth}},
    {"Log", same_values, emit_unary<log_op>, {.fold = fold_log}},
    {"LogSoftmax", same_values, emit_log_softmax},
    {"Max",
     same_values,
     emit_variadic<maximum_op>,
     {.fold = fold_extreme<Larger>, .range = range_of_larger}},
    {"Mean", same_values, emit_mean},
    {"Min",
     same_values,
     emit_variadic<minimum_op>,
     {.fold = fold_extreme<Smaller>, .range = range_of_smaller}},
    {"Mish", same_values, emit_unary<mish_op>},
    {"Mod", same_values, emit_mod, {.fold = fold_mod, .fold_is_exact = {0, 1}}},
    {"Mul",
     same_values,
     emit_binary<mul_op>,
     {.fold = fold_arithmetic<Times>, .range = range_of_multiplied}},
    {"Neg", same_values, emit_unary<neg_op>, {.fold = fold_negative}},
    {"Not", same_values, emit_unary<logical_not_op>, {.fold = fold_not, .range = range_of_truth}},
    {"Or",
     same_values,
     emit_binary<logical_or_op>,
     {.fold = fold_comparison<Either>, .range = range_of_truth}},
    {"PRelu", same_values, emit_prelu, {.weights = {1}}},
    {"Pow", same_values, emit_pow, {.fold = fold_arithmetic<Power>, .fold_is_exact = {0, 1}}},
    {"Reciprocal", same_values, emit_unary<reciprocal_op>, {.fold = fold_reciprocal}},
    {"Relu", same_values, emit_unary<relu_op>},
    {"Round", same_values, emit_unary<round_op>, {.fold = fold_round, .range = range_of_first}},
    {"Selu", same_values, emit_unary<selu_op>, {.no_effect = selu_no_effect}},
    {"Shrink", same_values, emit_shrink},
    {"Sigmoid", same_values, emit_unary<sigmoid_op>},
    {"Sign", same_values, emit_unary<sign_op>},
    {"Sin", same_values, emit_unary<sin_op>},
    {"Sinh", same_values, emit_unary<sinh_op>},
    {"Softmax", same_values, emit_softmax},
    {"Softplus", same_values, emit_unary<softplus_op>},
    {"Softsign", same_values, emit_unary<softsign_op>},
    {"Sqrt", same_values, emit_unary<sqrt_op>, {.fold = fold_root}},
    {"Sub",
     same_values,
     emit_binary<sub_op>,
     {.fold = fold_arithmetic<Minus>, .range = range_of_subtracted}},
    {"Sum", same_values, emit_variadic<add_op>, {.range = range_of_added}},
    {"SwiGLU", same_values, emit_swiglu},
    {"Swish", same_values, emit_swish},
    {"Tan", same_values, emit_unary<tan_op>},
    {"Tanh", same_values, emit_unary<tanh_op>},
    {"ThresholdedRelu", same_values, emit_thresholded_relu},
    {"Where",
     same_values,
     emit_where,
     {.fold = fold_where, .fold_is_exact = {0}, .range = range_of_choice}},
    {"Xor",
     same_values,
     emit_binary<logical_xor_op>,
     {.fold = fold_comparison<OnlyOne>, .fold_is_exact = {0, 1}, .range = range_of_truth}},
};

}  // namespace

extern constinit const OnnxOperators onnx_elementwise_operators = {"", elementwise_rows};

}  // namespace zoometer
