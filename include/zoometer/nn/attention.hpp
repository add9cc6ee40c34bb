#pragma once

#include <cmath>

#include "zoometer/nn/layers.hpp"

namespace zoometer {

/// `NonDynamicallyQuantizableLinear`, the linear layer that attention owns and never calls.
struct AttentionOutputLinear : Module<AttentionOutputLinear> {
  static constexpr auto kind = "NonDynamicallyQuantizableLinear";
  /// Declares the parameters.
  AttentionOutputLinear(const Slot& slot, std::int64_t features) : Module(slot) {
    weight = parameter("weight", {features, features});
    bias = parameter("bias", {features});
  }
  Tensor weight;  ///< (features, features)
  Tensor bias;    ///< (features,)
};

/// torch.nn.MultiheadAttention as self-attention over a batch of sequences, with `batch_first=True`
/// and `need_weights=False`, its two products written out. The output projection is computed here,
/// by the layer's parent, so `out_proj` has no calls.
struct MultiheadAttention : Module<MultiheadAttention> {
  static constexpr auto kind = "MultiheadAttention";
  std::int64_t features;  ///< `embed_dim`
  std::int64_t heads;     ///< `num_heads`, a divisor of it
  /// Of query, key and value, one below the other.
  Tensor in_proj_weight = parameter("in_proj_weight", {3 * features, features});
  Tensor in_proj_bias = parameter("in_proj_bias", {3 * features});  ///< of the three
  AttentionOutputLinear out_proj{at("out_proj"), features};         ///< joins the heads' results

  /// x (N, L, features) -> the same.
  Tensor forward(Tensor x) const {
    const std::int64_t batch = x.dim(0);
    const std::int64_t length = x.dim(1);
    const Chunks projected = chunk(linear(transpose(x, 0, 1), in_proj_weight, in_proj_bias), 3, -1);
    const Tensor query =
        split_heads(projected[0]) / std::sqrt(static_cast<double>(head_features()));
    const Tensor key = split_heads(projected[1]);
    const Tensor value = split_heads(projected[2]);

    const Tensor weights = softmax(bmm(query, transpose(key, -2, -1)), -1);
    Tensor y = transpose(bmm(weights, value), 0, 1);
    y = linear(reshape(y, {length * batch, features}), out_proj.weight, out_proj.bias);
    return transpose(reshape(y, {length, batch, features}), 0, 1);
  }

 private:
  std::int64_t head_features() const noexcept { return features / heads; }

  /// (L, N, features) -> (N heads, L, head features).
  Tensor split_heads(Tensor x) const {
    // PyTorch's chunks are made contiguous before their heads are apart.
    return transpose(reshape(contiguous(x), {x.dim(0), x.dim(1) * heads, head_features()}), 0, 1);
  }
};

/// A learnt bias for each head and pair of positions, looked up by the distance of the two:
/// table (distances, heads), distance (positions positions,) -> (1, heads, positions, positions).
inline Tensor relative_position_bias(Tensor table, Tensor distance, std::int64_t positions) {
  const Tensor bias = reshape(index(table, distance), {positions, positions, -1});
  return unsqueeze(contiguous(permute(bias, {2, 0, 1})), 0);
}

}  // namespace zoometer
