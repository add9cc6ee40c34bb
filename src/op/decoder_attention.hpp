#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of decoder_attention.
struct DecoderAttentionAttrs {
  std::int64_t past = 0;      ///< tokens before the first query
  std::int64_t window = 0;    ///< the keys that a query sees, its own included; 0: all before it
  std::int64_t chunk = 0;     ///< a query sees the keys of its chunk of as many tokens; 0: all
  std::int64_t selected = 0;  ///< a query sees at most as many keys, which an index selects; 0: all
  std::int64_t stride = 1;    ///< a key stands for as many tokens, and is seen once they are over
  bool counts_seen = false;   ///< MACs are those of the keys that queries see, and not of all keys
  double scale = 0;           ///< 0: one over the root of the query's features
  static constexpr std::tuple fields{field("past", &DecoderAttentionAttrs::past),
                                     field("window", &DecoderAttentionAttrs::window),
                                     field("chunk", &DecoderAttentionAttrs::chunk),
                                     field("selected", &DecoderAttentionAttrs::selected),
                                     field("stride", &DecoderAttentionAttrs::stride),
                                     field("counts_seen", &DecoderAttentionAttrs::counts_seen),
                                     field("scale", &DecoderAttentionAttrs::scale)};
};

/// The causal attention of language models: windows, chunks, keys that an index selects.
extern const OpDef decoder_attention_op;

/// query (N, H, L, E), key (N, K, S, E), value (N, K, S, V), and a learnt score of each head (H,)
/// that takes part in the softmax, or empty -> (N, H, L, V). K divides H. The keys are those that
/// are held: the last S of past + L tokens. `bias` (1 or N, H, L, S) is added to the scores.
Tensor decoder_attention(Tensor query, Tensor key, Tensor value, Tensor sinks,
                         const DecoderAttentionAttrs& attrs, Tensor bias = {});

/// The scores by which an index selects keys, in a few small heads (DeepSeek-V3.2, 2025).
extern const OpDef index_scores_op;

/// query (N, H, L, E), key (N, 1, S, E), weights (N, L, H) of a sum over the heads, or empty: their
/// largest -> (N, L, S). Of the attributes, `past` and `counts_seen` matter.
Tensor index_scores(Tensor query, Tensor key, Tensor weights, const DecoderAttentionAttrs& attrs);

/// Of queries at places past to past + queries - 1 of a sequence: how many keys they see in all.
/// Throws Error{overflow}.
std::int64_t seen_pairs(const DecoderAttentionAttrs& attrs, std::int64_t queries);

}  // namespace zoometer
