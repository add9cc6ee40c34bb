// Llama and the many models of its form: RMS norms, rotary positions, grouped attention, a gated
// feed-forward network. They differ in biases, windows and names.
#include "models/language/common.hpp"

namespace zoometer {
namespace llama_models {
namespace {

/// Llama's layers with that attention and the windows of `slides`.
ModelPlan llama_like(const Configuration& config, Ties ties, const AttentionPlan& attention,
                     bool (*slides)(const Configuration&, std::int64_t) = none_slides) {
  ModelPlan plan = frame(config, ties);
  const FeedForwardPlan feed_forward =
      gated(feed_forward_size(config), config.flag({"mlp_bias"}, false));
  const std::vector<std::int64_t> windows = layer_windows(config, slides);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention, .feed_forward = feed_forward};
    std::get<AttentionPlan>(layer.mixer).window = windows[static_cast<std::size_t>(i)];
    return layer;
  });
  return plan;
}

template <class Change>
ModelPlan changed(ModelPlan plan, const Change& change) {
  for (LayerPlan& layer : plan.plans) change(layer);
  return plan;
}

ModelPlan llama(const Configuration& config) {
  return llama_like(config, Ties::no, grouped_attention(config, "attention_bias", false));
}
/// The layers without rotary positions, every fourth, may have a window.
ModelPlan smollm3(const Configuration& config) {
  return llama_like(config, Ties::yes, grouped_attention(config, "attention_bias", false),
                    [](const Configuration& c, std::int64_t i) {
                      const std::vector<std::int64_t> rotated = c.sizes({"no_rope_layers"});
                      const auto at = static_cast<std::size_t>(i);
                      constexpr std::string_view interval = "no_rope_layer_interval";
                      const bool is_rotated =
                          rotated.size() > at ? rotated[at] != 0 : !is_every_nth(c, interval, 4, i);
                      return c.flag({"use_sliding_window"}, false) && !is_rotated;
                    });
}
/// Every fourth layer sees all tokens, the first one among them.
ModelPlan cwm(const Configuration& config) {
  return llama_like(config, Ties::no, grouped_attention(config, "attention_bias", false),
                    [](const Configuration&, std::int64_t i) { return i % 4 != 0; });
}
ModelPlan mistral(const Configuration& config) {
  return llama_like(config, Ties::no, grouped_attention(config), all_slide);
}
/// A bias of all four layers under the key `bias`.
ModelPlan internlm(const Configuration& config) {
  return llama_like(config, Ties::no, grouped_attention(config, "bias", false));
}
ModelPlan ernie(const Configuration& config) {
  ModelPlan plan = llama_like(config, Ties::yes, grouped_attention(config, "use_bias", false));
  const bool bias = config.flag({"use_bias"}, false);
  return changed(std::move(plan), [&](LayerPlan& layer) {
    layer.feed_forward = gated(feed_forward_size(config), bias);
  });
}

/// The layer after attention never has a bias.
ModelPlan helium(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.output_bias = false;
  return llama_like(config, Ties::no, attention);
}

ModelPlan seed_oss(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"attention_bias"}, true),
             config.flag({"attention_out_bias"}, false));
  return llama_like(config, Ties::no, attention);
}

/// MiniCPM and its mixture of experts.
ModelPlan minicpm(const Configuration& config) {
  ModelPlan plan = llama(config);
  if (config.size({"num_experts"}, 0) == 0) return plan;
  ExpertsPlan experts = usual_experts(config);
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";
  return changed(std::move(plan), [&](LayerPlan& layer) { layer.feed_forward = experts; });
}

ModelPlan orion(const Configuration& config) {
  ModelPlan plan = llama(config);
  plan.norm_kind = NormKind::layer;
  return plan;
}

ModelPlan baichuan(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  attention.fused = "W_pack";
  return llama_like(config, Ties::no, attention);
}

ModelPlan internlm2(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "bias", false);
  attention.fused = "wqkv";
  attention.output = "wo";
  ModelPlan plan = llama_like(config, Ties::no, attention);
  plan.embedding = "tok_embeddings";
  plan.head = plan.head.empty() ? plan.head : "output";
  return changed(std::move(plan), [](LayerPlan& layer) {
    layer.mixer_name = "attention";
    layer.feed_forward_name = "feed_forward";
    layer.before_mixer = "attention_norm";
    layer.before_feed_forward = "ffn_norm";
    auto& feed_forward = std::get<FeedForwardPlan>(layer.feed_forward);
    feed_forward.gate = "w1";
    feed_forward.up = "w3";
    feed_forward.down = "w2";
  });
}

/// One norm before attention and feed-forward network, which run in parallel.
ModelPlan cohere_like(const Configuration& config,
                      bool (*slides)(const Configuration&, std::int64_t)) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  if (config.flag({"use_qk_norm"}, false)) attention.query_key_norm = QueryKeyNorm::each_head;
  ModelPlan plan = llama_like(config, Ties::yes, attention, slides);
  plan.norm_kind = NormKind::layer_weight;
  return changed(std::move(plan), [](LayerPlan& layer) {
    layer.before_feed_forward = {};
    layer.is_parallel = true;
  });
}
ModelPlan cohere(const Configuration& config) { return cohere_like(config, none_slides); }
ModelPlan cohere2(const Configuration& config) {
  return cohere_like(config, all_but_every_nth_slide);
}

ModelPlan stablelm(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"use_qkv_bias"}, false), false);
  attention.rotary = rotary_size(config, 0.25);
  if (config.flag({"qk_layernorm"}, false)) {
    attention.query_key_norm = QueryKeyNorm::head_list;
    attention.query_norm = "q_layernorm";
    attention.key_norm = "k_layernorm";
  }
  ModelPlan plan = llama_like(config, Ties::no, attention);
  plan.norm_kind = NormKind::layer;
  if (!config.flag({"use_parallel_residual"}, false)) return plan;
  return changed(std::move(plan), [](LayerPlan& layer) {
    layer.before_feed_forward = {};
    layer.is_parallel = true;
  });
}

/// Norms after attention and feed-forward network, and of all query heads together.
ModelPlan olmo2_like(const Configuration& config, QueryKeyNorm norm,
                     bool (*slides)(const Configuration&, std::int64_t)) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = norm;
  return changed(llama_like(config, Ties::no, attention, slides), [](LayerPlan& layer) {
    layer.before_mixer = {};
    layer.after_mixer = "post_attention_layernorm";
    layer.before_feed_forward = {};
    layer.after_feed_forward = "post_feedforward_layernorm";
  });
}
ModelPlan olmo2(const Configuration& config) {
  return olmo2_like(config, QueryKeyNorm::whole, none_slides);
}
ModelPlan olmo3(const Configuration& config) {
  return olmo2_like(config, QueryKeyNorm::whole,
                    [](const Configuration&, std::int64_t i) { return (i + 1) % 4 != 0; });
}
ModelPlan exaone4(const Configuration& config) {
  return olmo2_like(config, QueryKeyNorm::head, all_but_every_nth_slide);
}

ModelPlan olmo(const Configuration& config) {
  ModelPlan plan = llama(config);
  plan.norm_kind = NormKind::plain;
  return plan;
}

ModelPlan arcee(const Configuration& config) {
  return changed(llama(config), [](LayerPlan& layer) {
    auto& feed_forward = std::get<FeedForwardPlan>(layer.feed_forward);
    feed_forward.gate = {};
    feed_forward.activation = ActivationKind::squared_relu;
  });
}

ModelPlan nemotron(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.rotary = rotary_size(config, 0.5);
  ModelPlan plan = llama_like(config, Ties::no, attention);
  plan.norm_kind = NormKind::layer;
  return changed(std::move(plan), [](LayerPlan& layer) {
    auto& feed_forward = std::get<FeedForwardPlan>(layer.feed_forward);
    feed_forward.gate = {};
    feed_forward.activation = ActivationKind::squared_relu;
  });
}

ModelPlan hunyuan_dense(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.query_norm = "query_layernorm";
  attention.key_norm = "key_layernorm";
  return llama_like(config, Ties::no, attention);
}

ModelPlan hyperclovax(const Configuration& config) {
  if (!config.flag({"use_post_norm"}, true)) return llama(config);
  return changed(llama(config), [](LayerPlan& layer) {
    layer.after_mixer = "post_norm1";
    layer.after_feed_forward = "post_norm2";
  });
}

ModelPlan bitnet(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.output_norm = "attn_sub_norm";
  return changed(llama_like(config, Ties::no, attention), [](LayerPlan& layer) {
    auto& feed_forward = std::get<FeedForwardPlan>(layer.feed_forward);
    feed_forward.norm = "ffn_sub_norm";
    feed_forward.activation = ActivationKind::squared_relu;
  });
}

/// Granite with windows and a learnt score of each head.
ModelPlan granite_swa(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.sinks = "sinks";
  return llama_like(config, Ties::yes, attention, all_slide);
}

ModelPlan jais2(const Configuration& config) {
  ModelPlan plan = llama_like(config, Ties::no, grouped_attention(config, "attention_bias", true));
  plan.norm_kind = NormKind::layer;
  const bool bias = config.flag({"mlp_bias"}, true);
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "up_proj", "down_proj", bias, ActivationKind::squared_relu);
  return changed(std::move(plan), [&](LayerPlan& layer) { layer.feed_forward = feed_forward; });
}

ModelPlan nanochat(const Configuration& config) {
  ModelPlan plan = llama_like(config, Ties::no, grouped_attention(config, "attention_bias", false));
  plan.norm_kind = NormKind::plain;
  const FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "fc1", "fc2", false, ActivationKind::squared_relu);
  return changed(std::move(plan), [&](LayerPlan& layer) { layer.feed_forward = feed_forward; });
}

/// Its activation has two learnt numbers in each layer.
ModelPlan apertus(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "up_proj", "down_proj", config.flag({"mlp_bias"}, false),
            ActivationKind::squared_relu);
  feed_forward.learns_activation = true;
  return changed(llama_like(config, Ties::no, attention), [&](LayerPlan& layer) {
    layer.feed_forward = feed_forward;
    layer.before_mixer = "attention_layernorm";
    layer.before_feed_forward = "feedforward_layernorm";
  });
}

/// The dense layers before the mixtures have a pattern of their own.
bool moe_slides(const Configuration& config, std::int64_t layer) {
  const std::int64_t dense = config.size({"first_k_dense_replace"}, 0);
  return layer < dense ? !is_every_nth(config, "prefix_dense_sliding_window_pattern", 1, layer)
                       : !is_every_nth(config, "sliding_window_pattern", 4, layer - dense);
}

/// Experts instead of the network, and one norm.
ModelPlan cohere2_moe(const Configuration& config) {
  ModelPlan plan = cohere_like(config, moe_slides);
  ExpertsPlan experts = usual_experts(config);
  experts.width = feed_forward_size(config);
  add_shared(experts, "shared_experts",
             checked_mul(config.size({"num_shared_experts"}, 0), experts.width));
  const std::int64_t dense = config.size({"prefix_dense_intermediate_size"}, experts.width);
  const std::vector<std::string_view> types = config.texts({"mlp_layer_types"});
  const auto first = static_cast<std::size_t>(config.size({"first_k_dense_replace"}, 0));
  if (config.has("rms_norm_eps")) plan.norm_kind = NormKind::rms;
  for (std::size_t i = 0; i < plan.plans.size(); ++i) {
    const bool is_dense = types.size() > i ? types[i] == "dense" : i < first;
    if (is_dense)
      plan.plans[i].feed_forward = gated(dense);
    else
      plan.plans[i].feed_forward = experts;
  }
  return plan;
}

/// Llama with layers that were replaced or left out, as each block says.
ModelPlan nemotron_nas(const Configuration& config) {
  ModelPlan plan = llama(config);
  const Setting* blocks = config.find({"block_configs"});
  if (blocks == nullptr) return plan;
  for (std::size_t i = 0; i < plan.plans.size() && i < blocks->items.size(); ++i) {
    LayerPlan& layer = plan.plans[i];
    const Configuration block(blocks->items[i]);
    const auto attention = block.part({"attention"});
    const auto feed_forward = block.part({"ffn"});
    if (attention && attention->flag({"no_op"}, false)) {
      layer.mixer = {};
      layer.before_mixer = {};
    } else if (attention && attention->flag({"replace_with_linear"}, false)) {
      throw_unknown_part("a linear layer instead of an attention");
    } else if (attention) {
      auto& own = std::get<AttentionPlan>(layer.mixer);
      own.key_value_heads =
          own.heads / std::max<std::int64_t>(1, attention->size({"n_heads_in_group"}, 1));
    }
    if (feed_forward && feed_forward->flag({"no_op"}, false)) {
      layer.feed_forward = {};
      layer.before_feed_forward = {};
    } else if (feed_forward) {
      const double factor = feed_forward->real({"ffn_mult"}, 0);
      if (!(factor >= 0 && factor <= 1e6)) {
        throw Error(ErrorCode::malformed, "the key ffn_mult",
                    {"a factor from 0 to 10^6", std::to_string(factor)});
      }
      const auto wide =
          static_cast<std::int64_t>(2 * factor * static_cast<double>(plan.features) / 3);
      std::get<FeedForwardPlan>(layer.feed_forward).width = (wide + 255) / 256 * 256;
    }
  }
  return plan;
}

/// Layers with a delta rule, and attention in every fourth as OLMo 3 has it.
ModelPlan olmo_hybrid(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::whole;
  const auto rope = config.find({"rope_parameters"});
  if (rope == nullptr) attention.rotary = 0;
  const std::int64_t keys = config.size({"linear_num_key_heads"}, attention.heads);
  const std::int64_t key = config.size(
      {"linear_key_head_dim"}, 3 * hidden_size(config) / 4 / std::max<std::int64_t>(1, keys));
  const StatePlan state{.kind = StatePlan::Kind::delta,
                        .kernel = config.size({"linear_conv_kernel_dim"}, 4),
                        .heads = config.size({"linear_num_value_heads"}, attention.heads),
                        .head = config.size({"linear_value_head_dim"}, checked_mul(2, key)),
                        .key_heads = keys,
                        .key_head = key,
                        .is_separate = true};
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  ModelPlan plan = frame(config, Ties::no);
  const std::int64_t count = layer_count(config);
  add_layers(plan, config, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_full = types.size() > at ? types[at] == "full_attention"
                                           : i % 4 == 3 || (count < 4 && i + 1 == count);
    LayerPlan layer{.feed_forward = gated(feed_forward_size(config))};
    if (is_full) {
      layer.mixer = attention;
      layer.before_mixer = {};
      layer.after_mixer = "post_attention_layernorm";
      layer.before_feed_forward = {};
      layer.after_feed_forward = "post_feedforward_layernorm";
    } else {
      layer.mixer_name = "linear_attn";
      layer.mixer = state;
      layer.before_mixer = "attention_layer_norm";
      layer.before_feed_forward = "feedforward_layer_norm";
    }
    return layer;
  });
  return plan;
}

constexpr ModelType types[] = {
    {"llama", llama},
    {"mistral", mistral},
    {"ministral", mistral},
    {"ministral3", mistral},
    {"granite", llama},
    {"Yi", llama},
    {"xverse", llama},
    {"aquila", llama},
    {"skywork", llama},
    {"cwm", cwm},
    {"iquestcoder", llama},
    {"internlm3", llama},
    {"exaone", llama},
    {"helium", helium},
    {"smollm3", smollm3},
    {"ernie4_5", ernie},
    {"internlm", internlm},
    {"PanguEmbedded", internlm},
    {"seed_oss", seed_oss},
    {"minicpm", minicpm},
    {"orion", orion},
    {"baichuan", baichuan},
    {"internlm2", internlm2},
    {"cohere", cohere},
    {"cohere2", cohere2},
    {"stablelm", stablelm},
    {"stablelm_epoch", stablelm},
    {"olmo", olmo},
    {"olmo2", olmo2},
    {"olmo3", olmo3},
    {"exaone4", exaone4},
    {"arcee", arcee},
    {"nemotron", nemotron},
    {"nemotron-nas", nemotron_nas},
    {"hunyuan_v1_dense", hunyuan_dense},
    {"hyperclovax", hyperclovax},
    {"bitnet", bitnet},
    {"granite_swa", granite_swa},
    {"jais2", jais2},
    {"nanochat", nanochat},
    {"apertus", apertus},
    {"apertus1p5_text", apertus},
    {"cohere2_moe", cohere2_moe},
    {"olmo_hybrid", olmo_hybrid},
};

}  // namespace
}  // namespace llama_models

extern constinit const Architecture llama_architecture = {
    "Llama", "Touvron and others, LLaMA, 2023, and models of its form.", llama_models::types};

}  // namespace zoometer
