#pragma once

#include <string_view>

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of einsum.
struct EinsumAttrs {
  std::string_view equation;  ///< lives as long as the graph
  static constexpr std::tuple fields{field("equation", &EinsumAttrs::equation)};
};

/// Of scaled_dot_product_attention.
struct AttentionAttrs {
  bool is_causal = false;  ///< whether query i sees keys 0 to i only
  double scale = 0;        ///< 0: one over the root of the query's features
  static constexpr std::tuple fields{field("is_causal", &AttentionAttrs::is_causal),
                                     field("scale", &AttentionAttrs::scale)};
};

/// Of cached_attention.
struct CachedAttentionAttrs {
  bool is_causal = true;           ///< whether query i sees keys 0 to past + i only
  double scale = 0;                ///< 0: one over the root of the query's features
  std::int64_t past = 0;           ///< keys before that of the first query
  std::int64_t left_window = -1;   ///< the keys before its own that a query sees; -1: all
  std::int64_t right_window = -1;  ///< the keys after its own that a query sees; -1: all
  double softcap = 0;              ///< the bound of scores, s tanh(score / s); 0: none
  static constexpr std::tuple fields{field("is_causal", &CachedAttentionAttrs::is_causal),
                                     field("scale", &CachedAttentionAttrs::scale),
                                     field("past", &CachedAttentionAttrs::past),
                                     field("left_window", &CachedAttentionAttrs::left_window),
                                     field("right_window", &CachedAttentionAttrs::right_window),
                                     field("softcap", &CachedAttentionAttrs::softcap)};
};

/// @{
/// Products, each PyTorch's function of that name.
extern const OpDef linear_op, matmul_op, bmm_op, addmm_op, einsum_op,
    scaled_dot_product_attention_op;
/// @}
/// The attention of a decoder over earlier keys and values: ONNX's Attention and ONNX Runtime's
/// GroupQueryAttention.
extern const OpDef cached_attention_op;
/// torch._grouped_mm of rows and a matrix for each group of rows.
extern const OpDef grouped_matmul_op;

/// x (..., in), weight (out, in), bias (out,) or empty -> (..., out).
Tensor linear(Tensor x, Tensor weight, Tensor bias);
/// Products of the last two dimensions, the others broadcast; vectors as in NumPy.
Tensor matmul(Tensor a, Tensor b);
/// a (B, n, k), b (B, k, m) -> (B, n, m).
Tensor bmm(Tensor a, Tensor b);
/// bias broadcasts to (n, m); a (n, k), b (k, m) -> (n, m).
Tensor addmm(Tensor bias, Tensor a, Tensor b);
/// rows (n, k), each times the matrix of its group, of matrices (groups, k, m) -> (n, m). `ends`
/// (groups,) gives the row after which each group ends.
Tensor grouped_matmul(Tensor rows, Tensor matrices, Tensor ends);
/// "bhid,bhjd->bhij": one or two operands, no repeated label within one.
Tensor einsum(std::string_view equation, Tensor a, Tensor b);
/// query (..., L, E), key (..., S, E), value (..., S, V), mask or empty -> (..., L, V).
Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor mask,
                                    const AttentionAttrs& attrs = {});
/// The same where query i is at the place `past` + i of the keys, and sees a window of them.
Tensor cached_attention(Tensor query, Tensor key, Tensor value, Tensor mask,
                        const CachedAttentionAttrs& attrs);

}  // namespace zoometer
