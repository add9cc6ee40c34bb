// Operations that work element by element, and constants.
#include <algorithm>
#include <optional>

#include "import/stablehlo/call.hpp"
#include "op/indexing.hpp"
#include "op/special.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// The rest of this operation's nodes stand in for it.
void mark_hlo_stand_in(HloCall& call, std::size_t first_node) {
  Graph& graph = call.graph();
  const std::string_view name = graph.arena().copy(call.operation().name);
  for (std::size_t i = first_node; i < graph.nodes().size(); ++i)
    graph.mark_stand_in(static_cast<NodeId>(i), name);
}

/// What an operation makes that works on sizes, or on single integers that decide some: whether
/// it is computed from sizes. Nothing where an operand is not known.
std::optional<HloKnown> known_result(HloCall& call) {
  HloKnown result;
  bool are_single = true;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    const HloKnown* known = call.known(i);
    if (known == nullptr || is_floating(call.input_type(i).dtype)) return std::nullopt;
    result.is_size = result.is_size || known->is_size;
    are_single = are_single && known->elements.size() == 1;
  }
  if (call.input_count() == 0 || (!result.is_size && !are_single)) return std::nullopt;
  return result;
}

/// Of a comparison, in the order of StableHLO's enumeration.
constexpr std::string_view directions[] = {"EQ", "NE", "GE", "GT", "LE", "LT"};

std::optional<std::int64_t> folded(std::string_view name, std::int64_t a) {
  if (name == "negate") return checked_mul(a, -1);
  if (name == "sign") return a > 0 ? 1 : (a < 0 ? -1 : 0);
  return std::nullopt;
}

void emit_unary(HloCall& call) {
  std::optional<HloKnown> result = known_result(call);
  if (result && folded(call.row().name, 0)) {
    for (const std::int64_t element : call.known(0)->elements)
      result->elements.push_back(*folded(call.row().name, element));
    return call.out_known(std::move(*result));
  }
  call.out(unary(*call.row().op, call.in(0)));
}

std::optional<std::int64_t> folded(std::string_view name, std::int64_t a, std::int64_t b) {
  if (name == "add") return checked_add(a, b);
  if (name == "subtract") return checked_add(a, checked_mul(b, -1));
  if (name == "multiply") return checked_mul(a, b);
  if (name == "minimum") return std::min(a, b);
  if (name == "maximum") return std::max(a, b);
  if (b > 0 && a >= 0 && name == "divide") return a / b;
  if (b > 0 && a >= 0 && name == "remainder") return a % b;
  if (name == "and") return a & b;
  if (name == "or") return a | b;
  if (name == "xor") return a ^ b;
  const bool holds[] = {a == b, a != b, a >= b, a > b, a <= b, a < b};
  const auto* const found = std::ranges::find(directions, name);
  if (found != std::end(directions)) return holds[found - std::begin(directions)] ? 1 : 0;
  return std::nullopt;
}

/// Arithmetic with sizes by the operation of that name, or the direction of a comparison. False
/// where it has a result that is not known.
bool fold_sizes(HloCall& call, std::string_view name) {
  std::optional<HloKnown> result = known_result(call);
  if (call.input_count() != 2 || !result) return false;
  const std::vector<std::int64_t>& a = call.known(0)->elements;
  const std::vector<std::int64_t>& b = call.known(1)->elements;
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::optional<std::int64_t> element = folded(name, a[i], b[i]);
    if (!element) return false;
    result->elements.push_back(*element);
  }
  call.out_known(std::move(*result));
  return true;
}

void emit_binary(HloCall& call) {
  if (fold_sizes(call, call.operation().name)) return;
  call.out(binary(*call.row().op, call.in(0), call.in(1)));
}

/// `and`, `or`, `xor`, `not`: of truth values, or of bits.
void emit_logical(HloCall& call) {
  const std::string_view name = call.operation().name;
  const bool is_boolean = call.input_type(0).dtype == DType::boolean;
  if (name == "not")
    return call.out(unary(is_boolean ? logical_not_op : bitwise_not_op, call.in(0)));
  if (fold_sizes(call, name)) return;
  const OpDef& op = name == "and"  ? (is_boolean ? logical_and_op : bitwise_and_op)
                    : name == "or" ? (is_boolean ? logical_or_op : bitwise_or_op)
                                   : (is_boolean ? logical_xor_op : bitwise_xor_op);
  call.out(binary(op, call.in(0), call.in(1)));
}

void emit_compare(HloCall& call) {
  constexpr const OpDef* ops[] = {&eq_op, &ne_op, &ge_op, &gt_op, &le_op, &lt_op};
  const std::int64_t direction = call.integer("comparison_direction", 0);
  call.require(direction >= 0 && direction < 6, "a direction");
  if (fold_sizes(call, directions[direction])) return;
  call.out(binary(*ops[direction], call.in(0), call.in(1)));
}

void emit_convert(HloCall& call) {
  if (known_result(call)) return call.out_known(*call.known(0));
  call.out(to(call.in(0), call.output_type().dtype));
}

void emit_select(HloCall& call) {
  if (call.input_count() == 3 && known_result(call) && call.known(0)->elements.size() == 1)
    return call.out_known(*call.known(call.known(0)->elements[0] != 0 ? 1 : 2));
  call.out(where(call.in(0), call.in(1), call.in(2)));
}

/// The larger of x and a minimum, and the smaller of that and a maximum.
void emit_clamp(HloCall& call) {
  call.out(binary(minimum_op, binary(maximum_op, call.in(1), call.in(0)), call.in(2)));
}

void emit_cbrt(HloCall& call) { call.out(binary(pow_op, call.in(0), 1.0 / 3)); }

/// One operation for each element that zoometer has no operator for.
void emit_other_unary(HloCall& call) {
  const std::size_t first = call.graph().nodes().size();
  call.out(unary(neg_op, call.in(0)));
  mark_hlo_stand_in(call, first);
}

void emit_other_binary(HloCall& call) {
  const std::size_t first = call.graph().nodes().size();
  call.out(binary(bitwise_and_op, call.in(0), call.in(1)));
  mark_hlo_stand_in(call, first);
}

/// A scale and a zero point for each element.
void emit_quantise(HloCall& call) {
  const std::size_t first = call.graph().nodes().size();
  call.out(call.in(0) * 1.0 + 1.0);
  mark_hlo_stand_in(call, first);
}

void emit_all_reduce(HloCall& call) {
  const std::size_t first = call.graph().nodes().size();
  for (std::size_t i = 0; i < call.output_count(); ++i)
    call.out(binary(add_op, call.in(i), call.in(i)), i);
  mark_hlo_stand_in(call, first);
}

void emit_random(HloCall& call) {
  for (std::size_t i = 0; i < call.output_count(); ++i) {
    const HloType& type = call.output_type(i);
    const Tensor numbers =
        apply_constant(call.graph(), random_op, RandomAttrs{type.shape, type.dtype, "uniform"});
    call.out(numbers, i);
  }
}

// -- constants --------------------------------------------------------------------------------

void emit_constant(HloCall& call) {
  const HloAttribute* value = call.program().find(call.operation(), "value");
  call.require(value != nullptr && call.output_count() == 1, "a value");
  const HloType& type = call.output_type();
  const std::vector<std::int64_t> integers = call.program().integers(*value, 1024);
  const auto count = static_cast<std::size_t>(numel(type.shape));
  if (!integers.empty() && integers.size() == count) return call.out_known({integers, false});
  const std::int64_t bytes = bytes_of(numel(type.shape), type.dtype);
  const bool is_splat =
      count <= 1 || (!value->is_left_out && static_cast<std::int64_t>(value->text.size()) < bytes);
  if (!is_splat) return call.out(call.reader().add_constant(call.operation(), *value));
  const std::optional<double> number = call.program().repeated(*value);
  const std::size_t first = call.graph().nodes().size();
  const Tensor scalar = full(call.graph(), {}, number.value_or(0), type.dtype);
  if (!number) mark_hlo_stand_in(call, first);
  call.out(type.shape.empty() ? scalar : expand(scalar, type.shape));
}

// -- batch norms ------------------------------------------------------------------------------

/// The features as the second axis, or back.
Tensor with_features(Tensor x, std::int64_t feature, bool back) {
  const std::int64_t rank = x.rank();
  if (feature == 1) return x;
  Ints dims;
  if (!back) {
    for (std::int64_t i = 0; i < rank; ++i)
      if (i != feature) dims.push_back(i);
    dims.insert(1, feature);
  } else {
    for (std::int64_t i = 0; i < rank; ++i)
      if (i != 1) dims.push_back(i);
    dims.insert(static_cast<std::size_t>(feature), 1);
  }
  return permute(x, dims);
}

std::int64_t feature_axis(HloCall& call) {
  const std::int64_t feature = call.integer("feature_index", 1);
  call.require(feature >= 0 && feature < call.in(0).rank() && call.in(0).rank() >= 2,
               "an axis of features");
  return feature;
}

void emit_batch_norm(HloCall& call) {
  const std::int64_t feature = feature_axis(call);
  const Tensor x = with_features(call.in(0), feature, false);
  call.out(
      with_features(batch_norm(x, call.in(1), call.in(2), call.in(3), call.in(4)), feature, true));
}

/// Mean and variance of the features: 5 operations per element, and 2 for the normalisation.
void emit_batch_norm_training(HloCall& call) {
  const std::int64_t feature = feature_axis(call);
  const Tensor x = call.in(0);
  Ints others;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (i != feature) others.push_back(i);
  const Tensor average = mean(x, others);
  const Tensor spread = variance(x, {{others, false}, 0});
  call.out(average, 1);
  call.out(spread, 2);
  const Tensor planar = with_features(x, feature, false);
  call.out(
      with_features(batch_norm(planar, call.in(1), call.in(2), average, spread), feature, true));
}

constexpr HloOperator elementwise_rows[] = {
    {"abs", emit_unary, &abs_op},
    {"add", emit_binary, &add_op},
    {"all_reduce", emit_all_reduce},
    {"and", emit_logical},
    {"atan2", emit_binary, &atan2_op},
    {"batch_norm_inference", emit_batch_norm},
    {"batch_norm_training", emit_batch_norm_training},
    {"cbrt", emit_cbrt},
    {"ceil", emit_unary, &ceil_op},
    {"chlo.acos", emit_unary, &acos_op},
    {"chlo.acosh", emit_unary, &acosh_op},
    {"chlo.asin", emit_unary, &asin_op},
    {"chlo.asinh", emit_unary, &asinh_op},
    {"chlo.atan", emit_unary, &atan_op},
    {"chlo.atanh", emit_unary, &atanh_op},
    {"chlo.cosh", emit_unary, &cosh_op},
    {"chlo.digamma", emit_unary, &digamma_op},
    {"chlo.erf", emit_unary, &erf_op},
    {"chlo.erf_inv", emit_unary, &erfinv_op},
    {"chlo.erfc", emit_unary, &erfc_op},
    {"chlo.lgamma", emit_unary, &lgamma_op},
    {"chlo.sinh", emit_unary, &sinh_op},
    {"chlo.tan", emit_unary, &tan_op},
    {"clamp", emit_clamp},
    {"compare", emit_compare},
    {"constant", emit_constant},
    {"convert", emit_convert},
    {"cosine", emit_unary, &cos_op},
    {"count_leading_zeros", emit_other_unary},
    {"cross-replica-sum", emit_all_reduce},
    {"divide", emit_binary, &div_op},
    {"exponential", emit_unary, &exp_op},
    {"exponential_minus_one", emit_unary, &expm1_op},
    {"floor", emit_unary, &floor_op},
    {"is_finite", emit_unary, &isfinite_op},
    {"log", emit_unary, &log_op},
    {"log_plus_one", emit_unary, &log1p_op},
    {"logistic", emit_unary, &sigmoid_op},
    {"maximum", emit_binary, &maximum_op},
    {"minimum", emit_binary, &minimum_op},
    {"multiply", emit_binary, &mul_op},
    {"negate", emit_unary, &neg_op},
    {"not", emit_logical},
    {"or", emit_logical},
    {"popcnt", emit_other_unary},
    {"power", emit_binary, &pow_op},
    {"reduce_precision", emit_other_unary},
    {"remainder", emit_binary, &fmod_op},
    {"rng", emit_random},
    {"rng_bit_generator", emit_random},
    {"round_nearest_afz", emit_unary, &round_op},
    {"round_nearest_even", emit_unary, &round_op},
    {"rsqrt", emit_unary, &rsqrt_op},
    {"select", emit_select},
    {"shift_left", emit_other_binary},
    {"shift_right_arithmetic", emit_other_binary},
    {"shift_right_logical", emit_other_binary},
    {"sign", emit_unary, &sign_op},
    {"sine", emit_unary, &sin_op},
    {"sqrt", emit_unary, &sqrt_op},
    {"subtract", emit_binary, &sub_op},
    {"tan", emit_unary, &tan_op},
    {"tanh", emit_unary, &tanh_op},
    {"uniform_dequantize", emit_quantise},
    {"uniform_quantize", emit_quantise},
    {"xor", emit_logical},
};

}  // namespace

extern constinit const HloOperators hlo_elementwise_operators = {elementwise_rows};

}  // namespace zoometer
