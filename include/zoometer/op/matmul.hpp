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
  bool is_causal =
      false;         ///< whether a query sees no later key; costs are those of the whole product
  double scale = 0;  ///< 0: one over the root of the query's features
  static constexpr std::tuple fields{field("is_causal", &AttentionAttrs::is_causal),
                                     field("scale", &AttentionAttrs::scale)};
};

/// @{
/// Products, each PyTorch's function of that name.
extern const OpDef linear_op, matmul_op, bmm_op, addmm_op, einsum_op,
    scaled_dot_product_attention_op;
/// @}
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

}  // namespace zoometer
