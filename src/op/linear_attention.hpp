#pragma once

#include <string_view>

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of linear_attention.
struct LinearAttentionAttrs {
  std::int64_t heads = 1;                        ///< of the query
  std::int64_t shared_heads = 1;                 ///< of the key and the value
  std::string_view update_rule = "gated_delta";  ///< or "linear", "gated", "delta"
  double scale = 0;                              ///< 0: one over the root of the query's features
  static constexpr std::tuple fields{field("heads", &LinearAttentionAttrs::heads),
                                     field("shared_heads", &LinearAttentionAttrs::shared_heads),
                                     field("update_rule", &LinearAttentionAttrs::update_rule),
                                     field("scale", &LinearAttentionAttrs::scale)};
};

/// ONNX's LinearAttention: the sums of key x value as a recurrent state.
extern const OpDef linear_attention_op;

/// The operands of linear_attention; state, decay and beta may be empty.
struct LinearAttentionInputs {
  Tensor query = {};  ///< (batch, steps, heads x key features)
  Tensor key = {};    ///< (batch, steps, shared heads x key features)
  Tensor value = {};  ///< (batch, steps, shared heads x value features)
  Tensor state = {};  ///< (batch, shared heads, key features, value features)
  Tensor decay = {};  ///< (batch, steps, shared heads), or for each key feature
  Tensor beta = {};   ///< (batch, steps, shared heads or 1)
};

/// (batch, steps, heads x value features); its second output is the state after the last step.
Tensor linear_attention(const LinearAttentionInputs& inputs, const LinearAttentionAttrs& attrs);

}  // namespace zoometer
