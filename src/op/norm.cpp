#include "zoometer/op/norm.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand batch_inputs[] = {{"x", Role::data},
                                    {"weight", Role::scale},
                                    {"bias", Role::shift},
                                    {"running_mean", Role::mean},
                                    {"running_var", Role::variance}};
constexpr Operand affine_inputs[] = {
    {"x", Role::data}, {"weight", Role::scale}, {"bias", Role::shift}};
constexpr std::string_view channel_constraints[] = {
    "x of rank 2 or more", "weights, biases and statistics of one element per channel"};
constexpr std::string_view layer_constraints[] = {
    "at least as many dimensions in x as are normalised",
    "a weight and a bias of the shape of the normalised dimensions"};
constexpr std::string_view group_constraints[] = {"x of rank 2 or more",
                                                  "a weight and a bias of one element per channel",
                                                  "groups of at least 1 that divide the channels"};
constexpr std::string_view response_constraints[] = {"x of rank 2 or more", "a size of at least 1"};

void infer_per_channel(Inference& in) {
  const Shape& x = in.shape(0);
  in.require(x.rank() >= 2, 1);
  for (std::size_t i = 1; i < in.input_count(); ++i) {
    if (in.has(i)) in.require(in.shape(i).rank() == 1 && in.shape(i).dim(0) == x.dim(1), 2);
  }
  in.output(x, in.dtype(0));
}

void infer_layer_norm(Inference& in) {
  const Shape& x = in.shape(0);
  const std::int64_t normalized = in.attrs<LayerNormAttrs>().normalized_rank;
  in.require(normalized >= 1 && normalized <= x.rank(), 1);
  for (std::size_t i = 1; i < in.input_count(); ++i) {
    if (!in.has(i)) continue;
    in.require(in.shape(i).rank() == normalized, 2);
    for (std::int64_t k = 1; k <= normalized; ++k) in.require(in.shape(i).dim(-k) == x.dim(-k), 2);
  }
  in.output(x, in.dtype(0));
}

void infer_group_norm(Inference& in) {
  infer_per_channel(in);
  const std::int64_t groups = in.attrs<GroupNormAttrs>().num_groups;
  in.require(groups >= 1 && in.shape(0).dim(1) % groups == 0, 3);
}

void infer_response(Inference& in) {
  in.require(in.shape(0).rank() >= 2, 1);
  in.require(in.attrs<LocalResponseNormAttrs>().size >= 1, 2);
  infer_same(in);
}

Cost cost_normalise(const NodeView& node) {
  const std::int64_t per_element = 5 + (node.has(1) ? 1 : 0) + (node.has(2) ? 1 : 0);
  return {0, checked_mul(per_element, node.in_numel(0))};
}

Cost cost_rms(const NodeView& node) {
  return {0, checked_mul(node.has(1) ? 4 : 3, node.in_numel(0))};
}

Cost cost_response(const NodeView& node) {
  const std::int64_t size = node.attrs<LocalResponseNormAttrs>().size;
  return {0, checked_mul(checked_add(size, 5), node.in_numel(0))};
}

constexpr std::int64_t float32_bytes = 4;

std::int64_t channel_bytes(const NodeView& node) {
  return product(2, node.in(0).dim(1), float32_bytes);
}

std::int64_t instance_bytes(const NodeView& node) {
  return product(node.has(1) ? 3 : 2, node.in(0).dim(0), node.in(0).dim(1), float32_bytes);
}

std::int64_t group_bytes(const NodeView& node) {
  return product(2, node.in(0).dim(0), node.attrs<GroupNormAttrs>().num_groups, float32_bytes);
}

template <std::int64_t Numbers>
std::int64_t row_bytes(const NodeView& node) {
  std::int64_t row = 1;
  const std::int64_t rank = node.attrs<LayerNormAttrs>().normalized_rank;
  for (std::int64_t i = 1; i <= rank; ++i) row = checked_mul(row, node.in(0).dim(-i));
  return product(Numbers, node.in_numel(0) / std::max<std::int64_t>(1, row), float32_bytes);
}

constexpr Extra channel_statistics{"mean and deviation of each channel, in float32", channel_bytes};
/// PyTorch runs batch_norm with the samples as channels, each of which then has a weight.
constexpr Extra instance_statistics{"mean and deviation of each channel of each sample, in "
                                    "float32, and with a weight as many copies",
                                    instance_bytes};
constexpr Extra group_statistics{"mean and deviation of each group of each sample, in float32",
                                 group_bytes};
constexpr Extra row_statistics{"mean and deviation of each row, in float32", row_bytes<2>};
/// With a weight also its other factor.
std::int64_t rms_bytes(const NodeView& node) {
  return checked_add(row_bytes<1>(node), node.has(1) ? node.graph().bytes(node.output()) : 0);
}
constexpr Extra row_scales{"one number for each row, in float32, and with a weight the scaled rows",
                           rms_bytes};

constexpr std::string_view normalise_formula =
    "5 per element (sum for the mean; difference, square and sum for the variance; scaling), "
    "+1 with a weight, +1 with a bias";

}  // namespace

constinit const OpDef batch_norm_op = {
    .name = "batch_norm",
    .summary = "Batch normalisation in evaluation mode, with stored statistics.",
    .formula = "2 per element: the four vectors fold into one scale and one shift per channel",
    .kind = OpKind::normalisation,
    .inputs = batch_inputs,
    .constraints = channel_constraints,
    .attrs = AttrType::of<BatchNormAttrs>(),
    .backward = keeps(first).with(channel_statistics),
    .fusion = Fuse::follows,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_per_channel,
    .cost = per_input<2>};

constinit const OpDef batch_norm_training_op = {
    .name = "batch_norm_training",
    .summary = "Batch normalisation in training mode, with the statistics of the batch.",
    .formula = "6 per element: sum for the mean; difference, square and sum for the variance; one "
               "scale and one shift per channel. Running statistics, a number per channel, are not "
               "counted",
    .kind = OpKind::normalisation,
    .inputs = batch_inputs,
    .constraints = channel_constraints,
    .attrs = AttrType::of<BatchNormTrainingAttrs>(),
    .backward = keeps(first).with(channel_statistics),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_per_channel,
    .cost = per_input<6>};

constinit const OpDef layer_norm_op = {
    .name = "layer_norm",
    .summary = "Normalises the last dimensions of every element to mean 0 and variance 1.",
    .formula = normalise_formula,
    .kind = OpKind::normalisation,
    .inputs = affine_inputs,
    .constraints = layer_constraints,
    .attrs = AttrType::of<LayerNormAttrs>(),
    .backward = keeps(first).with(row_statistics),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_layer_norm,
    .cost = cost_normalise};

constinit const OpDef rms_norm_op = {
    .name = "rms_norm",
    .summary = "Divides by the root mean square over the last dimensions.",
    .formula = "3 per element (square, sum, scaling), +1 with a weight",
    .kind = OpKind::normalisation,
    .inputs = affine_inputs,
    .constraints = layer_constraints,
    .attrs = AttrType::of<LayerNormAttrs>(),
    .backward = keeps(first).with(row_scales),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_layer_norm,
    .cost = cost_rms};

constinit const OpDef group_norm_op = {.name = "group_norm",
                                       .summary =
                                           "Normalises each group of channels of each sample.",
                                       .formula = normalise_formula,
                                       .kind = OpKind::normalisation,
                                       .inputs = affine_inputs,
                                       .constraints = group_constraints,
                                       .attrs = AttrType::of<GroupNormAttrs>(),
                                       .backward = keeps(first).with(group_statistics),
                                       .fusion = Fuse::leads,
                                       .memory = new_memory,
                                       .arithmetic = real_arithmetic,
                                       .infer = infer_group_norm,
                                       .cost = cost_normalise};

constinit const OpDef instance_norm_op = {.name = "instance_norm",
                                          .summary = "Normalises each channel of each sample.",
                                          .formula = normalise_formula,
                                          .kind = OpKind::normalisation,
                                          .inputs = affine_inputs,
                                          .constraints = channel_constraints,
                                          .attrs = AttrType::of<BatchNormAttrs>(),
                                          .backward = keeps(first).with(instance_statistics),
                                          .fusion = Fuse::leads,
                                          .memory = new_memory,
                                          .arithmetic = real_arithmetic,
                                          .infer = infer_per_channel,
                                          .cost = cost_normalise};

constinit const OpDef local_response_norm_op = {
    .name = "local_response_norm",
    .summary = "Divides by a power of the mean square over neighbouring channels.",
    .formula = "(size + 5) per element: square, size sums, scale, add, power, division",
    .kind = OpKind::normalisation,
    .inputs = input_x,
    .constraints = response_constraints,
    .attrs = AttrType::of<LocalResponseNormAttrs>(),
    .backward = keeps(first | result),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_response,
    .cost = cost_response};

namespace {

constexpr const OpDef* ops[] = {&batch_norm_op,         &batch_norm_training_op, &layer_norm_op,
                                &rms_norm_op,           &group_norm_op,          &instance_norm_op,
                                &local_response_norm_op};

}  // namespace

extern constinit const OpGroup norm_ops = {"normalisation", "Normalisation layers.", ops};

Tensor batch_norm(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                  const BatchNormAttrs& attrs) {
  return apply(batch_norm_op, attrs, x, weight, bias, mean, variance);
}

Tensor batch_norm_training(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                           const BatchNormTrainingAttrs& attrs) {
  return apply(batch_norm_training_op, attrs, x, weight, bias, mean, variance);
}

Tensor layer_norm(Tensor x, Tensor weight, Tensor bias, const LayerNormAttrs& attrs) {
  return apply(layer_norm_op, attrs, x, weight, bias);
}

Tensor rms_norm(Tensor x, Tensor weight, const LayerNormAttrs& attrs) {
  return apply(rms_norm_op, attrs, x, weight);
}

Tensor group_norm(Tensor x, Tensor weight, Tensor bias, const GroupNormAttrs& attrs) {
  return apply(group_norm_op, attrs, x, weight, bias);
}

Tensor instance_norm(Tensor x, Tensor weight, Tensor bias, const BatchNormAttrs& attrs) {
  return apply(instance_norm_op, attrs, x, weight, bias);
}

Tensor local_response_norm(Tensor x, const LocalResponseNormAttrs& attrs) {
  return apply(local_response_norm_op, attrs, x);
}

}  // namespace zoometer
