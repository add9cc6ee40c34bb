#pragma once

#include <array>

#include "nn/features.hpp"
#include "zoometer/nn/blocks.hpp"

// The parts of ResNet that other models build upon: segmentation and detection take it as their
// backbone, with another normalisation or with dilation instead of stride.

namespace zoometer::resnet {

struct Config {
  std::array<int, 4> depths;  ///< blocks in layer1 to layer4
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
  std::array<bool, 3> dilated = {};  ///< layer2 to layer4: dilate instead of striding
  double norm_eps = 1e-5;
};

inline constexpr Config depth18{{2, 2, 2, 2}};
inline constexpr Config depth34{{3, 4, 6, 3}};
inline constexpr Config depth50{{3, 4, 6, 3}};
inline constexpr Config depth101{{3, 4, 23, 3}};
inline constexpr Config depth152{{3, 8, 36, 3}};

/// One residual block, from `in` channels to `planes` times the block's expansion.
struct Block {
  std::int64_t in;
  std::int64_t planes;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
  double norm_eps = 1e-5;
};

struct Conv3x3Options {
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
};

inline Conv2d conv3x3(const Slot& slot, std::int64_t in, std::int64_t out,
                      const Conv3x3Options& options = {}) {
  return {slot,
          in,
          out,
          {.kernel = 3,
           .stride = options.stride,
           .padding = options.dilation,
           .dilation = options.dilation,
           .groups = options.groups,
           .bias = false}};
}

inline Conv2d conv1x1(const Slot& slot, std::int64_t in, std::int64_t out) {
  return {slot, in, out, {.kernel = 1, .bias = false}};
}

/// The shortcut's projection to `out` channels; left out where the shapes already agree.
template <class Norm>
Sequential projection(const Slot& slot, const Block& block, std::int64_t out) {
  if (block.stride == 1 && block.in == out) return {};
  Sequential shortcut{slot};
  shortcut.add<Conv2d>(block.in, out,
                       ConvOptions{.kernel = 1, .stride = block.stride, .bias = false});
  shortcut.add<Norm>(out, block.norm_eps);
  return shortcut;
}

template <class NormType = BatchNorm2d>
struct BasicBlock : Module<BasicBlock<NormType>> {
  static constexpr auto kind = "BasicBlock";
  static constexpr std::int64_t expansion = 1;
  using Norm = NormType;
  using Act = ReLU;
  using Module<BasicBlock>::at;
  Block b;
  Conv2d conv1 = conv3x3(at("conv1"), b.in, b.planes, {.stride = b.stride});
  Norm bn1{at("bn1"), b.planes, b.norm_eps};
  ReLU relu{at("relu")};
  Conv2d conv2 = conv3x3(at("conv2"), b.planes, b.planes);
  Norm bn2{at("bn2"), b.planes, b.norm_eps};
  Sequential downsample = projection<Norm>(at("downsample"), b, b.planes);

  Tensor forward(Tensor x) const {
    Tensor y = relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return relu(add_(y, downsample(x)));
  }
};

template <class NormType = BatchNorm2d>
struct Bottleneck : Module<Bottleneck<NormType>> {
  static constexpr auto kind = "Bottleneck";
  static constexpr std::int64_t expansion = 4;
  using Norm = NormType;
  using Act = ReLU;
  using Module<Bottleneck>::at;
  Block b;
  std::int64_t width = b.planes * b.width_per_group / 64 * b.groups;
  std::int64_t out = b.planes * expansion;
  Conv2d conv1 = conv1x1(at("conv1"), b.in, width);
  Norm bn1{at("bn1"), width, b.norm_eps};
  Conv2d conv2 = conv3x3(at("conv2"), width, width,
                         {.stride = b.stride, .dilation = b.dilation, .groups = b.groups});
  Norm bn2{at("bn2"), width, b.norm_eps};
  Conv2d conv3 = conv1x1(at("conv3"), width, out);
  Norm bn3{at("bn3"), out, b.norm_eps};
  ReLU relu{at("relu")};
  Sequential downsample = projection<Norm>(at("downsample"), b, out);

  Tensor forward(Tensor x) const {
    Tensor y = relu(bn1(conv1(x)));
    y = relu(bn2(conv2(y)));
    y = bn3(conv3(y));
    return relu(add_(y, downsample(x)));
  }
};

/// `depth` blocks, the first of them with the stride and the projection. Where dilation replaces
/// the stride, the first block keeps the dilation of the layer before: `first.dilation`.
template <class BlockType>
Sequential stage(const Slot& slot, const Block& first, int depth, std::int64_t dilation) {
  Sequential blocks{slot};
  blocks.add<BlockType>(first);
  Block next = first;
  next.in = first.planes * BlockType::expansion;
  next.stride = 1;
  next.dilation = dilation;
  for (int i = 1; i < depth; ++i) blocks.add<BlockType>(next);
  return blocks;
}

/// The convolutional layers, which are children of the module that owns them: of the classifier,
/// or of a backbone's IntermediateLayerGetter.
template <class BlockType>
struct Layers {
  using Norm = typename BlockType::Norm;
  ModuleBase owner;
  Config config;
  Conv2d conv1{owner.at("conv1"), 3, 64, {.kernel = 7, .stride = 2, .padding = 3, .bias = false}};
  Norm bn1{owner.at("bn1"), 64, config.norm_eps};
  typename BlockType::Act relu{owner.at("relu")};
  MaxPool2d maxpool{owner.at("maxpool"), {.kernel = 3, .stride = 2, .padding = 1}};
  Sequential layer1 = layer(owner.at("layer1"), 64, 0);
  Sequential layer2 = layer(owner.at("layer2"), 64 * BlockType::expansion, 1);
  Sequential layer3 = layer(owner.at("layer3"), 128 * BlockType::expansion, 2);
  Sequential layer4 = layer(owner.at("layer4"), 256 * BlockType::expansion, 3);

  Sequential layer(const Slot& slot, std::int64_t in, std::size_t index) const {
    std::int64_t dilation = 1;
    for (std::size_t i = 0; i + 1 < index; ++i) dilation *= config.dilated[i] ? 2 : 1;
    const bool is_dilated = index > 0 && config.dilated[index - 1];
    const Block first{in,
                      std::int64_t{64} << index,
                      index == 0 || is_dilated ? 1 : 2,
                      dilation,
                      config.groups,
                      config.width_per_group,
                      config.norm_eps};
    return stage<BlockType>(slot, first, config.depths[index],
                            is_dilated ? dilation * 2 : dilation);
  }

  /// The outputs of layer1 to layer4 for images (N, 3, H, W).
  std::array<Tensor, 4> operator()(Tensor x) const {
    const Tensor x1 = layer1(maxpool(relu(bn1(conv1(x)))));
    const Tensor x2 = layer2(x1);
    const Tensor x3 = layer3(x2);
    return {x1, x2, x3, layer4(x3)};
  }
};

/// The layers with bottlenecks as the backbone of another model: images (N, 3, H, W) -> the maps of
/// some of layer1 to layer4.
template <class Norm = BatchNorm2d>
struct Backbone : Module<Backbone<Norm>> {
  static constexpr auto kind = "IntermediateLayerGetter";
  struct Config {
    resnet::Config layers;
    Ints returned;  ///< 1 to 4, rising

    std::int64_t channels(std::int64_t layer) const noexcept { return std::int64_t{128} << layer; }
  };
  Config config;
  Layers<Bottleneck<Norm>> layers{*this, config.layers};

  Features forward(Tensor x) const {
    const auto maps = layers(x);
    Features returned;
    for (const std::int64_t layer : config.returned)
      returned.push_back(maps[static_cast<std::size_t>(layer - 1)]);
    return returned;
  }
};

}  // namespace zoometer::resnet
