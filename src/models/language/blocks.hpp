#pragma once

#include <string>

#include "models/language/passage.hpp"
#include "models/language/plan.hpp"
#include "op/decoder_attention.hpp"
#include "op/language.hpp"
#include "zoometer/op/reduce.hpp"

// The layers of language models. Tensors have the names of the plan.

namespace zoometer {

/// A linear layer whose weight is stored (in, out): GPT-2's Conv1D.
struct TransposedLinear : Module<TransposedLinear> {
  static constexpr auto kind = "Conv1D";
  TransposedLinear(const Slot& slot, std::int64_t in, std::int64_t out, bool has_bias)
      : Module(slot),
        weight(parameter("weight", {in, out})) {
    if (has_bias) bias = parameter("bias", {out});
  }
  Tensor weight;
  Tensor bias;

  Tensor forward(Tensor x) const { return linear(x, transpose(weight, 0, 1), bias); }
};

/// A layer norm without a bias, or without parameters.
struct BareLayerNorm : Module<BareLayerNorm> {
  static constexpr auto kind = "LayerNorm";
  BareLayerNorm(const Slot& slot, std::int64_t features, bool has_weight) : Module(slot) {
    if (has_weight) weight = parameter("weight", {features});
  }
  Tensor weight;

  Tensor forward(Tensor x) const { return layer_norm(x, weight, {}); }
};

/// Throws Error{malformed} for a size of 0: "heads: expected at least 1, got 0".
void require_size(std::string_view what, std::int64_t size);
/// The same, and for heads of keys that do not divide those of queries.
void require_heads(std::int64_t heads, std::int64_t key_value_heads);

/// The place of a name that is known when the program runs.
inline Slot place(const ModuleBase& module, std::string_view name) {
  return module.at(std::string(name));
}

inline AnyModule linear_layer(const Slot& slot, std::int64_t in, std::int64_t out, bool has_bias,
                              bool is_transposed = false) {
  return is_transposed ? any_module<TransposedLinear>(slot, in, out, has_bias)
                       : any_module<Linear>(slot, in, out, has_bias);
}

/// A linear layer and the two that an adapter adds to it, with the names of PEFT.
template <class Layer>
struct Adapted : Module<Adapted<Layer>> {
  static constexpr auto kind = Layer::kind;
  Adapted(const Slot& slot, std::int64_t in, std::int64_t out, bool has_bias, std::int64_t rank)
      : Module<Adapted>(slot) {
    constexpr bool is_transposed = std::is_same_v<Layer, TransposedLinear>;
    weight = this->parameter("weight", is_transposed ? Shape{in, out} : Shape{out, in});
    if (has_bias) bias = this->parameter("bias", {out});
    down = this->parameter("lora_A.weight", {rank, in});
    up = this->parameter("lora_B.weight", {out, rank});
  }
  Tensor weight, bias;
  Tensor down, up;

  Tensor forward(Tensor x) const {
    constexpr bool is_transposed = std::is_same_v<Layer, TransposedLinear>;
    const Tensor own = linear(x, is_transposed ? transpose(weight, 0, 1) : weight, bias);
    return own + linear(linear(x, down, {}), up, {});
  }
};

/// The layer of that name, with what an adapter adds.
inline AnyModule linear_layer(const ModuleBase& owner, std::string_view name, std::int64_t in,
                              std::int64_t out, bool has_bias, const AdapterRanks& adapters,
                              bool is_transposed = false) {
  for (const AdapterRank& adapter : adapters) {
    if (adapter.layer != name) continue;
    const Slot slot = place(owner, name);
    return is_transposed
               ? any_module<Adapted<TransposedLinear>>(slot, in, out, has_bias, adapter.rank)
               : any_module<Adapted<Linear>>(slot, in, out, has_bias, adapter.rank);
  }
  return linear_layer(place(owner, name), in, out, has_bias, is_transposed);
}

inline AnyModule norm_layer(const Slot& slot, NormKind kind, std::int64_t features) {
  if (kind == NormKind::rms) return any_module<RMSNorm>(slot, features);
  if (kind == NormKind::layer) return any_module<LayerNorm>(slot, features);
  return any_module<BareLayerNorm>(slot, features, kind == NormKind::layer_weight);
}

/// An empty module: the identity.
inline bool is_there(const AnyModule& module) { return module.module != nullptr; }
inline Tensor apply_if(const AnyModule& module, Tensor x) {
  return is_there(module) ? module(x) : x;
}

inline Tensor activate(ActivationKind kind, Tensor x) {
  switch (kind) {
  case ActivationKind::silu: return unary(silu_op, x);
  case ActivationKind::gelu: return gelu(x);
  case ActivationKind::relu: return unary(relu_op, x);
  case ActivationKind::tanh: return unary(tanh_op, x);
  case ActivationKind::squared_relu: {
    const Tensor positive = unary(relu_op, x);
    return positive * positive;
  }
  }
  return x;
}

/// A norm of each head with a weight of its own: "weight" (heads, features), or in files a module
/// for each head.
struct HeadNorm : Module<HeadNorm> {
  static constexpr auto kind = "HeadNorm";
  HeadNorm(const Slot& slot, std::int64_t heads, std::int64_t features, bool is_list)
      : Module(slot),
        weight(parameter(is_list ? "norms.*.weight" : "weight", {heads, features})) {}
  Tensor weight;

  /// x (..., heads, features).
  Tensor forward(Tensor x) const { return layer_norm(x, {}, {}) * weight; }
};

/// (N, L, heads x features) -> (N, L, heads, features).
inline Tensor in_heads(Tensor x, std::int64_t heads) {
  return reshape(x, {x.dim(0), x.dim(1), heads, x.dim(2) / heads});
}

/// (N, heads, L, features) with the first features rotated; 0: none.
inline Tensor rotated(Tensor x, std::int64_t features, const PassageContext& context) {
  if (features == 0) return x;
  const RotaryTables& tables = context.tables_of(features);
  if (features == x.dim(-1)) return rotary_embedding(x, tables.cosines, tables.sines, {});
  const Tensor turned =
      rotary_embedding(slice(x, -1, 0, features), tables.cosines, tables.sines, {});
  return cat({turned, slice(x, -1, features, x.dim(-1))}, -1);
}

/// What is held of earlier tokens, and what passes: (N, heads, rows + L, features).
inline Tensor after_past(Tensor x, std::string_view name, std::int64_t rows,
                         const PassageContext& context) {
  if (rows == 0) return x;
  const Tensor past = context.past(name, {x.dim(0), x.dim(1), rows, x.dim(3)});
  return past.id == no_id ? x : cat({past, x}, 2);
}

/// Rows of the cache: all earlier tokens, or those in the window.
inline std::int64_t held_rows(std::int64_t past, std::int64_t window) {
  return window > 0 ? std::min(past, window - 1) : past;
}

struct Attention : Module<Attention> {
  static constexpr auto kind = "Attention";
  Attention(const Slot& slot, const AttentionPlan& made, std::int64_t features)
      : Module(slot),
        plan(made) {
    declare(*this, features);
  }
  Attention(const ModuleBase& layer, const AttentionPlan& made, std::int64_t features)
      : plan(made) {
    declare(layer, features);
  }
  const AttentionPlan& plan;
  AnyModule query, key, value, fused, output, gate, query_norm, key_norm, output_norm;
  AnyModule index_query, index_key, index_query_norm, index_key_norm;
  Tensor sinks;
  Embedding distances;

  /// x (N, L, features) -> the same.
  Tensor forward(Tensor x, PassageContext& context) const;

 private:
  struct Projected {
    Tensor query, gate, key, value;
  };
  std::int64_t value_head() const { return plan.value_head > 0 ? plan.value_head : plan.head; }
  std::int64_t rotary() const { return plan.rotary < 0 ? plan.head : plan.rotary; }
  void declare(const ModuleBase& owner, std::int64_t features);
  void declare_unused(const ModuleBase& owner, std::int64_t features, std::int64_t keys,
                      std::int64_t values) const;
  AnyModule head_norm(const ModuleBase& owner, std::string_view name, std::int64_t heads) const;
  Projected project(Tensor x) const;
  Tensor normed(const AnyModule& norm, Tensor x, std::int64_t heads) const;
  void run_index(Tensor x, const PassageContext& context) const;
  SharedKeys cross_keys(const PassageContext& context) const;
  Tensor distance_bias(Tensor query_states, Tensor key_states, PassageContext& context) const;
  Tensor attended(Tensor query, const SharedKeys& keys, PassageContext& context) const;
};

struct LatentAttention : Module<LatentAttention> {
  static constexpr auto kind = "LatentAttention";
  LatentAttention(const Slot& slot, const LatentPlan& plan, std::int64_t features);
  const LatentPlan& plan;
  AnyModule query_down, query_norm, query_up, key_value_down, key_value_norm;
  Linear key_value_up;
  AnyModule output;
  AnyModule gate;
  AnyModule index_query, index_key, index_norm, index_weights;

  /// x (N, L, features) -> the same.
  Tensor forward(Tensor x, PassageContext& context) const;

 private:
  void run_index(Tensor x, Tensor query, const PassageContext& context) const;
  DecoderAttentionAttrs attrs(const PassageContext& context) const;
  Tensor absorbed(Tensor query, Tensor latent, Tensor key, const PassageContext& context) const;
  Tensor expanded(Tensor query, Tensor latent, Tensor key, const PassageContext& context) const;
};

/// Keys of several tokens each, by their weighted sums.
struct Compressor : Module<Compressor> {
  static constexpr auto kind = "Compressor";
  Compressor(const Slot& slot, const CompressedPlan& made, std::int64_t features,
             std::int64_t head);
  const CompressedPlan& plan;
  std::int64_t width;  ///< of a key, or of both halves where keys overlap
  Linear wkv, wgate;
  Tensor ape;
  RMSNorm norm;

  /// x (N, L, features) -> all compressed keys that are held (N, 1, rows, head), or none.
  Tensor forward(Tensor x, std::string_view name, PassageContext& context) const;

 private:
  Tensor in_rows(Tensor x, std::int64_t rows) const;
};

struct CompressedAttention : Module<CompressedAttention> {
  static constexpr auto kind = "CompressedAttention";
  CompressedAttention(const Slot& slot, const CompressedPlan& made, std::int64_t features);
  const CompressedPlan& plan;
  Linear wq_a;
  RMSNorm q_norm;
  Linear wq_b, wkv;
  RMSNorm kv_norm;
  Tensor sinks, wo_a;
  Linear wo_b;
  const Compressor* compressor = nullptr;
  AnyModule index_query, index_weights;
  const Compressor* index_compressor = nullptr;

  /// x (N, L, features) -> the same.
  Tensor forward(Tensor x, PassageContext& context) const;

 private:
  void run_index(Tensor x, Tensor latent, PassageContext& context) const;
};

struct FeedForward : Module<FeedForward> {
  static constexpr auto kind = "FeedForward";
  /// `outputs`: features of the result; 0: as many as those of the input.
  FeedForward(const Slot& slot, const FeedForwardPlan& made, std::int64_t features,
              std::int64_t outputs = 0)
      : Module(slot),
        plan(made) {
    declare(*this, features, outputs > 0 ? outputs : features);
  }
  FeedForward(const ModuleBase& layer, const FeedForwardPlan& made, std::int64_t features)
      : plan(made) {
    declare(layer, features, features);
  }
  const FeedForwardPlan& plan;
  AnyModule gate, up, fused, norm, down, receptance;
  Tensor mix_up, mix_receptance;

  Tensor forward(Tensor x) const;

 private:
  void declare(const ModuleBase& owner, std::int64_t features, std::int64_t outputs);
};

/// The matrices of all experts: a module of the plan's name, or parameters of the block around it.
struct Experts : Module<Experts> {
  static constexpr auto kind = "Experts";
  Experts(const Slot& slot, const ExpertsPlan& made, std::int64_t features)
      : Module(slot),
        plan(made) {
    declare(*this, features);
  }
  Experts(const ModuleBase& block, const ExpertsPlan& made, std::int64_t features) : plan(made) {
    declare(block, features);
  }
  const ExpertsPlan& plan;
  Tensor gate, up, gate_up, gate_up_bias, down, down_bias;

  /// x (tokens, features), experts (tokens, chosen) -> (tokens, chosen, features).
  Tensor forward(Tensor x, Tensor experts) const;

 private:
  void declare(const ModuleBase& owner, std::int64_t features);
  Tensor matrices(const ModuleBase& owner, std::string_view name, std::int64_t out,
                  std::int64_t in) const;
};

/// The layer that chooses experts.
struct Router : Module<Router> {
  static constexpr auto kind = "Router";
  Router(const Slot& slot, const ExpertsPlan& plan, std::int64_t features);
  Tensor weight, bias, correction, table;

  /// x (tokens, features) -> a score for each expert.
  Tensor forward(Tensor x) const;
};

struct MixtureOfExperts : Module<MixtureOfExperts> {
  static constexpr auto kind = "MixtureOfExperts";
  MixtureOfExperts(const Slot& slot, const ExpertsPlan& made, std::int64_t features)
      : Module(slot),
        plan(made) {
    declare(*this, features);
  }
  MixtureOfExperts(const ModuleBase& layer, const ExpertsPlan& made, std::int64_t features)
      : plan(made) {
    declare(layer, features);
  }
  const ExpertsPlan& plan;
  AnyModule router;
  Tensor correction;
  AnyModule latent_down, latent_up, latent_norm, norm_after;
  const Experts* experts = nullptr;
  AnyModule shared;
  AnyModule shared_gate;

  Tensor forward(Tensor x) const;

 private:
  void declare(const ModuleBase& owner, std::int64_t features);
};

/// Any kind of StatePlan.
struct StateMixer : Module<StateMixer> {
  static constexpr auto kind = "StateSpace";
  StateMixer(const Slot& slot, const StatePlan& plan, std::int64_t features);
  const StatePlan& plan;
  AnyModule in, second_in, third_in, fourth_in, parameters_in, time_step, convolution, norm, out;
  AnyModule step_norm, b_norm, c_norm;
  AnyModule query, key, value, query_convolution, key_convolution, value_convolution;
  AnyModule decay_down, decay_up, rate, gate_down, gate_up;
  Tensor time_bias, decay, skip;
  Tensor mix_key, mix_value, mix_receptance;
  Tensor input_gate, input_gate_bias, recurrent_gate, recurrent_gate_bias;
  Tensor mix_gate;

  Tensor forward(Tensor x, PassageContext& context) const;

 private:
  void declare_mamba1(std::int64_t features);
  void declare_mamba2(std::int64_t features);
  void declare_delta(std::int64_t features);
  void declare_kimi_delta(std::int64_t features);
  void declare_short_convolution(std::int64_t features);
  void declare_rwkv4(std::int64_t features);
  void declare_rwkv5(std::int64_t features);
  void declare_separate_delta(std::int64_t features);
  void declare_gated_recurrence(std::int64_t features);
  void declare_decayed(std::int64_t features);
  Tensor run_rwkv4(Tensor x, PassageContext& context) const;
  Tensor run_rwkv5(Tensor x, PassageContext& context) const;
  Tensor token_before(Tensor x, PassageContext& context) const;
  Tensor run_gated_recurrence(Tensor x, PassageContext& context) const;
  Tensor run_decayed(Tensor x, PassageContext& context) const;
  Tensor run_mamba1(Tensor x, PassageContext& context) const;
  Tensor run_mamba2(Tensor x, PassageContext& context) const;
  Tensor run_delta(Tensor x, PassageContext& context) const;
  Tensor run_separate_delta(Tensor x, PassageContext& context) const;
  Tensor run_kimi_delta(Tensor x, PassageContext& context) const;
  Tensor run_short_convolution(Tensor x, PassageContext& context) const;
  Tensor convolved(const AnyModule& layer, Tensor x, std::string_view name,
                   PassageContext& context) const;
  Tensor scanned(std::initializer_list<Tensor> inputs, const StateScanAttrs& attrs,
                 PassageContext& context) const;
};

/// The experts beside a feed-forward network of Gemma 4, with norms of their own.
struct ExpertsBeside {
  AnyModule router;
  const Experts* experts = nullptr;
  AnyModule after_dense, before, after;
};

/// How a part of a layer reads and writes several streams of features (DeepSeek-V4): weights of the
/// input, of the output, and between the streams, all from the streams themselves.
struct HyperConnection {
  Tensor function;  ///< (2 streams + streams^2, streams x features)
  Tensor base;      ///< (2 streams + streams^2,)
  Tensor scale;     ///< (3,)
  std::int64_t streams = 0;

  void declare(const ModuleBase& owner, const std::string& name, std::int64_t count,
               std::int64_t features);
  /// x (N, L, streams, features) -> (N, L, 2 streams + streams^2).
  Tensor weights(Tensor x) const;
  /// The part's input (N, L, features).
  Tensor read(Tensor x, Tensor weights) const;
  /// The streams after the part gave y.
  Tensor written(Tensor x, Tensor weights, Tensor y) const;
};

/// Several predictions of a layer's result, which its computed one corrects (Baykal and others,
/// Alternating updates, 2023).
struct AlternatingUpdates : Module<AlternatingUpdates> {
  static constexpr auto kind = "AltUp";
  AlternatingUpdates(const Slot& slot, std::int64_t count, std::int64_t features);
  std::int64_t copies;
  Tensor output_scale;
  Linear correction_coefficients, prediction_coefficients, modality_router;
  RMSNorm router_norm;

  /// x (N, L, copies, features) -> the same.
  Tensor predicted(Tensor x) const;
  /// The predictions after the layer gave y (N, L, features) for the first of them.
  Tensor corrected(Tensor predictions, Tensor y) const;

 private:
  Tensor modalities(Tensor x) const;
};

/// A path of low rank beside the attention: LAuReL.
struct LowRankPath : Module<LowRankPath> {
  static constexpr auto kind = "Laurel";
  LowRankPath(const Slot& slot, std::int64_t features, std::int64_t rank)
      : Module(slot),
        linear_left(at("linear_left"), features, rank, false),
        linear_right(at("linear_right"), rank, features, false),
        norm(at("post_laurel_norm"), features) {}
  Linear linear_left, linear_right;
  RMSNorm norm;

  Tensor forward(Tensor x) const { return x + norm(linear_right(linear_left(x))); }
};

/// A layer of a decoder or an encoder.
struct TransformerLayer : Module<TransformerLayer> {
  static constexpr auto kind = "DecoderLayer";
  TransformerLayer(const Slot& slot, const LayerPlan& made, NormKind norm, std::int64_t features);
  /// A further layer in the module of `first`.
  TransformerLayer(const TransformerLayer& first, const LayerPlan& made, NormKind norm);
  const LayerPlan& plan;
  std::int64_t features;
  const Attention* attention = nullptr;
  const LatentAttention* latent = nullptr;
  const StateMixer* state = nullptr;
  const StateMixer* second = nullptr;
  const CompressedAttention* compressed = nullptr;
  const Attention* cross = nullptr;
  AnyModule before_all, before_mixer, after_mixer, before_cross, after_cross;
  AnyModule before_feed_forward, after_feed_forward, feed_forward;
  ExpertsBeside beside;
  const MixtureOfExperts* shortcut = nullptr;
  const AlternatingUpdates* updates = nullptr;
  const LowRankPath* side_path = nullptr;
  AnyModule per_layer_gate, per_layer_projection, per_layer_norm;
  Tensor scalar, mixer_scale, feed_forward_scale;
  HyperConnection mixer_streams, feed_forward_streams;

  /// x (N, L, features), or with streams (N, L, streams, features), and this layer's own input or
  /// none -> the same.
  Tensor forward(Tensor x, Tensor own_input, PassageContext& context) const;

 private:
  void declare(NormKind norm);
  AnyModule norm_if(std::string_view name, NormKind norm) const;
  Tensor scale_if(std::string_view name) const;
  template <class Child, class Plan>
  const Child* make(std::string_view name, const Plan& child_plan) const;
  template <class Child, class Plan>
  AnyModule inner_or_own(const Plan& child_plan) const;
  void declare_experts_beside();
  void declare_per_layer_input();
  bool has_mixer() const {
    return attention != nullptr || latent != nullptr || state != nullptr || compressed != nullptr;
  }
  Tensor run_streams(Tensor x, PassageContext& context) const;
  Tensor run_alternatives(Tensor x, Tensor own_input, PassageContext& context) const;
  Tensor from_own_input(Tensor x, Tensor own_input) const;
  Tensor mixed(Tensor x, PassageContext& context) const;
  Tensor passed(Tensor x) const;
  Tensor run_parallel(Tensor x, PassageContext& context) const;
  Tensor run_post_norm(Tensor x, PassageContext& context) const;
  Tensor run_in_turn(Tensor x, PassageContext& context) const;
  Tensor run_experts_beside(Tensor x) const;
};

/// The rotated features of the layer's attention; 0: none.
std::int64_t rotary_features(const LayerPlan& plan);

/// The module of a path below `slot`, which is made of that kind if it is not there.
Slot open_path(Slot slot, std::string_view path, std::string_view kind);
/// A place in the module that the path's names but the last one open.
Slot place_at(const Slot& slot, std::string_view path, std::string_view kind);

}  // namespace zoometer
