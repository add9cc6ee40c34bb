// Qwen 1 to 3.5, their mixtures of experts and their gated delta networks.
#include <algorithm>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace qwen_models {
namespace {

bool qwen_slides(const Configuration& config, std::int64_t layer) {
  return config.flag({"use_sliding_window"}, false) &&
         layer >= config.size({"max_window_layers"}, 28);
}

using Slides = bool (*)(const Configuration&, std::int64_t layer);

template <class FeedForwardOf>
ModelPlan qwen_like(const Configuration& config, const AttentionPlan& attention,
                    const FeedForwardOf& feed_forward, Slides slides = qwen_slides) {
  ModelPlan plan = frame(config, Ties::no);
  const std::vector<std::int64_t> windows = layer_windows(config, slides);
  const bool has_windows = slides != qwen_slides || config.flag({"use_sliding_window"}, false);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention};
    if (has_windows)
      std::get<AttentionPlan>(layer.mixer).window = windows[static_cast<std::size_t>(i)];
    feed_forward(layer, i);
    return layer;
  });
  return plan;
}

AttentionPlan qwen2_attention(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"qkv_bias"}, true), false);
  return attention;
}

AttentionPlan qwen3_attention(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  return attention;
}

/// A mixture in every `decoder_sparse_step`th layer, except those of a list.
bool has_experts(const Configuration& config, std::int64_t layer) {
  const std::vector<std::int64_t> dense = config.sizes({"mlp_only_layers"});
  const std::int64_t step = std::max<std::int64_t>(1, config.size({"decoder_sparse_step"}, 1));
  return std::ranges::find(dense, layer) == dense.end() && (layer + 1) % step == 0;
}

auto dense_layers(const Configuration& config) {
  const FeedForwardPlan plan = gated(feed_forward_size(config));
  return [plan](LayerPlan& layer, std::int64_t) { layer.feed_forward = plan; };
}

ModelPlan qwen2(const Configuration& config) {
  return qwen_like(config, qwen2_attention(config), dense_layers(config));
}
ModelPlan qwen3(const Configuration& config) {
  return qwen_like(config, qwen3_attention(config), dense_layers(config));
}

/// MiMo: Qwen2, and layers that predict further tokens below "model.mtp_layers".
ModelPlan mimo(const Configuration& config) {
  ModelPlan plan = qwen2(config);
  const std::int64_t count = config.size({"num_nextn_predict_layers"}, 0);
  if (count == 0) return plan;
  if (count > 64) throw_unknown_part("more than 64 layers that predict further tokens");
  StackBuilder stack(StackPlan::Use::alone, "input_ids", "model");
  stack.plan.norm_kind = NormKind::rms;
  stack.plan.features = plan.features;
  stack.layers("mtp_layers", count, plan.plans.back());
  for (std::int64_t i = 0; i < count; ++i) {
    stack.in("model.mtp_layers." + std::to_string(i))
        .linear("input_proj", checked_mul(2, plan.features), plan.features, false)
        .norm("token_layernorm", plan.features, NormKind::rms)
        .norm("hidden_layernorm", plan.features, NormKind::rms)
        .norm("final_layernorm", plan.features, NormKind::rms);
  }
  plan.prediction = std::move(stack.plan);
  return plan;
}

ModelPlan mixture(const Configuration& config, const AttentionPlan& attention,
                  const ExpertsPlan& experts, Slides slides = qwen_slides) {
  const auto feed_forward = [&](LayerPlan& layer, std::int64_t i) {
    if (has_experts(config, i))
      layer.feed_forward = experts;
    else
      layer.feed_forward = gated(feed_forward_size(config));
  };
  return qwen_like(config, attention, feed_forward, slides);
}

ExpertsPlan with_shared_expert(const Configuration& config) {
  ExpertsPlan experts = usual_experts(config);
  add_shared(experts, "shared_expert", config.size({"shared_expert_intermediate_size"}, 0));
  if (!experts.shared.empty()) experts.shared_gate = "shared_expert_gate";
  return experts;
}

ModelPlan qwen2_moe(const Configuration& config) {
  return mixture(config, qwen2_attention(config), with_shared_expert(config));
}
/// Where there is a window, all layers have it.
ModelPlan qwen3_moe(const Configuration& config) {
  return mixture(
      config, qwen3_attention(config), usual_experts(config),
      [](const Configuration& c, std::int64_t) { return c.flag({"use_sliding_window"}, false); });
}
/// Where there is a window, all layers of Qwen3-Omni have it.
ModelPlan qwen3_omni(const Configuration& config) {
  return mixture(config, qwen3_attention(config), usual_experts(config), all_slide);
}
ModelPlan mellum(const Configuration& config) {
  return mixture(config, qwen3_attention(config), usual_experts(config), none_slides);
}
/// Its files have all experts in one tensor.
ModelPlan qwen3_vl_moe(const Configuration& config) {
  ExpertsPlan experts = usual_experts(config);
  experts.layout = ExpertsPlan::Layout::fused_transposed;
  return mixture(config, qwen3_attention(config), experts);
}

StatePlan delta_network(const Configuration& config, bool is_fused) {
  return {.kind = StatePlan::Kind::delta,
          .kernel = config.size({"linear_conv_kernel_dim"}, 4),
          .heads = config.size({"linear_num_value_heads"}, 32),
          .head = config.size({"linear_value_head_dim"}, 128),
          .key_heads = config.size({"linear_num_key_heads"}, 16),
          .key_head = config.size({"linear_key_head_dim"}, 128),
          .is_fused = is_fused};
}

bool is_full(const Configuration& config, const std::vector<std::string_view>& types,
             std::int64_t layer) {
  if (types.size() > static_cast<std::size_t>(layer))
    return types[static_cast<std::size_t>(layer)] == "full_attention";
  const std::int64_t interval =
      std::max<std::int64_t>(1, config.size({"full_attention_interval"}, 4));
  return (layer + 1) % interval == 0;
}

/// A layer with attention that predicts further tokens, below "mtp".
void add_prediction(ModelPlan& plan, const Configuration& config, const LayerPlan& layer) {
  const std::int64_t count = config.size({"mtp_num_hidden_layers", "num_nextn_predict_layers"}, 0);
  if (count == 0) return;
  if (count > 64) throw_unknown_part("more than 64 layers that predict further tokens");
  StackBuilder stack(StackPlan::Use::alone, "input_ids", "mtp");
  stack.plan.norm_kind = NormKind::rms;
  stack.plan.features = plan.features;
  stack.linear("fc", checked_mul(2, plan.features), plan.features, false)
      .norm("pre_fc_norm_embedding", plan.features, NormKind::rms)
      .norm("pre_fc_norm_hidden", plan.features, NormKind::rms)
      .layers("layers", count, layer)
      .norm("norm", plan.features, NormKind::rms);
  plan.prediction = std::move(stack.plan);
}

/// Gated delta networks, and in every fourth layer attention with a gate.
ModelPlan hybrid(const Configuration& config, bool is_fused) {
  AttentionPlan attention = qwen3_attention(config);
  attention.head = config.size({"head_dim"}, 256);
  attention.has_fused_gate = config.flag({"attn_output_gate"}, true);
  attention.rotary = rotary_size(config, 0.25);
  const bool is_mixture = config.size({"num_experts"}, 0) > 0;
  ExpertsPlan experts;
  if (is_mixture) {
    experts = with_shared_expert(config);
    if (!is_fused) experts.layout = ExpertsPlan::Layout::fused;
  }
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const auto parts = [&](LayerPlan& layer, std::int64_t i) {
    if (!is_full(config, types, i)) {
      layer.mixer = delta_network(config, is_fused);
      layer.mixer_name = "linear_attn";
    }
    if (is_mixture && has_experts(config, i))
      layer.feed_forward = experts;
    else
      layer.feed_forward = gated(feed_forward_size(config));
  };
  ModelPlan plan = qwen_like(config, attention, parts, none_slides);
  LayerPlan last{.mixer = attention};
  if (is_mixture)
    last.feed_forward = experts;
  else
    last.feed_forward = gated(feed_forward_size(config));
  add_prediction(plan, config, last);
  return plan;
}
ModelPlan qwen3_next(const Configuration& config) { return hybrid(config, true); }
ModelPlan qwen3_5(const Configuration& config) { return hybrid(config, false); }

/// Qwen (1): `intermediate_size` is that of both halves.
ModelPlan qwen1(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, true, !config.flag({"no_bias"}, true));
  attention.fused = "c_attn";
  attention.output = "c_proj";
  FeedForwardPlan feed_forward =
      gated(feed_forward_size(config) / 2, !config.flag({"no_bias"}, true));
  feed_forward.gate = "w2";
  feed_forward.up = "w1";
  feed_forward.down = "c_proj";
  ModelPlan plan = frame(config, Ties::no);
  plan.root = "transformer";
  plan.embedding = "wte";
  plan.layers = "h";
  plan.norm = "ln_f";
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = "attn",
                     .mixer = attention,
                     .feed_forward = feed_forward,
                     .before_mixer = "ln_1",
                     .before_feed_forward = "ln_2"};
  });
  return plan;
}

constexpr ModelType types[] = {
    {"qwen", qwen1},
    {"qwen2", qwen2},
    {"qwen2_vl", qwen2},
    {"qwen2_vl_text", qwen2},
    {"qwen2_5_vl", qwen2},
    {"qwen2_5_vl_text", qwen2},
    {"qwen2_5_omni_text", qwen2},
    {"qwen2_5_omni_talker", qwen2},
    {"qwen3_omni_moe_text", qwen3_omni},
    {"mimo", mimo},
    {"qwen2_moe", qwen2_moe},
    {"qwen3", qwen3},
    {"qwen3_vl_text", qwen3},
    {"qwen3_moe", qwen3_moe},
    {"mellum", mellum},
    {"qwen3_vl_moe_text", qwen3_vl_moe},
    {"qwen3_next", qwen3_next},
    {"qwen3_5_text", qwen3_5},
    {"qwen3_5_moe_text", qwen3_5},
};

}  // namespace
}  // namespace qwen_models

extern constinit const Architecture qwen_architecture = {
    "Qwen", "Yang and others, Qwen3 Technical Report, 2025.", qwen_models::types};

}  // namespace zoometer
