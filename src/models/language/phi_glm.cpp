// Phi and GLM: fused layers of gate and up, partial rotation.
#include "models/language/common.hpp"

namespace zoometer {
namespace phi_glm_models {
namespace {

FeedForwardPlan fused_gated(std::int64_t width, std::string_view fused, std::string_view down) {
  FeedForwardPlan plan = gated(width);
  plan.fused = fused;
  plan.down = down;
  return plan;
}

ModelPlan phi(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm = "final_layernorm";
  plan.norm_kind = NormKind::layer;
  plan.head_bias = true;
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, true, true);
  attention.output = "dense";
  attention.rotary = config.size({"rotary_dim"}, rotary_size(config, 0.5));
  if (config.flag({"qk_layernorm"}, false)) {
    attention.query_key_norm = QueryKeyNorm::head_layer;
    attention.query_norm = "q_layernorm";
    attention.key_norm = "k_layernorm";
  }
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "fc1", "fc2", true, ActivationKind::gelu);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer = attention,
                     .feed_forward = feed_forward,
                     .before_feed_forward = {},
                     .is_parallel = true};
  });
  return plan;
}

ModelPlan phi3(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  AttentionPlan attention = grouped_attention(config);
  attention.fused = "qkv_proj";
  attention.rotary = rotary_size(config, 1);
  const std::vector<std::int64_t> windows = layer_windows(config, all_slide);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention,
                    .feed_forward =
                        fused_gated(feed_forward_size(config), "gate_up_proj", "down_proj")};
    std::get<AttentionPlan>(layer.mixer).window = windows[static_cast<std::size_t>(i)];
    return layer;
  });
  return plan;
}

ModelPlan phimoe(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm_kind = NormKind::layer;
  plan.head_bias = config.flag({"lm_head_bias"}, false);
  ExpertsPlan experts = usual_experts(config);
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";
  const std::vector<std::int64_t> windows = layer_windows(config, all_slide);
  add_layers(plan, config, [&](std::int64_t i) {
    AttentionPlan attention = grouped_attention(config, "attention_bias", false);
    attention.window = windows[static_cast<std::size_t>(i)];
    return LayerPlan{
        .mixer = attention, .feed_forward_name = "block_sparse_moe", .feed_forward = experts};
  });
  return plan;
}

ModelPlan glm_like(const Configuration& config, bool has_outer_norms, bool usual_bias) {
  ModelPlan plan = frame(config, Ties::no);
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"attention_bias"}, usual_bias), false);
  attention.rotary = rotary_size(config, 0.5);
  add_layers(plan, config, [&](std::int64_t) {
    LayerPlan layer{.mixer = attention,
                    .feed_forward =
                        fused_gated(feed_forward_size(config), "gate_up_proj", "down_proj")};
    if (has_outer_norms) {
      layer.after_mixer = "post_self_attn_layernorm";
      layer.after_feed_forward = "post_mlp_layernorm";
    }
    return layer;
  });
  return plan;
}
ModelPlan glm(const Configuration& config) { return glm_like(config, false, true); }
ModelPlan glm4(const Configuration& config) { return glm_like(config, true, true); }
ModelPlan glm_ocr(const Configuration& config) { return glm_like(config, true, false); }

ModelPlan chatglm(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.root = "transformer";
  plan.embedding = "embedding.word_embeddings";
  plan.layers = "encoder.layers";
  plan.norm = "encoder.final_layernorm";
  plan.head = "transformer.output_layer";
  AttentionPlan attention = grouped_attention(config);
  attention.fused = "query_key_value";
  attention.output = "dense";
  attention.rotary = attention.head / 2;
  const bool bias = config.flag({"add_bias_linear"}, false);
  set_biases(attention, bias || config.flag({"add_qkv_bias"}, false), bias);
  if (!config.flag({"multi_query_attention"}, true)) attention.key_value_heads = attention.heads;
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = "self_attention",
                     .mixer = attention,
                     .feed_forward =
                         fused_gated(feed_forward_size(config), "dense_h_to_4h", "dense_4h_to_h")};
  });
  return plan;
}

constexpr ModelType types[] = {
    {"phi", phi},
    {"phi-msft", phi},
    {"phi3", phi3},
    {"phi4", phi3},
    {"phi3_v", phi3},
    {"phimoe", phimoe},
    {"glm", glm},
    {"glm4", glm4},
    {"chatglm", chatglm},
    {"glm4v_text", glm4},
    {"glm_ocr_text", glm_ocr},
};

}  // namespace
}  // namespace phi_glm_models

extern constinit const Architecture phi_glm_architecture = {
    "Phi and GLM",
    "Abdin and others, Phi-4 Technical Report, 2024; Zeng and others, GLM-130B, 2022.",
    phi_glm_models::types};

}  // namespace zoometer
