// GPT-2 and the decoders of its time: layer norms with biases, feed-forward networks without a
// gate, and many names for the same layers.
#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace gpt_models {
namespace {

bool is_bare_decoder(const Configuration& config) {
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  return !classes.empty() && classes.front().ends_with("Model") &&
         !classes.front().ends_with("LMHeadModel");
}

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

/// GPT (1): the norms are of the sums, and none is after the last layer.
ModelPlan openai_gpt(const Configuration& config) {
  ModelPlan plan = gpt2_like(config, true);
  plan.embedding = "tokens_embed";
  plan.positions = "positions_embed";
  plan.position_rows = config.size({"n_positions", "max_position_embeddings"}, 512);
  plan.norm = {};
  for (LayerPlan& layer : plan.plans) {
    std::swap(layer.before_mixer, layer.after_mixer);
    std::swap(layer.before_feed_forward, layer.after_feed_forward);
    layer.is_post_norm = true;
    std::get<FeedForwardPlan>(layer.feed_forward).width = checked_mul(4, plan.features);
  }
  return plan;
}

/// Keskar and others, CTRL, 2019.
ModelPlan ctrl(const Configuration& config) {
  ModelPlan plan = transformer_frame(config, Ties::yes);
  plan.embedding = "w";
  plan.norm = "layernorm";
  plan.head_bias = true;
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, true, true);
  attention.query = "Wq";
  attention.key = "Wk";
  attention.value = "Wv";
  attention.output = "dense";
  attention.rotary = 0;
  const FeedForwardPlan feed_forward =
      plain(config.size({"dff"}, 8192), "0", "2", true, ActivationKind::relu);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer_name = "multi_head_attention",
                     .mixer = attention,
                     .feed_forward_name = "ffn",
                     .feed_forward = feed_forward,
                     .before_mixer = "layernorm1",
                     .before_feed_forward = "layernorm2"};
  });
  return plan;
}

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
  // The first files of the 40B model had a type of their own.
  const bool is_new =
      config.flag({"new_decoder_architecture"}, config.text({"model_type"}) == "RefinedWeb");
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

/// The decoders of XGLM and BioGPT: OPT's layers with norms before.
ModelPlan pre_normed_decoder(const Configuration& config, std::string_view root, std::int64_t heads,
                             std::int64_t width, ActivationKind activation) {
  ModelPlan plan = frame(config, Ties::yes);
  plan.root = root;
  plan.norm = "layer_norm";
  plan.norm_kind = NormKind::layer;
  AttentionPlan attention;
  if (heads < 1 || plan.features % heads != 0)
    throw_unknown_part("a width that its heads do not divide");
  attention.heads = attention.key_value_heads = heads;
  attention.head = plan.features / heads;
  set_biases(attention, true, true);
  attention.output = "out_proj";
  attention.rotary = 0;
  const FeedForwardPlan feed_forward = plain(width, "fc1", "fc2", true, activation);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer = attention,
                     .feed_forward_name = {},
                     .feed_forward = feed_forward,
                     .before_mixer = "self_attn_layer_norm",
                     .before_feed_forward = "final_layer_norm"};
  });
  return plan;
}
/// Its positions are sines.
ModelPlan xglm(const Configuration& config) {
  return pre_normed_decoder(config, "model",
                            config.size({"attention_heads", "num_attention_heads"}, 16),
                            config.size({"ffn_dim"}, 4096), gelu_or(config));
}
ModelPlan biogpt(const Configuration& config) {
  const std::string_view root =
      is_bare_decoder(config) ? std::string_view() : std::string_view("biogpt");
  ModelPlan plan = pre_normed_decoder(config, root, config.size({"num_attention_heads"}, 16),
                                      config.size({"intermediate_size"}, 4096), gelu_or(config));
  plan.positions = "embed_positions";
  plan.position_rows = config.size({"max_position_embeddings"}, 1024) + 2;
  plan.first_position = 2;
  plan.head = plan.head.empty() ? plan.head : "output_projection";
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
    {"gpt-sw3", gpt2},
    {"openai-gpt", openai_gpt},
    {"ctrl", ctrl},
    {"xglm", xglm},
    {"biogpt", biogpt},
    {"gpt_bigcode", gpt_bigcode},
    {"gpt_neo", gpt_neo},
    {"gptj", gptj},
    {"codegen", codegen},
    {"gpt_neox", gpt_neox},
    {"gpt_neox_reward_model", reward_model},
    {"bloom", bloom},
    {"falcon", falcon},
    {"RefinedWeb", falcon},
    {"RefinedWebModel", falcon},
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
