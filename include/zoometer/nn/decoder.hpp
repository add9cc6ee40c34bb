#pragma once

#include <type_traits>
#include <utility>

#include "zoometer/nn/layers.hpp"
#include "zoometer/op/rotary.hpp"

// The layers of decoders such as Llama's. Parameters have the names of Hugging Face's transformers.

namespace zoometer {

/// Cosines and sines of the angles by which rotary_embedding rotates, (..., L, features / 2) each.
struct RotaryTables {
  Tensor cosines;  ///< of the angles
  Tensor sines;    ///< of the angles
  /// Both, as the results of a call.
  std::pair<Tensor, Tensor> tensors() const noexcept { return {cosines, sines}; }
};

/// The angles of a rotary position embedding (Su et al., RoFormer, 2021): pair i of a head's
/// features turns by position x inv_freq[i]. `inv_freq` (features / 2,) is a buffer that the state
/// dict leaves out.
struct RotaryEmbedding : Module<RotaryEmbedding> {
  static constexpr auto kind = "RotaryEmbedding";
  /// Declares the buffer; `features` are those of a head, an even number.
  RotaryEmbedding(const Slot& slot, std::int64_t features)
      : Module(slot),
        inv_freq(transient_buffer("inv_freq", {features / 2})) {}
  Tensor inv_freq;  ///< (features / 2,)

  /// positions (..., L), integers -> two tables (..., L, features / 2).
  RotaryTables forward(Tensor positions) const {
    const Tensor angles = unsqueeze(to(positions, DType::float32), -1) * inv_freq;
    return {unary(cos_op, angles), unary(sin_op, angles)};
  }
};

/// The sizes of GroupedQueryAttention.
struct GroupedQueryOptions {
  std::int64_t features = 0;         ///< of its input and output: `hidden_size`
  std::int64_t heads = 1;            ///< of the query: `num_attention_heads`
  std::int64_t key_value_heads = 1;  ///< a divisor of `heads`: `num_key_value_heads`
  std::int64_t head_features = 0;    ///< of each head: `head_dim`
  bool qkv_bias = false;             ///< whether q_proj, k_proj and v_proj have a bias
  bool output_bias = false;          ///< whether o_proj has a bias
};

/// Causal self-attention in which groups of query heads share a key and a value head (Ainslie et
/// al., GQA, 2023). With as many key and value heads as heads it is multi-head attention, with one
/// it is multi-query attention.
struct GroupedQueryAttention : Module<GroupedQueryAttention> {
  static constexpr auto kind = "GroupedQueryAttention";
  GroupedQueryOptions options;  ///< its sizes
  /// Weight (heads x head_features, features).
  Linear q_proj{at("q_proj"), options.features, query_features(), options.qkv_bias};
  /// Weight (key_value_heads x head_features, features).
  Linear k_proj{at("k_proj"), options.features, key_features(), options.qkv_bias};
  /// The same shape as that of k_proj.
  Linear v_proj{at("v_proj"), options.features, key_features(), options.qkv_bias};
  /// Weight (features, heads x head_features).
  Linear o_proj{at("o_proj"), query_features(), options.features, options.output_bias};

  /// x (N, L, features), tables (N or 1, L, head_features / 2) -> (N, L, features).
  Tensor forward(Tensor x, const RotaryTables& tables) const {
    const Tensor query = rotate(split_heads(q_proj(x), options.heads), tables);
    const Tensor key = rotate(split_heads(k_proj(x), options.key_value_heads), tables);
    const Tensor value = split_heads(v_proj(x), options.key_value_heads);
    const Tensor y = scaled_dot_product_attention(query, key, value, {}, {.is_causal = true});
    return o_proj(reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), query_features()}));
  }

 private:
  std::int64_t query_features() const { return checked_mul(options.heads, options.head_features); }
  std::int64_t key_features() const {
    return checked_mul(options.key_value_heads, options.head_features);
  }

  /// (N, L, heads x head_features) -> (N, heads, L, head_features).
  Tensor split_heads(Tensor x, std::int64_t heads) const {
    return transpose(reshape(x, {x.dim(0), x.dim(1), heads, options.head_features}), 1, 2);
  }

  static Tensor rotate(Tensor x, const RotaryTables& tables) {
    return rotary_embedding(x, tables.cosines, tables.sines, {});
  }
};

/// A feed-forward network with a gate (Shazeer, GLU Variants Improve Transformer, 2020):
/// down_proj(act(gate_proj(x)) * up_proj(x)). `Act` is the activation's layer.
template <class Act = SiLU>
struct GatedFeedForward : Module<GatedFeedForward<Act>> {
  static constexpr auto kind = "GatedFeedForward";
  using Module<GatedFeedForward>::at;
  std::int64_t features;  ///< of its input and output: `hidden_size`
  std::int64_t hidden;    ///< between them: `intermediate_size`
  bool bias = false;      ///< whether the three layers have a bias
  Linear gate_proj{at("gate_proj"), features, hidden, bias};  ///< weight (hidden, features)
  Linear up_proj{at("up_proj"), features, hidden, bias};      ///< weight (hidden, features)
  Linear down_proj{at("down_proj"), hidden, features, bias};  ///< weight (features, hidden)
  Act act_fn = activation(at("act_fn"));                      ///< of the gate

  /// x (..., features) -> the same.
  Tensor forward(Tensor x) const { return down_proj(act_fn(gate_proj(x)) * up_proj(x)); }

 private:
  /// In new memory, as transformers creates it.
  static Act activation(const Slot& slot) {
    if constexpr (std::is_constructible_v<Act, const Slot&, bool>)
      return Act(slot, false);
    else
      return Act(slot);
  }
};

}  // namespace zoometer
