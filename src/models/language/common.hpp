#pragma once

#include <algorithm>

#include "models/language/architecture.hpp"

// What the files of families share: the settings that most configurations have under the same keys.

namespace zoometer {

/// Whether a class of transformers ties the head to the embedding where a file does not say.
enum class Ties : std::uint8_t { no, yes };

std::int64_t hidden_size(const Configuration& config);
std::int64_t layer_count(const Configuration& config);
std::int64_t head_count(const Configuration& config);
/// By default as many as heads.
std::int64_t key_value_heads(const Configuration& config);
/// By default the hidden size over the heads, rounded down as the classes of transformers do.
/// Throws Error{malformed} if there are more heads than features.
std::int64_t head_size(const Configuration& config);
std::int64_t feed_forward_size(const Configuration& config);
/// Of a head, from `partial_rotary_factor`, which may be a part of `rope_parameters`.
std::int64_t rotary_size(const Configuration& config, double usual);

/// `size` times the factor of these keys, rounded down. Throws Error{malformed} with the key if
/// that is not from 0 to 2^40.
std::int64_t scaled_size(const Configuration& config, Keys keys, double usual, std::int64_t size);
/// The size of these keys, at most 4096. Throws Error{malformed} with the key.
std::int64_t bounded_layers(const Configuration& config, Keys keys, std::int64_t usual);

/// Vocabulary, width, head and tie; no layers. A bare model ("LlamaModel") has no head.
ModelPlan frame(const Configuration& config, Ties ties);

/// q, k, v and o with the sizes above, without biases.
AttentionPlan grouped_attention(const Configuration& config);
/// The same with a bias of all four if `key` says so.
AttentionPlan grouped_attention(const Configuration& config, std::string_view bias_key,
                                bool usual_bias);
void set_biases(AttentionPlan& plan, bool qkv, bool output);

/// gate, up and down.
FeedForwardPlan gated(std::int64_t width, bool bias = false);
/// Two layers with these names.
FeedForwardPlan plain(std::int64_t width, std::string_view up, std::string_view down, bool bias,
                      ActivationKind activation);
ActivationKind activation_of(const Configuration& config, Keys keys, std::string_view usual);

/// The window of each layer, 0 without one: by `layer_types`, else by `slides` of the layer.
std::vector<std::int64_t> layer_windows(const Configuration& config,
                                        bool (*slides)(const Configuration&, std::int64_t layer));
/// All layers slide if there is a window: the rule of Mistral.
inline bool all_slide(const Configuration&, std::int64_t) { return true; }
inline bool none_slides(const Configuration&, std::int64_t) { return false; }
/// Whether the layer is the last of each group of as many as `key` says.
inline bool is_every_nth(const Configuration& config, std::string_view key, std::int64_t usual,
                         std::int64_t layer) {
  return (layer + 1) % std::max<std::int64_t>(1, config.size({key}, usual)) == 0;
}
/// All but every fourth, or as `sliding_window_pattern` says: the rule of Cohere 2 and EXAONE 4.
inline bool all_but_every_nth_slide(const Configuration& config, std::int64_t layer) {
  return !is_every_nth(config, "sliding_window_pattern", 4, layer);
}

/// As many layers as the configuration has.
template <class Make>
void add_layers(ModelPlan& plan, const Configuration& config, const Make& make) {
  const std::int64_t count = layer_count(config);
  plan.plans.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) plan.plans.push_back(make(i));
}

/// A mixture of experts with the usual keys: gate, experts with gate_proj, up_proj and down_proj.
ExpertsPlan usual_experts(const Configuration& config);
/// Throws Error{unsupported}: the model has a part that is not known.
[[noreturn]] void throw_unknown_part(const std::string& part);

/// Shared experts of that width in all.
void add_shared(ExpertsPlan& plan, std::string_view name, std::int64_t width);

}  // namespace zoometer
