#pragma once

#include <array>

#include "zoometer/nn/blocks.hpp"

// MobileNetV2's modules, shared with its quantizable twin (nn/form.hpp).

namespace zoometer::mobilenet_v2 {

/// Blocks with the same width; the first of them has the stride.
struct Stage {
  std::int64_t expansion;
  std::int64_t channels;
  int depth;
  std::int64_t stride;
};

inline constexpr auto stages = std::to_array<Stage>({
    {1, 16, 1, 1},
    {6, 24, 2, 2},
    {6, 32, 3, 2},
    {6, 64, 4, 2},
    {6, 96, 3, 1},
    {6, 160, 3, 2},
    {6, 320, 1, 1},
});
inline constexpr std::int64_t stem_channels = 32;
inline constexpr std::int64_t last_channels = 1280;

/// Expand, filter each channel on its own, project back without activation; a shortcut between the
/// narrow ends where they agree. (N, in, H, W) -> (N, out, H / stride, W / stride).
template <class Form>
struct InvertedResidual : Module<InvertedResidual<Form>> {
  static constexpr auto kind =
      Form::quantizable ? "QuantizableInvertedResidual" : "InvertedResidual";
  using Module<InvertedResidual>::at;
  std::int64_t in, out, stride, expansion;
  Sequential conv = layers(at("conv"));
  typename Form::Join skip_add{at("skip_add")};

  Sequential layers(const Slot& slot) const {
    using Conv = Conv2dNormActivation<typename Form::ReLU6>;
    const std::int64_t hidden = in * expansion;
    Sequential sequence{slot};
    if (expansion != 1) sequence.add<Conv>(in, hidden, ConvNormOptions{.kernel = 1});
    sequence.add<Conv>(hidden, hidden, ConvNormOptions{.stride = stride, .groups = hidden});
    sequence.add<Conv2d>(hidden, out, ConvOptions{.kernel = 1, .bias = false});
    sequence.add<BatchNorm2d>(out);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    const Tensor y = conv(x);
    return stride == 1 && in == out ? skip_add.add(x, y) : y;
  }
};

/// (N, 3, H, W) -> (N, 1000).
template <class Form = FloatForm>
struct MobileNetV2 : Module<MobileNetV2<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableMobileNetV2" : "MobileNetV2";
  using Module<MobileNetV2>::at;
  Sequential features = layers(at("features"));
  Sequential classifier = classes(at("classifier"));
  typename Form::QuantStub quant{at("quant")};
  typename Form::DeQuantStub dequant{at("dequant")};

  static Sequential layers(const Slot& slot) {
    using Conv = Conv2dNormActivation<typename Form::ReLU6>;
    Sequential sequence{slot};
    sequence.add<Conv>(3, stem_channels, ConvNormOptions{.stride = 2});
    std::int64_t in = stem_channels;
    for (const Stage& stage : stages) {
      for (int i = 0; i < stage.depth; ++i) {
        sequence.add<InvertedResidual<Form>>(in, stage.channels, i == 0 ? stage.stride : 1,
                                             stage.expansion);
        in = stage.channels;
      }
    }
    sequence.add<Conv>(in, last_channels, ConvNormOptions{.kernel = 1});
    return sequence;
  }

  static Sequential classes(const Slot& slot) {
    Sequential sequence{slot};
    sequence.add<Dropout>();
    sequence.add<Linear>(last_channels, 1000);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    x = features(quant(x));
    x = adaptive_avg_pool(x, {{1, 1}});
    return dequant(classifier(flatten(x, 1)));
  }
};

}  // namespace zoometer::mobilenet_v2
