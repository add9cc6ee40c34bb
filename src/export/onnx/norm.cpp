#include "zoometer/op/norm.hpp"

#include <vector>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

/// An optional weight or bias; if absent, the number that changes nothing.
std::string affine(OnnxStep& step, std::size_t index, double neutral, const Shape& sizes) {
  if (step.has(index)) return step.in(index);
  const std::vector<double> values(static_cast<std::size_t>(numel(sizes)), neutral);
  return step.reals(values, sizes);
}

void write_batch_norm(OnnxStep& step) {
  if (step.node().output_count() > 1) step.fail("has the outputs of training");
  const Shape channels{step.shape(0).dim(1)};
  const std::string scale = affine(step, 1, 1, channels);
  const std::string bias = affine(step, 2, 0, channels);
  const std::string mean = affine(step, 3, 0, channels);
  const std::string variance = affine(step, 4, 1, channels);
  step.make("BatchNormalization", {step.in(0), scale, bias, mean, variance},
            {{"epsilon", step.attrs<BatchNormAttrs>().eps}});
}

/// (C,) as (C, 1, ...): one for each channel of x.
std::string per_channel(OnnxStep& step, std::size_t index) {
  Ints sizes = Ints::filled(static_cast<std::size_t>(step.shape(0).rank() - 1), 1);
  sizes[0] = step.shape(0).dim(1);
  return step.reshape(step.in(index), sizes);
}

/// With the statistics of the batch, and none that are kept.
void write_batch_statistics(OnnxStep& step, double eps) {
  Ints axes;
  for (std::int64_t i = 0; i < step.shape(0).rank(); ++i) {
    if (i != 1) axes.push_back(i);
  }
  const std::string mean = step.add_reduce("ReduceMean", step.in(0), axes);
  const std::string apart = step.add("Sub", {step.in(0), mean});
  const std::string variance = step.add_reduce("ReduceMean", step.add("Mul", {apart, apart}), axes);
  const std::string root =
      step.add("Sqrt", {step.add("Add", {variance, step.number(eps, step.dtype())})});
  std::string y = step.add("Div", {apart, root});
  if (step.has(1)) y = step.add("Mul", {y, per_channel(step, 1)});
  if (step.has(2)) y = step.add("Add", {y, per_channel(step, 2)});
  step.make_output(0, "Identity", {y});
}

/// ONNX's momentum is the share of the old statistics.
void write_batch_norm_training(OnnxStep& step) {
  const auto& attrs = step.attrs<BatchNormTrainingAttrs>();
  if (!step.has(3) && step.node().output_count() == 1)
    return write_batch_statistics(step, attrs.eps);
  const Shape channels{step.shape(0).dim(1)};
  const std::string scale = affine(step, 1, 1, channels);
  const std::string bias = affine(step, 2, 0, channels);
  const std::string mean = affine(step, 3, 0, channels);
  const std::string variance = affine(step, 4, 1, channels);
  if (step.node().output_count() > 3) step.fail("has the saved statistics of training");
  step.make("BatchNormalization", {step.in(0), scale, bias, mean, variance},
            {{"epsilon", attrs.eps},
             {"momentum", 1 - attrs.momentum},
             {"training_mode", std::int64_t{1}}});
}

Shape normalised_sizes(const OnnxStep& step) {
  const std::int64_t rank = step.attrs<LayerNormAttrs>().normalized_rank;
  return Shape(std::span<const std::int64_t>(step.shape(0)).last(static_cast<std::size_t>(rank)));
}

void write_layer_norm(OnnxStep& step) {
  const auto& attrs = step.attrs<LayerNormAttrs>();
  const std::string scale = affine(step, 1, 1, normalised_sizes(step));
  std::vector<std::string> inputs{step.in(0), scale};
  if (step.has(2)) inputs.push_back(step.in(2));
  step.make("LayerNormalization", inputs,
            {{"axis", -attrs.normalized_rank}, {"epsilon", attrs.eps}});
}

void write_rms_norm(OnnxStep& step) {
  const auto& attrs = step.attrs<LayerNormAttrs>();
  Ints axes;
  for (std::int64_t i = attrs.normalized_rank; i >= 1; --i) axes.push_back(-i);
  const std::string squares = step.add("Mul", {step.in(0), step.in(0)});
  const std::string mean = step.add_reduce("ReduceMean", squares, axes);
  const std::string shifted = step.add("Add", {mean, step.number(attrs.eps, step.dtype())});
  const std::string root = step.add("Sqrt", {shifted});
  if (!step.has(1)) return step.make("Div", {step.in(0), root});
  step.make("Mul", {step.add("Div", {step.in(0), root}), step.in(1)});
}

void write_group_norm(OnnxStep& step) {
  const auto& attrs = step.attrs<GroupNormAttrs>();
  const Shape& x = step.shape(0);
  const Shape groups{attrs.num_groups};
  // Instances of the groups; the affine part is per channel and comes after.
  const std::string grouped = step.reshape(step.in(0), {x.dim(0), attrs.num_groups, -1});
  const std::vector<double> ones(static_cast<std::size_t>(attrs.num_groups), 1.0);
  const std::vector<double> zeros(static_cast<std::size_t>(attrs.num_groups), 0.0);
  const std::string scale = step.reals(ones, groups);
  const std::string shift = step.reals(zeros, groups);
  const std::string normal =
      step.add("InstanceNormalization", {grouped, scale, shift}, {{"epsilon", attrs.eps}});
  std::string y = step.reshape(normal, x);
  if (step.has(1)) y = step.add("Mul", {y, per_channel(step, 1)});
  if (!step.has(2)) return step.make("Identity", {y});
  step.make("Add", {y, per_channel(step, 2)});
}

void write_instance_norm(OnnxStep& step) {
  const Shape channels{step.shape(0).dim(1)};
  const std::string scale = affine(step, 1, 1, channels);
  const std::string shift = affine(step, 2, 0, channels);
  step.make("InstanceNormalization", {step.in(0), scale, shift},
            {{"epsilon", step.attrs<BatchNormAttrs>().eps}});
}

void write_response_norm(OnnxStep& step) {
  const auto& attrs = step.attrs<LocalResponseNormAttrs>();
  step.make(
      "LRN", {step.in(0)},
      {{"size", attrs.size}, {"alpha", attrs.alpha}, {"beta", attrs.beta}, {"bias", attrs.k}});
}

constexpr OnnxExportRule norm_rules[] = {{&batch_norm_op, {}, write_batch_norm},
                                         {&batch_norm_training_op, {}, write_batch_norm_training},
                                         {&layer_norm_op, {}, write_layer_norm},
                                         {&rms_norm_op, {}, write_rms_norm},
                                         {&group_norm_op, {}, write_group_norm},
                                         {&instance_norm_op, {}, write_instance_norm},
                                         {&local_response_norm_op, {}, write_response_norm}};

}  // namespace

extern constinit const OnnxExportRules norm_onnx_export_rules = {norm_rules};

}  // namespace zoometer
