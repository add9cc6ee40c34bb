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

}  // namespace

void add_adapters(const Adapters& adapters, ModelPlan& plan) {
  if (adapters.empty()) return;
  std::size_t number = 0;
  for (LayerPlan& layer : plan.plans) {
    if (layer.is_second_half) continue;
    const std::string path = joined(joined(plan.root, plan.layers), std::to_string(number++));
    if (auto* attention = std::get_if<AttentionPlan>(&layer.mixer)) {
      if (!attention->is_transposed)
        add_ranks(adapters, joined(path, layer.mixer_name),
                  {attention->query, attention->key, attention->value, attention->output,
                   attention->fused},
                  attention->adapters);
    }
    if (auto* network = std::get_if<FeedForwardPlan>(&layer.feed_forward)) {
      if (!network->is_transposed)
        add_ranks(adapters, joined(path, layer.feed_forward_name),
                  {network->gate, network->up, network->down, network->fused}, network->adapters);
    }
  }
}

}  // namespace zoometer
