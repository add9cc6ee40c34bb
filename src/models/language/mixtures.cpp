// Mixtures of experts that are not of DeepSeek's form: Mixtral, gpt-oss, Llama 4, MiniMax, Granite.
#include <algorithm>

#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace mixtures_models {
namespace {

template <class Make>
ModelPlan layers_of(const Configuration& config, Ties ties, const Make& make) {
  ModelPlan plan = frame(config, ties);
  add_layers(plan, config, make);
  return plan;
}

/// w1, w3 and w2, as Mixtral named them.
ExpertsPlan numbered_experts(const Configuration& config) {
  ExpertsPlan experts = usual_experts(config);
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";
  return experts;
}

ModelPlan mixtral(const Configuration& config) {
  const std::vector<std::int64_t> windows = layer_windows(config, all_slide);
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    AttentionPlan attention = grouped_attention(config);
    attention.window = windows[static_cast<std::size_t>(i)];
    return LayerPlan{.mixer = attention,
                     .feed_forward_name = "block_sparse_moe",
                     .feed_forward = numbered_experts(config)};
  });
}

ModelPlan minimax_m2(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config);
  if (config.flag({"use_qk_norm"}, true)) attention.query_key_norm = QueryKeyNorm::whole;
  attention.rotary = config.size({"rotary_dim"}, attention.head);
  ExpertsPlan experts = numbered_experts(config);
  experts.correction = "e_score_correction_bias";
  return layers_of(config, Ties::no, [&](std::int64_t) {
    return LayerPlan{
        .mixer = attention, .feed_forward_name = "block_sparse_moe", .feed_forward = experts};
  });
}

/// MiniMax-M3: an index selects blocks of keys in some layers; the first layers are dense.
ModelPlan minimax_m3(const Configuration& config) {
  const std::vector<std::int64_t> sparse = config.sizes({"moe_layer_freq"});
  const std::vector<std::string_view> networks = config.texts({"mlp_layer_types"});
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  // Files that transformers saved have the index's sizes in the outer object, under other names.
  const Configuration index = config.part({"sparse_attention_config"}).value_or(config);
  const std::vector<std::int64_t> indexed = index.sizes({"sparse_attention_freq"});
  ExpertsPlan experts = numbered_experts(config);
  experts.width = config.size({"intermediate_size"});
  experts.correction = "e_score_correction_bias";
  add_shared(experts, "shared_experts", config.size({"shared_intermediate_size"}, 0));
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    AttentionPlan attention = grouped_attention(config);
    attention.query_key_norm = QueryKeyNorm::head;
    attention.rotary = config.size({"rotary_dim"}, attention.head);
    const bool is_indexed = types.size() > at ? types[at] == "minimax_m3_sparse"
                                              : indexed.size() > at && indexed[at] != 0;
    if (is_indexed) {
      attention.index_heads = index.size({"sparse_num_index_heads", "index_n_heads"}, 4);
      attention.index_head = index.size({"sparse_index_dim", "index_head_dim"}, 128);
      attention.selected =
          checked_mul(index.size({"sparse_topk_blocks", "index_topk_blocks"}, 16),
                      index.size({"sparse_block_size", "index_block_size", "block_size"}, 128));
    }
    LayerPlan layer{.mixer = attention};
    const bool is_dense =
        networks.size() > at ? networks[at] == "dense" : sparse.size() > at && sparse[at] == 0;
    if (is_dense) {
      layer.feed_forward = gated(config.size({"dense_intermediate_size"}));
      return layer;
    }
    layer.feed_forward_name = "block_sparse_moe";
    layer.feed_forward = experts;
    return layer;
  });
}

ModelPlan gpt_oss(const Configuration& config) {
  const std::vector<std::int64_t> windows =
      layer_windows(config, [](const Configuration&, std::int64_t i) { return i % 2 == 0; });
  ExpertsPlan experts = usual_experts(config);
  experts.layout = ExpertsPlan::Layout::fused_transposed;
  experts.router = "router";
  experts.router_bias = true;
  experts.bias = true;
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    AttentionPlan attention = grouped_attention(config, "attention_bias", true);
    attention.head = config.size({"head_dim"}, 64);
    attention.sinks = "sinks";
    attention.window = windows[static_cast<std::size_t>(i)];
    return LayerPlan{.mixer = attention, .feed_forward = experts};
  });
}

bool is_mixture_of_llama4(const Configuration& config, std::int64_t layer) {
  if (config.has("moe_layers")) {
    const std::vector<std::int64_t> list = config.sizes({"moe_layers"});
    return std::ranges::find(list, layer) != list.end();
  }
  const std::int64_t step =
      std::max<std::int64_t>(1, config.size({"interleave_moe_layer_step"}, 1));
  return (layer + 1) % step == 0;
}

ModelPlan llama4(const Configuration& config) {
  ExpertsPlan experts = usual_experts(config);
  experts.width = feed_forward_size(config);
  experts.layout = ExpertsPlan::Layout::fused_transposed;
  experts.router = "router";
  add_shared(experts, "shared_expert", experts.width);
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const std::vector<std::int64_t> rotated = config.sizes({"no_rope_layers"});
  const std::int64_t chunk = config.size({"attention_chunk_size"}, 8192);
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_rotated = rotated.size() > at ? rotated[at] != 0 : (i + 1) % 4 != 0;
    const bool is_chunked = types.size() > at ? types[at] == "chunked_attention" : is_rotated;
    AttentionPlan attention = grouped_attention(config, "attention_bias", false);
    attention.chunk = is_chunked ? chunk : 0;
    attention.rotary = is_rotated ? -1 : 0;
    LayerPlan layer{.mixer = attention, .feed_forward_name = "feed_forward"};
    if (is_mixture_of_llama4(config, i))
      layer.feed_forward = experts;
    else
      layer.feed_forward = gated(config.size({"intermediate_size_mlp"}, 16384));
    return layer;
  });
}

ModelPlan granitemoe(const Configuration& config) {
  ExpertsPlan experts = usual_experts(config);
  experts.layout = ExpertsPlan::Layout::granite;
  experts.router = "block_sparse_moe.router.layer";
  experts.list = "block_sparse_moe";
  add_shared(experts, "shared_mlp", config.size({"shared_intermediate_size"}, 0));
  experts.shared_plan.fused = "input_linear";
  experts.shared_plan.down = "output_linear";
  return layers_of(config, Ties::no, [&](std::int64_t) {
    return LayerPlan{.mixer = grouped_attention(config, "attention_bias", false),
                     .feed_forward_name = {},
                     .feed_forward = experts};
  });
}

/// Granite's experts with windows and a learnt score of each head.
ModelPlan granitemoe_swa(const Configuration& config) {
  ModelPlan plan = granitemoe(config);
  const std::vector<std::int64_t> windows = layer_windows(config, all_slide);
  for (std::size_t i = 0; i < plan.plans.size(); ++i) {
    auto& attention = std::get<AttentionPlan>(plan.plans[i].mixer);
    attention.sinks = "sinks";
    attention.window = windows[i];
  }
  return plan;
}

ModelPlan olmoe(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::whole;
  return layers_of(config, Ties::no, [&](std::int64_t) {
    return LayerPlan{.mixer = attention, .feed_forward = usual_experts(config)};
  });
}
ModelPlan flex_olmo(const Configuration& config) {
  ModelPlan plan = olmoe(config);
  for (LayerPlan& layer : plan.plans) {
    layer.before_mixer = {};
    layer.after_mixer = "post_attention_layernorm";
    layer.before_feed_forward = {};
    layer.after_feed_forward = "post_feedforward_layernorm";
  }
  return plan;
}

ModelPlan hunyuan_moe(const Configuration& config) {
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.query_key_norm = QueryKeyNorm::head;
  attention.query_norm = "query_layernorm";
  attention.key_norm = "key_layernorm";
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    // Its files may give a list with a number for each layer.
    const auto of_layer = [&](std::string_view key, std::int64_t usual) {
      const Setting* setting = config.find({key});
      if (setting == nullptr || setting->kind != Setting::Kind::list)
        return config.size({key}, usual);
      const std::vector<std::int64_t> each = config.sizes({key});
      return each.size() > static_cast<std::size_t>(i) ? each[static_cast<std::size_t>(i)] : usual;
    };
    ExpertsPlan experts;
    experts.experts = config.size({"num_experts"}, 1);
    experts.chosen = of_layer("moe_topk", 1);
    experts.width = of_layer("moe_intermediate_size", feed_forward_size(config));
    experts.router = "gate.wg";
    add_shared(experts, "shared_mlp", feed_forward_size(config));
    return LayerPlan{.mixer = attention, .feed_forward = experts};
  });
}

ModelPlan ernie_moe(const Configuration& config) {
  const bool bias = config.flag({"use_bias"}, false);
  ExpertsPlan experts = usual_experts(config);
  experts.correction = "moe_statics.e_score_correction_bias";
  experts.learns_correction = true;
  add_shared(experts, "shared_experts",
             checked_mul(config.size({"moe_num_shared_experts"}, 2), experts.width));
  experts.shared_plan.bias = experts.shared_plan.down_bias = bias;
  const std::int64_t start = config.size({"moe_layer_start_index"}, 1);
  const std::int64_t count = layer_count(config);
  const Setting* last = config.find({"moe_layer_end_index"});
  const std::int64_t end =
      last == nullptr || last->integer < 0 ? count : config.size({"moe_layer_end_index"}, count);
  const std::int64_t interval = std::max<std::int64_t>(1, config.size({"moe_layer_interval"}, 1));
  ModelPlan plan = layers_of(config, Ties::yes, [&](std::int64_t i) {
    LayerPlan layer{.mixer = grouped_attention(config, "use_bias", false)};
    if (i < start || i > end || (i + 1) % interval != 0)
      layer.feed_forward = gated(feed_forward_size(config), bias);
    else
      layer.feed_forward = experts;
    return layer;
  });
  plan.head_bias = bias;
  return plan;
}

/// Step-3.5 and 3.7: a gate of each head, more heads in layers with a window.
ModelPlan step3p5(const Configuration& config) {
  ExpertsPlan experts;
  experts.experts =
      config.size({"moe_num_experts", "n_routed_experts", "num_local_experts", "num_experts"}, 288);
  experts.chosen = config.size({"moe_top_k", "num_experts_per_tok"}, 8);
  experts.width = config.size({"moe_intermediate_size"}, 1280);
  experts.layout = ExpertsPlan::Layout::parts;
  experts.router = "moe.gate";
  experts.correction = "moe.router_bias";
  experts.list = "moe";
  add_shared(experts, "share_expert", config.size({"share_expert_dim", "share_expert_dims"}, 1280));
  experts.shared_plan.bias = experts.shared_plan.down_bias = config.flag({"mlp_bias"}, false);
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const auto other = config.part({"attention_other_setting"});
  const std::string_view sparse = config.text({"moe_layers_enum"});
  const std::vector<std::string_view> networks = config.texts({"mlp_layer_types"});
  const std::int64_t dense = config.size({"first_k_dense_replace"}, 3);
  const bool bias = config.flag({"attention_bias"}, false);
  const auto is_sparse = [&](std::int64_t layer) {
    if (networks.size() > static_cast<std::size_t>(layer))
      return networks[static_cast<std::size_t>(layer)] == "sparse";
    if (sparse.empty()) return layer >= dense;
    const std::string list = "," + std::string(sparse) + ",";
    return list.find("," + std::to_string(layer) + ",") != std::string::npos;
  };
  return layers_of(config, Ties::no, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    AttentionPlan attention;
    attention.heads = head_count(config);
    attention.key_value_heads = config.size({"num_attention_groups", "num_key_value_heads"}, 8);
    attention.head = head_size(config);
    attention.query_key_norm = QueryKeyNorm::head;
    set_biases(attention, bias, bias);
    if (types.size() > at && types[at] == "sliding_attention") {
      attention.window = config.size({"sliding_window"}, 512);
      attention.heads = config.size({"num_sliding_attention_heads"}, attention.heads);
      if (other) attention.heads = other->size({"num_attention_heads"}, attention.heads);
    }
    attention.gate = "g_proj";
    attention.gate_features = attention.heads;
    LayerPlan layer{.mixer = attention};
    if (!is_sparse(i)) {
      layer.feed_forward = gated(feed_forward_size(config), config.flag({"mlp_bias"}, false));
      return layer;
    }
    layer.feed_forward_name = {};
    layer.feed_forward = experts;
    return layer;
  });
}

constexpr ModelType types[] = {
    {"mixtral", mixtral},
    {"minimax_m2", minimax_m2},
    {"minimax_m3", minimax_m3},
    {"minimax_m3_vl_text", minimax_m3},
    {"gpt_oss", gpt_oss},
    {"llama4_text", llama4},
    {"granitemoe", granitemoe},
    {"granitemoeshared", granitemoe},
    {"granitemoe_swa", granitemoe_swa},
    {"olmoe", olmoe},
    {"flex_olmo", flex_olmo},
    {"hunyuan_v1_moe", hunyuan_moe},
    {"ernie4_5_moe", ernie_moe},
    {"step3p5", step3p5},
    {"step3p7", step3p5},
};

}  // namespace
}  // namespace mixtures_models

extern constinit const Architecture mixture_architecture = {
    "Mixtures of experts", "Jiang and others, Mixtral of Experts, 2024, and others.",
    mixtures_models::types};

}  // namespace zoometer
