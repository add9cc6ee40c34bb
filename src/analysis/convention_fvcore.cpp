#include "analysis/convention.hpp"
#include "op/norm.hpp"
#include "op/pool.hpp"
#include "op/resample.hpp"
#include "util/checked.hpp"

namespace zoometer {
namespace {

/// 2 per element with a learnt scale, else 1: scaling, and the mean folded into the shift.
std::int64_t batch_norm_cost(const NodeView& node) {
  return checked_mul(node.has(1) ? 2 : 1, node.in_numel(0));
}

/// 5 per element with a learnt scale, else 4.
std::int64_t normalisation_cost(const NodeView& node) {
  return checked_mul(node.has(1) ? 5 : 4, node.in_numel(0));
}

std::int64_t one_per_input(const NodeView& node) { return node.in_numel(0); }

std::int64_t one_per_output(const NodeView& node) { return node.out_numel(); }

std::int64_t four_per_output(const NodeView& node) { return checked_mul(4, node.out_numel()); }

struct Rule {
  const OpDef* op;
  std::int64_t (*cost)(const NodeView&);
};

constexpr Rule rules[] = {
    {&batch_norm_op, batch_norm_cost},          {&layer_norm_op, normalisation_cost},
    {&group_norm_op, normalisation_cost},       {&instance_norm_op, normalisation_cost},
    {&adaptive_avg_pool2d_op, one_per_input},   {&upsample_nearest2d_op, one_per_output},
    {&upsample_bilinear2d_op, four_per_output}, {&grid_sample_op, four_per_output},
};

std::int64_t flops(const NodeView& node) {
  for (const Rule& rule : rules) {
    if (rule.op == &node.op()) return rule.cost(node);
  }
  return macs_of(node);
}

}  // namespace

extern constinit const Convention fvcore_convention = {
    "fvcore", "FLOPs",
    "1 per multiply-accumulate; batch norm 2 per element, other norms 5, adaptive average pooling "
    "1, "
    "bilinear upsampling and grid sampling 4; every other operator is left out.",
    "fvcore.nn.FlopCountAnalysis", flops};

}  // namespace zoometer
