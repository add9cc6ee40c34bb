#pragma once

#include <array>

#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/reduce.hpp"

// ShuffleNetV2's modules, shared with its quantizable twin (nn/form.hpp).

namespace zoometer::shufflenet_v2 {

/// Channels of the stem, of stage2 to stage4 and of the last convolution.
using Widths = std::array<std::int64_t, 5>;

inline constexpr Widths x0_5{24, 48, 96, 192, 1024};
inline constexpr Widths x1_0{24, 116, 232, 464, 1024};
inline constexpr Widths x1_5{24, 176, 352, 704, 1024};
inline constexpr Widths x2_0{24, 244, 488, 976, 2048};

inline constexpr std::array<int, 3> depths{4, 8, 4};

/// Deals the channels of `groups` groups out in turn, so that the next layer mixes the groups.
inline Tensor channel_shuffle(Tensor x, std::int64_t groups) {
  const std::int64_t batch = x.dim(0), channels = x.dim(1), height = x.dim(2), width = x.dim(3);
  x = reshape(x, {batch, groups, channels / groups, height, width});
  x = contiguous(transpose(x, 1, 2));
  return reshape(x, {batch, channels, height, width});
}

/// Appends a 1 x 1 convolution with its normalisation and activation.
template <class Form>
void add_pointwise(Sequential& layers, std::int64_t in, std::int64_t out) {
  layers.add<Conv2d>(in, out, ConvOptions{.kernel = 1, .bias = false});
  layers.add<BatchNorm2d>(out);
  layers.add<typename Form::ReLU>();
}

/// Appends a 3 x 3 convolution of each channel on its own, with its normalisation.
inline void add_depthwise(Sequential& layers, std::int64_t channels, std::int64_t stride) {
  layers.add<Conv2d>(
      channels, channels,
      ConvOptions{.kernel = 3, .stride = stride, .padding = 1, .groups = channels, .bias = false});
  layers.add<BatchNorm2d>(channels);
}

/// Two branches of half the channels. With a stride both see all of the input; without one the
/// first half of the input passes as it is. (N, in, H, W) -> (N, out, H / stride, W / stride).
template <class Form>
struct InvertedResidual : Module<InvertedResidual<Form>> {
  static constexpr auto kind =
      Form::quantizable ? "QuantizableInvertedResidual" : "InvertedResidual";
  using Module<InvertedResidual>::at;
  std::int64_t in, out, stride;
  std::int64_t half = out / 2;
  Sequential branch1 = short_branch(at("branch1"));
  Sequential branch2 = long_branch(at("branch2"));
  typename Form::Join join{at("cat")};

  Sequential short_branch(const Slot& slot) const {
    Sequential layers{slot};
    if (stride == 1) return layers;
    add_depthwise(layers, in, stride);
    add_pointwise<Form>(layers, in, half);
    return layers;
  }

  Sequential long_branch(const Slot& slot) const {
    Sequential layers{slot};
    add_pointwise<Form>(layers, stride == 1 ? half : in, half);
    add_depthwise(layers, half, stride);
    add_pointwise<Form>(layers, half, half);
    return layers;
  }

  Tensor forward(Tensor x) const {
    if (stride == 1) {
      const Chunks halves = chunk(x, 2, 1);
      return channel_shuffle(join.concatenate({halves[0], branch2(halves[1])}), 2);
    }
    const Tensor first = branch1(x);
    return channel_shuffle(join.concatenate({first, branch2(x)}), 2);
  }
};

/// (N, 3, H, W) -> (N, 1000).
template <class Form = FloatForm>
struct ShuffleNetV2 : Module<ShuffleNetV2<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableShuffleNetV2" : "ShuffleNetV2";
  using Module<ShuffleNetV2>::at;
  Widths widths;
  Sequential conv1 = stem(at("conv1"));
  MaxPool2d maxpool{at("maxpool"), {.kernel = 3, .stride = 2, .padding = 1}};
  Sequential stage2 = stage(at("stage2"), 0);
  Sequential stage3 = stage(at("stage3"), 1);
  Sequential stage4 = stage(at("stage4"), 2);
  Sequential conv5 = last_convolution(at("conv5"));
  Linear fc{at("fc"), widths[4], 1000};
  typename Form::QuantStub quant{at("quant")};
  typename Form::DeQuantStub dequant{at("dequant")};

  Sequential stem(const Slot& slot) const {
    Sequential layers{slot};
    layers.add<Conv2d>(3, widths[0],
                       ConvOptions{.kernel = 3, .stride = 2, .padding = 1, .bias = false});
    layers.add<BatchNorm2d>(widths[0]);
    layers.add<typename Form::ReLU>();
    return layers;
  }

  Sequential stage(const Slot& slot, std::size_t index) const {
    const std::int64_t in = widths[index], out = widths[index + 1];
    Sequential blocks{slot};
    blocks.add<InvertedResidual<Form>>(in, out, 2);
    for (int i = 1; i < depths[index]; ++i) blocks.add<InvertedResidual<Form>>(out, out, 1);
    return blocks;
  }

  Sequential last_convolution(const Slot& slot) const {
    Sequential layers{slot};
    add_pointwise<Form>(layers, widths[3], widths[4]);
    return layers;
  }

  Tensor forward(Tensor x) const {
    x = maxpool(conv1(quant(x)));
    x = conv5(stage4(stage3(stage2(x))));
    return dequant(fc(mean(x, {2, 3})));
  }
};

}  // namespace zoometer::shufflenet_v2
