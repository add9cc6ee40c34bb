#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of batch_norm and instance_norm.
struct BatchNormAttrs {
  double eps = 1e-5;  ///< added to variances before the root
  static constexpr std::tuple fields{field("eps", &BatchNormAttrs::eps)};
};

/// Of batch_norm_training.
struct BatchNormTrainingAttrs {
  double eps = 1e-5;      ///< added to variances before the root
  double momentum = 0.1;  ///< the share of the new statistics in the running ones
  static constexpr std::tuple fields{field("eps", &BatchNormTrainingAttrs::eps),
                                     field("momentum", &BatchNormTrainingAttrs::momentum)};
};

/// Of layer_norm and rms_norm.
struct LayerNormAttrs {
  std::int64_t normalized_rank = 1;  ///< how many of the last dimensions are normalised together
  double eps = 1e-5;                 ///< added to variances before the root
  static constexpr std::tuple fields{field("normalized_rank", &LayerNormAttrs::normalized_rank),
                                     field("eps", &LayerNormAttrs::eps)};
};

/// Of group_norm.
struct GroupNormAttrs {
  std::int64_t num_groups = 1;  ///< a divisor of the channels
  double eps = 1e-5;            ///< added to variances before the root
  static constexpr std::tuple fields{field("num_groups", &GroupNormAttrs::num_groups),
                                     field("eps", &GroupNormAttrs::eps)};
};

/// Of local_response_norm: x / (k + alpha / size * (sum of squares over the channels)) ^ beta.
struct LocalResponseNormAttrs {
  std::int64_t size = 5;  ///< channels in a sum
  double alpha = 1e-4;    ///< the sum's factor
  double beta = 0.75;     ///< the exponent
  double k = 1.0;         ///< added to the sum
  static constexpr std::tuple fields{
      field("size", &LocalResponseNormAttrs::size), field("alpha", &LocalResponseNormAttrs::alpha),
      field("beta", &LocalResponseNormAttrs::beta), field("k", &LocalResponseNormAttrs::k)};
};

/// @{
/// Normalisations, each PyTorch's function of that name.
extern const OpDef batch_norm_op, layer_norm_op, rms_norm_op, group_norm_op, instance_norm_op,
    local_response_norm_op;
/// @}
/// torch.nn.functional.batch_norm with training=True.
extern const OpDef batch_norm_training_op;

/// (x - mean) / sqrt(variance + eps) * weight + bias, with stored statistics. x (N, C, ...);
/// weight, bias (C,) or empty; mean, variance (C,).
Tensor batch_norm(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                  const BatchNormAttrs& attrs = {});
/// The same with the mean and variance of this batch. The running mean and variance (C,) that it
/// updates may be empty.
Tensor batch_norm_training(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                           const BatchNormTrainingAttrs& attrs = {});
/// The same with the mean and variance of the last dimensions. weight and bias have the shape of
/// the last `normalized_rank` dimensions, or are empty.
Tensor layer_norm(Tensor x, Tensor weight, Tensor bias, const LayerNormAttrs& attrs = {});
/// x over the root of its mean square, times weight.
Tensor rms_norm(Tensor x, Tensor weight, const LayerNormAttrs& attrs = {});
/// With the mean and variance of each group of channels. x (N, C, ...); weight, bias (C,) or empty.
Tensor group_norm(Tensor x, Tensor weight, Tensor bias, const GroupNormAttrs& attrs);
/// With the mean and variance of each channel. x (N, C, ...); weight, bias (C,) or empty.
Tensor instance_norm(Tensor x, Tensor weight, Tensor bias, const BatchNormAttrs& attrs = {});
/// x (N, C, ...), normalised over `size` neighbouring channels.
Tensor local_response_norm(Tensor x, const LocalResponseNormAttrs& attrs);

}  // namespace zoometer
