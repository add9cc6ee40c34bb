// DeepSeek-V4: compressed keys, several streams of features, experts in every layer, of which the
// first layers choose by a table of tokens.
#include <algorithm>

#include "models/language/common.hpp"
#include "models/language/stack_builder.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace deepseek4_models {
namespace {

constexpr std::int64_t most_streams = 256;

CompressedPlan attention_of(const Configuration& config, std::int64_t ratio) {
  CompressedPlan plan{.heads = head_count(config),
                      .head = config.size({"head_dim"}, 512),
                      .rotary = config.size({"qk_rope_head_dim"}, 64),
                      .query_rank = config.size({"q_lora_rank"}, 1024),
                      .groups = config.size({"o_groups"}, 8),
                      .output_rank = config.size({"o_lora_rank"}, 1024),
                      .window = config.size({"sliding_window"}, 128),
                      .ratio = ratio};
  if (plan.groups < 1 || checked_mul(plan.heads, plan.head) % plan.groups != 0) {
    throw Error(ErrorCode::malformed, "the key o_groups",
                {"a divisor of all heads' features", std::to_string(plan.groups)});
  }
  if (ratio != 4) return plan;
  plan.overlaps = true;
  plan.index_heads = config.size({"index_n_heads"}, 64);
  plan.index_head = config.size({"index_head_dim"}, 128);
  plan.selected = config.size({"index_topk"}, 512);
  return plan;
}

/// Tokens that a compressed key of each layer stands for, by number or by the kind of the layer.
std::vector<std::int64_t> layer_ratios(const Configuration& config) {
  if (config.has("compress_ratios")) return config.sizes({"compress_ratios"});
  std::vector<std::int64_t> ratios;
  for (const std::string_view type : config.texts({"layer_types"}))
    ratios.push_back(type == "compressed_sparse_attention"    ? 4
                     : type == "heavily_compressed_attention" ? 128
                                                              : 0);
  if (!ratios.empty()) return ratios;
  for (std::int64_t i = 0; i < layer_count(config); ++i)
    ratios.push_back(i < 2 || i % 2 == 0 ? 128 : 4);
  return ratios;
}

/// Layers that predict further tokens: two matrices and norms before a layer of the same form.
void add_prediction(ModelPlan& plan, const Configuration& config, const ExpertsPlan& experts,
                    const std::vector<std::int64_t>& ratios) {
  const std::int64_t count = config.size({"num_nextn_predict_layers"}, 0);
  if (count == 0) return;
  if (count > 64) throw_unknown_part("more than 64 layers that predict further tokens");
  const std::size_t main = plan.plans.size();
  const std::int64_t d = plan.features;
  StackBuilder stack(StackPlan::Use::alone, "input_ids", {});
  stack.plan.norm_kind = NormKind::rms;
  stack.plan.features = d;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t at = main + static_cast<std::size_t>(i);
    stack.in({})
        .layers("mtp", 1,
                {.mixer_name = "attn",
                 .mixer = attention_of(config, ratios.size() > at ? ratios[at] : 0),
                 .feed_forward_name = "ffn",
                 .feed_forward = experts,
                 .before_mixer = "attn_norm",
                 .before_feed_forward = "ffn_norm",
                 .streams = plan.streams},
                i)
        .in("mtp." + std::to_string(i))
        .linear("e_proj", d, d, false)
        .linear("h_proj", d, d, false)
        .norm("enorm", d, NormKind::rms)
        .norm("hnorm", d, NormKind::rms)
        .norm("norm", d, NormKind::rms)
        .stored("hc_head_fn", {plan.streams, checked_mul(plan.streams, d)})
        .stored("hc_head_base", {plan.streams})
        .stored("hc_head_scale", {1});
  }
  plan.prediction = std::move(stack.plan);
}

ModelPlan deepseek4(const Configuration& config) {
  ModelPlan plan = frame(config, Ties::no);
  plan.root = {};
  plan.embedding = "embed";
  if (!plan.head.empty()) plan.head = "head";
  plan.streams = config.size({"hc_mult"}, 4);
  if (plan.streams < 1 || plan.streams > most_streams) {
    throw Error(ErrorCode::malformed, "the key hc_mult",
                {"1 to " + std::to_string(most_streams), std::to_string(plan.streams)});
  }
  ExpertsPlan experts = usual_experts(config);
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";
  experts.router_correction = "bias";
  add_shared(experts, "shared_experts",
             config.size({"n_shared_experts"}, 1) > 0 ? experts.width : 0);
  experts.shared_plan.bias = experts.shared_plan.down_bias = config.flag({"mlp_bias"}, false);
  experts.shared_plan.gate = "w1";
  experts.shared_plan.up = "w3";
  experts.shared_plan.down = "w2";
  const std::vector<std::int64_t> ratios = layer_ratios(config);
  const std::vector<std::string_view> networks = config.texts({"mlp_layer_types"});
  const std::int64_t hashed = networks.empty()
                                  ? config.size({"num_hash_layers"}, 3)
                                  : std::ranges::count(networks, std::string_view("hash_moe"));
  add_layers(plan, config, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    ExpertsPlan own = experts;
    if (i < hashed) own.hashed_tokens = plan.vocabulary;
    return LayerPlan{.mixer_name = "attn",
                     .mixer = attention_of(config, ratios.size() > at ? ratios[at] : 0),
                     .feed_forward_name = "ffn",
                     .feed_forward = own,
                     .before_mixer = "attn_norm",
                     .before_feed_forward = "ffn_norm",
                     .streams = plan.streams};
  });
  add_prediction(plan, config, experts, ratios);
  return plan;
}

constexpr ModelType types[] = {{"deepseek_v4", deepseek4}, {"deepseek_ref", deepseek4}};

}  // namespace
}  // namespace deepseek4_models

extern constinit const Architecture deepseek4_architecture = {
    "DeepSeek-V4", "DeepSeek-AI, DeepSeek-V4 Technical Report, 2026.", deepseek4_models::types};

}  // namespace zoometer
