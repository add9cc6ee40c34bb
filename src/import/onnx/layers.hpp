#pragma once

#include "import/onnx/context.hpp"

namespace zoometer {

/// Layers that several operators of ONNX share.

/// The index of an input that an operator does not have.
inline constexpr std::size_t absent_input = SIZE_MAX;

/// The convolution that a node's window attributes describe, of input 0 and the weight and the bias
/// at two others. Empty where zoometer has none of that many dimensions.
Tensor onnx_convolution(OnnxContext& context, std::size_t weight, std::size_t bias);

/// The mean over all spatial dimensions of input 0, which stay as ones.
Tensor onnx_global_average(OnnxContext& context);

/// The average over the windows that a node's attributes describe, of input 0; or empty, as above.
Tensor onnx_average_pool(OnnxContext& context);

/// x normalised over its dimensions from `axis` on, scaled and shifted; bias may be empty. Outputs
/// 1 and 2, if the node has them, are the mean and the deviation.
struct OnnxNorm {
  std::int64_t axis = -1;
  double epsilon = 1e-5;
  bool is_root_mean_square = false;
};
Tensor onnx_layer_norm(OnnxContext& context, Tensor x, Tensor scale, Tensor bias,
                       const OnnxNorm& norm);

/// (batch, length, heads x features) as (batch, heads, length, features), and back.
Tensor split_heads(const OnnxContext& context, Tensor x, std::int64_t heads);
Tensor merge_heads(Tensor x);

}  // namespace zoometer
