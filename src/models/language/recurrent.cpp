// Models of recurrent layers: RWKV-4, RecurrentGemma, MiniMax-01.
#include <algorithm>

#include "models/language/common.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace recurrent_models {
namespace {

ModelPlan rwkv(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.root = "rwkv";
  plan.embedding = "embeddings";
  plan.layers = "blocks";
  plan.norm = "ln_out";
  plan.norm_kind = NormKind::layer;
  if (!plan.head.empty()) plan.head = "head";
  const StatePlan state{.kind = StatePlan::Kind::rwkv4,
                        .inner = config.size({"attention_hidden_size"}, plan.features)};
  FeedForwardPlan feed_forward =
      plain(feed_forward_size(config), "key", "value", false, ActivationKind::squared_relu);
  feed_forward.has_receptance = true;
  add_layers(plan, config, [&](std::int64_t i) {
    return LayerPlan{.mixer_name = "attention",
                     .mixer = state,
                     .feed_forward_name = "feed_forward",
                     .feed_forward = feed_forward,
                     .before_all = i == 0 ? "pre_ln" : "",
                     .before_mixer = "ln1",
                     .before_feed_forward = "ln2"};
  });
  return plan;
}

/// RWKV-5: heads with matrices as states, a norm of them and a gate.
ModelPlan rwkv5(const Configuration& config) {
  ModelPlan plan = rwkv(config);
  const std::int64_t inner = config.size({"attention_hidden_size"}, plan.features);
  const std::int64_t head = config.size({"head_size"}, 64);
  if (head < 1 || inner % head != 0) {
    throw Error(ErrorCode::malformed, "the key head_size",
                {"a divisor of " + std::to_string(inner), std::to_string(head)});
  }
  const StatePlan state{
      .kind = StatePlan::Kind::rwkv5, .inner = inner, .heads = inner / head, .head = head};
  const std::int64_t width =
      config.size({"intermediate_size"}, checked_mul(7, plan.features) / 2 / 32 * 32);
  for (LayerPlan& layer : plan.plans) {
    layer.mixer = state;
    std::get<FeedForwardPlan>(layer.feed_forward).width = width;
  }
  return plan;
}

ModelPlan recurrent_gemma(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::yes);
  plan.norm = "final_norm";
  AttentionPlan attention = grouped_attention(config, "attention_bias", false);
  attention.output_bias = true;
  attention.window = config.size({"attention_window_size"}, 2048);
  attention.rotary = rotary_size(config, 0.5);
  const std::int64_t heads = head_count(config);
  const std::int64_t inner = config.size({"lru_width"}, plan.features);
  if (inner % heads != 0) {
    throw Error(ErrorCode::malformed, "the key lru_width",
                {"a multiple of " + std::to_string(heads) + " heads", std::to_string(inner)});
  }
  const StatePlan state{.kind = StatePlan::Kind::gated_recurrence,
                        .inner = inner,
                        .kernel = config.size({"conv1d_width"}, 4),
                        .heads = heads,
                        .head = inner / heads};
  FeedForwardPlan feed_forward =
      gated(config.size({"intermediate_size"}, checked_mul(6, plan.features)) / 2, true);
  feed_forward.activation = ActivationKind::gelu;
  std::vector<std::string_view> kinds = config.texts({"block_types", "_block_types"});
  if (kinds.empty()) kinds = {"recurrent", "recurrent", "attention"};
  add_layers(plan, config, [&](std::int64_t i) {
    LayerPlan layer{.mixer_name = "temporal_block",
                    .mixer = state,
                    .feed_forward_name = "mlp_block",
                    .feed_forward = feed_forward,
                    .before_mixer = "temporal_pre_norm",
                    .before_feed_forward = "channel_pre_norm"};
    if (kinds[static_cast<std::size_t>(i) % kinds.size()] == "attention") layer.mixer = attention;
    return layer;
  });
  return plan;
}

/// Linear attention, and in every eighth layer or where the file says so attention.
ModelPlan minimax(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  AttentionPlan attention = grouped_attention(config);
  attention.rotary = config.size({"rotary_dim"}, attention.head);
  const StatePlan state{
      .kind = StatePlan::Kind::decayed, .heads = attention.heads, .head = attention.head};
  ExpertsPlan experts = usual_experts(config);
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  const std::vector<std::int64_t> numbers = config.sizes({"attn_type_list"});
  add_layers(plan, config, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_full = types.size() > at     ? types[at] == "full_attention"
                         : numbers.size() > at ? numbers[at] == 1
                                               : i % 2 == 1;
    LayerPlan layer{
        .mixer = state, .feed_forward_name = "block_sparse_moe", .feed_forward = experts};
    if (is_full) layer.mixer = attention;
    return layer;
  });
  return plan;
}

constexpr ModelType types[] = {
    {"rwkv", rwkv},
    {"rwkv5", rwkv5},
    {"recurrent_gemma", recurrent_gemma},
    {"minimax", minimax},
    {"minimax_text_01", minimax},
};

}  // namespace
}  // namespace recurrent_models

extern constinit const Architecture recurrent_architecture = {
    "Recurrent", "Peng and others, RWKV, 2023; De and others, Griffin, 2024.",
    recurrent_models::types};

}  // namespace zoometer
