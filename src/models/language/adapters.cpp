#include "models/language/adapters.hpp"

#include <string>

namespace zoometer {
namespace {

std::string joined(std::string_view path, std::string_view name) {
  std::string result(path);
  return result.append(path.empty() || name.empty() ? "" : ".").append(name);
}

void add_ranks(const Adapters& adapters, const std::string& owner,
               std::initializer_list<std::string_view> layers, AdapterRanks& ranks) {
  for (const std::string_view layer : layers) {
    const auto found = layer.empty() ? adapters.end() : adapters.find(joined(owner, layer));
    if (found != adapters.end()) ranks.push_back({layer, found->second});
  }
}

void add_to_network(const Adapters& adapters, const std::string& path, FeedForwardPlan& plan) {
  add_ranks(adapters, path, {plan.gate, plan.up, plan.down, plan.fused}, plan.adapters);
}

void add_to_mixer(const Adapters& adapters, const std::string& path, LayerPlan& layer) {
  if (auto* plan = std::get_if<AttentionPlan>(&layer.mixer))
    add_ranks(adapters, path, {plan->query, plan->key, plan->value, plan->output, plan->fused},
              plan->adapters);
  if (auto* plan = std::get_if<LatentPlan>(&layer.mixer))
    add_ranks(adapters, path,
              {"q_proj", "q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", plan->output},
              plan->adapters);
  if (auto* plan = std::get_if<StatePlan>(&layer.mixer))
    add_ranks(adapters, path,
              {"in_proj", "in_proj_qkvz", "in_proj_ba", "in_proj_qkv", "in_proj_z", "in_proj_b",
               "in_proj_a", "out_proj"},
              plan->adapters);
}

}  // namespace

void add_adapters(const Adapters& adapters, ModelPlan& plan) {
  if (adapters.empty()) return;
  if (!plan.is_tied) add_ranks(adapters, {}, {plan.head}, plan.adapters);
  std::size_t number = 0;
  for (LayerPlan& layer : plan.plans) {
    if (layer.is_second_half) continue;
    const std::string path = joined(joined(plan.root, plan.layers), std::to_string(number++));
    add_to_mixer(adapters, joined(path, layer.mixer_name), layer);
    const std::string network = joined(path, layer.feed_forward_name);
    if (auto* feed_forward = std::get_if<FeedForwardPlan>(&layer.feed_forward))
      add_to_network(adapters, network, *feed_forward);
    if (auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward))
      add_to_network(adapters, joined(network, experts->shared), experts->shared_plan);
  }
}

}  // namespace zoometer
