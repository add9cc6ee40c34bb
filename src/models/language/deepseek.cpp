// DeepSeek 1 to 3.2 and models of their form: latent attention, many small experts with shared
// ones, an index of keys.
#include <algorithm>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace deepseek_models {
namespace {

LatentPlan latent_attention(const Configuration& config) {
  return {.heads = head_count(config),
          .query_rank = config.size({"q_lora_rank"}, 0),
          .rank = config.size({"kv_lora_rank"}, 512),
          .plain = config.size({"qk_nope_head_dim"}, 128),
          .rotary = config.size({"qk_rope_head_dim"}, 64),
          .value = config.size({"v_head_dim"}, 128),
          .bias = config.flag({"attention_bias"}, false)};
}

bool has_correction(const Configuration& config) {
  return config.text({"topk_method"}, "noaux_tc") == "noaux_tc";
}

ExpertsPlan deepseek_experts(const Configuration& config, bool is_corrected) {
  ExpertsPlan experts = usual_experts(config);
  if (is_corrected) experts.router_correction = "e_score_correction_bias";
  add_shared(
      experts, "shared_experts",
      checked_mul(config.size({"n_shared_experts", "num_shared_experts"}, 0), experts.width));
  return experts;
}

/// Whether a layer is a mixture: after the first dense ones, by frequency or by a list.
/// `usual_dense`: how many are dense where the file does not say.
bool is_sparse(const Configuration& config, std::int64_t layer, std::int64_t usual_dense) {
  const std::vector<std::string_view> types = config.texts({"mlp_layer_types"});
  if (types.size() > static_cast<std::size_t>(layer))
    return types[static_cast<std::size_t>(layer)] == "sparse";
  if (layer < config.size({"first_k_dense_replace"}, usual_dense)) return false;
  const Setting* frequency = config.find({"moe_layer_freq"});
  if (frequency != nullptr && frequency->kind == Setting::Kind::list) {
    const std::vector<std::int64_t> each = config.sizes({"moe_layer_freq"});
    return static_cast<std::size_t>(layer) < each.size() &&
           each[static_cast<std::size_t>(layer)] != 0;
  }
  return layer % std::max<std::int64_t>(1, config.size({"moe_layer_freq"}, 1)) == 0;
}

/// Layers that predict further tokens are stored after the others. DeepSeek's have copies of the
/// embedding and the head.
void add_prediction(ModelPlan& plan, const Configuration& config, LayerPlan layer,
                    bool has_copies) {
  const std::int64_t count = config.size({"num_nextn_predict_layers"}, 0);
  if (count == 0) return;
  if (count > 64) throw_unknown_part("more than 64 layers that predict further tokens");
  const auto first = static_cast<std::int64_t>(plan.plans.size());
  StackBuilder stack(StackPlan::Use::alone, "input_ids", {});
  stack.plan.norm_kind = NormKind::rms;
  stack.plan.features = plan.features;
  for (std::int64_t i = first; i < first + count; ++i) {
    stack.in("model").layers("layers", 1, layer, i).in("model.layers." + std::to_string(i));
    stack.norm("enorm", plan.features, NormKind::rms)
        .norm("hnorm", plan.features, NormKind::rms)
        .linear("eh_proj", checked_mul(2, plan.features), plan.features, false)
        .norm("shared_head.norm", plan.features, NormKind::rms);
    if (!has_copies) continue;
    stack.tokens("embed_tokens", plan.vocabulary, plan.features)
        .linear("shared_head.head", plan.features, plan.vocabulary, false);
  }
  plan.prediction = std::move(stack.plan);
}

template <class MixerOf>
ModelPlan deepseek_like(const Configuration& config, Ties ties, bool is_corrected,
                        const MixerOf& mixer, std::int64_t usual_dense = 0) {
  ModelPlan plan = frame(config, ties);
  const bool is_mixture =
      config.size({"n_routed_experts", "num_experts", "num_local_experts"}, 0) > 0;
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer;
    mixer(layer, i);
    if (is_mixture && is_sparse(config, i, usual_dense))
      layer.feed_forward = deepseek_experts(config, is_corrected);
    else
      layer.feed_forward = gated(feed_forward_size(config));
    return layer;
  });
  if (!is_mixture || plan.plans.empty()) return plan;
  LayerPlan last;
  mixer(last, static_cast<std::int64_t>(plan.plans.size()));
  last.feed_forward = deepseek_experts(config, is_corrected);
  const bool has_copies = config.text({"model_type"}).starts_with("deepseek");
  add_prediction(plan, config, last, has_copies);
  return plan;
}

/// Biases of dense networks and shared experts, which some classes have.
ModelPlan with_network_biases(ModelPlan plan, const Configuration& config) {
  if (!config.flag({"mlp_bias"}, false)) return plan;
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    FeedForwardPlan& network =
        experts != nullptr ? experts->shared_plan : std::get<FeedForwardPlan>(layer.feed_forward);
    network.bias = network.down_bias = true;
  }
  return plan;
}

ModelPlan deepseek1(const Configuration& config) {
  return deepseek_like(config, Ties::no, false, [&](LayerPlan& layer, std::int64_t) {
    layer.mixer = grouped_attention(config, "attention_bias", false);
  });
}

ModelPlan latent_model(const Configuration& config, Ties ties) {
  return deepseek_like(config, ties, has_correction(config), [&](LayerPlan& layer, std::int64_t) {
    layer.mixer = latent_attention(config);
  });
}
ModelPlan deepseek3(const Configuration& config) { return latent_model(config, Ties::no); }
/// A.X K1: a norm of what a mixture gives; the first layer is dense where the file does not say.
ModelPlan axk1(const Configuration& config) {
  ModelPlan plan = deepseek_like(
      config, Ties::no, true,
      [&](LayerPlan& layer, std::int64_t) { layer.mixer = latent_attention(config); }, 1);
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    if (experts != nullptr) experts->norm_after = "post_mlp_layernorm";
  }
  return plan;
}
ModelPlan youtu(const Configuration& config) {
  return with_network_biases(latent_model(config, Ties::yes), config);
}
ModelPlan deepseek2(const Configuration& config) {
  const bool is_corrected = config.text({"topk_method"}, "greedy") == "noaux_tc";
  ModelPlan plan =
      deepseek_like(config, Ties::no, is_corrected, [&](LayerPlan& layer, std::int64_t) {
        layer.mixer = latent_attention(config);
      });
  return with_network_biases(std::move(plan), config);
}

/// Whether a layer has an index of its own, and does not reuse that of an earlier one (GLM-5.2).
bool has_index(const Configuration& config, std::int64_t layer) {
  const auto at = static_cast<std::size_t>(layer);
  const std::vector<std::string_view> types = config.texts({"indexer_types"});
  if (types.size() > at) return types[at] == "full";
  const std::string_view pattern = config.text({"index_topk_pattern"});
  if (pattern.size() > at) return pattern[at] == 'F';
  const std::int64_t offset = config.size({"index_skip_topk_offset"}, 2);
  const std::int64_t frequency = std::max<std::int64_t>(1, config.size({"index_topk_freq"}, 1));
  return std::max<std::int64_t>(layer - offset + 1, 0) % frequency == 0;
}

ModelPlan deepseek32(const Configuration& config) {
  return deepseek_like(config, Ties::no, true, [&](LayerPlan& layer, std::int64_t i) {
    LatentPlan attention = latent_attention(config);
    attention.selected = config.size({"index_topk"}, 2048);
    if (has_index(config, i)) {
      attention.index_heads = config.size({"index_n_heads"}, 64);
      attention.index_head = config.size({"index_head_dim"}, 128);
    }
    layer.mixer = attention;
  });
}

ModelPlan glm4_moe(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"attention_bias"}, false), false);
  attention.rotary = rotary_size(config, 0.5);
  if (config.flag({"use_qk_norm"}, false)) attention.query_key_norm = QueryKeyNorm::head;
  return deepseek_like(config, Ties::no, true,
                       [&](LayerPlan& layer, std::int64_t) { layer.mixer = attention; });
}
ModelPlan glm4v_moe(const Configuration& config) {
  ModelPlan plan = glm4_moe(config);
  const bool bias = config.flag({"attention_bias"}, true);
  for (LayerPlan& layer : plan.plans) {
    auto& attention = std::get<AttentionPlan>(layer.mixer);
    attention.query_key_norm = QueryKeyNorm::none;
    set_biases(attention, bias, false);
  }
  return plan;
}

ModelPlan normed_heads(const Configuration& config, std::int64_t usual_dense,
                       bool (*slides)(const Configuration&, std::int64_t) = none_slides) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  if (config.flag({"use_qk_norm"}, true)) attention.query_key_norm = QueryKeyNorm::head;
  const std::vector<std::int64_t> windows = layer_windows(config, slides);
  return deepseek_like(
      config, Ties::no, true,
      [&](LayerPlan& layer, std::int64_t i) {
        layer.mixer = attention;
        const auto at = static_cast<std::size_t>(i);
        if (at < windows.size()) std::get<AttentionPlan>(layer.mixer).window = windows[at];
      },
      usual_dense);
}
ModelPlan dots1(const Configuration& config) {
  return normed_heads(config, 0, [](const Configuration& c, std::int64_t i) {
    return i >= c.size({"max_window_layers"}, 62);
  });
}
/// The layer after attention never has a bias.
ModelPlan sarvam_moe(const Configuration& config) {
  ModelPlan plan = normed_heads(config, 0);
  for (LayerPlan& layer : plan.plans) std::get<AttentionPlan>(layer.mixer).output_bias = false;
  return plan;
}
ModelPlan exaone_moe(const Configuration& config) {
  return normed_heads(config, 0, all_but_every_nth_slide);
}
/// The first layer is dense where the file does not say.
ModelPlan hy_v3(const Configuration& config) {
  return with_network_biases(normed_heads(config, 1), config);
}

ModelPlan solar_open(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  set_biases(attention, config.flag({"attention_bias"}, false), false);
  return deepseek_like(config, Ties::no, true,
                       [&](LayerPlan& layer, std::int64_t) { layer.mixer = attention; });
}

/// AFMoE: norms before and after, a gate of all features of the attention's result.
ModelPlan afmoe(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.gate = "gate_proj";
  attention.gate_features = checked_mul(attention.heads, attention.head);
  ExpertsPlan experts = usual_experts(config);
  experts.router = "router.gate";
  experts.correction = "expert_bias";
  experts.learns_correction = true;
  add_shared(
      experts, "shared_experts",
      checked_mul(config.size({"num_shared_experts", "n_shared_experts"}, 1), experts.width));
  const std::int64_t dense = config.size({"num_dense_layers", "first_k_dense_replace"}, 1);
  const std::vector<std::int64_t> windows =
      layer_windows(config, [](const Configuration& c, std::int64_t i) {
        return (i + 1) % std::max<std::int64_t>(1, c.size({"global_attn_every_n_layers"}, 4)) != 0;
      });
  ModelPlan plan = frame(config, Ties::no);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer = attention,
                    .feed_forward = gated(feed_forward_size(config)),
                    .after_mixer = "post_attention_layernorm",
                    .before_feed_forward = "pre_mlp_layernorm",
                    .after_feed_forward = "post_mlp_layernorm"};
    auto& own = std::get<AttentionPlan>(layer.mixer);
    own.window = windows[static_cast<std::size_t>(i)];
    if (i >= dense) layer.feed_forward = experts;
    return layer;
  });
  return plan;
}

/// A gate of each head, or of each of its features; layers may have heads of their own number.
ModelPlan laguna(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.gate = "g_proj";
  const Setting* gating = config.find({"gating"});
  const bool is_of_heads = gating == nullptr || gating->integer != 0 ||
                           (gating->kind == Setting::Kind::text && gating->text == "per-head");
  const std::vector<std::int64_t> heads = config.sizes({"num_attention_heads_per_layer"});
  const std::vector<std::int64_t> windows = layer_windows(config, none_slides);
  ModelPlan plan = deepseek_like(
      config, Ties::no, true,
      [&](LayerPlan& layer, std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        AttentionPlan own = attention;
        if (heads.size() > at) own.heads = heads[at];
        if (windows.size() > at) own.window = windows[at];
        own.gate_features = is_of_heads ? own.heads : checked_mul(own.heads, own.head);
        layer.mixer = own;
      },
      1);
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    if (experts == nullptr) continue;
    experts->learns_correction = true;
    add_shared(*experts, "shared_experts", config.size({"shared_expert_intermediate_size"}, 0));
  }
  return plan;
}

/// The first layer is dense where the file does not say.
ModelPlan glm4_moe_lite(const Configuration& config) {
  ModelPlan plan = latent_model(config, Ties::no);
  if (!config.has("first_k_dense_replace") && !config.has("mlp_layer_types"))
    plan.plans.front().feed_forward = gated(feed_forward_size(config));
  return plan;
}

/// Layers with a window have other heads, and a dense layer may come anywhere (MiMo-V2).
ModelPlan mimo_v2(const Configuration& config) {
  const std::vector<std::int64_t> pattern = config.sizes({"hybrid_layer_pattern"});
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const auto slides = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (pattern.size() > at) return pattern[at] != 0;
    if (types.size() > at) return types[at] == "sliding_attention";
    return i > 0 && (i + 1) % 6 != 0;
  };
  const auto window = config.size_if({"sliding_window_size"});
  return deepseek_like(
      config, Ties::no, true,
      [&](LayerPlan& layer, std::int64_t i) {
        const bool is_sliding = slides(i);
        AttentionPlan attention = grouped_attention(config);
        set_biases(attention, config.flag({"attention_bias"}, false), false);
        attention.value_head = config.size({"v_head_dim"}, attention.head);
        attention.rotary = rotary_size(config, 1);
        if (is_sliding) {
          attention.key_value_heads =
              config.size({"swa_num_key_value_heads"}, checked_mul(2, attention.key_value_heads));
          attention.window = window ? *window + 1 : config.size({"sliding_window"}, 129);
        }
        const std::string_view key =
            is_sliding ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias";
        if (config.flag({key}, is_sliding)) attention.sinks = "attention_sink_bias";
        layer.mixer = attention;
      },
      1);
}

/// Kimi-K3's layers take mixtures of the residuals of earlier blocks of layers, by scores of one
/// vector each: stored, and not run.
void add_residual_mixers(ModelPlan& plan) {
  StackBuilder stack(StackPlan::Use::alone, "input_ids", {});
  stack.plan.is_idle = true;
  const auto add = [&](const std::string& name) {
    stack.stored(name + "_norm.weight", {plan.features});
    stack.stored(name + "_proj.weight", {1, plan.features});
  };
  const std::string root = "language_model.model";
  for (std::size_t i = 0; i < plan.plans.size(); ++i) {
    stack.in(root + ".layers." + std::to_string(i));
    add("self_attention_res");
    add("mlp_res");
  }
  stack.in(root);
  add("output_attn_res");
  plan.stacks.push_back(std::move(stack.plan));
  plan.left_out.emplace_back(
      "the mixtures of residuals of earlier blocks have parameters and are not run");
}

/// Kimi-Linear: three of four layers have a delta rule, the others latent attention that is not
/// rotated.
ModelPlan kimi_linear(const Configuration& config) {
  const Configuration linear = config.part({"linear_attn_config"}).value_or(config);
  const std::vector<std::int64_t> listed = linear.sizes({"full_attn_layers"});
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const auto is_full = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (types.size() > at) return types[at] == "full_attention";
    if (!listed.empty()) return std::ranges::find(listed, i + 1) != listed.end();
    return i > 0 && i % 4 == 0;
  };
  // Files that transformers saved have these sizes in the outer object, under other names.
  const bool is_inner = config.has("linear_attn_config");
  const StatePlan state{
      .kind = StatePlan::Kind::kimi_delta,
      .kernel = linear.size({"short_conv_kernel_size", "linear_conv_kernel_dim"}, 4),
      .heads = is_inner ? linear.size({"num_heads"}, 32) : config.size({"linear_num_heads"}, 32),
      .head = is_inner ? linear.size({"head_dim"}, 128) : config.size({"linear_head_dim"}, 128),
      .has_full_gate = linear.flag({"use_full_rank_gate"}, false),
      .shares_decay = config.has("routed_expert_hidden_size")};
  ModelPlan plan = deepseek_like(
      config, Ties::no, false,
      [&](LayerPlan& layer, std::int64_t i) {
        if (!is_full(i)) {
          layer.mixer = state;
          return;
        }
        LatentPlan attention = latent_attention(config);
        attention.is_rotated = !config.flag({"mla_use_nope"}, false);
        if (config.flag({"mla_use_output_gate"}, false))
          attention.gate_features = checked_mul(attention.heads, attention.value);
        layer.mixer = attention;
      },
      1);
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    if (experts == nullptr) continue;
    layer.feed_forward_name = "block_sparse_moe";
    experts->router_correction = "e_score_correction_bias";
    experts->gate = "w1";
    experts->up = "w3";
    experts->down = "w2";
    experts->latent = config.size({"routed_expert_hidden_size"}, 0);
    experts->latent_down = "routed_expert_down_proj";
    experts->latent_up = "routed_expert_up_proj";
    if (config.flag({"latent_moe_use_norm"}, false)) experts->latent_norm = "routed_expert_norm";
  }
  plan.is_tied = false;  // whatever the file says
  if (config.size({"attn_res_block_size"}, 0) > 0) add_residual_mixers(plan);
  return plan;
}

/// Ling 3: layers with a delta rule of full rank, and in each group one with latent attention.
ModelPlan bailing_hybrid(const Configuration& config) {
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const std::int64_t group = std::max<std::int64_t>(1, config.size({"layer_group_size"}, 6));
  const StatePlan state{.kind = StatePlan::Kind::kimi_delta,
                        .kernel = config.size({"short_conv_kernel_size"}, 4),
                        .heads = head_count(config),
                        .head = config.size({"linear_head_dim", "head_dim"}, 128),
                        .has_full_rank = true,
                        .output = "dense"};
  ModelPlan plan = deepseek_like(
      config, Ties::no, true,
      [&](LayerPlan& layer, std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        const bool is_full =
            types.size() > at ? types[at] == "full_attention" : (i + 1) % group == 0;
        layer.mixer_name = "attention";
        if (!is_full) {
          layer.mixer = state;
          return;
        }
        LatentPlan attention = latent_attention(config);
        attention.gate_features = attention.heads;
        attention.output = "dense";
        layer.mixer = attention;
      },
      2);
  plan.embedding = "word_embeddings";
  plan.is_tied = false;  // whatever the file says
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    if (experts != nullptr) experts->router_correction = "expert_bias";
  }
  return plan;
}

/// Ling and Ring: one layer of query, key and value. The second version has norms of heads and
/// corrections of the choice.
ModelPlan bailing_moe(const Configuration& config, bool is_second) {
  AttentionPlan attention = grouped_attention(config);
  attention.head = config.size({"head_dim"}, attention.head);
  attention.fused = "query_key_value";
  attention.output = "dense";
  set_biases(attention, config.flag({"use_qkv_bias"}, false), config.flag({"use_bias"}, false));
  attention.rotary = rotary_size(config, 1);
  if (is_second && config.flag({"use_qk_norm"}, true)) {
    attention.query_key_norm = QueryKeyNorm::head;
    attention.query_norm = "query_layernorm";
    attention.key_norm = "key_layernorm";
  }
  ModelPlan plan = deepseek_like(config, Ties::no, false, [&](LayerPlan& layer, std::int64_t) {
    layer.mixer_name = "attention";
    layer.mixer = attention;
  });
  plan.embedding = "word_embeddings";
  for (LayerPlan& layer : plan.plans) {
    auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
    if (experts != nullptr && is_second) experts->router_correction = "expert_bias";
  }
  return plan;
}
ModelPlan bailing_moe1(const Configuration& config) { return bailing_moe(config, false); }
ModelPlan bailing_moe2(const Configuration& config) { return bailing_moe(config, true); }

/// LongCat: a layer is two attentions and two networks, and experts beside its middle, of which
/// some return their input.
ModelPlan longcat_flash(const Configuration& config) {
  ExpertsPlan experts;
  experts.experts = config.size({"n_routed_experts", "num_local_experts"}, 512);
  experts.chosen = config.size({"moe_topk", "num_experts_per_tok"}, 12);
  experts.width = config.size({"expert_ffn_hidden_size", "moe_intermediate_size"}, 2048);
  experts.idle_experts = config.size({"zero_expert_num"}, 0);
  experts.router = "router.classifier";
  experts.router_bias = config.flag({"router_bias"}, false);
  experts.correction = "router.e_score_correction_bias";
  const FeedForwardPlan network =
      gated(config.size({"ffn_hidden_size", "intermediate_size"}, 12288));
  const LayerPlan first{.mixer_name = "self_attn.0",
                        .mixer = latent_attention(config),
                        .feed_forward_name = "mlps.0",
                        .feed_forward = network,
                        .before_mixer = "input_layernorm.0",
                        .before_feed_forward = "post_attention_layernorm.0",
                        .shortcut = "mlp",
                        .experts = experts};
  LayerPlan second = first;
  second.mixer_name = "self_attn.1";
  second.feed_forward_name = "mlps.1";
  second.before_mixer = "input_layernorm.1";
  second.before_feed_forward = "post_attention_layernorm.1";
  second.is_second_half = true;
  ModelPlan plan = frame(config, Ties::no);
  const std::int64_t count = bounded_layers(config, {"num_layers"}, layer_count(config));
  for (std::int64_t i = 0; i < count; ++i) {
    plan.plans.push_back(first);
    plan.plans.push_back(second);
  }
  return plan;
}

constexpr ModelType types[] = {
    {"deepseek", deepseek1},
    {"deepseek_v2", deepseek2},
    {"mistral4", deepseek2},
    {"deepseek_v3", deepseek3},
    {"kimi_k2", deepseek3},
    {"axk1", axk1},
    {"minicpm3", youtu},
    {"youtu", youtu},
    {"deepseek_v32", deepseek32},
    {"glm_moe_dsa", deepseek32},
    {"glm4_moe", glm4_moe},
    {"glm4v_moe_text", glm4v_moe},
    {"glm4v_moe", glm4v_moe},
    {"glm4_moe_lite", glm4_moe_lite},
    {"dots1", dots1},
    {"exaone_moe", exaone_moe},
    {"hy_v3", hy_v3},
    {"sarvam_moe", sarvam_moe},
    {"sarvam_mla", deepseek3},
    {"solar_open", solar_open},
    {"afmoe", afmoe},
    {"laguna", laguna},
    {"mimo_v2_flash", mimo_v2},
    {"kimi_linear", kimi_linear},
    {"bailing_hybrid", bailing_hybrid},
    {"bailing_moe", bailing_moe1},
    {"bailing_moe_v2", bailing_moe2},
    {"longcat_flash", longcat_flash},
};

}  // namespace
}  // namespace deepseek_models

extern constinit const Architecture deepseek_architecture = {
    "DeepSeek", "DeepSeek-AI, DeepSeek-V3 Technical Report, 2024.", deepseek_models::types};

}  // namespace zoometer
