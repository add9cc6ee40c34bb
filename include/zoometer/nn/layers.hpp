#pragma once

#include "zoometer/nn/module.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"

// The layers of torch.nn that the zoo uses, with PyTorch's names, defaults and state dicts.

namespace zoometer {

/// One number for every spatial dimension, or one per dimension.
struct PerAxis {
  /// The same for all.
  constexpr PerAxis(std::int64_t all) : value_(all) {}  // NOLINT: reads as in PyTorch
  /// One for each, as (height, width).
  constexpr PerAxis(std::initializer_list<std::int64_t> each) : list_(each) {}
  /// One for each of `rank` dimensions.
  constexpr Spatial resolve(std::size_t rank) const {
    return list_.empty() ? Spatial::filled(rank, value_) : list_;
  }

 private:
  Spatial list_;
  std::int64_t value_ = 0;
};

/// The arguments of torch.nn.Conv2d and its variants after the channels. The names are PyTorch's;
/// sizes are in elements.
struct ConvOptions {
  PerAxis kernel = 1;          ///< `kernel_size`
  PerAxis stride = 1;          ///< from window to window
  PerAxis padding = 0;         ///< zeros at each end
  PerAxis dilation = 1;        ///< from tap to tap of the kernel
  std::int64_t groups = 1;     ///< parts of the channels that do not mix
  bool bias = true;            ///< whether every output channel adds a learnt number
  PerAxis output_padding = 0;  ///< transposed only
};

/// A convolution over `Rank` spatial dimensions, as torch.nn.Conv2d. Parameters: "weight" (out,
/// in / groups, kernel...), transposed (in, out / groups, kernel...), and "bias" (out,).
template <class Self, std::size_t Rank, bool Transposed = false>
class ConvNd : public Module<Self> {
 public:
  /// A layer that is left out.
  ConvNd() = default;
  /// Declares the parameters.
  ConvNd(const Slot& slot, std::int64_t in_channels, std::int64_t out_channels,
         const ConvOptions& options = {})
      : Module<Self>(slot) {
    attrs_.stride = options.stride.resolve(Rank);
    attrs_.padding = options.padding.resolve(Rank);
    attrs_.padding_end = attrs_.padding;
    attrs_.dilation = options.dilation.resolve(Rank);
    if (Transposed) attrs_.output_padding = options.output_padding.resolve(Rank);
    attrs_.groups = options.groups;
    Shape shape = Transposed ? Shape{in_channels, out_channels / options.groups}
                             : Shape{out_channels, in_channels / options.groups};
    for (const std::int64_t size : options.kernel.resolve(Rank)) shape.push_back(size);
    weight_ = this->parameter("weight", shape);
    if (options.bias) bias_ = this->parameter("bias", {out_channels});
  }

  /// The parameter "weight".
  Tensor weight() const noexcept { return weight_; }
  /// The parameter "bias", or empty.
  Tensor bias() const noexcept { return bias_; }
  /// What the operator takes.
  const ConvAttrs& attrs() const noexcept { return attrs_; }

  /// (N, in, spatial...) -> (N, out, spatial'...): conv2d in docs/operators.md has the sizes.
  Tensor forward(Tensor x) const {
    return Transposed ? conv_transpose(x, weight_, bias_, attrs_)
                      : convolution(x, weight_, bias_, attrs_);
  }

 private:
  ConvAttrs attrs_;
  Tensor weight_;
  Tensor bias_;
};

/// torch.nn.Conv1d: (N, C, L) -> (N, out, L').
struct Conv1d : ConvNd<Conv1d, 1> {
  static constexpr auto kind = "Conv1d";
  using ConvNd::ConvNd;
};
/// torch.nn.Conv2d: (N, C, H, W) -> (N, out, H', W').
struct Conv2d : ConvNd<Conv2d, 2> {
  static constexpr auto kind = "Conv2d";
  using ConvNd::ConvNd;
};
/// torch.nn.Conv3d: (N, C, T, H, W) -> (N, out, T', H', W').
struct Conv3d : ConvNd<Conv3d, 3> {
  static constexpr auto kind = "Conv3d";
  using ConvNd::ConvNd;
};
/// torch.nn.ConvTranspose2d: (N, C, H, W) -> (N, out, H', W').
struct ConvTranspose2d : ConvNd<ConvTranspose2d, 2, true> {
  static constexpr auto kind = "ConvTranspose2d";
  using ConvNd::ConvNd;
};

/// torch.nn.Linear: x (..., in) -> (..., out).
struct Linear : Module<Linear> {
  static constexpr auto kind = "Linear";
  /// A layer that is left out.
  Linear() = default;
  /// Declares the parameters.
  Linear(const Slot& slot, std::int64_t in_features, std::int64_t out_features,
         bool has_bias = true)
      : Module(slot) {
    weight = parameter("weight", {out_features, in_features});
    if (has_bias) bias = parameter("bias", {out_features});
  }
  Tensor weight;  ///< (out, in)
  Tensor bias;    ///< (out,), or empty

  /// x (..., in) -> (..., out).
  Tensor forward(Tensor x) const { return linear(x, weight, bias); }
};

/// torch.nn.Embedding: a row of a table for each index.
struct Embedding : Module<Embedding> {
  static constexpr auto kind = "Embedding";
  /// A layer that is left out.
  Embedding() = default;
  /// Declares the parameter.
  Embedding(const Slot& slot, std::int64_t num_embeddings, std::int64_t embedding_dim)
      : Module(slot),
        weight(parameter("weight", {num_embeddings, embedding_dim})) {}
  Tensor weight;  ///< (num_embeddings, embedding_dim)

  /// Indices (...), integers -> (..., embedding_dim).
  Tensor forward(Tensor indices) const { return embedding(weight, indices); }
};

/// torch.nn.BatchNorm2d and its variants, in evaluation mode. Parameters "weight" and "bias",
/// buffers "running_mean" and "running_var", all (C,), and "num_batches_tracked".
template <class Self>
class BatchNormNd : public Module<Self> {
 public:
  /// A layer that is left out.
  BatchNormNd() = default;
  /// Declares them; `features` is C.
  BatchNormNd(const Slot& slot, std::int64_t features, double eps = 1e-5)
      : Module<Self>(slot),
        attrs_{eps} {
    weight_ = this->parameter("weight", {features});
    bias_ = this->parameter("bias", {features});
    mean_ = this->buffer("running_mean", {features});
    variance_ = this->buffer("running_var", {features});
    this->buffer("num_batches_tracked", {}, DType::int64);
  }
  /// x (N, C, ...) -> the same.
  Tensor forward(Tensor x) const { return batch_norm(x, weight_, bias_, mean_, variance_, attrs_); }

 private:
  BatchNormAttrs attrs_;
  Tensor weight_, bias_, mean_, variance_;
};

/// torch.nn.BatchNorm1d: (N, C) or (N, C, L) -> the same.
struct BatchNorm1d : BatchNormNd<BatchNorm1d> {
  static constexpr auto kind = "BatchNorm1d";
  using BatchNormNd::BatchNormNd;
};
/// torch.nn.BatchNorm2d: (N, C, H, W) -> the same.
struct BatchNorm2d : BatchNormNd<BatchNorm2d> {
  static constexpr auto kind = "BatchNorm2d";
  using BatchNormNd::BatchNormNd;
};
/// torch.nn.BatchNorm3d: (N, C, T, H, W) -> the same.
struct BatchNorm3d : BatchNormNd<BatchNorm3d> {
  static constexpr auto kind = "BatchNorm3d";
  using BatchNormNd::BatchNormNd;
};

/// torchvision.ops.FrozenBatchNorm2d: batch normalisation whose statistics and scales are all
/// fixed: buffers, no parameters.
struct FrozenBatchNorm2d : Module<FrozenBatchNorm2d> {
  static constexpr auto kind = "FrozenBatchNorm2d";
  /// Declares "weight", "bias", "running_mean" and "running_var", each (features,).
  FrozenBatchNorm2d(const Slot& slot, std::int64_t features, double eps = 1e-5)
      : Module(slot),
        eps_(eps),
        weight_(buffer("weight", {features})),
        bias_(buffer("bias", {features})),
        mean_(buffer("running_mean", {features})),
        variance_(buffer("running_var", {features})) {}

  /// x (N, C, H, W) -> the same, by the operators that torchvision writes it with.
  Tensor forward(Tensor x) const {
    const Ints per_channel{1, -1, 1, 1};
    const Tensor w = reshape(weight_, per_channel);
    const Tensor b = reshape(bias_, per_channel);
    const Tensor v = reshape(variance_, per_channel);
    const Tensor m = reshape(mean_, per_channel);
    const Tensor scale = w * unary(rsqrt_op, v + eps_);
    return x * scale + (b - m * scale);
  }

 private:
  double eps_;
  Tensor weight_, bias_, mean_, variance_;
};

/// torch.nn.LayerNorm over the last dimension. Parameters "weight" and "bias", both (features,).
/// `Self` gives the kind.
template <class Self>
class LayerNormOf : public Module<Self> {
 public:
  /// A layer that is left out.
  LayerNormOf() = default;
  /// Declares the parameters.
  LayerNormOf(const Slot& slot, std::int64_t features, double eps = 1e-5) : Module<Self>(slot) {
    attrs_.eps = eps;
    weight_ = this->parameter("weight", {features});
    bias_ = this->parameter("bias", {features});
  }
  /// x (..., features) -> the same.
  Tensor forward(Tensor x) const { return normalise(x); }

 protected:
  /// What `forward` does, for a layer that does something around it.
  Tensor normalise(Tensor x) const { return layer_norm(x, weight_, bias_, attrs_); }

 private:
  LayerNormAttrs attrs_;
  Tensor weight_, bias_;
};
/// torch.nn.LayerNorm over the last dimension: (..., features) -> the same.
struct LayerNorm : LayerNormOf<LayerNorm> {
  static constexpr auto kind = "LayerNorm";
  using LayerNormOf::LayerNormOf;
};

/// torch.nn.RMSNorm over the last dimension: x over the root of its mean square. Parameter "weight"
/// (features,).
struct RMSNorm : Module<RMSNorm> {
  static constexpr auto kind = "RMSNorm";
  /// A layer that is left out.
  RMSNorm() = default;
  /// Declares the parameter.
  RMSNorm(const Slot& slot, std::int64_t features, double eps = 1e-6)
      : Module(slot),
        weight(parameter("weight", {features})),
        eps_(eps) {}
  Tensor weight;  ///< (features,)

  /// x (..., features) -> the same.
  Tensor forward(Tensor x) const { return rms_norm(x, weight, {.eps = eps_}); }

 private:
  double eps_ = 1e-6;
};

/// torch.nn.GroupNorm. Parameters "weight" and "bias", both (channels,).
struct GroupNorm : Module<GroupNorm> {
  static constexpr auto kind = "GroupNorm";
  /// Declares the parameters; `groups` divides `channels`.
  GroupNorm(const Slot& slot, std::int64_t groups, std::int64_t channels, double eps = 1e-5)
      : Module(slot),
        attrs_{groups, eps} {
    weight_ = parameter("weight", {channels});
    bias_ = parameter("bias", {channels});
  }

  /// x (N, channels, ...) -> the same.
  Tensor forward(Tensor x) const { return group_norm(x, weight_, bias_, attrs_); }

 private:
  GroupNormAttrs attrs_;
  Tensor weight_, bias_;
};

/// torch.nn.InstanceNorm2d without parameters, as is its default.
struct InstanceNorm2d : Module<InstanceNorm2d> {
  static constexpr auto kind = "InstanceNorm2d";
  /// The number of features has no effect, as there are no parameters.
  InstanceNorm2d(const Slot& slot, std::int64_t, double eps = 1e-5) : Module(slot), attrs_{eps} {}
  /// x (N, C, H, W) -> the same.
  Tensor forward(Tensor x) const { return instance_norm(x, {}, {}, attrs_); }

 private:
  BatchNormAttrs attrs_;
};

// -- activations ------------------------------------------------------------------------------

/// A layer without parameters around one elementwise operator, `Self::op`, which has its formula in
/// docs/operators.md. torchvision sets `inplace` nearly everywhere; a layer that does not takes
/// `false`.
template <class Self>
struct Activation : Module<Self> {
  /// A layer that is left out.
  Activation() = default;
  /// `inplace`: whether the result lives in the memory of x.
  explicit Activation(const Slot& slot, bool inplace = true)
      : Module<Self>(slot),
        inplace_(inplace) {}

  /// x (...) -> the same shape.
  Tensor forward(Tensor x) const { return unary(*Self::op, x, inplace_); }

 private:
  bool inplace_ = true;
};

/// torch.nn.ReLU.
struct ReLU : Activation<ReLU> {
  static constexpr auto kind = "ReLU";
  static constexpr const OpDef* op = &relu_op;
  using Activation::Activation;
};
/// torch.nn.ReLU6.
struct ReLU6 : Activation<ReLU6> {
  static constexpr auto kind = "ReLU6";
  static constexpr const OpDef* op = &relu6_op;
  using Activation::Activation;
};
/// torch.nn.Hardswish.
struct Hardswish : Activation<Hardswish> {
  static constexpr auto kind = "Hardswish";
  static constexpr const OpDef* op = &hardswish_op;
  using Activation::Activation;
};
/// torch.nn.Hardsigmoid.
struct Hardsigmoid : Activation<Hardsigmoid> {
  static constexpr auto kind = "Hardsigmoid";
  static constexpr const OpDef* op = &hardsigmoid_op;
  /// `inplace`: whether the result lives in the memory of x; torchvision leaves it out here.
  explicit Hardsigmoid(const Slot& slot, bool inplace = false) : Activation(slot, inplace) {}
};
/// torch.nn.SiLU.
struct SiLU : Activation<SiLU> {
  static constexpr auto kind = "SiLU";
  static constexpr const OpDef* op = &silu_op;
  using Activation::Activation;
};
/// torch.nn.Sigmoid, which has no `inplace`.
struct Sigmoid : Activation<Sigmoid> {
  static constexpr auto kind = "Sigmoid";
  static constexpr const OpDef* op = &sigmoid_op;
  /// Opens the place.
  explicit Sigmoid(const Slot& slot) : Activation(slot, false) {}
};
/// torch.nn.Tanh, which has no `inplace`.
struct Tanh : Activation<Tanh> {
  static constexpr auto kind = "Tanh";
  static constexpr const OpDef* op = &tanh_op;
  /// Opens the place.
  explicit Tanh(const Slot& slot) : Activation(slot, false) {}
};

/// torch.nn.GELU with the error function.
struct GELU : Module<GELU> {
  static constexpr auto kind = "GELU";
  using Module::Module;
  /// x (...) -> the same shape.
  Tensor forward(Tensor x) const { return gelu(x); }
};

/// torch.nn.Softmax.
struct Softmax : Module<Softmax> {
  static constexpr auto kind = "Softmax";
  /// `dim`: the axis along which elements add up to 1; negative ones count from the end.
  Softmax(const Slot& slot, std::int64_t dim) : Module(slot), dim_(dim) {}
  /// x (...) -> the same shape.
  Tensor forward(Tensor x) const { return softmax(x, dim_); }

 private:
  std::int64_t dim_;
};

/// torch.nn.Dropout: the identity in evaluation mode.
struct Dropout : Module<Dropout> {
  static constexpr auto kind = "Dropout";
  using Module::Module;
  /// x (...) -> x.
  Tensor forward(Tensor x) const { return dropout(x); }
};

/// torchvision.ops.StochasticDepth drops whole residual branches while training; the identity in
/// evaluation mode.
struct StochasticDepth : Module<StochasticDepth> {
  static constexpr auto kind = "StochasticDepth";
  using Module::Module;
  /// x (N, ...) -> x.
  Tensor forward(Tensor x) const { return stochastic_depth(x); }
};

/// torch.nn.Identity.
struct Identity : Module<Identity> {
  static constexpr auto kind = "Identity";
  using Module::Module;
  /// x itself.
  Tensor forward(Tensor x) const { return x; }
};

/// torch.nn.Flatten.
struct Flatten : Module<Flatten> {
  static constexpr auto kind = "Flatten";
  /// `start_dim`: the first axis that is joined with those after it.
  Flatten(const Slot& slot, std::int64_t start_dim = 1) : Module(slot), start_dim_(start_dim) {}
  /// x (N, ...) -> (N, product of the others) at the default.
  Tensor forward(Tensor x) const { return flatten(x, start_dim_); }

 private:
  std::int64_t start_dim_;
};

/// torchvision.ops.Permute.
struct Permute : Module<Permute> {
  static constexpr auto kind = "Permute";
  /// `dims`: for each axis of the result, the one of x that it is.
  Permute(const Slot& slot, const Ints& dims) : Module(slot), dims_(dims) {}
  /// x with its axes in that order.
  Tensor forward(Tensor x) const { return permute(x, dims_); }

 private:
  Ints dims_;
};

// -- pooling ----------------------------------------------------------------------------------

/// The arguments of torch.nn.MaxPool2d and its variants. The names are PyTorch's; sizes are in
/// elements.
struct PoolOptions {
  PerAxis kernel = 2;                            ///< `kernel_size`
  std::optional<PerAxis> stride = std::nullopt;  ///< the kernel size where not given
  PerAxis padding = 0;                           ///< at each end
  PerAxis dilation = 1;           ///< from element to element of a window; maximum only
  bool ceil_mode = false;         ///< whether the last window may extend past the end
  bool count_include_pad = true;  ///< whether a mean counts the padding; average only
};

/// What the operator takes, over `rank` spatial dimensions.
inline PoolAttrs pool_attrs(const PoolOptions& options, std::size_t rank) {
  PoolAttrs attrs;
  attrs.kernel_size = options.kernel.resolve(rank);
  attrs.stride = options.stride.value_or(options.kernel).resolve(rank);
  attrs.padding = options.padding.resolve(rank);
  attrs.padding_end = attrs.padding;
  attrs.dilation = options.dilation.resolve(rank);
  attrs.ceil_mode = options.ceil_mode;
  attrs.count_include_pad = options.count_include_pad;
  return attrs;
}

/// A pooling with windows over `Rank` spatial dimensions. No parameters.
template <class Self, std::size_t Rank, Tensor (*Pool)(Tensor, const PoolAttrs&)>
struct WindowPool : Module<Self> {
  /// Opens the place.
  WindowPool(const Slot& slot, const PoolOptions& options)
      : Module<Self>(slot),
        attrs_(pool_attrs(options, Rank)) {}
  /// (N, C, spatial...) -> (N, C, spatial'...): max_pool2d in docs/operators.md has the sizes.
  Tensor forward(Tensor x) const { return Pool(x, attrs_); }

 private:
  PoolAttrs attrs_;
};

/// torch.nn.MaxPool2d: (N, C, H, W) -> (N, C, H', W').
struct MaxPool2d : WindowPool<MaxPool2d, 2, max_pool> {
  static constexpr auto kind = "MaxPool2d";
  using WindowPool::WindowPool;
};
/// torch.nn.MaxPool3d: (N, C, T, H, W) -> (N, C, T', H', W').
struct MaxPool3d : WindowPool<MaxPool3d, 3, max_pool> {
  static constexpr auto kind = "MaxPool3d";
  using WindowPool::WindowPool;
};
/// torch.nn.AvgPool2d: (N, C, H, W) -> (N, C, H', W').
struct AvgPool2d : WindowPool<AvgPool2d, 2, avg_pool> {
  static constexpr auto kind = "AvgPool2d";
  using WindowPool::WindowPool;
};
/// torch.nn.AvgPool3d: (N, C, T, H, W) -> (N, C, T', H', W').
struct AvgPool3d : WindowPool<AvgPool3d, 3, avg_pool> {
  static constexpr auto kind = "AvgPool3d";
  using WindowPool::WindowPool;
};

/// The mean of as many windows as there are elements in the result. No parameters.
template <class Self, std::size_t Rank>
struct AdaptiveAvgPool : Module<Self> {
  /// `output_size`: the result's spatial sizes; 0 keeps the input's (PyTorch's None).
  AdaptiveAvgPool(const Slot& slot, const PerAxis& output_size)
      : Module<Self>(slot),
        attrs_{output_size.resolve(Rank)} {}
  /// (N, C, spatial...) -> (N, C, output_size...).
  Tensor forward(Tensor x) const { return adaptive_avg_pool(x, attrs_); }

 private:
  AdaptivePoolAttrs attrs_;
};
/// torch.nn.AdaptiveAvgPool2d: (N, C, H, W) -> (N, C, H', W').
struct AdaptiveAvgPool2d : AdaptiveAvgPool<AdaptiveAvgPool2d, 2> {
  static constexpr auto kind = "AdaptiveAvgPool2d";
  using AdaptiveAvgPool::AdaptiveAvgPool;
};
/// torch.nn.AdaptiveAvgPool3d: (N, C, T, H, W) -> (N, C, T', H', W').
struct AdaptiveAvgPool3d : AdaptiveAvgPool<AdaptiveAvgPool3d, 3> {
  static constexpr auto kind = "AdaptiveAvgPool3d";
  using AdaptiveAvgPool::AdaptiveAvgPool;
};

}  // namespace zoometer
