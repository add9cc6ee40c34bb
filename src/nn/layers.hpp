#pragma once

#include "nn/module.hpp"
#include "op/conv.hpp"
#include "op/elementwise.hpp"
#include "op/matmul.hpp"
#include "op/movement.hpp"
#include "op/norm.hpp"
#include "op/pool.hpp"

// The layers of torch.nn that the zoo uses, with PyTorch's names, defaults and state dicts.

namespace zoometer {

/// One number for every spatial dimension, or one per dimension.
struct PerAxis {
  constexpr PerAxis(std::int64_t all) : value(all) {}  // NOLINT: reads as in PyTorch
  constexpr PerAxis(std::initializer_list<std::int64_t> each) : list(each) {}
  constexpr Spatial resolve(std::size_t rank) const {
    return list.empty() ? Spatial::filled(rank, value) : list;
  }
  Spatial list;
  std::int64_t value = 0;
};

struct ConvOptions {
  PerAxis kernel = 1;
  PerAxis stride = 1;
  PerAxis padding = 0;
  PerAxis dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  PerAxis output_padding = 0;  ///< transposed only
};

template <class Self, std::size_t Rank, bool Transposed = false>
class ConvNd : public Module<Self> {
 public:
  ConvNd() = default;
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

  Tensor weight() const noexcept { return weight_; }
  Tensor bias() const noexcept { return bias_; }
  const ConvAttrs& attrs() const noexcept { return attrs_; }

  Tensor forward(Tensor x) const {
    return Transposed ? conv_transpose(x, weight_, bias_, attrs_)
                      : convolution(x, weight_, bias_, attrs_);
  }

 private:
  ConvAttrs attrs_;
  Tensor weight_;
  Tensor bias_;
};

/// (N, C, L) -> (N, out, L').
struct Conv1d : ConvNd<Conv1d, 1> {
  static constexpr auto kind = "Conv1d";
  using ConvNd::ConvNd;
};
/// (N, C, H, W) -> (N, out, H', W').
struct Conv2d : ConvNd<Conv2d, 2> {
  static constexpr auto kind = "Conv2d";
  using ConvNd::ConvNd;
};
/// (N, C, T, H, W) -> (N, out, T', H', W').
struct Conv3d : ConvNd<Conv3d, 3> {
  static constexpr auto kind = "Conv3d";
  using ConvNd::ConvNd;
};
struct ConvTranspose2d : ConvNd<ConvTranspose2d, 2, true> {
  static constexpr auto kind = "ConvTranspose2d";
  using ConvNd::ConvNd;
};

/// x (..., in) -> (..., out).
struct Linear : Module<Linear> {
  static constexpr auto kind = "Linear";
  Linear() = default;
  Linear(const Slot& slot, std::int64_t in_features, std::int64_t out_features,
         bool has_bias = true)
      : Module(slot) {
    weight = parameter("weight", {out_features, in_features});
    if (has_bias) bias = parameter("bias", {out_features});
  }
  Tensor weight;
  Tensor bias;

  Tensor forward(Tensor x) const { return linear(x, weight, bias); }
};

template <class Self>
class BatchNormNd : public Module<Self> {
 public:
  BatchNormNd() = default;
  BatchNormNd(const Slot& slot, std::int64_t features, double eps = 1e-5)
      : Module<Self>(slot),
        attrs_{eps} {
    weight_ = this->parameter("weight", {features});
    bias_ = this->parameter("bias", {features});
    mean_ = this->buffer("running_mean", {features});
    variance_ = this->buffer("running_var", {features});
    this->buffer("num_batches_tracked", {}, DType::int64);
  }
  Tensor forward(Tensor x) const { return batch_norm(x, weight_, bias_, mean_, variance_, attrs_); }

 private:
  BatchNormAttrs attrs_;
  Tensor weight_, bias_, mean_, variance_;
};

struct BatchNorm1d : BatchNormNd<BatchNorm1d> {
  static constexpr auto kind = "BatchNorm1d";
  using BatchNormNd::BatchNormNd;
};
struct BatchNorm2d : BatchNormNd<BatchNorm2d> {
  static constexpr auto kind = "BatchNorm2d";
  using BatchNormNd::BatchNormNd;
};
struct BatchNorm3d : BatchNormNd<BatchNorm3d> {
  static constexpr auto kind = "BatchNorm3d";
  using BatchNormNd::BatchNormNd;
};

/// Batch normalisation whose statistics and scales are all fixed: buffers, no parameters.
struct FrozenBatchNorm2d : Module<FrozenBatchNorm2d> {
  static constexpr auto kind = "FrozenBatchNorm2d";
  FrozenBatchNorm2d(const Slot& slot, std::int64_t features, double epsilon = 1e-5)
      : Module(slot),
        eps(epsilon),
        weight(buffer("weight", {features})),
        bias(buffer("bias", {features})),
        mean(buffer("running_mean", {features})),
        variance(buffer("running_var", {features})) {}
  double eps;
  Tensor weight, bias, mean, variance;

  Tensor forward(Tensor x) const {
    const Ints per_channel{1, -1, 1, 1};
    const Tensor w = reshape(weight, per_channel);
    const Tensor b = reshape(bias, per_channel);
    const Tensor v = reshape(variance, per_channel);
    const Tensor m = reshape(mean, per_channel);
    const Tensor scale = w * unary(rsqrt_op, v + eps);
    return x * scale + (b - m * scale);
  }
};

/// Over the last dimension, of `features` elements.
template <class Self>
class LayerNormOf : public Module<Self> {
 public:
  LayerNormOf() = default;
  LayerNormOf(const Slot& slot, std::int64_t features, double eps = 1e-5) : Module<Self>(slot) {
    attrs_.eps = eps;
    weight_ = this->parameter("weight", {features});
    bias_ = this->parameter("bias", {features});
  }
  Tensor forward(Tensor x) const { return normalise(x); }

 protected:
  Tensor normalise(Tensor x) const { return layer_norm(x, weight_, bias_, attrs_); }

 private:
  LayerNormAttrs attrs_;
  Tensor weight_, bias_;
};
struct LayerNorm : LayerNormOf<LayerNorm> {
  static constexpr auto kind = "LayerNorm";
  using LayerNormOf::LayerNormOf;
};

struct GroupNorm : Module<GroupNorm> {
  static constexpr auto kind = "GroupNorm";
  GroupNorm(const Slot& slot, std::int64_t groups, std::int64_t channels, double eps = 1e-5)
      : Module(slot),
        attrs{groups, eps} {
    weight = parameter("weight", {channels});
    bias = parameter("bias", {channels});
  }
  GroupNormAttrs attrs;
  Tensor weight, bias;

  Tensor forward(Tensor x) const { return group_norm(x, weight, bias, attrs); }
};

/// Without parameters, as PyTorch's default.
struct InstanceNorm2d : Module<InstanceNorm2d> {
  static constexpr auto kind = "InstanceNorm2d";
  InstanceNorm2d(const Slot& slot, std::int64_t, double eps = 1e-5) : Module(slot), attrs{eps} {}
  BatchNormAttrs attrs;
  Tensor forward(Tensor x) const { return instance_norm(x, {}, {}, attrs); }
};

// -- activations ------------------------------------------------------------------------------

/// A layer without parameters around one elementwise operator. torchvision sets `inplace` nearly
/// everywhere; a layer that does not takes `false`.
template <class Self>
struct Activation : Module<Self> {
  Activation() = default;
  explicit Activation(const Slot& slot, bool in_place = true)
      : Module<Self>(slot),
        inplace(in_place) {}
  bool inplace = true;

  Tensor forward(Tensor x) const { return unary(*Self::op, x, inplace); }
};

struct ReLU : Activation<ReLU> {
  static constexpr auto kind = "ReLU";
  static constexpr const OpDef* op = &relu_op;
  using Activation::Activation;
};
struct ReLU6 : Activation<ReLU6> {
  static constexpr auto kind = "ReLU6";
  static constexpr const OpDef* op = &relu6_op;
  using Activation::Activation;
};
struct Hardswish : Activation<Hardswish> {
  static constexpr auto kind = "Hardswish";
  static constexpr const OpDef* op = &hardswish_op;
  using Activation::Activation;
};
struct Hardsigmoid : Activation<Hardsigmoid> {
  static constexpr auto kind = "Hardsigmoid";
  static constexpr const OpDef* op = &hardsigmoid_op;
  explicit Hardsigmoid(const Slot& slot, bool in_place = false) : Activation(slot, in_place) {}
};
struct SiLU : Activation<SiLU> {
  static constexpr auto kind = "SiLU";
  static constexpr const OpDef* op = &silu_op;
  using Activation::Activation;
};
struct Sigmoid : Activation<Sigmoid> {
  static constexpr auto kind = "Sigmoid";
  static constexpr const OpDef* op = &sigmoid_op;
  explicit Sigmoid(const Slot& slot) : Activation(slot, false) {}
};
struct Tanh : Activation<Tanh> {
  static constexpr auto kind = "Tanh";
  static constexpr const OpDef* op = &tanh_op;
  explicit Tanh(const Slot& slot) : Activation(slot, false) {}
};

struct GELU : Module<GELU> {
  static constexpr auto kind = "GELU";
  using Module::Module;
  Tensor forward(Tensor x) const { return gelu(x); }
};

struct Softmax : Module<Softmax> {
  static constexpr auto kind = "Softmax";
  Softmax(const Slot& slot, std::int64_t axis) : Module(slot), dim(axis) {}
  std::int64_t dim;
  Tensor forward(Tensor x) const { return softmax(x, dim); }
};

/// The identity in evaluation mode.
struct Dropout : Module<Dropout> {
  static constexpr auto kind = "Dropout";
  using Module::Module;
  Tensor forward(Tensor x) const { return dropout(x); }
};

/// Drops whole residual branches while training; the identity in evaluation mode.
struct StochasticDepth : Module<StochasticDepth> {
  static constexpr auto kind = "StochasticDepth";
  using Module::Module;
  Tensor forward(Tensor x) const { return stochastic_depth(x); }
};

struct Identity : Module<Identity> {
  static constexpr auto kind = "Identity";
  using Module::Module;
  Tensor forward(Tensor x) const { return x; }
};

struct Flatten : Module<Flatten> {
  static constexpr auto kind = "Flatten";
  Flatten(const Slot& slot, std::int64_t start_dim = 1) : Module(slot), start(start_dim) {}
  std::int64_t start;
  Tensor forward(Tensor x) const { return flatten(x, start); }
};

/// torchvision's Permute layer.
struct Permute : Module<Permute> {
  static constexpr auto kind = "Permute";
  Permute(const Slot& slot, const Ints& order) : Module(slot), dims(order) {}
  Ints dims;
  Tensor forward(Tensor x) const { return permute(x, dims); }
};

// -- pooling ----------------------------------------------------------------------------------

struct PoolOptions {
  PerAxis kernel = 2;
  std::optional<PerAxis> stride = std::nullopt;  ///< the kernel size where not given
  PerAxis padding = 0;
  PerAxis dilation = 1;
  bool ceil_mode = false;
  bool count_include_pad = true;
};

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

template <class Self, std::size_t Rank, Tensor (*Pool)(Tensor, const PoolAttrs&)>
struct WindowPool : Module<Self> {
  WindowPool(const Slot& slot, const PoolOptions& options)
      : Module<Self>(slot),
        attrs(pool_attrs(options, Rank)) {}
  PoolAttrs attrs;
  Tensor forward(Tensor x) const { return Pool(x, attrs); }
};

struct MaxPool2d : WindowPool<MaxPool2d, 2, max_pool> {
  static constexpr auto kind = "MaxPool2d";
  using WindowPool::WindowPool;
};
struct MaxPool3d : WindowPool<MaxPool3d, 3, max_pool> {
  static constexpr auto kind = "MaxPool3d";
  using WindowPool::WindowPool;
};
struct AvgPool2d : WindowPool<AvgPool2d, 2, avg_pool> {
  static constexpr auto kind = "AvgPool2d";
  using WindowPool::WindowPool;
};
struct AvgPool3d : WindowPool<AvgPool3d, 3, avg_pool> {
  static constexpr auto kind = "AvgPool3d";
  using WindowPool::WindowPool;
};

template <class Self, std::size_t Rank>
struct AdaptiveAvgPool : Module<Self> {
  AdaptiveAvgPool(const Slot& slot, const PerAxis& output_size)
      : Module<Self>(slot),
        attrs{output_size.resolve(Rank)} {}
  AdaptivePoolAttrs attrs;
  Tensor forward(Tensor x) const { return adaptive_avg_pool(x, attrs); }
};
struct AdaptiveAvgPool2d : AdaptiveAvgPool<AdaptiveAvgPool2d, 2> {
  static constexpr auto kind = "AdaptiveAvgPool2d";
  using AdaptiveAvgPool::AdaptiveAvgPool;
};
struct AdaptiveAvgPool3d : AdaptiveAvgPool<AdaptiveAvgPool3d, 3> {
  static constexpr auto kind = "AdaptiveAvgPool3d";
  using AdaptiveAvgPool::AdaptiveAvgPool;
};

}  // namespace zoometer
