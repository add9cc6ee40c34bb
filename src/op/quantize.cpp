#include "op/quantize.hpp"

#include <algorithm>

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

constexpr Operand threshold_inputs[] = {{"x", Role::data}, {"thresholds", Role::quantisation}};
constexpr std::string_view rounding_constraints[] = {"x of floating-point type"};
constexpr std::string_view threshold_constraints[] = {
    "x of rank 2 or more", "thresholds of rank 2, one row or as many as channels"};
constexpr Operand packed_inputs[] = {{"x", Role::data},
                                     {"weight", Role::weight},
                                     {"scales", Role::quantisation},
                                     {"zero_points", Role::zero_point},
                                     {"groups", Role::indices},
                                     {"bias", Role::bias}};
constexpr std::string_view packed_constraints[] = {
    "x of rank 1 or more, with `in_features` as its last dimension", "sizes of at least 1"};

void infer_fake_quantize(Inference& in) {
  in.require(is_floating(in.dtype(0)), 1);
  infer_same(in);
}

/// A scale, a rounding, a clamp and the scale back; the zero point is added and subtracted.
Cost cost_fake_quantize(const NodeView& node) {
  return {0, checked_mul(node.has(2) ? 6 : 4, node.out_numel())};
}

void infer_multi_threshold(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& thresholds = in.shape(1);
  in.require(x.rank() >= 2, 1);
  in.require(thresholds.rank() == 2, 2);
  infer_same(in);
}

Cost cost_multi_threshold(const NodeView& node) {
  return {0, checked_mul(checked_add(node.in(1).dim(1), 2), node.out_numel())};
}

void infer_packed(Inference& in) {
  const auto& attrs = in.attrs<PackedAttrs>();
  const Shape& x = in.shape(0);
  in.require(x.rank() >= 1 && x.dim(-1) == attrs.in, 1);
  in.require(attrs.in >= 1 && attrs.out >= 1 && attrs.experts >= 1, 2);
  Shape out = x;
  out.set_dim(-1, attrs.out);
  in.output(out, in.dtype(0));
}

std::int64_t count_packed(const NodeView& node) { return node.attrs<PackedAttrs>().experts; }

Cost cost_packed(const NodeView& node) {
  const auto& attrs = node.attrs<PackedAttrs>();
  const std::int64_t rows = node.in_numel(0) / attrs.in;
  const std::int64_t matrices = std::min(attrs.experts, rows);
  const std::int64_t unpacked = checked_mul(matrices, checked_mul(attrs.in, attrs.out));
  return {checked_mul(node.out_numel(), attrs.in),
          checked_add(checked_mul(2, unpacked), node.has(5) ? node.out_numel() : 0)};
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
    .memory = packed,
    .arithmetic = real_arithmetic,
    .infer = infer_requantize,
    .cost = per_output<2>};

constinit const OpDef fake_quantize_op = {
    .name = "fake_quantize",
    .summary = "Real numbers rounded to those that integers of few bits stand for.",
    .formula =
        "4 per element: the scale, a rounding, a clamp and the scale back; 6 with a zero point",
    .kind = OpKind::quantisation,
    .inputs = scaled_inputs,
    .constraints = rounding_constraints,
    .attrs = AttrType::of<RoundedType>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_fake_quantize,
    .cost = cost_fake_quantize};

constinit const OpDef multi_threshold_op = {
    .name = "multi_threshold",
    .summary = "How many of its channel's thresholds each element reaches, scaled and shifted: "
               "FINN's quantised activation.",
    .formula =
        "per element, 1 for each threshold of a channel, 1 for the scale and 1 for the shift",
    .kind = OpKind::quantisation,
    .inputs = threshold_inputs,
    .constraints = threshold_constraints,
    .attrs = AttrType::of<RoundedType>(),
    .backward = keeps_nothing,
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_multi_threshold,
    .cost = cost_multi_threshold};

constinit const OpDef matmul_n_bits_op = {
    .name = "matmul_n_bits",
    .summary = "x times a transposed weight of few bits, which the kernel unpacks while it "
               "multiplies, plus a bias.",
    .formula = "2 x MACs + 2 per element of the matrices in use (zero point and scale) + 1 per "
               "output element "
               "for the bias; MACs = output elements x features of x",
    .kind = OpKind::product,
    .inputs = packed_inputs,
    .constraints = packed_constraints,
    .attrs = AttrType::of<PackedAttrs>(),
    .backward = keeps_factors(),
    .fusion = Fuse::leads,
    .memory = Memory{.by_expert = all_but_first, .experts = count_packed},
    .arithmetic = additions,
    .infer = infer_packed,
    .cost = cost_packed};

namespace {

constexpr const OpDef* ops[] = {
    &quantize_per_tensor_op, &quantize_per_channel_op, &dequantize_op,   &requantize_op,
    &fake_quantize_op,       &multi_threshold_op,      &matmul_n_bits_op};

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

RoundedType rounded_type_of(const NodeView& node) { return node.attrs<RoundedType>(); }

Tensor fake_quantize(Tensor x, Tensor scale, Tensor zero_point, const RoundedType& attrs) {
  return apply(fake_quantize_op, attrs, x, scale, zero_point);
}

Tensor multi_threshold(Tensor x, Tensor thresholds, const RoundedType& attrs) {
  return apply(multi_threshold_op, attrs, x, thresholds);
}

Tensor matmul_n_bits(Tensor x, const PackedWeight& operands, const PackedAttrs& attrs) {
  return apply(matmul_n_bits_op, attrs, x, operands.weight, operands.scales, operands.zero_points,
               operands.groups, operands.bias);
}

Tensor requantize(Tensor x, Tensor scale, Tensor zero_point, const RequantizeAttrs& attrs) {
  return apply(requantize_op, attrs, x, scale, zero_point);
}

}  // namespace zoometer
