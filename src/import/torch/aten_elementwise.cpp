#include <cmath>
#include <limits>

#include "import/torch/aten_shared.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "op/special.hpp"

namespace zoometer::aten {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// a + alpha x b and a - alpha x b.
void add_scaled(AtenCall& call, const OpDef& op) {
  const double alpha = call.number("alpha", 1);
  if (alpha == 1) return apply_binary(call, op);
  const Argument* right = call.at(1);
  if (is_number(right)) {
    call.output(zoometer::binary(op, call.tensor(0), alpha * number_of(*right)));
  } else {
    call.output(zoometer::binary(op, operand(call, 0), scaled(call.tensor(1), alpha)));
  }
}

void add(AtenCall& call) { add_scaled(call, add_op); }

void sub(AtenCall& call) { add_scaled(call, sub_op); }

void rsub(AtenCall& call) {
  call.output(operand(call, 1) - scaled(call.tensor(0), call.number("alpha", 1)));
}

void div(AtenCall& call) {
  const std::string_view rounding = call.text("rounding_mode", "");
  if (rounding == "floor") return apply_binary(call, floor_divide_op);
  const Argument* right = call.at(1);
  const Tensor quotient = is_number(right) && !is_number(call.at(0))
                              ? call.tensor(0) / number_of(*right)
                              : operand(call, 0) / operand(call, 1);
  call.output(rounding == "trunc" ? zoometer::unary(trunc_op, quotient) : quotient);
}

void clamp(AtenCall& call) {
  Tensor x = call.tensor(0);
  if (!call.has_tensor("min") && !call.has_tensor("max")) {
    return call.output(
        zoometer::clamp(x, call.number("min", -infinity), call.number("max", infinity)));
  }
  if (call.has("min")) x = zoometer::binary(maximum_op, x, call.tensor("min"));
  if (call.has("max")) x = zoometer::binary(minimum_op, x, call.tensor("max"));
  call.output(x);
  call.keeps(declaring::all_operands);
}

void clamp_min(AtenCall& call) { apply_binary(call, maximum_op); }

void clamp_max(AtenCall& call) { apply_binary(call, minimum_op); }

void hardtanh(AtenCall& call) {
  const ClampAttrs attrs{call.number("min_val", -1), call.number("max_val", 1)};
  call.output(apply(hardtanh_op, attrs, call.tensor(0)));
}

void leaky_relu(AtenCall& call) {
  call.output(zoometer::leaky_relu(call.tensor(0), call.number("negative_slope", 0.01)));
}

void elu(AtenCall& call) {
  const double alpha = call.number("alpha", 1);
  const double scale = call.number("scale", 1);
  const double input_scale = call.number("input_scale", 1);
  const Tensor x = call.tensor(0);
  constexpr double selu_scale = 1.0507009873554805;
  if (std::abs(scale - selu_scale) < 1e-6 && input_scale == 1)
    return call.output(zoometer::unary(selu_op, x));
  if (scale != 1) call.refuse("an ELU with a scale other than SELU's");
  call.output(apply(input_scale == 1 ? elu_op : celu_op, SlopeAttrs{alpha}, x));
}

void celu(AtenCall& call) {
  call.output(apply(celu_op, SlopeAttrs{call.number("alpha", 1)}, call.tensor(0)));
}

/// Larger elements than the threshold stay; up to rounding they do so anyway above 20.
void softplus(AtenCall& call) {
  const double beta = call.number("beta", 1);
  const double threshold = call.number("threshold", 20);
  const Tensor x = call.tensor(0);
  const Tensor argument = scaled(x, beta);
  const Tensor logarithm = zoometer::unary(softplus_op, argument);
  const Tensor y = beta == 1 ? logarithm : logarithm / beta;
  constexpr double usual = 20;
  if (threshold >= usual) return call.output(y);
  call.keeps(declaring::first);
  call.output(zoometer::where(zoometer::binary(gt_op, argument, threshold), x, y));
}

void round(AtenCall& call) {
  const std::int64_t decimals = call.integer("decimals", 0);
  const Tensor x = call.tensor(0);
  if (decimals == 0 || !is_floating(x.dtype())) return call.output(zoometer::unary(round_op, x));
  const double factor = std::pow(10.0, static_cast<double>(std::abs(decimals)));
  call.output(decimals > 0 ? zoometer::unary(round_op, x * factor) / factor
                           : zoometer::unary(round_op, x / factor) * factor);
}

void gelu(AtenCall& call) {
  call.output(zoometer::gelu(call.tensor(0), call.text("approximate", "none") == "tanh"));
}

void glu(AtenCall& call) {
  const Chunks halves = zoometer::chunk(call.tensor(0), 2, call.integer("dim", -1));
  if (halves.size() != 2) call.refuse("a gated linear unit of an axis of length 1");
  call.output(halves[0] * zoometer::unary(sigmoid_op, halves[1]));
}

void threshold(AtenCall& call) {
  const ThresholdAttrs attrs{call.number("threshold"), call.number("value")};
  call.output(apply(threshold_op, attrs, call.tensor(0)));
}

void prelu(AtenCall& call) { call.output(zoometer::prelu(call.tensor(0), call.tensor(1))); }

void softmax(AtenCall& call) {
  call.output(zoometer::softmax(call.tensor(0), call.integer("dim")));
}

void log_softmax(AtenCall& call) {
  call.output(zoometer::log_softmax(call.tensor(0), call.integer("dim")));
}

void where(AtenCall& call) {
  if (!call.has("self")) call.refuse("the indices of a condition");
  call.output(zoometer::where(call.tensor(0), operand(call, 1), operand(call, 2)));
}

void masked_fill(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor mask = call.tensor(1);
  call.output(call.has_tensor("value")
                  ? apply(masked_fill_op, ScalarAttrs{}, x, mask, call.tensor("value"))
                  : apply(masked_fill_op, ScalarAttrs{call.number("value")}, x, mask));
}

/// Whether a dropout does anything. PyTorch passes its input on without training, or if it drops
/// nothing.
bool drops(AtenCall& call) { return call.boolean("train", true) && call.number("p", 0.5) > 0; }

void dropout(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const bool is_kernel = call.name() == "native_dropout";
  const bool drops_any = is_kernel ? call.boolean("train", true) : drops(call);
  if (!drops_any) return call.output(zoometer::dropout(x));
  const Tensor result = zoometer::dropout_training(x, call.number("p", 0.5));
  call.output(result);
  if (is_kernel) call.output(sibling_output(result, 1));
}

/// A product with random factors, for each element or for each channel: 0 or 1 / (1 - p). Alpha
/// dropout gives dropped elements SELU's lower limit, and keeps mean and variance.
void factor_dropout(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const double p = call.number("p", 0.5);
  if (!drops(call)) return call.output(zoometer::dropout(x));
  const bool by_channel = call.name().starts_with("feature");
  if (by_channel && x.rank() < 2) call.refuse("channels of a tensor of rank below 2");
  Ints sizes(x.shape());
  for (std::size_t i = 2; by_channel && i < sizes.size(); ++i) sizes[i] = 1;
  const Tensor random =
      apply_constant(call.graph(), random_op, RandomAttrs{sizes, x.dtype(), "uniform"});
  const Tensor stays = zoometer::to(zoometer::binary(ge_op, random, p), x.dtype());
  if (call.name() == "feature_dropout")
    return call.output(x * scaled(stays, p < 1 ? 1 / (1 - p) : 0));
  constexpr double limit = 1.7580993408473766;
  const double a = p < 1 ? 1 / std::sqrt((limit * limit * p + 1) * (1 - p)) : 0;
  const Tensor shift = (stays - 1) * (limit * a) + limit * a * p;
  call.output(x * scaled(stays, a) + shift);
}

void cast(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const DType same = call.has_tensor("other") ? call.tensor("other").dtype() : x.dtype();
  const DType dtype = call.dtype("dtype").value_or(same);
  const bool copies = call.boolean("copy", call.name() == "_to_copy");
  if (dtype != x.dtype()) return call.output(zoometer::to(x, dtype));
  call.output(copies ? zoometer::clone(x) : x);
}

void lerp(AtenCall& call) {
  const Tensor start = call.tensor(0);
  const Tensor difference = call.tensor(1) - start;
  call.output(start + (call.has_tensor("weight") ? difference * call.tensor("weight")
                                                 : difference * call.number("weight")));
}

void addcmul(AtenCall& call) {
  const Tensor product = call.tensor(1) * call.tensor(2);
  call.output(call.tensor(0) + scaled(product, call.number("value", 1)));
}

void addcdiv(AtenCall& call) {
  const Tensor quotient = call.tensor(1) / call.tensor(2);
  call.output(call.tensor(0) + scaled(quotient, call.number("value", 1)));
}

void rrelu(AtenCall& call) {
  // In evaluation mode the slope is the mean of both.
  const double slope = (call.number("lower", 0.125) + call.number("upper", 1.0 / 3)) / 2;
  const Tensor x = call.tensor(0);
  const bool has_noise = call.name() != "rrelu";  // PyTorch's kernel keeps the slopes in any case
  call.keeps(declaring::all_operands, has_noise ? 0 : call.graph().bytes(x.id));
  call.output(zoometer::leaky_relu(x, slope));
}

void hardshrink(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor is_large =
      zoometer::binary(gt_op, zoometer::unary(abs_op, x), call.number("lambd", 0.5));
  call.output(zoometer::where(is_large, x, constant(call, 0)));
}

void softshrink(AtenCall& call) {
  const double limit = call.number("lambd", 0.5);
  call.output(zoometer::shrink(call.tensor(0), limit, limit));
}

void tanhshrink(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(x - zoometer::unary(tanh_op, x));
}

// -- functions made of others -------------------------------------------------------------------

void logit(AtenCall& call) {
  Tensor x = call.tensor(0);
  if (call.has("eps")) {
    const double eps = call.number("eps");
    x = zoometer::clamp(x, eps, 1 - eps);
  }
  call.output(zoometer::unary(log_op, x / (zoometer::unary(neg_op, x) + 1)));
}

/// max(a, b) + log1p(exp(-|a - b|)), to the base e or 2.
void add_logarithms(AtenCall& call, const OpDef& op, double base_logarithm) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const Tensor apart = zoometer::unary(neg_op, zoometer::unary(abs_op, a - b));
  const Tensor small = zoometer::unary(exp_op, scaled(apart, base_logarithm));
  const Tensor rest = scaled(zoometer::unary(op, small), 1 / base_logarithm);
  call.output(zoometer::binary(maximum_op, a, b) + rest);
}

void logaddexp(AtenCall& call) { add_logarithms(call, log1p_op, 1); }

void logaddexp2(AtenCall& call) { add_logarithms(call, log1p_op, 0.6931471805599453); }

void nan_to_num(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor number =
      zoometer::where(zoometer::unary(isnan_op, x), constant(call, call.number("nan", 0)), x);
  call.output(
      zoometer::clamp(number, call.number("neginf", -infinity), call.number("posinf", infinity)));
}

void hypot(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  call.output(zoometer::unary(sqrt_op, a * a + b * b));
}

void heaviside(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor is_zero = zoometer::binary(eq_op, x, 0.0);
  call.output(zoometer::where(is_zero, call.tensor(1), zoometer::binary(gt_op, x, 0.0)));
}

void copysign(AtenCall& call) {
  const Tensor size = zoometer::unary(abs_op, call.tensor(0));
  const Tensor is_negative = zoometer::binary(lt_op, operand(call, 1), 0.0);
  call.output(zoometer::where(is_negative, zoometer::unary(neg_op, size), size));
}

void sinc(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor angle = x * 3.141592653589793;
  const Tensor ratio = zoometer::unary(sin_op, angle) / angle;
  call.output(zoometer::where(zoometer::binary(eq_op, x, 0.0), constant(call, 1), ratio));
}

void degrees_and_radians(AtenCall& call) {
  constexpr double radian = 0.017453292519943295;
  call.output(call.tensor(0) * (call.name() == "deg2rad" ? radian : 1 / radian));
}

void frac(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(x - zoometer::unary(trunc_op, x));
}

void signbit(AtenCall& call) { call.output(zoometer::binary(lt_op, call.tensor(0), 0.0)); }

void is_infinity(AtenCall& call) {
  const double wanted = call.name() == "isposinf" ? infinity : -infinity;
  call.output(zoometer::binary(eq_op, call.tensor(0), wanted));
}

void isclose(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const Tensor apart = zoometer::unary(abs_op, a - b);
  const Tensor allowed =
      zoometer::unary(abs_op, b) * call.number("rtol", 1e-5) + call.number("atol", 1e-8);
  const Tensor close = zoometer::binary(le_op, apart, allowed);
  if (!call.boolean("equal_nan", false)) return call.output(close);
  const Tensor missing =
      zoometer::binary(logical_and_op, zoometer::unary(isnan_op, a), zoometer::unary(isnan_op, b));
  call.output(zoometer::binary(logical_or_op, close, missing));
}

/// x log(y), and 0 where x is 0; with log1p for xlog1py.
void xlogy(AtenCall& call) {
  const bool plus_one = call.name() == "special_xlog1py";
  const Tensor x = operand(call, 0);
  const Tensor y = operand(call, 1);
  const Tensor product = x * zoometer::unary(plus_one ? log1p_op : log_op, y);
  call.output(zoometer::where(zoometer::binary(eq_op, x, 0.0), constant(call, 0), product));
}

/// -x log(x).
void entropy(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(zoometer::unary(neg_op, x * zoometer::unary(log_op, x)));
}

/// The cumulative normal distribution, or its logarithm.
void normal_share(AtenCall& call) {
  const Tensor share = zoometer::unary(erfc_op, call.tensor(0) * -0.7071067811865476) * 0.5;
  call.output(call.name() == "special_log_ndtr" ? zoometer::unary(log_op, share) : share);
}

/// x times a power of two.
void ldexp(AtenCall& call) {
  const Tensor power = zoometer::binary(pow_op, constant(call, 2), call.tensor(1));
  call.output(call.tensor(0) * power);
}

/// Random numbers with a mean and a standard deviation.
void normal(AtenCall& call) {
  const Argument* deviation = call.find("std");
  Ints sizes(call.integers("size"));
  for (const std::string_view name : {"std", "mean", "self"}) {
    if (call.has_tensor(name)) sizes = call.tensor(name).shape();
  }
  const RandomAttrs attrs{sizes, call.dtype("dtype").value_or(DType::float32), "normal"};
  const Tensor x = apply_constant(call.graph(), random_op, attrs);
  const Tensor spread = deviation == nullptr   ? x
                        : is_number(deviation) ? x * number_of(*deviation)
                                               : x * call.tensor("std");
  const Argument* mean = call.find("mean");
  call.output(mean == nullptr   ? spread
              : is_number(mean) ? spread + number_of(*mean)
                                : spread + call.tensor("mean"));
}

void multinomial(AtenCall& call) {
  Ints sizes(call.tensor(0).shape());
  if (sizes.empty()) call.refuse("a distribution without classes");
  sizes.back() = call.integer("num_samples");
  call.output(
      apply_constant(call.graph(), random_op, RandomAttrs{sizes, DType::int64, "multinomial"}));
}

void square(AtenCall& call) { call.output(zoometer::binary(pow_op, call.tensor(0), 2)); }

/// PyTorch keeps the result for any exponent that is a tensor.
void power(AtenCall& call) {
  apply_binary(call, pow_op);
  if (!is_number(call.at(0)) && !is_number(call.at(1))) call.keeps(first_two | declaring::result);
}

/// In float64, as PyTorch computes it.
void float_power(AtenCall& call) {
  const auto wide = [&](std::size_t position) {
    const Tensor x = operand(call, position);
    return x.dtype() == DType::float64 ? x : zoometer::to(x, DType::float64);
  };
  const Argument* right = call.at(1);
  call.output(is_number(right) ? zoometer::binary(pow_op, wide(0), number_of(*right))
                               : zoometer::binary(pow_op, wide(0), wide(1)));
}

void exp2(AtenCall& call) {
  call.output(zoometer::binary(pow_op, constant(call, 2), call.tensor(0)));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect dropout_no_effect[] = {
    {"p", "any probability costs the same"},
};

constexpr NoEffect rrelu_no_effect[] = {
    {"training=False", "the default"},
    {"noise", "written in training alone"},
};

constexpr NoEffect multinomial_no_effect[] = {
    {"replacement", "samples cost the same with and without"},
};

constexpr NoEffect softmax_no_effect[] = {
    {"half_to_float", "the program declares the element type"},
};

constexpr AtenOperator elementwise_rows[] = {
    {"add", add, same_values},
    {"sub subtract", sub, same_values},
    {"rsub", rsub, same_values},
    {"div divide true_divide", div, same_values},
    {"clamp clip", clamp, same_values},
    {"clamp_min", clamp_min, same_values},
    {"clamp_max", clamp_max, same_values},
    {"hardtanh", hardtanh, same_values},
    {"leaky_relu", leaky_relu, same_values},
    {"elu", elu, same_values},
    {"celu", celu, same_values},
    {"softplus", softplus, same_values},
    {"gelu", gelu, same_values},
    {"glu", glu, same_values, {}, declaring::first},
    {"threshold", threshold, same_values},
    {"_prelu_kernel prelu", prelu, same_values},
    {"_safe_softmax _softmax softmax special_softmax", softmax, same_values, softmax_no_effect},
    {"_log_softmax log_softmax special_log_softmax", log_softmax, same_values, softmax_no_effect},
    {"where", where, same_values},
    {"masked_fill", masked_fill, same_values},
    {"dropout native_dropout", dropout, same_values, dropout_no_effect},
    {"alpha_dropout feature_alpha_dropout feature_dropout", factor_dropout, same_values},
    {"_to_copy prims::convert_element_type to type_as", cast, same_values},
    {"lerp", lerp, same_values},
    {"addcmul", addcmul, same_values},
    {"addcdiv", addcdiv, same_values},
    {"rrelu rrelu_with_noise rrelu_with_noise_functional", rrelu, same_values, rrelu_no_effect},
    {"hardshrink", hardshrink, same_values, {}, declaring::first},
    {"softshrink", softshrink, same_values, {}, declaring::first},
    {"tanhshrink", tanhshrink, same_values},
    {"logit special_logit", logit, same_values, {}, declaring::first},
    {"logaddexp", logaddexp, same_values, {}, first_two},
    {"logaddexp2", logaddexp2, same_values, {}, first_two},
    {"nan_to_num", nan_to_num, same_cost, {}, declaring::first},
    {"hypot", hypot, same_values},
    {"heaviside", heaviside, same_values},
    {"copysign", copysign, same_values, {}, declaring::first | declaring::result},
    {"sinc special_sinc", sinc, same_values, {}, declaring::first},
    {"deg2rad rad2deg", degrees_and_radians, same_values},
    {"frac", frac, same_values},
    {"signbit", signbit, same_values},
    {"isneginf isposinf", is_infinity, same_values},
    {"isclose", isclose, same_values},
    {"special_xlog1py special_xlogy xlogy", xlogy, same_values, {}, first_two},
    {"special_entr", entropy, same_cost, {}, declaring::first},
    {"special_log_ndtr special_ndtr", normal_share, same_values},
    {"ldexp", ldexp, same_values, {}, first_two},
    {"normal normal_functional", normal, same_values},
    {"multinomial", multinomial, same_cost, multinomial_no_effect},
    {"square", square, same_values},
    {"float_power", float_power, same_values},
    {"exp2 special_exp2", exp2, same_values, {}, declaring::result},
    {"arctan2 atan2", binary<atan2_op>, same_values},
    {"__and__ bitwise_and", binary<bitwise_and_op>, same_values},
    {"__or__ bitwise_or", binary<bitwise_or_op>, same_values},
    {"__xor__ bitwise_xor", binary<bitwise_xor_op>, same_values},
    {"eq", binary<eq_op>, same_values},
    {"__rshift__ bitwise_right_shift", binary<floor_divide_op>, same_cost},
    {"floor_divide", binary<floor_divide_op>, same_values},
    {"fmod", binary<fmod_op>, same_values},
    {"ge greater_equal", binary<ge_op>, same_values},
    {"greater gt", binary<gt_op>, same_values},
    {"le less_equal", binary<le_op>, same_values},
    {"logical_and", binary<logical_and_op>, same_values},
    {"logical_or", binary<logical_or_op>, same_values},
    {"logical_xor", binary<logical_xor_op>, same_values},
    {"less lt", binary<lt_op>, same_values},
    {"fmax", binary<maximum_op>, same_cost},
    {"maximum", binary<maximum_op>, same_values},
    {"fmin", binary<minimum_op>, same_cost},
    {"minimum", binary<minimum_op>, same_values},
    {"__lshift__ bitwise_left_shift", binary<mul_op>, same_cost},
    {"mul multiply", binary<mul_op>, same_values},
    {"ne not_equal", binary<ne_op>, same_values},
    {"pow", power, same_values},
    {"remainder", binary<remainder_op>, same_values},
    {"abs absolute", unary<abs_op>, same_values},
    {"acos arccos", unary<acos_op>, same_values},
    {"acosh arccosh", unary<acosh_op>, same_values},
    {"arcsin asin", unary<asin_op>, same_values},
    {"arcsinh asinh", unary<asinh_op>, same_values},
    {"arctan atan", unary<atan_op>, same_values},
    {"arctanh atanh", unary<atanh_op>, same_values},
    {"bitwise_not", unary<bitwise_not_op>, same_values},
    {"ceil", unary<ceil_op>, same_values},
    {"cos", unary<cos_op>, same_values},
    {"cosh", unary<cosh_op>, same_values},
    {"digamma special_digamma special_psi", unary<digamma_op>, same_values},
    {"erf special_erf", unary<erf_op>, same_values},
    {"erfc special_erfc", unary<erfc_op>, same_values},
    {"erfinv special_erfinv", unary<erfinv_op>, same_values},
    {"exp", unary<exp_op>, same_values},
    {"expm1 special_expm1", unary<expm1_op>, same_values},
    {"floor", unary<floor_op>, same_values},
    {"hardsigmoid", unary<hardsigmoid_op>, same_values},
    {"hardswish", unary<hardswish_op>, same_values},
    {"i0 special_i0", unary<i0_op>, same_values},
    {"isfinite", unary<isfinite_op>, same_values},
    {"isinf", unary<isinf_op>, same_values},
    {"isnan", unary<isnan_op>, same_values},
    {"lgamma special_gammaln", unary<lgamma_op>, same_values},
    {"log10", unary<log10_op>, same_values},
    {"log1p special_log1p", unary<log1p_op>, same_values},
    {"log2", unary<log2_op>, same_values},
    {"log", unary<log_op>, same_values},
    {"log_sigmoid log_sigmoid_forward", unary<log_sigmoid_op>, same_values},
    {"logical_not", unary<logical_not_op>, same_values},
    {"mish", unary<mish_op>, same_values},
    {"neg negative", unary<neg_op>, same_values},
    {"reciprocal", unary<reciprocal_op>, same_values},
    {"relu6", unary<relu6_op>, same_values},
    {"relu", unary<relu_op>, same_values},
    {"round special_round", round, same_values},
    {"rsqrt", unary<rsqrt_op>, same_values},
    {"selu", unary<selu_op>, same_values},
    {"sigmoid special_expit", unary<sigmoid_op>, same_values},
    {"sgn", unary<sign_op>, same_cost, {}, declaring::first | declaring::result},
    {"sign", unary<sign_op>, same_values},
    {"silu", unary<silu_op>, same_values},
    {"sin", unary<sin_op>, same_values},
    {"sinh", unary<sinh_op>, same_values},
    {"sqrt", unary<sqrt_op>, same_values},
    {"tan", unary<tan_op>, same_values},
    {"tanh", unary<tanh_op>, same_values},
    {"fix trunc", unary<trunc_op>, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_elementwise_operators = {
    aten_names<aten::elementwise_rows>};

}  // namespace zoometer
