#include "op/quantize.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand scaled_inputs[] = {
    {"x", Role::data}, {"scale", Role::quantisation}, {"zero_point", Role::zero_point}};
constexpr Operand per_channel_inputs[] = {
    {"x", Role::data}, {"scales", Role::quantisation}, {"zero_points", Role::zero_point}};
constexpr std::string_view tensor_constraints[] = {"a scale and a zero point of one element each",
                                                   "a quantised or integer dtype"};
constexpr std::string_view channel_constraints[] = {
    "an axis within the rank of x", "a scale and a zero point for each index of the axis",
    "a quantised or integer dtype"};
constexpr std::string_view dequantize_constraints[] = {"x of a quantised or integer dtype"};
constexpr std::string_view requantize_constraints[] = {
    "a scale and a zero point of one element each", "x of a quantised or integer dtype"};

void infer_per_tensor(Inference& in) {
  const DType dtype = in.attrs<QuantizeAttrs>().dtype;
  in.require(in.numel(1) == 1 && (!in.has(2) || in.numel(2) == 1), 1);
  in.require(!is_floating(dtype), 2);
  in.output(in.shape(0), dtype);
}

void infer_per_channel(Inference& in) {
  const auto& attrs = in.attrs<QuantizePerChannelAttrs>();
  const Shape& x = in.shape(0);
  const std::int64_t channels = x.dim(in.axis(attrs.axis, x.rank(), 1));
  in.require(in.numel(1) == channels && (!in.has(2) || in.numel(2) == channels), 2);
  in.require(!is_floating(attrs.dtype), 3);
  in.output(x, attrs.dtype);
}

void infer_dequantize(Inference& in) {
  in.require(!is_floating(in.dtype(0)), 1);
  in.output(in.shape(0), DType::float32);
}

void infer_requantize(Inference& in) {
  in.require(in.numel(1) == 1 && (!in.has(2) || in.numel(2) == 1), 1);
  in.require(!is_floating(in.dtype(0)), 2);
  infer_same(in);
}

constexpr std::string_view quantize_formula =
    "2 per element: division by the scale and addition of the zero point, rounded and clamped";

}  // namespace

constinit const OpDef quantize_per_tensor_op = {
    .name = "quantize_per_tensor",
    .summary = "Real numbers as integers, with one scale and one zero point.",
    .formula = quantize_formula,
    .kind = OpKind::quantisation,
    .inputs = scaled_inputs,
    .constraints = tensor_constraints,
    .attrs = AttrType::of<QuantizeAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_per_tensor,
    .cost = per_output<2>};

constinit const OpDef quantize_per_channel_op = {
    .name = "quantize_per_channel",
    .summary = "Real numbers as integers, with a scale and a zero point for each channel.",
    .formula = quantize_formula,
    .kind = OpKind::quantisation,
    .inputs = per_channel_inputs,
    .constraints = channel_constraints,
    .attrs = AttrType::of<QuantizePerChannelAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_per_channel,
    .cost = per_output<2>};

constinit const OpDef dequantize_op = {
    .name = "dequantize",
    .summary = "The real numbers that integers stand for.",
    .formula = "2 per element: subtraction of the zero point and multiplication by the scale",
    .kind = OpKind::quantisation,
    .inputs = scaled_inputs,
    .constraints = dequantize_constraints,
    .attrs = AttrType::of<NoAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_dequantize,
    .cost = per_output<2>};

// Kernels do this to each accumulator before they store it, so it takes no memory of its own and
// moves no bytes. A ReLU folded into it raises the lower bound of a clamp that is there anyway,
// and costs nothing more.
constinit const OpDef requantize_op = {
    .name = "requantize",
    .summary = "The result of the integer operator before it, at its own scale and zero point.",
    .formula = "2 per element: multiplication by the ratio of the scales and addition of the zero "
               "point, rounded and clamped; 0 more for a folded ReLU",
    .kind = OpKind::quantisation,
    .inputs = scaled_inputs,
    .constraints = requantize_constraints,
    .attrs = AttrType::of<RequantizeAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = reshaped,
    .arithmetic = real_arithmetic,
    .infer = infer_requantize,
    .cost = per_output<2>};

namespace {

constexpr const OpDef* ops[] = {&quantize_per_tensor_op, &quantize_per_channel_op, &dequantize_op,
                                &requantize_op};

}  // namespace

extern constinit const OpGroup quantize_ops = {"quantisation", "Integers instead of real numbers.",
                                               ops};

Tensor quantize_per_tensor(Tensor x, Tensor scale, Tensor zero_point, const QuantizeAttrs& attrs) {
  return apply(quantize_per_tensor_op, attrs, x, scale, zero_point);
}

Tensor quantize_per_channel(Tensor x, Tensor scales, Tensor zero_points,
                            const QuantizePerChannelAttrs& attrs) {
  return apply(quantize_per_channel_op, attrs, x, scales, zero_points);
}

Tensor dequantize(Tensor x) { return apply(dequantize_op, NoAttrs{}, x); }

Tensor requantize(Tensor x, Tensor scale, Tensor zero_point, const RequantizeAttrs& attrs) {
  return apply(requantize_op, attrs, x, scale, zero_point);
}

}  // namespace zoometer
