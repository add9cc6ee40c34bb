#include "models/language/common.hpp"

#include <algorithm>
#include <cmath>

#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_layers = 1024;

std::int64_t listed_layers(const Configuration& config) {
  const std::int64_t listed =
      static_cast<std::int64_t>(config.texts({"layers_block_type", "layer_types"}).size());
  if (listed > 0) return listed;
  return static_cast<std::int64_t>(config.text({"hybrid_override_pattern"}).size());
}

}  // namespace

std::int64_t hidden_size(const Configuration& config) {
  return config.size({"hidden_size", "n_embd", "n_embed", "d_model", "dim"});
}

std::int64_t layer_count(const Configuration& config) {
  std::int64_t count = config.size({"num_hidden_layers", "n_layer", "num_layers", "n_layers"},
                                   listed_layers(config));
  if (count >= 1 && count <= most_layers) return count;
  throw Error(ErrorCode::malformed, "the key num_hidden_layers",
              {"1 to " + std::to_string(most_layers) + " layers", std::to_string(count)});
}

std::int64_t bounded_layers(const Configuration& config, Keys keys, std::int64_t usual) {
  const std::int64_t count = config.size(keys, usual);
  if (count <= most_layers) return count;
  throw Error(ErrorCode::malformed, "the key " + std::string(*keys.begin()),
              {"at most " + std::to_string(most_layers) + " layers", std::to_string(count)});
}

std::int64_t scaled_size(const Configuration& config, Keys keys, double usual, std::int64_t size) {
  constexpr double largest = 1099511627776.0;  // 2^40
  const double scaled = config.real(keys, usual) * static_cast<double>(size);
  if (scaled >= 0 && scaled <= largest) return static_cast<std::int64_t>(scaled);
  throw Error(ErrorCode::malformed, "the key " + std::string(*keys.begin()),
              {"a factor that gives 0 to 2^40", std::to_string(config.real(keys, usual))});
}

std::int64_t head_count(const Configuration& config) {
  const std::int64_t count = config.size({"num_attention_heads", "n_head", "num_heads", "n_heads"});
  if (count >= 1) return count;
  throw Error(ErrorCode::malformed, "the key num_attention_heads", {"at least 1 head", "0"});
}

std::int64_t key_value_heads(const Configuration& config) {
  const std::int64_t heads = head_count(config);
  const std::int64_t shared = config.size(
      {"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"}, heads);
  if (shared >= 1 && heads % shared == 0) return shared;
  throw Error(ErrorCode::malformed, "the key num_key_value_heads",
              {"a divisor of " + std::to_string(heads) + " heads", std::to_string(shared)});
}

std::int64_t head_size(const Configuration& config) {
  if (const auto own = config.size_if({"head_dim", "d_kv", "kv_channels", "attention_head_dim"}))
    return *own;
  const std::int64_t heads = head_count(config);
  const std::int64_t hidden = hidden_size(config);
  if (hidden >= heads) return hidden / heads;
  throw Error(ErrorCode::malformed, "the key num_attention_heads",
              {"at most hidden_size " + std::to_string(hidden), std::to_string(heads)});
}

std::int64_t feed_forward_size(const Configuration& config) {
  const auto own = config.size_if({"intermediate_size", "n_inner", "ffn_dim", "d_ff",
                                   "ffn_hidden_size", "ffn_intermediate_size"});
  return own ? *own : checked_mul(4, hidden_size(config));
}

std::int64_t rotary_size(const Configuration& config, double usual) {
  const auto parameters = config.part({"rope_parameters", "rope_scaling"});
  const double inner = parameters ? parameters->real({"partial_rotary_factor"}, usual) : usual;
  const double factor = config.real({"partial_rotary_factor", "rotary_pct", "rope_pct"}, inner);
  if (!(factor >= 0 && factor <= 1)) {
    throw Error(ErrorCode::malformed, "the key partial_rotary_factor",
                {"0 to 1", std::to_string(factor)});
  }
  const auto size = static_cast<std::int64_t>(static_cast<double>(head_size(config)) * factor);
  return size / 2 * 2;
}

ModelPlan frame(const Configuration& config, Ties ties) {
  ModelPlan plan;
  plan.features = hidden_size(config);
  plan.vocabulary = config.size({"vocab_size", "padded_vocab_size"});
  plan.is_tied = config.outer_flag("tie_word_embeddings", ties == Ties::yes);
  const std::vector<std::string_view> classes = config.texts({"architectures"});
  const bool is_bare = !classes.empty() && classes.front().ends_with("Model") &&
                       !classes.front().ends_with("LMHeadModel");
  if (is_bare) plan.head = {};
  return plan;
}

void set_biases(AttentionPlan& plan, bool qkv, bool output) {
  plan.query_bias = plan.key_bias = plan.value_bias = qkv;
  plan.output_bias = output;
}

AttentionPlan grouped_attention(const Configuration& config) {
  AttentionPlan plan;
  plan.heads = head_count(config);
  plan.key_value_heads = key_value_heads(config);
  plan.head = head_size(config);
  return plan;
}

AttentionPlan grouped_attention(const Configuration& config, std::string_view bias_key,
                                bool usual_bias) {
  AttentionPlan plan = grouped_attention(config);
  const bool bias = config.flag({bias_key}, usual_bias);
  set_biases(plan, bias, bias);
  return plan;
}

FeedForwardPlan gated(std::int64_t width, bool bias) {
  return {.width = width, .bias = bias, .down_bias = bias};
}

FeedForwardPlan plain(std::int64_t width, std::string_view up, std::string_view down, bool bias,
                      ActivationKind activation) {
  return {.width = width,
          .gate = {},
          .up = up,
          .down = down,
          .bias = bias,
          .down_bias = bias,
          .activation = activation};
}

ActivationKind activation_of(const Configuration& config, Keys keys, std::string_view usual) {
  const std::string_view name = config.text(keys, usual);
  if (name.starts_with("gelu")) return ActivationKind::gelu;
  if (name == "relu") return ActivationKind::relu;
  if (name == "relu2" || name == "relu_squared") return ActivationKind::squared_relu;
  return ActivationKind::silu;
}

std::vector<std::int64_t> layer_windows(const Configuration& config,
                                        bool (*slides)(const Configuration&, std::int64_t layer)) {
  const auto count = static_cast<std::size_t>(layer_count(config));
  std::vector<std::int64_t> windows(count, 0);
  const std::int64_t window = config.size({"sliding_window"}, 0);
  if (window == 0) return windows;
  const std::vector<std::string_view> types = config.texts({"layer_types"});
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_sliding = types.size() > i ? types[i] == "sliding_attention"
                                             : slides(config, static_cast<std::int64_t>(i));
    if (is_sliding) windows[i] = window;
  }
  return windows;
}

ExpertsPlan usual_experts(const Configuration& config) {
  ExpertsPlan plan;
  plan.experts = config.size({"num_experts", "num_local_experts", "n_routed_experts",
                              "moe_num_experts", "num_routed_experts"});
  plan.chosen = config.size({"num_experts_per_tok", "num_experts_per_token", "top_k_experts",
                             "experts_per_token", "moe_topk", "moe_k"});
  plan.width = config.size({"moe_intermediate_size", "expert_ffn_hidden_size",
                            "moe_ffn_hidden_size", "intermediate_size"});
  if (plan.chosen < 1 || plan.chosen > plan.experts) {
    throw Error(ErrorCode::malformed, "the key num_experts_per_tok",
                {"1 to " + std::to_string(plan.experts) + " experts", std::to_string(plan.chosen)});
  }
  return plan;
}

void throw_unknown_part(const std::string& part) {
  throw Error(ErrorCode::unsupported, "the model has a part that is not known: " + part);
}

void add_shared(ExpertsPlan& plan, std::string_view name, std::int64_t width) {
  if (width == 0) return;
  plan.shared = name;
  plan.shared_plan =
      plan.gate.empty() ? plain(width, plan.up, plan.down, false, plan.activation) : gated(width);
  if (plan.gate.empty()) return;
  plan.shared_plan.activation = plan.activation;
}

}  // namespace zoometer
