// Models with states instead of a cache: Mamba, and mixtures of it with attention.
#include <algorithm>

#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace hybrids_models {
namespace {

/// "auto": a sixteenth of the features, rounded up.
std::int64_t step_rank(const Configuration& config, std::string_view key, std::int64_t features) {
  const Setting* setting = config.find({key});
  if (setting == nullptr || setting->kind == Setting::Kind::text) return (features + 15) / 16;
  return config.size({key}, 0);
}

std::int64_t expanded(const Configuration& config, Keys keys, std::int64_t features) {
  return scaled_size(config, keys, 2, features);
}

ModelPlan backbone(const Configuration& config, Ties ties) {
  ModelPlan plan = frame(config, ties);
  plan.root = "backbone";
  plan.embedding = "embeddings";
  plan.norm = "norm_f";
  return plan;
}

LayerPlan state_layer(const StatePlan& state) {
  return {.mixer_name = "mixer", .mixer = state, .before_mixer = "norm", .before_feed_forward = {}};
}

ModelPlan mamba(const Configuration& config) {
  ModelPlan plan = backbone(config, Ties::yes);
  const StatePlan state{
      .kind = StatePlan::Kind::mamba1,
      .inner = config.size({"intermediate_size"}, expanded(config, {"expand"}, plan.features)),
      .state = config.size({"state_size"}, 16),
      .kernel = config.size({"conv_kernel"}, 4),
      .rank = step_rank(config, "time_step_rank", plan.features),
      .bias = config.flag({"use_bias"}, false),
      .convolution_bias = config.flag({"use_conv_bias"}, true),
      .has_norm = false};
  add_layers(plan, config, [&](std::int64_t) { return state_layer(state); });
  return plan;
}

ModelPlan mamba2(const Configuration& config) {
  ModelPlan plan = backbone(config, Ties::no);
  const std::int64_t heads = config.size({"num_heads"}, 128);
  const StatePlan state{.kind = StatePlan::Kind::mamba2,
                        .inner = expanded(config, {"expand"}, plan.features),
                        .state = config.size({"state_size"}, 128),
                        .kernel = config.size({"conv_kernel"}, 4),
                        .heads = heads,
                        .head = config.size({"head_dim"}, 64),
                        .groups = config.size({"n_groups"}, 8),
                        .bias = config.flag({"use_bias"}, false),
                        .convolution_bias = config.flag({"use_conv_bias"}, true),
                        .output_bias = config.flag({"use_bias"}, false)};
  add_layers(plan, config, [&](std::int64_t) { return state_layer(state); });
  return plan;
}

ModelPlan jamba(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm = "final_layernorm";
  AttentionPlan attention = grouped_attention(config);
  attention.rotary = 0;
  const StatePlan state{.kind = StatePlan::Kind::mamba1,
                        .inner = expanded(config, {"mamba_expand"}, plan.features),
                        .state = config.size({"mamba_d_state"}, 16),
                        .kernel = config.size({"mamba_d_conv"}, 4),
                        .rank = step_rank(config, "mamba_dt_rank", plan.features),
                        .bias = config.flag({"mamba_proj_bias"}, false),
                        .convolution_bias = config.flag({"mamba_conv_bias"}, true)};
  const auto every = [&](std::string_view period, std::string_view offset, std::int64_t usual,
                         std::int64_t usual_offset, std::int64_t layer) {
    return layer % std::max<std::int64_t>(1, config.size({period}, usual)) ==
           config.size({offset}, usual_offset);
  };
  const bool is_mixture = config.size({"num_experts"}, 16) > 1;
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.feed_forward_name = "feed_forward",
                    .feed_forward = gated(feed_forward_size(config)),
                    .before_feed_forward = "pre_ff_layernorm"};
    if (every("attn_layer_period", "attn_layer_offset", 8, 4, i)) {
      layer.mixer = attention;
    } else {
      layer.mixer_name = "mamba";
      layer.mixer = state;
    }
    if (is_mixture && every("expert_layer_period", "expert_layer_offset", 2, 1, i)) {
      ExpertsPlan experts = usual_experts(config);
      experts.router = "router";
      layer.feed_forward = experts;
    }
    return layer;
  });
  return plan;
}

/// The Mamba-2 of Bamba, Granite 4 and Falcon-H1.
StatePlan mamba2_state(const Configuration& config, std::int64_t features, std::int64_t heads,
                       std::int64_t state) {
  const std::int64_t count = config.size({"mamba_n_heads"}, heads);
  const std::int64_t inner =
      config.size({"mamba_d_ssm"}, expanded(config, {"mamba_expand"}, features));
  const Setting* head = config.find({"mamba_d_head"});
  const std::int64_t size = head != nullptr && head->kind != Setting::Kind::text
                                ? config.size({"mamba_d_head"}, 64)
                                : inner / std::max<std::int64_t>(1, count);
  const bool bias = config.flag({"mamba_proj_bias"}, false);
  return {.kind = StatePlan::Kind::mamba2,
          .inner = checked_mul(count, size),
          .state = config.size({"mamba_d_state"}, state),
          .kernel = config.size({"mamba_d_conv"}, 4),
          .heads = count,
          .head = size,
          .groups = config.size({"mamba_n_groups"}, 1),
          .bias = bias,
          .convolution_bias = config.flag({"mamba_conv_bias"}, true),
          .output_bias = config.flag({"projectors_bias"}, bias)};
}

bool is_attention(const Configuration& config, std::int64_t layer) {
  const auto at = static_cast<std::size_t>(layer);
  const std::vector<std::string_view> types = config.texts({"layer_types", "layers_block_type"});
  if (types.size() > at) return types[at] == "attention" || types[at] == "full_attention";
  const std::vector<std::int64_t> list = config.sizes({"attn_layer_indices"});
  return std::ranges::find(list, layer) != list.end();
}

ModelPlan bamba(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm = "final_layernorm";
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.rotary = config.size({"attn_rotary_emb"}, rotary_size(config, 0.5));
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.feed_forward_name = "feed_forward",
                    .feed_forward =
                        gated(feed_forward_size(config), config.flag({"mlp_bias"}, false)),
                    .before_feed_forward = "pre_ff_layernorm"};
    if (is_attention(config, i)) {
      layer.mixer = attention;
    } else {
      layer.mixer_name = "mamba";
      layer.mixer = mamba2_state(config, plan.features, 128, 256);
    }
    return layer;
  });
  return plan;
}

ModelPlan granite_hybrid(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  const std::int64_t shared = config.size({"shared_intermediate_size"}, 1024);
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  if (config.text({"position_embedding_type"}, "nope") != "rope") attention.rotary = 0;
  FeedForwardPlan dense = gated(shared);
  dense.fused = "input_linear";
  dense.down = "output_linear";
  const bool is_mixture = config.size({"num_local_experts"}, 8) > 0;
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.feed_forward_name = "shared_mlp", .feed_forward = dense};
    if (is_attention(config, i)) {
      layer.mixer = attention;
    } else {
      layer.mixer_name = "mamba";
      layer.mixer = mamba2_state(config, plan.features, 128, 256);
    }
    if (is_mixture) {
      ExpertsPlan experts = usual_experts(config);
      experts.layout = ExpertsPlan::Layout::granite;
      experts.router = "block_sparse_moe.router.layer";
      experts.list = "block_sparse_moe";
      experts.shared = "shared_mlp";
      experts.shared_plan = dense;
      layer.feed_forward_name = {};
      layer.feed_forward = experts;
    }
    return layer;
  });
  return plan;
}

/// Attention and Mamba-2 side by side in each layer.
ModelPlan falcon_h1(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.norm = "final_layernorm";
  StatePlan state = mamba2_state(config, plan.features, 128, 256);
  state.has_norm = config.flag({"mamba_rms_norm"}, false);
  add_layers(plan, config, [&](std::int64_t) {
    return LayerPlan{.mixer = grouped_attention(config, "attention_bias", false),
                     .second_name = "mamba",
                     .second = state,
                     .feed_forward_name = "feed_forward",
                     .feed_forward =
                         gated(feed_forward_size(config), config.flag({"mlp_bias"}, false)),
                     .before_feed_forward = "pre_ff_layernorm"};
  });
  return plan;
}

/// A letter for each layer: M Mamba-2, * attention, - feed-forward network, E experts.
ModelPlan nemotron_h(const Configuration& config) {
  ModelPlan plan = backbone(config, Ties::no);
  plan.is_tied = false;  // whatever the file says
  AttentionPlan attention = grouped_attention(config);
  attention.head = config.size({"head_dim", "attention_head_dim"}, 128);
  attention.rotary = 0;
  const std::int64_t heads = config.size({"mamba_num_heads"}, 128);
  const std::int64_t head = config.size({"mamba_head_dim"}, 64);
  const bool state_bias = config.flag({"use_bias"}, false);
  const StatePlan state{.kind = StatePlan::Kind::mamba2,
                        .inner = checked_mul(heads, head),
                        .state = config.size({"ssm_state_size"}, 128),
                        .kernel = config.size({"conv_kernel"}, 4),
                        .heads = heads,
                        .head = head,
                        .groups = config.size({"n_groups"}, 8),
                        .bias = state_bias,
                        .convolution_bias = config.flag({"use_conv_bias"}, true),
                        .output_bias = state_bias};
  const std::string_view letters = config.text({"hybrid_override_pattern"});
  const std::vector<std::string_view> words = config.texts({"layers_block_type", "layer_types"});
  const auto kind_of = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (letters.size() > at) return letters[at];
    const std::string_view word = words.size() > at ? words[at] : "";
    if (word == "mamba" || word == "linear_attention") return 'M';
    if (word == "attention" || word == "full_attention") return '*';
    return word == "moe" ? 'E' : '-';
  };
  const bool bias = config.flag({"mlp_bias"}, false);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer_name = "mixer",
                    .feed_forward_name = "mixer",
                    .before_mixer = "norm",
                    .before_feed_forward = {}};
    const char kind = kind_of(i);
    if (kind == 'M') layer.mixer = state;
    if (kind == '*') layer.mixer = attention;
    if (kind == 'M' || kind == '*') return layer;
    std::swap(layer.before_mixer, layer.before_feed_forward);
    if (kind == 'E') {
      ExpertsPlan experts = usual_experts(config);
      experts.gate = {};
      experts.activation = ActivationKind::squared_relu;
      experts.router_correction = "e_score_correction_bias";
      experts.latent = config.size({"moe_latent_size"}, 0);
      add_shared(experts, "shared_experts",
                 config.size({"moe_shared_expert_intermediate_size"}, 0));
      experts.shared_plan.bias = experts.shared_plan.down_bias = bias;
      layer.feed_forward = experts;
    } else {
      layer.feed_forward = plain(feed_forward_size(config), "up_proj", "down_proj", bias,
                                 ActivationKind::squared_relu);
    }
    return layer;
  });
  return plan;
}

/// LFM2: short convolutions between two gates, and attention.
ModelPlan lfm2_like(const Configuration& config, bool is_mixture) {
  ModelPlan plan = frame(config, Ties::yes);
  plan.norm = "embedding_norm";
  AttentionPlan attention = grouped_attention(config);
  attention.output = "out_proj";
  attention.query_key_norm = QueryKeyNorm::head;
  attention.query_norm = "q_layernorm";
  attention.key_norm = "k_layernorm";
  const bool bias = config.flag({"conv_bias"}, false);
  const StatePlan state{.kind = StatePlan::Kind::short_convolution,
                        .kernel = config.size({"conv_L_cache"}, 3),
                        .bias = bias,
                        .convolution_bias = bias};
  std::int64_t width = config.size({"intermediate_size", "block_ff_dim"}, 12288);
  if (!is_mixture && config.flag({"block_auto_adjust_ff_dim"}, true)) {
    const std::int64_t multiple =
        std::max<std::int64_t>(1, config.size({"block_multiple_of"}, 256));
    width = scaled_size(config, {"block_ffn_dim_multiplier"}, 1, 2 * width / 3);
    width = (width + multiple - 1) / multiple * multiple;
  }
  FeedForwardPlan dense = gated(width);
  dense.gate = "w1";
  dense.up = "w3";
  dense.down = "w2";
  const std::vector<std::int64_t> full = config.sizes({"full_attn_idxs"});
  const bool is_all_full = !config.has("layer_types") && !config.has("full_attn_idxs");
  const std::int64_t first = config.size({"num_dense_layers"}, 2);
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.feed_forward_name = "feed_forward",
                    .feed_forward = dense,
                    .before_mixer = "operator_norm",
                    .before_feed_forward = "ffn_norm"};
    if (is_all_full || is_attention(config, i) || std::ranges::find(full, i) != full.end()) {
      layer.mixer = attention;
    } else {
      layer.mixer_name = "conv";
      layer.mixer = state;
    }
    if (!is_mixture || i < first) return layer;
    ExpertsPlan experts = usual_experts(config);
    experts.gate = "w1";
    experts.up = "w3";
    experts.down = "w2";
    if (config.flag({"use_expert_bias"}, true)) experts.correction = "expert_bias";
    layer.feed_forward = experts;
    return layer;
  });
  return plan;
}
ModelPlan lfm2(const Configuration& config) { return lfm2_like(config, false); }
ModelPlan lfm2_moe(const Configuration& config) { return lfm2_like(config, true); }

constexpr ModelType types[] = {
    {"mamba", mamba},         {"falcon_mamba", mamba},    {"mamba2", mamba2},
    {"jamba", jamba},         {"bamba", bamba},           {"granitemoehybrid", granite_hybrid},
    {"falcon_h1", falcon_h1}, {"nemotron_h", nemotron_h}, {"lfm2", lfm2},
    {"lfm2_moe", lfm2_moe},
};

}  // namespace
}  // namespace hybrids_models

extern constinit const Architecture hybrid_architecture = {
    "States and attention", "Gu, Dao, Mamba, 2023, and models that combine it with attention.",
    hybrids_models::types};

}  // namespace zoometer
