#include <algorithm>
#include <array>

#include "analysis/convention.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// thop hooks modules of exactly these classes; what other modules and functions do is left out,
// among it attention's projections and products, and subclasses such as torchvision's LayerNorm2d.

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

/// Per output element, the window's sums and one division.
std::int64_t adaptive_pool_cost(const NodeView& node) {
  return checked_add(node.in_numel(0), node.out_numel());
}

/// exp, sum and division.
std::int64_t softmax_cost(const NodeView& node) {
  const std::int64_t features = node.in(0).dim(node.attrs<AxisAttrs>().dim);
  return features == 0 ? 0 : checked_mul(node.in_numel(0) / features, 3 * features - 1);
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
    {"LayerNorm", &layer_norm_op, norm_cost},
    {"InstanceNorm1d", &instance_norm_op, norm_cost},
    {"InstanceNorm2d", &instance_norm_op, norm_cost},
    {"InstanceNorm3d", &instance_norm_op, norm_cost},
    {"PReLU", &prelu_op, one_per_output},
    {"LeakyReLU", &leaky_relu_op, one_per_output},
    {"AvgPool1d", &avg_pool1d_op, one_per_output},
    {"AvgPool2d", &avg_pool2d_op, one_per_output},
    {"AvgPool3d", &avg_pool3d_op, one_per_output},
    {"AdaptiveAvgPool1d", &adaptive_avg_pool1d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool2d", &adaptive_avg_pool2d_op, adaptive_pool_cost},
    {"AdaptiveAvgPool3d", &adaptive_avg_pool3d_op, adaptive_pool_cost},
    {"Linear", &linear_op, macs_of},
    {"Softmax", &softmax_op, softmax_cost},
};

std::int64_t operations(const NodeView& node) {
  const std::string_view kind = module_kind(node);
  for (const Rule& rule : rules) {
    if (rule.op == &node.op() && rule.module == kind) return rule.cost(node);
  }
  return 0;
}

}  // namespace

extern constinit const Convention thop_convention = {
    "thop",
    "MACs",
    "1 per multiply-accumulate of Conv and Linear modules; norm modules 4 per element, average "
    "pooling 1; "
    "functions, attention and subclasses are left out.",
    "thop.profile",
    1,
    operations};

}  // namespace zoometer
