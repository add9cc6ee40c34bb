// The operators of QONNX, Brevitas and FINN: real numbers rounded to those that integers or floats
// of any number of bits stand for.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "import/onnx/context.hpp"
#include "op/quantize.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_bits = 64;

/// The largest number that an input lists, rounded up; nothing if it is not known or no width.
std::optional<std::int64_t> bit_width(OnnxContext& context, std::size_t input) {
  context.take_unknown(input);
  const KnownTensor* known = context.known(input);
  if (known == nullptr || known->count() == 0 || known->count() > 4096) return std::nullopt;
  double most = 0;
  for (std::size_t i = 0; i < known->count(); ++i) most = std::max(most, known->real(i));
  if (!(most > 0 && most <= most_bits)) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(most));
}

RoundedType integer_type(OnnxContext& context, std::optional<std::int64_t> bits, bool is_signed) {
  if (!bits) return {};
  const std::string name = fmt::format("{}{}", is_signed ? "int" : "uint", *bits);
  return {context.graph().arena().copy(name), *bits};
}

/// Whether an input is known to be all zeros.
bool is_all_zero(const OnnxContext& context, std::size_t input) {
  const KnownTensor* known = context.known(input);
  if (known == nullptr) return false;
  const std::size_t stored =
      known->uniform ? std::min<std::size_t>(1, known->count()) : known->count();
  for (std::size_t i = 0; i < stored; ++i) {
    if (known->real(i) != 0) return false;
  }
  return true;
}

OnnxOutcome out_rounded(OnnxContext& context, const RoundedType& type, bool has_zero_point) {
  if (!is_floating(context.dtype(0))) return OnnxOutcome::depends_on_data;
  const Tensor x = context.in(0);
  const Tensor scale = context.optional_in(1);
  const Tensor none{&context.graph(), no_id};
  const bool shifts = has_zero_point && context.has(2) && !is_all_zero(context, 2);
  return context.out(fake_quantize(x, scale, shifts ? context.in(2) : none, type));
}

/// Quant(x, scale, zero point, bits).
OnnxOutcome emit_quant(OnnxContext& context) {
  const bool is_signed = context.integer("signed", 1) != 0;
  return out_rounded(context, integer_type(context, bit_width(context, 3), is_signed), true);
}

/// BipolarQuant(x, scale): -scale or scale.
OnnxOutcome emit_bipolar(OnnxContext& context) {
  return out_rounded(context, {"bipolar", 1}, false);
}

/// Trunc(x, scale, zero point, bits, [scale of the result], bits of the result).
OnnxOutcome emit_trunc(OnnxContext& context) {
  const bool is_signed = context.integer("signed", 1) != 0;
  const std::size_t last = context.input_count() - 1;
  return out_rounded(context, integer_type(context, bit_width(context, last), is_signed), true);
}

/// FloatQuant(x, scale, bits of the exponent, bits of the mantissa, ...).
OnnxOutcome emit_float_quant(OnnxContext& context) {
  const auto exponent = bit_width(context, 2);
  const auto mantissa = bit_width(context, 3);
  if (!exponent || !mantissa) return out_rounded(context, {}, false);
  const std::int64_t bits = 1 + *exponent + *mantissa;
  const std::string name = fmt::format("float{}_e{}m{}", bits, *exponent, *mantissa);
  return out_rounded(context, {context.graph().arena().copy(name), bits}, false);
}

/// A type by QONNX's name: "UINT4", "INT8", "BIPOLAR", "BINARY", "TERNARY".
RoundedType type_named(OnnxContext& context, std::string_view name) {
  if (name == "BIPOLAR") return {"bipolar", 1};
  if (name == "BINARY") return {"uint1", 1};
  if (name == "TERNARY") return {"int2", 2};
  const bool is_signed = name.starts_with("INT");
  if (!is_signed && !name.starts_with("UINT")) return {};
  const std::string_view digits = name.substr(is_signed ? 3 : 4);
  std::int64_t bits = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  const bool is_width = problem == std::errc() && end == digits.data() + digits.size() && bits >= 1;
  return is_width && bits <= most_bits ? integer_type(context, bits, is_signed) : RoundedType{};
}

/// MultiThreshold(x, thresholds).
OnnxOutcome emit_multi_threshold(OnnxContext& context) {
  if (context.rank(0) < 2 || context.rank(1) != 2) return OnnxOutcome::depends_on_data;
  const Tensor x = context.in(0);
  return context.out(
      multi_threshold(x, context.in(1), type_named(context, context.text("out_dtype", ""))));
}

using enum Meaning;

constexpr NoEffect quant_no_effect[] = {
    {"narrow", "which numbers are left out"},
    {"rounding_mode", "the direction of the rounding"},
    {"output_dtype", "the type says the same"},
};

constexpr NoEffect bipolar_no_effect[] = {{"input 2", "not of this operator"}};

constexpr NoEffect trunc_no_effect[] = {
    {"narrow", "which numbers are left out"},
    {"rounding_mode", "the direction of the rounding"},
    {"input 3", "the type before"},
    {"input 4", "a scale, or how many bits are left"},
};

constexpr NoEffect float_quant_no_effect[] = {
    {"has_inf", "which numbers are left out"},
    {"has_nan", "which numbers are left out"},
    {"has_subnormal", "which numbers are left out"},
    {"saturation", "what becomes of numbers that do not fit"},
    {"max_val", "the largest number"},
    {"rounding_mode", "the direction of the rounding"},
    {"input 4", "the exponent's bias"},
    {"input 5", "the largest number"},
};

constexpr NoEffect threshold_no_effect[] = {
    {"data_layout", "every element has as many thresholds"},
    {"out_scale", "one product per element in any case"},
    {"out_bias", "one addition per element in any case"},
};

constexpr OnnxOperator rounded_rows[] = {
    {"BipolarQuant",
     same_cost,
     emit_bipolar,
     {.quantisation = {1}, .no_effect = bipolar_no_effect}},
    {"FloatQuant",
     same_cost,
     emit_float_quant,
     {.quantisation = {1}, .no_effect = float_quant_no_effect}},
    {"IntQuant", same_cost, emit_quant, {.quantisation = {1, 2}, .no_effect = quant_no_effect}},
    {"MultiThreshold",
     same_cost,
     emit_multi_threshold,
     {.quantisation = {1}, .no_effect = threshold_no_effect}},
    {"Quant", same_cost, emit_quant, {.quantisation = {1, 2}, .no_effect = quant_no_effect}},
    {"Trunc", same_cost, emit_trunc, {.quantisation = {1, 2}, .no_effect = trunc_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_brevitas_operators = {"onnx.brevitas", rounded_rows};
extern constinit const OnnxOperators onnx_qonnx_operators = {"qonnx.custom_op.general",
                                                             rounded_rows};
extern constinit const OnnxOperators onnx_finn_operators = {"finn.custom_op.general", rounded_rows};

}  // namespace zoometer
