#include <algorithm>
#include <array>

#include "analysis/convention.hpp"
#include "op/quantize.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// thop hooks modules of exactly these classes; what other modules and functions do is left out,
// among it attention's projections and products, and subclasses such as torchvision's LayerNorm2d.
// A file without classes is counted as if every operator were a module of the usual class.

std::int64_t convolution_cost(const NodeView& node) {
  if (!is_transposed_convolution(node.op())) return macs_of(node);
  // The same formula as for a plain convolution: products counted at every output element.
  const Shape& weight = node.in(1);
  std::int64_t products = node.in(0).dim(1) / node.attrs<ConvAttrs>().groups;
  for (std::int64_t i = 2; i < weight.rank(); ++i) products = checked_mul(products, weight.dim(i));
  return checked_mul(products, node.out_numel());
}

std::int64_t norm_cost(const NodeView& node) {
  return checked_mul(node.has(1) ? 4 : 2, node.in_numel(0));
}

std::int64_t one_per_output(const NodeView& node) { return node.out_numel(); }

template <std::int64_t Factor>
std::int64_t per_output(const NodeView& node) {
  return checked_mul(Factor, node.out_numel());
}

/// Per output element, the window's sums and one division.
std::int64_t adaptive_pool_cost(const NodeView& node) {
  return checked_add(node.in_numel(0), node.out_numel());
}

/// exp, sum and division.
std::int64_t softmax_cost(const NodeView& node) {
  const Shape& x = node.in(0);
  const std::int64_t features = x.empty() ? 1 : x.dim(node.attrs<AxisAttrs>().dim);
  return features == 0 ? 0 : checked_mul(node.in_numel(0) / features, 3 * features - 1);
}

std::int64_t biased_product_cost(const NodeView& node) {
  return checked_add(macs_of(node), node.out_numel());
}

/// At every step and in every direction: the products of each gate, a sum and two biases per unit,
/// and `Extra` per unit for the state.
template <std::int64_t Gates, std::int64_t Extra>
std::int64_t recurrent_cost(const NodeView& node) {
  const Shape& weight = node.in(1);
  const std::int64_t features = std::max<std::int64_t>(1, weight.dim(2));
  const std::int64_t hidden = weight.dim(1) / Gates;
  const std::int64_t columns = checked_add(features, hidden) + 1 + (node.has(3) ? 2 : 0);
  const std::int64_t step = checked_mul(hidden, checked_mul(Gates, columns) + Extra);
  return checked_mul(checked_mul(node.in_numel(0) / features, weight.dim(0)), step);
}

struct Rule {
  std::string_view module;
  const OpDef* op;
  std::int64_t (*cost)(const NodeView&);
};

constexpr Rule rules[] = {
    {"Conv1d", &conv1d_op, convolution_cost},
    {"Conv2d", &conv2d_op, convolution_cost},
    {"Conv3d", &conv3d_op, convolution_cost},
    {"ConvTranspose1d", &conv_transpose1d_op, convolution_cost},
    {"ConvTranspose2d", &conv_transpose2d_op, convolution_cost},
    {"ConvTranspose3d", &conv_transpose3d_op, convolution_cost},
    {"BatchNorm1d", &batch_norm_op, norm_cost},
    {"BatchNorm2d", &batch_norm_op, norm_cost},
    {"BatchNorm3d", &batch_norm_op, norm_cost},
    {"BatchNorm1d", &batch_norm_training_op, norm_cost},
    {"BatchNorm2d", &batch_norm_training_op, norm_cost},
    {"BatchNorm3d", &batch_norm_training_op, norm_cost},
    {"SyncBatchNorm", &batch_norm_op, norm_cost},
    {"LayerNorm", &layer_norm_op, norm_cost},
    {"InstanceNorm1d", &instance_norm_op, norm_cost},
    {"InstanceNorm2d", &instance_norm_op, norm_cost},
    {"InstanceNorm3d", &instance_norm_op, norm_cost},
    {"PReLU", &prelu_op, one_per_output},
    {"AvgPool1d", &avg_pool1d_op, one_per_output},
    {"AvgPool2d", &avg_pool2d_op, one_per_output},
    {"AvgPool3d", &avg_pool3d_op, one_per_output},
    {"AdaptiveAvgPool1d", &adaptive_avg_pool1d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool2d", &adaptive_avg_pool2d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool3d", &adaptive_avg_pool3d_op, adaptive_pool_cost},
    {"Linear", &linear_op, macs_of},
    {"Linear", &matmul_n_bits_op, macs_of},
    {"Softmax", &softmax_op, softmax_cost},
    {"Upsample", &upsample_nearest1d_op, one_per_output},
    {"Upsample", &upsample_nearest2d_op, one_per_output},
    {"Upsample", &upsample_nearest3d_op, one_per_output},
    {"Upsample", &upsample_linear1d_op, per_output<5>},
    {"Upsample", &upsample_bilinear2d_op, per_output<11>},
    {"Upsample", &upsample_bicubic2d_op, per_output<259>},
    {"UpsamplingNearest2d", &upsample_nearest2d_op, one_per_output},
    {"UpsamplingBilinear2d", &upsample_bilinear2d_op, per_output<11>},
    {"RNN", &rnn_op, recurrent_cost<1, 0>},
    {"GRU", &gru_op, recurrent_cost<3, 4>},
    {"LSTM", &lstm_op, recurrent_cost<4, 4>},
};

/// What PyTorch makes of some of these modules when it lowers them to simpler operators. Per unit
/// and step, an LSTM has 3 sigmoids and 2 tangents for the 8 of thop's formula, a GRU 2 and 1 for
/// the 7, an RNN 1 tangent for the 1.
constexpr Rule lowered[] = {
    {"Linear", &addmm_op, macs_of},
    {"Linear", &matmul_op, macs_of},
    {"Linear", &bmm_op, macs_of},
    {"LSTM", &addmm_op, biased_product_cost},
    {"LSTM", &matmul_op, macs_of},
    {"LSTM", &sigmoid_op, per_output<2>},
    {"LSTM", &tanh_op, one_per_output},
    {"GRU", &addmm_op, biased_product_cost},
    {"GRU", &matmul_op, macs_of},
    {"GRU", &sigmoid_op, per_output<3>},
    {"GRU", &tanh_op, one_per_output},
    {"RNN", &addmm_op, biased_product_cost},
    {"RNN", &matmul_op, macs_of},
    {"RNN", &tanh_op, one_per_output},
    {"RNN", &relu_op, one_per_output},
    {"InstanceNorm1d", &batch_norm_op, norm_cost},
    {"InstanceNorm2d", &batch_norm_op, norm_cost},
    {"InstanceNorm3d", &batch_norm_op, norm_cost},
    {"InstanceNorm1d", &batch_norm_training_op, norm_cost},
    {"InstanceNorm2d", &batch_norm_training_op, norm_cost},
    {"InstanceNorm3d", &batch_norm_training_op, norm_cost},
    {"AvgPool1d", &avg_pool2d_op, one_per_output},
    {"AdaptiveAvgPool1d", &adaptive_avg_pool2d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool1d", &mean_op, adaptive_pool_cost},
    {"AdaptiveAvgPool2d", &mean_op, adaptive_pool_cost},
    {"AdaptiveAvgPool3d", &mean_op, adaptive_pool_cost},
    {"AdaptiveAvgPool1d", &avg_pool1d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool2d", &avg_pool2d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool3d", &avg_pool3d_op, adaptive_pool_cost},
};

/// Whether one factor of a product is learnt: without classes, such a product is a Linear module.
bool has_weight(const NodeView& node) {
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (node.has(i) && node.graph().value(node.input(i)).has(Value::is_parameter)) return true;
  }
  return false;
}

std::int64_t cost_without_classes(const NodeView& node) {
  if (&node.op() == &matmul_op || &node.op() == &addmm_op)
    return has_weight(node) ? macs_of(node) : 0;
  const auto rule = std::ranges::find(rules, &node.op(), &Rule::op);
  return rule == std::end(rules) ? 0 : rule->cost(node);
}

std::int64_t operations(const NodeView& node) {
  // A node with a norm folded in is in the norm's module, or in one of an unknown class.
  if (const std::int64_t norm = folded_norm_elements(node); norm > 0)
    return checked_add(cost_without_classes(node), checked_mul(4, norm));
  const std::string_view module = module_class(node);
  if (module.empty()) return cost_without_classes(node);
  const auto fits = [&](const Rule& rule) {
    return rule.op == &node.op() && rule.module == module;
  };
  if (const auto rule = std::ranges::find_if(rules, fits); rule != std::end(rules))
    return rule->cost(node);
  const auto rule = std::ranges::find_if(lowered, fits);
  return rule == std::end(lowered) ? 0 : rule->cost(node);
}

}  // namespace

extern constinit const Convention thop_convention = {
    "thop",
    "MACs",
    "1 per multiply-accumulate of Conv and Linear modules; norm modules 4 per element, average "
    "pooling 1, recurrent and upsampling modules by thop's formulas; functions, attention and "
    "subclasses are left out. In files without classes, every operator counts as a module.",
    "thop.profile",
    1,
    operations};

}  // namespace zoometer
