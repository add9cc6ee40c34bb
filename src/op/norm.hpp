#pragma once

#include "op/op.hpp"

namespace zoometer {

struct BatchNormAttrs {
  double eps = 1e-5;
  static constexpr std::tuple fields{field("eps", &BatchNormAttrs::eps)};
};

struct LayerNormAttrs {
  std::int64_t normalized_rank = 1;  ///< how many of the last dimensions are normalised together
  double eps = 1e-5;
  static constexpr std::tuple fields{field("normalized_rank", &LayerNormAttrs::normalized_rank),
                                     field("eps", &LayerNormAttrs::eps)};
};

struct GroupNormAttrs {
  std::int64_t num_groups = 1;
  double eps = 1e-5;
  static constexpr std::tuple fields{field("num_groups", &GroupNormAttrs::num_groups),
                                     field("eps", &GroupNormAttrs::eps)};
};

struct LocalResponseNormAttrs {
  std::int64_t size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1.0;
  static constexpr std::tuple fields{
      field("size", &LocalResponseNormAttrs::size), field("alpha", &LocalResponseNormAttrs::alpha),
      field("beta", &LocalResponseNormAttrs::beta), field("k", &LocalResponseNormAttrs::k)};
};

extern const OpDef batch_norm_op, layer_norm_op, rms_norm_op, group_norm_op, instance_norm_op,
    local_response_norm_op;

/// In evaluation mode. x (N, C, ...); weight, bias (C,) or empty; mean, variance (C,).
Tensor batch_norm(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                  const BatchNormAttrs& attrs = {});
/// weight and bias have the shape of the last `normalized_rank` dimensions, or are empty.
Tensor layer_norm(Tensor x, Tensor weight, Tensor bias, const LayerNormAttrs& attrs = {});
Tensor rms_norm(Tensor x, Tensor weight, const LayerNormAttrs& attrs = {});
/// x (N, C, ...); weight, bias (C,) or empty.
Tensor group_norm(Tensor x, Tensor weight, Tensor bias, const GroupNormAttrs& attrs);
Tensor instance_norm(Tensor x, Tensor weight, Tensor bias, const BatchNormAttrs& attrs = {});
/// x (N, C, ...), normalised over `size` neighbouring channels.
Tensor local_response_norm(Tensor x, const LocalResponseNormAttrs& attrs);

}  // namespace zoometer
