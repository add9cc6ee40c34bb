#include "analysis/convention.hpp"
#include "op/quantize.hpp"
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

// ptflops' PyTorch backend: hooks on modules, and the same rules for the functions that they call.

/// Products, and 1 per output element for a bias. A norm that was folded in counts 2 instead.
std::int64_t convolution_cost(const NodeView& node) {
  if (const std::int64_t norm = folded_norm_elements(node); norm > 0)
    return checked_add(macs_of(node), checked_mul(2, norm));
  return checked_add(macs_of(node), node.has(2) ? node.out_numel() : 0);
}

/// Products, and 1 per feature (not per element) for a bias.
std::int64_t linear_cost(const NodeView& node) {
  return checked_add(macs_of(node), node.has(2) ? node.in(1).dim(0) : 0);
}

/// The same of a linear layer whose weight is packed.
std::int64_t packed_cost(const NodeView& node) {
  constexpr std::size_t bias = 5;
  return checked_add(macs_of(node), node.has(bias) ? node.attrs<PackedAttrs>().out : 0);
}

/// A Linear module as PyTorch lowers it, or a call of addmm.
std::int64_t addmm_cost(const NodeView& node) {
  const std::int64_t bias = module_class(node) == "Linear" ? node.in_numel(0) : node.out_numel();
  return checked_add(macs_of(node), bias);
}

/// An adaptive pooling to one element per channel, which PyTorch computes as a mean.
std::int64_t mean_cost(const NodeView& node) {
  return module_class(node).starts_with("AdaptiveAvgPool") ? node.in_numel(0) : 0;
}

std::int64_t norm_cost(const NodeView& node) {
  return checked_mul(node.has(1) ? 2 : 1, node.in_numel(0));
}

std::int64_t one_per_input(const NodeView& node) { return node.in_numel(0); }

std::int64_t one_per_output(const NodeView& node) { return node.out_numel(); }

/// PyTorch's relu6 is this call before torch 2 and in exported programs.
std::int64_t hardtanh_cost(const NodeView& node) {
  const auto& attrs = node.attrs<ClampAttrs>();
  return attrs.min == 0 && attrs.max == 6 ? node.out_numel() : 0;
}

/// The products and the softmax that a MultiheadAttention module is before torch 2.
std::int64_t attention_cost(const NodeView& node) {
  if (module_class(node) != "MultiheadAttention") return 0;
  const std::int64_t macs = macs_of(node);
  const std::int64_t features = node.in(0).dim(-1) + node.in(2).dim(-1);
  return features == 0 ? macs : checked_add(macs, macs / features);
}

struct Rule {
  const OpDef* op;
  std::int64_t (*cost)(const NodeView&);
};

constexpr Rule rules[] = {
    {&linear_op, linear_cost},
    {&scaled_dot_product_attention_op, attention_cost},
    {&matmul_n_bits_op, packed_cost},
    {&matmul_op, macs_of},
    {&bmm_op, macs_of},
    {&addmm_op, addmm_cost},
    {&mean_op, mean_cost},
    {&batch_norm_op, norm_cost},
    {&batch_norm_training_op, norm_cost},
    {&instance_norm_op, norm_cost},
    {&group_norm_op, norm_cost},
    {&layer_norm_op, norm_cost},
    {&relu_op, one_per_output},
    {&relu6_op, one_per_output},
    {&hardtanh_op, hardtanh_cost},
    {&prelu_op, one_per_output},
    {&elu_op, one_per_output},
    {&leaky_relu_op, one_per_output},
    {&gelu_op, one_per_output},
    {&silu_op, one_per_output},
    {&softmax_op, one_per_input},
    {&max_pool1d_op, one_per_input},
    {&max_pool2d_op, one_per_input},
    {&max_pool3d_op, one_per_input},
    {&avg_pool1d_op, one_per_input},
    {&avg_pool2d_op, one_per_input},
    {&avg_pool3d_op, one_per_input},
    {&adaptive_avg_pool1d_op, one_per_input},
    {&adaptive_avg_pool2d_op, one_per_input},
    {&adaptive_avg_pool3d_op, one_per_input},
    {&adaptive_max_pool1d_op, one_per_input},
    {&adaptive_max_pool2d_op, one_per_input},
    {&adaptive_max_pool3d_op, one_per_input},
    {&upsample_nearest2d_op, one_per_output},
    {&upsample_bilinear2d_op, one_per_output},
};

std::int64_t operations(const NodeView& node) {
  if (is_convolution(node.op())) return convolution_cost(node);
  for (const Rule& rule : rules) {
    if (rule.op == &node.op()) return rule.cost(node);
  }
  return 0;
}

}  // namespace

extern constinit const Convention ptflops_convention = {
    "ptflops",
    "MACs",
    "1 per multiply-accumulate of convolutions, linear layers and products, and per bias; norms 2 "
    "per "
    "element, activations, pooling and softmax 1; sums, products and other functions are left out.",
    "ptflops.get_model_complexity_info, PyTorch backend",
    1,
    operations};

}  // namespace zoometer
