// Operators that compute each element by itself, or along an axis.
#include <algorithm>

#include "import/tflite/call.hpp"
#include "op/quantize.hpp"
#include "op/signal.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

/// Integers that are known, element by element; one element stands for all.
bool fold_binary(TfliteCall& call, std::int64_t (*compute)(std::int64_t, std::int64_t)) {
  const TfliteKnown* a = call.known(0);
  const TfliteKnown* b = call.known(1);
  if (a == nullptr || b == nullptr || a->elements.empty() || b->elements.empty()) return false;
  const std::size_t count = std::max(a->elements.size(), b->elements.size());
  const auto fits = [&](const TfliteKnown& each) {
    return each.elements.size() == count || each.elements.size() == 1;
  };
  if (!fits(*a) || !fits(*b)) return false;
  TfliteKnown result{a->elements.size() == count ? a->shape : b->shape, call.output(0).dtype, {}};
  for (std::size_t i = 0; i < count; ++i) {
    result.elements.push_back(compute(a->elements[a->elements.size() == 1 ? 0 : i],
                                      b->elements[b->elements.size() == 1 ? 0 : i]));
  }
  return call.out_known(std::move(result));
}

std::int64_t wrapped(std::uint64_t number) { return static_cast<std::int64_t>(number); }

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  if (b == 0 || b == -1) return b == 0 ? 0 : wrapped(0 - static_cast<std::uint64_t>(a));
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// What a folded operator computes; null for those that only data has.
std::int64_t (*folded(const OpDef* op))(std::int64_t, std::int64_t) {
  using Number = std::uint64_t;
  if (op == &add_op)
    return [](std::int64_t a, std::int64_t b) { return wrapped(Number(a) + Number(b)); };
  if (op == &sub_op)
    return [](std::int64_t a, std::int64_t b) { return wrapped(Number(a) - Number(b)); };
  if (op == &mul_op)
    return [](std::int64_t a, std::int64_t b) { return wrapped(Number(a) * Number(b)); };
  if (op == &div_op)
    return [](std::int64_t a, std::int64_t b) {
      return b == 0 || b == -1 ? floor_quotient(a, b) : a / b;
    };
  if (op == &floor_divide_op) return floor_quotient;
  if (op == &remainder_op)
    return [](std::int64_t a, std::int64_t b) {
      if (b == 0 || b == -1) return std::int64_t{0};
      const std::int64_t rest = a % b;
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    };
  if (op == &maximum_op) return [](std::int64_t a, std::int64_t b) { return std::max(a, b); };
  if (op == &minimum_op) return [](std::int64_t a, std::int64_t b) { return std::min(a, b); };
  return nullptr;
}

bool emit_binary(TfliteCall& call) {
  if (const auto compute = folded(call.row().op); compute != nullptr && fold_binary(call, compute))
    return true;
  return call.out(binary(*call.row().op, call.in(0), call.in(1)));
}

/// With an activation; on integers the result gets its own scale.
bool emit_arithmetic(TfliteCall& call) {
  if (const auto compute = folded(call.row().op); compute != nullptr && fold_binary(call, compute))
    return true;
  const Tensor result = binary(*call.row().op, call.in(0), call.in(1));
  return call.out(call.finished(result, 0, true));
}

bool emit_squared_difference(TfliteCall& call) {
  const Tensor difference = call.in(0) - call.in(1);
  return call.out(difference * difference);
}

bool emit_square(TfliteCall& call) {
  const Tensor x = call.in(0);
  return call.out(x * x);
}

bool emit_unary(TfliteCall& call) { return call.out(unary(*call.row().op, call.in(0))); }

bool emit_clamp(TfliteCall& call) {
  const bool from_zero = call.name() == "RELU_0_TO_1";
  return call.out(clamp(call.in(0), from_zero ? 0 : -1, 1));
}

bool emit_leaky_relu(TfliteCall& call) {
  return call.out(leaky_relu(call.in(0), static_cast<double>(call.option<float>(0))));
}

bool emit_elu(TfliteCall& call) { return call.out(apply(elu_op, SlopeAttrs{1}, call.in(0))); }

bool emit_gelu(TfliteCall& call) {
  const bool is_approximate = call.flag(0);
  return call.out(gelu(call.in(0), is_approximate));
}

bool emit_prelu(TfliteCall& call) {
  return call.out(prelu(call.in(0), call.in(1, TfliteRole::weight)));
}

bool emit_add_n(TfliteCall& call) {
  const std::vector<Tensor> operands = call.all_inputs();
  Tensor sum = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) sum = sum + operands[i];
  return operands.size() == 1 ? call.out(call.in(0)) : call.out(sum);
}

/// The condition of the older form may have one element for each row.
bool emit_select(TfliteCall& call) {
  Tensor condition = call.in(0);
  const Tensor a = call.in(1);
  if (condition.rank() == 1 && a.rank() > 1 && condition.dim(0) == a.dim(0)) {
    Ints sizes = Ints::filled(static_cast<std::size_t>(a.rank()), 1);
    sizes[0] = a.dim(0);
    condition = reshape(condition, sizes);
  }
  return call.out(where(condition, a, call.in(2)));
}

bool emit_cast(TfliteCall& call) {
  if (const TfliteKnown* known = call.known(0);
      known != nullptr && !is_floating(call.output(0).dtype)) {
    return call.out_known({known->shape, call.output(0).dtype, known->elements});
  }
  return call.out(to(call.in(0), call.output(0).dtype));
}

bool emit_softmax(TfliteCall& call) {
  const Tensor x = call.in(0);
  return call.out(call.row().op == &softmax_op ? softmax(x, -1) : log_softmax(x, -1));
}

// -- quantisation -----------------------------------------------------------------------------

bool emit_quantize(TfliteCall& call) {
  call.require(call.output_count() > 0, "a result");
  const Tensor scale = call.reader().scale_of(call.frame(), call.node().outputs[0]);
  return call.out(
      quantize_per_tensor(call.in(0), scale, {&call.graph(), no_id}, {call.output(0).dtype}));
}

bool emit_dequantize(TfliteCall& call) {
  const Tensor x = call.in(0);
  return call.out(is_floating(x.dtype()) ? to(x, call.output(0).dtype) : dequantize(x));
}

/// Rounds and clamps: 2 per element.
bool emit_fake_quant(TfliteCall& call) {
  return call.out(clamp(call.in(0), static_cast<double>(call.option<float>(0)),
                        static_cast<double>(call.option<float>(1))));
}

// -- reductions -------------------------------------------------------------------------------

bool emit_reduce(TfliteCall& call) {
  const bool keeps = call.flag(0);
  const TfliteKnown* axes = call.known(1);
  if (axes == nullptr && call.has(1) && call.tensor(1).shape != Shape{0}) return false;
  const TfliteKnown* x_known = call.known(0);
  const std::int64_t rank = x_known != nullptr ? x_known->shape.rank() : call.in(0).rank();
  if (x_known != nullptr && call.row().op == &prod_op && rank <= 1) {
    std::uint64_t result = 1;
    for (const std::int64_t element : x_known->elements) result *= std::uint64_t(element);
    return call.out_known({keeps ? Shape{1} : Shape{}, call.output(0).dtype, {wrapped(result)}});
  }
  Ints dims;
  for (const std::int64_t each : axes == nullptr ? std::vector<std::int64_t>{} : axes->elements) {
    const std::int64_t axis = call.axis(each, rank);
    if (std::find(dims.begin(), dims.end(), axis) == dims.end()) dims.push_back(axis);
  }
  if (dims.empty()) return call.out(clone(call.in(0)));  // nothing is reduced
  return call.out(reduce(*call.row().op, call.in(0), dims, keeps));
}

bool emit_arg(TfliteCall& call) {
  const std::optional<std::int64_t> axis = call.integer(1);
  if (!axis) return false;
  const Tensor x = call.in(0);
  return call.out(reduce(*call.row().op, x, {call.axis(*axis, x.rank())}));
}

bool emit_cumsum(TfliteCall& call) {
  const std::optional<std::int64_t> axis = call.integer(1);
  return axis && call.out(cumsum(call.in(0), *axis));
}

/// x over the root of the sum of its squares along the last axis.
bool emit_l2_normalization(TfliteCall& call) {
  const Tensor x = call.in(0);
  call.require(x.rank() >= 1, "an operand of rank 1 or more");
  const Tensor norm = unary(sqrt_op, sum(x * x, {x.rank() - 1}, true));
  return call.out(call.finished(x / norm, 0, false));
}

bool emit_local_response_normalization(TfliteCall& call) {
  LocalResponseNormAttrs attrs;
  attrs.size = 2 * std::int64_t{call.option<std::int32_t>(0)} + 1;
  attrs.k = static_cast<double>(call.option<float>(1));
  attrs.alpha = static_cast<double>(call.option<float>(2)) * static_cast<double>(attrs.size);
  attrs.beta = static_cast<double>(call.option<float>(3));
  call.require(attrs.size >= 1, "a radius of at least 0");
  return call.out_planar(local_response_norm(call.planar_in(0), attrs));
}

/// The transform of the last two axes, which have the lengths of the second operand.
bool emit_rfft2d(TfliteCall& call) {
  const TfliteKnown* lengths = call.known(1);
  if (lengths == nullptr) return false;
  const Tensor x = call.in(0);
  call.require(x.rank() >= 2 && lengths->elements.size() == 2, "an image and two lengths");
  const std::int64_t rows = lengths->elements[0], columns = lengths->elements[1];
  call.require(rows >= 1 && columns >= 1, "lengths of at least 1");
  Tensor pairs = dft(unsqueeze(x, -1), {x.rank() - 1, columns, true, false});
  if (rows != 1 || x.dim(-2) != 1) pairs = dft(pairs, {x.rank() - 2, rows, false, false});
  return call.out(view_as_complex(pairs));
}

/// The real or the imaginary part of complex numbers.
bool emit_part(TfliteCall& call) { return call.out_moved(call.in(0).shape()); }

constexpr TfliteOperator elementwise_rows[] = {
    {0, emit_arithmetic, "activation -pot_scale_int16", &add_op},
    {8, emit_unary, {}, &floor_op},
    {6, emit_dequantize},
    {11, emit_l2_normalization, "activation"},
    {13, emit_local_response_normalization, "radius bias alpha beta"},
    {14, emit_unary, {}, &sigmoid_op},
    {18, emit_arithmetic, "activation", &mul_op},
    {19, emit_unary, {}, &relu_op},
    {20, emit_clamp},
    {21, emit_unary, {}, &relu6_op},
    {25, emit_softmax, "-beta", &softmax_op},
    {28, emit_unary, {}, &tanh_op},
    {40, emit_reduce, "keep_dims", &mean_op},
    {41, emit_arithmetic, "activation -pot_scale_int16", &sub_op},
    {42, emit_arithmetic, "activation", &div_op},
    {47, emit_unary, {}, &exp_op},
    {50, emit_softmax, {}, &log_softmax_op},
    {53, emit_cast, "-in_data_type -out_data_type"},
    {54, emit_prelu},
    {55, emit_binary, {}, &maximum_op},
    {56, emit_arg, "-output_type", &argmax_op},
    {57, emit_binary, {}, &minimum_op},
    {58, emit_binary, {}, &lt_op},
    {59, emit_unary, {}, &neg_op},
    {61, emit_binary, {}, &gt_op},
    {62, emit_binary, {}, &ge_op},
    {63, emit_binary, {}, &le_op},
    {64, emit_select},
    {66, emit_unary, {}, &sin_op},
    {71, emit_binary, {}, &eq_op},
    {72, emit_binary, {}, &ne_op},
    {73, emit_unary, {}, &log_op},
    {74, emit_reduce, "keep_dims", &sum_op},
    {75, emit_unary, {}, &sqrt_op},
    {76, emit_unary, {}, &rsqrt_op},
    {78, emit_binary, {}, &pow_op},
    {79, emit_arg, "-output_type", &argmin_op},
    {80, emit_fake_quant, "min max -num_bits -narrow_range"},
    {81, emit_reduce, "keep_dims", &prod_op},
    {82, emit_reduce, "keep_dims", &amax_op},
    {84, emit_binary, {}, &logical_or_op},
    {86, emit_binary, {}, &logical_and_op},
    {87, emit_unary, {}, &logical_not_op},
    {89, emit_reduce, "keep_dims", &amin_op},
    {90, emit_binary, {}, &floor_divide_op},
    {91, emit_reduce, "keep_dims", &any_op},
    {92, emit_square},
    {95, emit_binary, {}, &remainder_op},
    {98, emit_leaky_relu, "alpha"},
    {99, emit_squared_difference},
    {101, emit_unary, {}, &abs_op},
    {104, emit_unary, {}, &ceil_op},
    {106, emit_add_n},
    {108, emit_unary, {}, &cos_op},
    {111, emit_elu},
    {114, emit_quantize},
    {116, emit_unary, {}, &round_op},
    {117, emit_unary, {}, &hardswish_op},
    {123, emit_select},
    {128, emit_cumsum, "-exclusive -reverse"},
    {131, emit_rfft2d},
    {133, emit_part},
    {134, emit_part},
    {135, emit_unary, {}, &abs_op},
    {140, emit_reduce, "keep_dims", &all_op},
    {150, emit_gelu, "approximate"},
    {152, emit_clamp},
    {156, emit_binary, {}, &atan2_op},
    {158, emit_unary, {}, &sign_op},
    {160, emit_binary, {}, &bitwise_xor_op},
    {161, emit_binary, {}, &bitwise_and_op},
    // StableHLO's operators in TensorFlow Lite files.
    {162, emit_unary, {}, &sigmoid_op},
    {163, emit_binary, {}, &add_op},
    {164, emit_binary, {}, &div_op},
    {165, emit_binary, {}, &mul_op},
    {166, emit_binary, {}, &maximum_op},
    {175, emit_unary, {}, &abs_op},
    {176, emit_binary, {}, &logical_and_op},
    {177, emit_unary, {}, &cos_op},
    {178, emit_unary, {}, &exp_op},
    {179, emit_unary, {}, &floor_op},
    {180, emit_unary, {}, &log_op},
    {181, emit_binary, {}, &minimum_op},
    {182, emit_unary, {}, &neg_op},
    {183, emit_binary, {}, &logical_or_op},
    {184, emit_binary, {}, &pow_op},
    {185, emit_binary, {}, &fmod_op},
    {186, emit_unary, {}, &rsqrt_op},
    {187, emit_select},
    {188, emit_binary, {}, &sub_op},
    {189, emit_unary, {}, &tanh_op},
    {191, emit_binary, "-direction -compare_type", &eq_op},
    {192, emit_cast},
};

}  // namespace

extern constinit const TfliteOperators tflite_elementwise_operators = {elementwise_rows};

}  // namespace zoometer
