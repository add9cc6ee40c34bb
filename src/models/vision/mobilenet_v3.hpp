#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "nn/features.hpp"
#include "zoometer/nn/blocks.hpp"

// MobileNetV3's modules. Segmentation and detection take its features as their backbone, with
// another normalisation, a dilated or a reduced tail; the quantizable twin takes all of it.

namespace zoometer::mobilenet_v3 {

enum class Activation : std::uint8_t { relu, hardswish };

/// One inverted residual.
struct Block {
  std::int64_t in;
  std::int64_t kernel;
  std::int64_t expanded;
  std::int64_t out;
  bool squeeze;  ///< whether it has squeeze-and-excitation
  Activation activation;
  std::int64_t stride = 1;    ///< left out where the block dilates
  std::int64_t dilation = 1;  ///< of the depthwise convolution
  double norm_eps = 1e-3;

  constexpr bool keeps_shape() const noexcept { return stride == 1 && in == out; }
};

/// What a backbone changes.
struct Options {
  bool reduced_tail = false;  ///< halves the channels after the last stride
  bool dilated = false;       ///< dilates instead of the last stride
  double norm_eps = 1e-3;
};

struct Config {
  std::int64_t classifier_channels;
  std::array<Block, 15> items = {};
  std::size_t count = 0;

  constexpr std::span<const Block> blocks() const noexcept { return {items.data(), count}; }
  constexpr std::int64_t stem_channels() const noexcept { return items[0].in; }
  constexpr std::int64_t feature_channels() const noexcept { return 6 * items[count - 1].out; }
  constexpr double norm_eps() const noexcept { return items[0].norm_eps; }

  constexpr void add(std::initializer_list<Block> blocks) {
    for (const Block& block : blocks) items[count++] = block;
  }
  constexpr void set_norm_eps(double eps) {
    for (Block& block : items) block.norm_eps = eps;
  }
};

// The columns of the tables are the fields of Block.

constexpr Config large(const Options& options = {}) {
  using enum Activation;
  const std::int64_t shrink = options.reduced_tail ? 2 : 1;
  const std::int64_t dilation = options.dilated ? 2 : 1;
  const std::int64_t tail = 160 / shrink;
  const std::int64_t wide = 960 / shrink;
  Config config{.classifier_channels = 1280 / shrink};
  config.add({
      {16, 3, 16, 16, false, relu},
      {16, 3, 64, 24, false, relu, 2},
      {24, 3, 72, 24, false, relu},
      {24, 5, 72, 40, true, relu, 2},
      {40, 5, 120, 40, true, relu},
      {40, 5, 120, 40, true, relu},
      {40, 3, 240, 80, false, hardswish, 2},
      {80, 3, 200, 80, false, hardswish},
      {80, 3, 184, 80, false, hardswish},
      {80, 3, 184, 80, false, hardswish},
      {80, 3, 480, 112, true, hardswish},
      {112, 3, 672, 112, true, hardswish},
      {112, 5, 672, tail, true, hardswish, 2, dilation},
      {tail, 5, wide, tail, true, hardswish, 1, dilation},
      {tail, 5, wide, tail, true, hardswish, 1, dilation},
  });
  config.set_norm_eps(options.norm_eps);
  return config;
}

constexpr Config small(const Options& options = {}) {
  using enum Activation;
  const std::int64_t shrink = options.reduced_tail ? 2 : 1;
  const std::int64_t dilation = options.dilated ? 2 : 1;
  const std::int64_t tail = 96 / shrink;
  const std::int64_t wide = 576 / shrink;
  Config config{.classifier_channels = 1024 / shrink};
  config.add({
      {16, 3, 16, 16, true, relu, 2},
      {16, 3, 72, 24, false, relu, 2},
      {24, 3, 88, 24, false, relu},
      {24, 5, 96, 40, true, hardswish, 2},
      {40, 5, 240, 40, true, hardswish},
      {40, 5, 240, 40, true, hardswish},
      {40, 5, 120, 48, true, hardswish},
      {48, 5, 144, 48, true, hardswish},
      {48, 5, 288, tail, true, hardswish, 2, dilation},
      {tail, 5, wide, tail, true, hardswish, 1, dilation},
      {tail, 5, wide, tail, true, hardswish, 1, dilation},
  });
  config.set_norm_eps(options.norm_eps);
  return config;
}

/// Positions in the features where backbones are tapped: the stem, every block with a stride (also
/// where dilation took its place) and the last layer. {0, 2, 4, 7, 13, 16} for `large`.
constexpr Ints stage_positions(const Config& config) {
  Ints positions{0};
  const auto blocks = config.blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].stride > 1) positions.push_back(static_cast<std::int64_t>(i) + 1);
  }
  positions.push_back(static_cast<std::int64_t>(blocks.size()) + 1);
  return positions;
}

// -- the layers of a block, each appended to a sequence of any kind ---------------------------

template <class Norm, class Form = FloatForm, class Sequence>
void add_activated(Sequence& layers, const Block& b, std::int64_t in,
                   const ConvNormOptions& options) {
  using WithHardswish = Conv2dNormActivation<Hardswish, Norm>;
  using WithReLU = Conv2dNormActivation<typename Form::ReLU, Norm>;
  if (b.activation == Activation::hardswish) {
    layers.template add<WithHardswish>(in, b.expanded, options);
  } else {
    layers.template add<WithReLU>(in, b.expanded, options);
  }
}

/// The 1 x 1 convolution to the inner width.
template <class Norm, class Form = FloatForm, class Sequence>
void add_expansion(Sequence& layers, const Block& b) {
  add_activated<Norm, Form>(layers, b, b.in, {.kernel = 1, .eps = b.norm_eps});
}

/// What follows the expansion: depthwise convolution, squeeze-and-excitation, projection.
template <class Norm, class Form = FloatForm, class Sequence>
void add_after_expansion(Sequence& layers, const Block& b) {
  add_activated<Norm, Form>(layers, b, b.expanded,
                            {.kernel = b.kernel,
                             .stride = b.dilation > 1 ? 1 : b.stride,
                             .dilation = b.dilation,
                             .groups = b.expanded,
                             .eps = b.norm_eps});
  if (b.squeeze) {
    using Squeeze = SqueezeExcitation<typename Form::ReLU, Hardsigmoid, Form>;
    const std::int64_t quarter = b.expanded / 4;
    layers.template add<Squeeze>(b.expanded, make_divisible(static_cast<double>(quarter)));
  }
  layers.template add<Conv2dNormActivation<void, Norm>>(
      b.expanded, b.out, ConvNormOptions{.kernel = 1, .eps = b.norm_eps});
}

/// (N, in, H, W) -> (N, out, H / stride, W / stride).
template <class Norm = BatchNorm2d, class Form = FloatForm>
struct InvertedResidual : Module<InvertedResidual<Norm, Form>> {
  static constexpr auto kind =
      Form::quantizable ? "QuantizableInvertedResidual" : "InvertedResidual";
  using Module<InvertedResidual>::at;
  Block b;
  Sequential block = layers(at("block"));
  typename Form::Join skip_add{at("skip_add")};

  Sequential layers(const Slot& slot) const {
    Sequential sequence{slot};
    if (b.expanded != b.in) add_expansion<Norm, Form>(sequence, b);
    add_after_expansion<Norm, Form>(sequence, b);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    const Tensor y = block(x);
    return b.keeps_shape() ? skip_add.add_to(y, x) : y;
  }
};

// -- the layers of the network ----------------------------------------------------------------

template <class Norm, class Sequence>
void add_stem(Sequence& features, const Config& config) {
  features.template add<Conv2dNormActivation<Hardswish, Norm>>(
      3, config.stem_channels(), ConvNormOptions{.stride = 2, .eps = config.norm_eps()});
}

/// The 1 x 1 convolution after the blocks.
template <class Norm, class Sequence>
void add_last_convolution(Sequence& features, const Config& config) {
  features.template add<Conv2dNormActivation<Hardswish, Norm>>(
      config.blocks().back().out, config.feature_channels(),
      ConvNormOptions{.kernel = 1, .eps = config.norm_eps()});
}

/// Stem, blocks, last convolution: the positions that `stage_positions` counts.
template <class Norm, class Form = FloatForm, class Sequence>
void add_features(Sequence& features, const Config& config) {
  add_stem<Norm>(features, config);
  for (const Block& block : config.blocks()) {
    features.template add<InvertedResidual<Norm, Form>>(block);
  }
  add_last_convolution<Norm>(features, config);
}

/// (N, 3, H, W) -> (N, 1000).
template <class Form = FloatForm>
struct MobileNetV3 : Module<MobileNetV3<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableMobileNetV3" : "MobileNetV3";
  using Module<MobileNetV3>::at;
  Config config;
  Sequential features = layers(at("features"));
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Sequential classifier = classes(at("classifier"));
  typename Form::QuantStub quant{at("quant")};
  typename Form::DeQuantStub dequant{at("dequant")};

  Sequential layers(const Slot& slot) const {
    Sequential sequence{slot};
    add_features<BatchNorm2d, Form>(sequence, config);
    return sequence;
  }

  Sequential classes(const Slot& slot) const {
    Sequential sequence{slot};
    sequence.add<Linear>(config.feature_channels(), config.classifier_channels);
    sequence.add<Hardswish>();
    sequence.add<Dropout>();
    sequence.add<Linear>(config.classifier_channels, 1000);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    x = avgpool(features(quant(x)));
    return dequant(classifier(flatten(x, 1)));
  }
};

/// The features as the backbone of another model: images (N, 3, H, W) -> the maps at some of the
/// positions that `stage_positions` counts.
template <class Norm = BatchNorm2d>
struct Backbone : SequentialOf<Backbone<Norm>> {
  static constexpr auto kind = "IntermediateLayerGetter";
  struct Config {
    mobilenet_v3::Config layers;
    Ints returned;  ///< positions, rising

    std::int64_t channels(std::int64_t position) const noexcept {
      if (position == 0) return layers.stem_channels();
      const auto block = static_cast<std::size_t>(position - 1);
      return block < layers.count ? layers.items[block].out : layers.feature_channels();
    }
  };
  Config config;

  Backbone(const Slot& slot, const Config& options)
      : SequentialOf<Backbone>(slot),
        config(options) {
    add_features<Norm>(*this, config.layers);
  }

  Features operator()(Tensor x) const { return Module<Backbone>::operator()(x); }

  Features forward(Tensor x) const {
    Features returned;
    for (std::size_t i = 0; i < this->size(); ++i) {
      x = (*this)[i](x);
      const auto& wanted = config.returned;
      if (std::ranges::find(wanted, static_cast<std::int64_t>(i)) != wanted.end())
        returned.push_back(x);
    }
    return returned;
  }
};

}  // namespace zoometer::mobilenet_v3
