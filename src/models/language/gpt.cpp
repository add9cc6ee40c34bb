// GPT-2 and the decoders of its time: layer norms with biases, feed-forward networks without a
// gate, and many names for the same layers.
#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace gpt_models {
namespace {

/// The frame of models whose tensors are below "transformer".
ModelPlan transformer_frame(const Configuration& config, Ties ties) {
  ModelPlan plan = frame(config, ties);
  plan.root = "transformer";
  plan.embedding = "wte";
  plan.layers = "h";
  plan.norm = "ln_f";
  plan.norm_kind = NormKind::layer;
  return plan;
}

AttentionPlan fused_attention(const Configuration& config, std::string_view fused,
                              std::string_view output, bool bias) {
  AttentionPlan attention = grouped_attention(config);
  attention.fused = fused;
  attention.output = output;
  set_biases(attention, bias, bias);
  attention.rotary = 0;
  return attention;
}

ActivationKind gelu_or(const Configuration& config) {
  return activation_of(config, {"activation_function", "hidden_act"}, "gelu");
}

LayerPlan gpt_layer(const AttentionPlan& attention, const FeedForwardPlan& feed_forward) {
  return {.mixer_name = "attn",
          .mixer = attention,
          .feed_forward = feed_forward,
          .before_mixer = "ln_1",
          .before_feed_forward = "ln_2"};
}

ModelPlan gpt2_like(const Configuration& config, bool is_transposed) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.positions = "wpe";
  plan.position_rows = config.size({"n_positions", "max_position_embeddings"}, 1024);
  AttentionPlan attention = fused_attention(config, "c_attn", "c_proj", true);
  attention.is_transposed = is_transposed;
  if (!is_transposed)
    attention.key_value_heads = config.flag({"multi_query"}, true) ? 1 : attention.heads;
  FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "c_fc", "c_proj", true, gelu_or(config));
  feed_forward.is_transposed = is_transposed;
  add_layers(plan, config, [&](std::int64_t) { return gpt_layer(attention, feed_forward); });
  return plan;
}
ModelPlan gpt2(const Configuration& config) { return gpt2_like(config, true); }
ModelPlan gpt_bigcode(const Configuration& config) { return gpt2_like(config, false); }

ModelPlan gpt_neo(const Configuration& config) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.positions = "wpe";
  plan.position_rows = config.size({"max_position_embeddings"}, 2048);
  AttentionPlan attention = grouped_attention(config);
  attention.query = "attention.q_proj";
  attention.key = "attention.k_proj";
  attention.value = "attention.v_proj";
  attention.output = "attention.out_proj";
  attention.output_bias = true;
  attention.rotary = 0;
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "c_fc", "c_proj", true, gelu_or(config));
  add_layers(plan, config, [&](std::int64_t) { return gpt_layer(attention, feed_forward); });
  return plan;
}

/// One norm before attention and feed-forward network, which run in parallel.
ModelPlan gptj_like(const Configuration& config, const AttentionPlan& attention) {
  ModelPlan plan = transformer_frame(config, Ties::no);
  plan.head_bias = true;
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "fc_in", "fc_out", true, gelu_or(config));
  add_layers(plan, config, [&](std::int64_t) {
    LayerPlan layer = gpt_layer(attention, feed_forward);
    layer.before_feed_forward = {};
    layer.is_parallel = true;
    return layer;
  });
  return plan;
}
ModelPlan gptj(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  attention.output = "out_proj";
  attention.rotary = config.size({"rotary_dim"}, 64);
  return gptj_like(config, attention);
}
ModelPlan codegen(const Configuration& config) {
  AttentionPlan attention = fused_attention(config, "qkv_proj", "out_proj", false);
  attention.rotary = config.size({"rotary_dim"}, 64);
  return gptj_like(config, attention);
}

FeedForwardPlan dense_4h(std::int64_t width, bool bias, ActivationKind activation) {
  return plain(width, "dense_h_to_4h", "dense_4h_to_h", bias, activation);
}

ModelPlan gpt_neox(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.root = "gpt_neox";
  plan.embedding = "embed_in";
  plan.norm = "final_layer_norm";
  plan.norm_kind = NormKind::layer;
  if (!plan.head.empty()) plan.head = "embed_out";
  AttentionPlan attention =
      fused_attention(config, "query_key_value", "dense", config.flag({"attention_bias"}, true));
  attention.rotary = rotary_size(config, 0.25);
  const FeedForwardPlan feed_forward = dense_4h(feed_forward_size(config), true, gelu_or(config));
  const bool is_parallel = config.flag({"use_parallel_residual"}, true);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = "attention",
                     .mixer = attention,
                     .feed_forward = feed_forward,
                     .is_parallel = is_parallel};
  });
  return plan;
}
/// A reward of a sequence instead of logits.
ModelPlan reward_model(const Configuration& config) {
  ModelPlan plan = gpt_neox(config);
  plan.head = "out_proj";
  plan.head_outputs = 1;
  plan.head_bias = true;
  plan.is_tied = false;
  return plan;
}

ModelPlan bloom(const Configuration& config) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.embedding = "word_embeddings";
  plan.embedding_norm = "word_embeddings_layernorm";
  const AttentionPlan attention = fused_attention(config, "query_key_value", "dense", true);
  const FeedForwardPlan feed_forward =
      dense_4h(checked_mul(4, plan.features), true, ActivationKind::gelu);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{
        .mixer_name = "self_attention", .mixer = attention, .feed_forward = feed_forward};
  });
  return plan;
}

ModelPlan falcon(const Configuration& config) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.embedding = "word_embeddings";
  const bool is_new = config.flag({"new_decoder_architecture"}, false);
  const bool bias = config.flag({"bias"}, false);
  AttentionPlan attention = fused_attention(config, "query_key_value", "dense", bias);
  attention.rotary = config.flag({"alibi"}, false) ? 0 : -1;
  if (!is_new) attention.key_value_heads = config.flag({"multi_query"}, true) ? 1 : attention.heads;
  const FeedForwardPlan feed_forward =
      dense_4h(feed_forward_size(config), bias, ActivationKind::gelu);
  const bool is_parallel = is_new || config.flag({"parallel_attn"}, true);
  const bool has_two = is_new && config.size({"num_ln_in_parallel_attn"}, 2) == 2;
  add_layers(plan, config, [&](std::int64_t) {
    LayerPlan layer{.mixer_name = "self_attention",
                    .mixer = attention,
                    .feed_forward = feed_forward,
                    .is_parallel = is_parallel};
    if (has_two) {
      layer.before_mixer = "ln_attn";
      layer.before_feed_forward = "ln_mlp";
    } else if (is_parallel) {
      layer.before_feed_forward = {};
    }
    return layer;
  });
  return plan;
}

ModelPlan mpt(const Configuration& config) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.layers = "blocks";
  plan.norm = "norm_f";
  plan.norm_kind = NormKind::layer_weight;
  const AttentionPlan attention = fused_attention(config, "Wqkv", "out_proj", false);
  const std::int64_t width = checked_mul(config.size({"expansion_ratio"}, 4), plan.features);
  const FeedForwardPlan feed_forward =
      plain(width, "up_proj", "down_proj", false, ActivationKind::gelu);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = "attn",
                     .mixer = attention,
                     .feed_forward_name = "ffn",
                     .feed_forward = feed_forward,
                     .before_mixer = "norm_1",
                     .before_feed_forward = "norm_2"};
  });
  return plan;
}

/// The tables of positions have two rows that no token uses.
ModelPlan opt(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::yes);
  plan.root = "model.decoder";
  plan.positions = "embed_positions";
  plan.position_rows = config.size({"max_position_embeddings"}, 2048) + 2;
  const bool has_weights = config.flag({"layer_norm_elementwise_affine"}, true);
  plan.norm_kind = has_weights ? NormKind::layer : NormKind::plain;
  const bool norm_is_before = config.flag({"do_layer_norm_before"}, true);
  plan.norm =
      norm_is_before && !config.flag({"_remove_final_layer_norm"}, false) ? "final_layer_norm" : "";
  plan.embedding_features = config.size({"word_embed_proj_dim"}, plan.features);
  if (plan.embedding_features != plan.features) {
    plan.project_in = "project_in";
    plan.project_out = "project_out";
  }
  const bool bias = config.flag({"enable_bias"}, true);
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, bias, bias);
  attention.output = "out_proj";
  attention.rotary = 0;
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "fc1", "fc2", bias, ActivationKind::relu);
  add_layers(plan, config, [&](std::int64_t) {
    LayerPlan layer{.mixer = attention,
                    .feed_forward_name = {},
                    .feed_forward = feed_forward,
                    .before_mixer = "self_attn_layer_norm",
                    .before_feed_forward = "final_layer_norm"};
    if (norm_is_before) return layer;
    std::swap(layer.before_mixer, layer.after_mixer);
    std::swap(layer.before_feed_forward, layer.after_feed_forward);
    layer.is_post_norm = true;
    return layer;
  });
  return plan;
}

ModelPlan starcoder2(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::yes);
  plan.norm_kind = NormKind::layer;
  const bool bias = config.flag({"use_bias"}, true);
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, bias, bias);
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "c_fc", "c_proj", bias, ActivationKind::gelu);
  const std::vector<std::int64_t> windows = layer_windows(config, all_slide);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention, .feed_forward = feed_forward};
    std::get<AttentionPlan>(layer.mixer).window = windows[static_cast<std::size_t>(i)];
    return layer;
  });
  return plan;
}

ModelPlan persimmon(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm = "final_layernorm";
  plan.norm_kind = NormKind::layer;
  AttentionPlan attention = fused_attention(config, "query_key_value", "dense", true);
  attention.rotary = rotary_size(config, 0.5);
  if (config.flag({"qk_layernorm"}, true)) {
    attention.query_key_norm = QueryKeyNorm::head_layer;
    attention.query_norm = "q_layernorm";
    attention.key_norm = "k_layernorm";
  }
  const FeedForwardPlan feed_forward =
      dense_4h(feed_forward_size(config), true, ActivationKind::squared_relu);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer = attention, .feed_forward = feed_forward};
  });
  return plan;
}

constexpr ModelType types[] = {
    {"gpt2", gpt2},
    {"gpt_bigcode", gpt_bigcode},
    {"gpt_neo", gpt_neo},
    {"gptj", gptj},
    {"codegen", codegen},
    {"gpt_neox", gpt_neox},
    {"gpt_neox_reward_model", reward_model},
    {"bloom", bloom},
    {"falcon", falcon},
    {"mpt", mpt},
    {"opt", opt},
    {"starcoder2", starcoder2},
    {"persimmon", persimmon},
};

}  // namespace
}  // namespace gpt_models

extern constinit const Architecture gpt_architecture = {
    "GPT", "Radford and others, Language models are unsupervised multitask learners, 2019.",
    gpt_models::types};

}  // namespace zoometer
