#pragma once

#include <string_view>

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of expert_linear.
struct ExpertLinearAttrs {
  bool transposed = false;  ///< the weights are (experts, in, out)
  static constexpr std::tuple fields{field("transposed", &ExpertLinearAttrs::transposed)};
};

/// Of state_scan.
struct StateScanAttrs {
  std::string_view rule = "mamba2";  ///< or "mamba1", "delta", "linear", "rwkv"
  std::int64_t state = 1;            ///< elements of the state of a sequence
  std::int64_t features = 1;         ///< of the output
  static constexpr std::tuple fields{field("rule", &StateScanAttrs::rule),
                                     field("state", &StateScanAttrs::state),
                                     field("features", &StateScanAttrs::features)};
};

/// The experts of each token, as one product: a mixture of experts.
extern const OpDef expert_linear_op;
/// A recurrent state that each token of a sequence updates.
extern const OpDef state_scan_op;

/// x (tokens, in), or (tokens, chosen, in) with a row for each expert; weights (experts, out, in);
/// bias (experts, out) or empty; experts (tokens, chosen), integers -> (tokens, chosen, out).
Tensor expert_linear(Tensor x, Tensor weights, Tensor bias, Tensor experts,
                     const ExpertLinearAttrs& attrs = {});
/// x (N, L, ...) and the tensors that the rule reads -> (N, L, features).
Tensor state_scan(std::span<const Tensor> inputs, const StateScanAttrs& attrs);

}  // namespace zoometer
