#pragma once

#include "import/onnx/context.hpp"

namespace zoometer {

/// Layers that several operators of ONNX share.

/// The index of an input that an operator does not have.
inline constexpr std::size_t absent_input = SIZE_MAX;

/// The convolution that a node's window attributes describe, of input 0 and the weight and the bias
/// at two others. Empty where zoometer has none of that many dimensions.
Tensor onnx_convolution(OnnxContext& context, std::size_t weight, std::size_t bias);

/// The same in the layout (N, spatial..., C), and so its result.
Tensor onnx_convolution_channels_last(OnnxContext& context, std::size_t weight, std::size_t bias);

/// (N, spatial..., C) as (N, C, spatial...), and back: views.
Tensor channels_first(Tensor x);
Tensor channels_last(Tensor x);

/// The operands of a convolution that are not the inputs as they are: x (N, C, spatial...), the
/// weight (out, C / groups, kernel...), and a bias or an empty handle.
struct OnnxConvolution {
  Tensor x;
  Tensor weight;
  Tensor bias;
  std::int64_t groups = 1;
};
/// The same of these operands.
Tensor onnx_convolution(OnnxContext& context, const OnnxConvolution& operands);

/// The mean or the maximum over all spatial dimensions of x, which stay as ones.
Tensor onnx_global_average(Tensor x);
Tensor onnx_global_maximum(Tensor x);

/// The average or the maximum over the windows that a node's attributes describe, of x; or empty,
/// as above.
Tensor onnx_average_pool(OnnxContext& context, Tensor x);
Tensor onnx_max_pool(OnnxContext& context, Tensor x);

/// alpha x A' x B' + beta x C of inputs 0 to 2, each of A and B transposed or not.
Tensor onnx_gemm(OnnxContext& context);

/// x after the activation that a fused node names; empty if it is an unknown one.
Tensor onnx_activated(OnnxContext& context, Tensor x);

/// x normalised over its dimensions from `axis` on, scaled and shifted; bias may be empty. Outputs
/// 1 and 2, if the node has them, are the mean and the deviation.
struct OnnxNorm {
  std::int64_t axis = -1;
  double epsilon = 1e-5;
  bool is_root_mean_square = false;
};
Tensor onnx_layer_norm(OnnxContext& context, Tensor x, Tensor scale, Tensor bias,
                       const OnnxNorm& norm);

/// Attention of (batch, heads, length, features), whose first query follows `past` keys.
struct OnnxAttention {
  Tensor query = {};
  Tensor key = {};
  Tensor value = {};
  Tensor mask = {};
  bool is_causal = false;
  std::int64_t past = 0;
  std::int64_t left_window = -1;   ///< the keys before its own that a query sees; -1: all
  std::int64_t right_window = -1;  ///< the keys after its own that a query sees; -1: all
};
/// Its result, with the node's `scale` and `softcap`. Sets the output of that index, if the node
/// has it, to the scores: the kernel only writes what it computes in any case.
Tensor onnx_attention(OnnxContext& context, OnnxAttention attention, std::size_t scores);

/// Keys or values of earlier steps with those of this one, (batch, heads, length, features) each.
struct OnnxCache {
  Tensor all = {};      ///< what the node returns
  Tensor visible = {};  ///< the part of it that queries see
};
/// Those of this step after the earlier ones.
OnnxCache grown_cache(Tensor past, Tensor now);
/// Those of this step within a memory of fixed length, of which `total` places are in use; nothing
/// where data decides it: at most all.
OnnxCache fixed_cache(Tensor past, Tensor now, std::optional<std::int64_t> total);

/// Features as several tensors of these sizes, one after the other.
std::vector<Tensor> split_features(const OnnxContext& context, Tensor x,
                                   std::initializer_list<std::int64_t> sizes);

/// Query, key and value of input 0: its product with input 1, and the bias of input 2, if any.
std::vector<Tensor> onnx_projected(OnnxContext& context);

/// Tables by which features are rotated, and the positions in them or an empty tensor.
struct OnnxRotary {
  Tensor cosines = {};
  Tensor sines = {};
  Tensor positions = {};
  bool is_interleaved = false;
};
/// (..., features) with the first of them rotated: as many as `rotated`, or all.
Tensor onnx_rotated(Tensor x, const OnnxRotary& rotary, std::int64_t rotated);

/// The attention of ONNX Runtime's quantised encoders.
struct OnnxEncoderAttention {
  Tensor query, key, value;         ///< (batch, length, heads x features) each
  Tensor mask;                      ///< or empty
  std::size_t past = absent_input;  ///< the input of earlier keys and values, if the node has it
};
/// Sets output 0 to its result and output 1, if the node has it, to all keys and values.
OnnxOutcome onnx_encoder_attention(OnnxContext& context, const OnnxEncoderAttention& attention);

/// Longformer's attention of query, key and value (batch, length, heads x features): a window of
/// keys on both sides of each token; the few that all others see are not counted, with a note.
Tensor onnx_windowed_attention(OnnxContext& context, std::span<const Tensor> parts, Tensor mask);

/// (batch, length, heads x features) as (batch, heads, length, features), and back.
Tensor split_heads(const OnnxContext& context, Tensor x, std::int64_t heads);
Tensor merge_heads(Tensor x);

}  // namespace zoometer
