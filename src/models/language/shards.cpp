#include "models/language/shards.hpp"

#include <fmt/core.h>

#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

class PlanSharder {
 public:
  explicit PlanSharder(const Shards& shards) : shards_(shards) {}

  void shard(ModelPlan& plan) const {
    plan.vocabulary = ceil_div(plan.vocabulary, shards_.layers);
    plan.head_outputs = ceil_div(plan.head_outputs, shards_.layers);
    for (LayerPlan& layer : plan.plans) shard(layer);
    for (StackPlan& stack : plan.stacks) {
      if (stack.use != StackPlan::Use::encoder) continue;
      for (Step& step : stack.steps) {
        for (LayerPlan& layer : step.plans) shard(layer);
      }
    }
  }

 private:
  [[noreturn]] void refuse(std::string_view what, std::int64_t size, std::int64_t parts) const {
    throw Error(
        ErrorCode::usage, parts == shards_.layers ? "--tp" : "--tp and --ep",
        {fmt::format("a number that divides the {} {}", size, what), std::to_string(parts)});
  }
  void divide(std::int64_t& size, std::string_view what, std::int64_t parts) const {
    if (size % parts != 0) refuse(what, size, parts);
    size /= parts;
  }
  void divide(std::int64_t& size, std::string_view what) const {
    divide(size, what, shards_.layers);
  }
  /// Parts that are fewer than the devices are on several of them.
  void divide_or_repeat(std::int64_t& size, std::string_view what) const {
    if (size > 0 && size < shards_.layers && shards_.layers % size == 0) {
      size = 1;
    } else {
      divide(size, what);
    }
  }

  void shard(LayerPlan& layer) const {
    std::visit([&](auto& mixer) { shard(mixer); }, layer.mixer);
    if (!layer.second_name.empty()) shard(layer.second);
    std::visit([&](auto& network) { shard(network); }, layer.feed_forward);
    if (!layer.cross_name.empty()) shard(layer.cross);
    if (layer.has_experts_beside || !layer.shortcut.empty()) shard(layer.experts);
  }
  void shard(std::monostate) const {}
  void shard(AttentionPlan& plan) const {
    divide(plan.heads, "heads");
    divide_or_repeat(plan.key_value_heads, "key heads");
    divide(plan.gate_features, "features of the gate");
  }
  void shard(LatentPlan& plan) const {
    divide(plan.heads, "heads");
    divide(plan.gate_features, "features of the gate");
  }
  void shard(CompressedPlan& plan) const {
    divide(plan.heads, "heads");
    divide(plan.groups, "groups of the output");
  }
  void shard(StatePlan& plan) const {
    if (plan.kind == StatePlan::Kind::short_convolution) return;
    divide(plan.inner, "features of a state");
    divide(plan.heads, "heads of a state");
    divide(plan.key_heads, "key heads of a state");
    if (plan.kind == StatePlan::Kind::mamba2) divide_or_repeat(plan.groups, "groups of a state");
  }
  void shard(FeedForwardPlan& plan) const {
    divide(plan.width, "features of a feed-forward network");
  }
  void shard(ExpertsPlan& plan) const {
    divide(plan.width, "features of an expert", shards_.experts);
    if (!plan.shared.empty()) shard(plan.shared_plan);
  }

  const Shards& shards_;
};

}  // namespace

void shard_plan(const Shards& shards, ModelPlan& plan) {
  if (shards.layers == 1 && shards.experts == 1) return;
  PlanSharder(shards).shard(plan);
}

}  // namespace zoometer
