// Gemma 1 to 4: norms before and after, wide heads, windows in most layers, and in Gemma 4 layers
// that share keys, experts beside the feed-forward network and an input of each layer.
#include <algorithm>

#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace gemma_models {
namespace {

AttentionPlan gemma_attention(const Configuration& config, std::int64_t heads,
                              std::int64_t shared_heads) {
  AttentionPlan attention;
  attention.heads = config.size({"num_attention_heads"}, heads);
  attention.key_value_heads = config.size({"num_key_value_heads"}, shared_heads);
  attention.head = config.size({"head_dim"}, 256);
  const bool bias = config.flag({"attention_bias"}, false);
  set_biases(attention, bias, bias);
  return attention;
}

void add_outer_norms(LayerPlan& layer) {
  layer.after_mixer = "post_attention_layernorm";
  layer.before_feed_forward = "pre_feedforward_layernorm";
  layer.after_feed_forward = "post_feedforward_layernorm";
}

FeedForwardPlan gelu_gated(std::int64_t width) {
  FeedForwardPlan plan = gated(width);
  plan.activation = ActivationKind::gelu;
  return plan;
}

ModelPlan gemma_like(const Configuration& config, const AttentionPlan& attention,
                     bool has_outer_norms, bool (*slides)(const Configuration&, std::int64_t)) {
  ModelPlan plan = frame(config, Ties::yes);
  const std::vector<std::int64_t> windows = layer_windows(config, slides);
  const FeedForwardPlan feed_forward = gelu_gated(feed_forward_size(config));
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention, .feed_forward = feed_forward};
    std::get<AttentionPlan>(layer.mixer).window = windows[static_cast<std::size_t>(i)];
    if (has_outer_norms) add_outer_norms(layer);
    return layer;
  });
  return plan;
}

ModelPlan gemma(const Configuration& config) {
  return gemma_like(config, gemma_attention(config, 16, 16), false, none_slides);
}
ModelPlan gemma2(const Configuration& config) {
  return gemma_like(config, gemma_attention(config, 8, 4), true,
                    [](const Configuration&, std::int64_t i) { return i % 2 == 0; });
}

/// Files of the larger models leave out what equals the class: a vocabulary of 262208.
ModelPlan gemma3(const Configuration& config) {
  AttentionPlan attention = gemma_attention(config, 8, 4);
  attention.query_key_norm = QueryKeyNorm::head;
  return gemma_like(config, attention, true, [](const Configuration& c, std::int64_t i) {
    const std::int64_t pattern = c.size({"sliding_window_pattern", "_sliding_window_pattern"}, 6);
    return (i + 1) % std::max<std::int64_t>(1, pattern) != 0;
  });
}

ModelPlan vaultgemma(const Configuration& config) {
  ModelPlan plan = gemma_like(config, gemma_attention(config, 8, 4), false,
                              [](const Configuration&, std::int64_t i) { return i % 2 == 0; });
  for (LayerPlan& layer : plan.plans) layer.before_feed_forward = "pre_feedforward_layernorm";
  return plan;
}

/// The attention of one layer of Gemma 4.
AttentionPlan gemma4_attention(const Configuration& config, bool is_full) {
  AttentionPlan attention = gemma_attention(config, 8, 4);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.value_norm = "v_norm";
  if (!is_full) {
    attention.window = config.size({"sliding_window"}, 512);
    return attention;
  }
  attention.head = config.size({"global_head_dim"}, 512);
  attention.value_is_key = config.flag({"attention_k_eq_v"}, false);
  if (attention.value_is_key)
    attention.key_value_heads =
        config.size({"num_global_key_value_heads"}, attention.key_value_heads);
  return attention;
}

ModelPlan gemma4(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::yes);
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const std::int64_t count = layer_count(config);
  const std::int64_t own_keys = count - std::min(count, config.size({"num_kv_shared_layers"}, 0));
  const bool has_experts = config.flag({"enable_moe_block"}, false);
  const std::int64_t own_input = config.size({"hidden_size_per_layer_input"}, 0);
  plan.per_layer_vocabulary = config.size({"vocab_size_per_layer_input"}, plan.vocabulary);
  add_layers(plan, config, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_full =
        types.size() > at ? types[at] == "full_attention" : (i + 1) % 6 == 0 || i + 1 == count;
    AttentionPlan attention = gemma4_attention(config, is_full);
    attention.uses_shared_keys = i >= own_keys;
    const bool is_wide = attention.uses_shared_keys && config.flag({"use_double_wide_mlp"}, false);
    LayerPlan layer{.mixer = attention,
                    .feed_forward =
                        gelu_gated(checked_mul(feed_forward_size(config), is_wide ? 2 : 1))};
    add_outer_norms(layer);
    layer.has_scalar = true;
    layer.per_layer_features = own_input;
    if (!has_experts) return layer;
    layer.has_experts_beside = true;
    layer.experts = usual_experts(config);
    layer.experts.layout = ExpertsPlan::Layout::fused;
    layer.experts.activation = ActivationKind::gelu;
    return layer;
  });
  return plan;
}

/// The width of a layer's network: one for all, or a list.
std::int64_t width_of_layer(const Configuration& config, std::int64_t layer) {
  const Setting* width = config.find({"intermediate_size"});
  if (width == nullptr || width->kind != Setting::Kind::list)
    return config.size({"intermediate_size"}, 16384);
  const std::vector<std::int64_t> each = config.sizes({"intermediate_size"});
  return each.size() > static_cast<std::size_t>(layer) ? each[static_cast<std::size_t>(layer)]
                                                       : each.back();
}

/// Gemma 3n: alternating updates, a path of low rank, an input of each layer, shared keys.
ModelPlan gemma3n(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::yes);
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const std::int64_t count = layer_count(config);
  const std::int64_t own_keys = count - std::min(count, config.size({"num_kv_shared_layers"}, 15));
  plan.alternatives = config.size({"altup_num_inputs"}, 4);
  if (plan.alternatives < 1 || plan.alternatives > 256)
    throw_unknown_part("altup_num_inputs that is not from 1 to 256");
  plan.per_layer_vocabulary = config.size({"vocab_size_per_layer_input"}, 262144);
  const std::int64_t own_input = config.size({"hidden_size_per_layer_input"}, 256);
  const std::int64_t rank = config.size({"laurel_rank"}, 64);
  if (own_input == 0 || rank == 0) throw_unknown_part("a layer without its own input or its path");
  const AttentionPlan usual = [&] {
    AttentionPlan attention = gemma_attention(config, 8, 2);
    attention.query_key_norm = QueryKeyNorm::head;
    attention.value_norm = "v_norm";
    return attention;
  }();
  add_layers(plan, config, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_full = types.size() > at ? types[at] == "full_attention" : (i + 1) % 5 == 0;
    AttentionPlan attention = usual;
    if (!is_full) attention.window = config.size({"sliding_window"}, 512);
    attention.uses_shared_keys = i >= own_keys;
    LayerPlan layer{.mixer = attention, .feed_forward = gelu_gated(width_of_layer(config, i))};
    add_outer_norms(layer);
    layer.alternatives = plan.alternatives;
    layer.side_rank = rank;
    layer.scales_correction = config.flag({"altup_correct_scale"}, true);
    layer.per_layer_features = own_input;
    return layer;
  });
  return plan;
}

constexpr ModelType types[] = {
    {"gemma", gemma},
    {"gemma2", gemma2},
    {"gemma3_text", gemma3},
    {"gemma3", gemma3},
    {"gemma4_text", gemma4},
    {"vaultgemma", vaultgemma},
    {"gemma4_unified_text", gemma4},
    {"gemma3n_text", gemma3n},
};

}  // namespace
}  // namespace gemma_models

extern constinit const Architecture gemma_architecture = {
    "Gemma", "Gemma Team, Gemma 3 Technical Report, 2025.", gemma_models::types};

}  // namespace zoometer
