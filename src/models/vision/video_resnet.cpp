// Three ways to bring ResNet to video (Tran et al. 2018): convolutions over space and time (R3D),
// over time in the first layers only (MC3), and over space and time one after the other (R(2+1)D).
#include "zoometer/models/model.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace video_resnet {
namespace {

/// The channels of one block's two convolutions.
struct Channels {
  std::int64_t in;
  std::int64_t out;
  /// Between space and time: as many parameters as a convolution over both would have.
  std::int64_t middle = (in * out * 3 * 3 * 3) / (in * 3 * 3 + 3 * out);
};

/// 3 x 3 x 3.
struct Conv3DSimple : ConvNd<Conv3DSimple, 3> {
  static constexpr auto kind = "Conv3DSimple";
  static constexpr bool strides_in_time = true;
  Conv3DSimple(const Slot& slot, const Channels& channels, std::int64_t stride)
      : ConvNd(slot, channels.in, channels.out,
               {.kernel = 3, .stride = stride, .padding = 1, .bias = false}) {}
};

/// 1 x 3 x 3: each frame on its own.
struct Conv3DNoTemporal : ConvNd<Conv3DNoTemporal, 3> {
  static constexpr auto kind = "Conv3DNoTemporal";
  static constexpr bool strides_in_time = false;
  Conv3DNoTemporal(const Slot& slot, const Channels& channels, std::int64_t stride)
      : ConvNd(slot, channels.in, channels.out,
               {.kernel = {1, 3, 3},
                .stride = {1, stride, stride},
                .padding = {0, 1, 1},
                .bias = false}) {}
};

/// 1 x 3 x 3, then 3 x 1 x 1.
struct Conv2Plus1D : SequentialOf<Conv2Plus1D> {
  static constexpr auto kind = "Conv2Plus1D";
  static constexpr bool strides_in_time = true;
  Conv2Plus1D(const Slot& slot, const Channels& channels, std::int64_t stride)
      : SequentialOf(slot) {
    add<Conv3d>(channels.in, channels.middle,
                ConvOptions{.kernel = {1, 3, 3},
                            .stride = {1, stride, stride},
                            .padding = {0, 1, 1},
                            .bias = false});
    add<BatchNorm3d>(channels.middle);
    add<ReLU>();
    add<Conv3d>(
        channels.middle, channels.out,
        ConvOptions{
            .kernel = {3, 1, 1}, .stride = {stride, 1, 1}, .padding = {1, 0, 0}, .bias = false});
  }
};

template <class Conv>
Sequential conv_norm(const Slot& slot, const Channels& channels, std::int64_t stride,
                     bool activated) {
  Sequential layers{slot};
  layers.add<Conv>(channels, stride);
  layers.add<BatchNorm3d>(channels.out);
  if (activated) layers.add<ReLU>();
  return layers;
}

/// The shortcut's projection; left out where the shapes already agree.
template <class Conv>
Sequential projection(const Slot& slot, const Channels& channels, std::int64_t stride) {
  if (stride == 1 && channels.in == channels.out) return {};
  const std::int64_t in_time = Conv::strides_in_time ? stride : 1;
  Sequential shortcut{slot};
  shortcut.add<Conv3d>(
      channels.in, channels.out,
      ConvOptions{.kernel = 1, .stride = {in_time, stride, stride}, .bias = false});
  shortcut.add<BatchNorm3d>(channels.out);
  return shortcut;
}

template <class Conv>
struct BasicBlock : Module<BasicBlock<Conv>> {
  static constexpr auto kind = "BasicBlock";
  using Module<BasicBlock>::at;
  Channels c;
  std::int64_t stride;
  Sequential conv1 = conv_norm<Conv>(at("conv1"), c, stride, true);
  Sequential conv2 = conv_norm<Conv>(at("conv2"), {c.out, c.out, c.middle}, 1, false);
  ReLU relu{at("relu")};
  Sequential downsample = projection<Conv>(at("downsample"), c, stride);

  Tensor forward(Tensor x) const {
    const Tensor y = conv2(conv1(x));
    return relu(add_(y, downsample(x)));
  }
};

struct BasicStem : SequentialOf<BasicStem> {
  static constexpr auto kind = "BasicStem";
  BasicStem(const Slot& slot) : SequentialOf(slot) {
    add<Conv3d>(
        3, 64,
        ConvOptions{.kernel = {3, 7, 7}, .stride = {1, 2, 2}, .padding = {1, 3, 3}, .bias = false});
    add<BatchNorm3d>(64);
    add<ReLU>();
  }
};

struct R2Plus1dStem : SequentialOf<R2Plus1dStem> {
  static constexpr auto kind = "R2Plus1dStem";
  R2Plus1dStem(const Slot& slot) : SequentialOf(slot) {
    constexpr std::int64_t middle = 45;
    add<Conv3d>(
        3, middle,
        ConvOptions{.kernel = {1, 7, 7}, .stride = {1, 2, 2}, .padding = {0, 3, 3}, .bias = false});
    add<BatchNorm3d>(middle);
    add<ReLU>();
    add<Conv3d>(middle, 64, ConvOptions{.kernel = {3, 1, 1}, .padding = {1, 0, 0}, .bias = false});
    add<BatchNorm3d>(64);
    add<ReLU>();
  }
};

/// Two blocks, of which the first strides and changes the channels.
template <class Conv>
Sequential layer(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t stride) {
  Sequential blocks{slot};
  blocks.add<BasicBlock<Conv>>(Channels{in, out}, stride);
  blocks.add<BasicBlock<Conv>>(Channels{out, out}, 1);
  return blocks;
}

template <class Stem, class FirstConv, class Conv>
struct VideoResNet : Module<VideoResNet<Stem, FirstConv, Conv>> {
  static constexpr auto kind = "VideoResNet";
  using Module<VideoResNet>::at;
  Stem stem{at("stem")};
  Sequential layer1 = layer<FirstConv>(at("layer1"), 64, 64, 1);
  Sequential layer2 = layer<Conv>(at("layer2"), 64, 128, 2);
  Sequential layer3 = layer<Conv>(at("layer3"), 128, 256, 2);
  Sequential layer4 = layer<Conv>(at("layer4"), 256, 512, 2);
  AdaptiveAvgPool3d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 512, 400};

  Tensor forward(Tensor x) const {
    x = layer4(layer3(layer2(layer1(stem(x)))));
    return fc(flatten(avgpool(x)));
  }
};

template <class Stem, class FirstConv, class Conv>
void build(Trace& trace) {
  trace.run<VideoResNet<Stem, FirstConv, Conv>>();
}

constexpr Model models[] = {
    {"r3d_18", clip(16, 112), 33'371'472, 40'696'553'472,
     build<BasicStem, Conv3DSimple, Conv3DSimple>},
    {"mc3_18", clip(16, 112), 11'695'440, 43'342'635'008,
     build<BasicStem, Conv3DSimple, Conv3DNoTemporal>},
    {"r2plus1d_18", clip(16, 112), 31'505'325, 40'519'080'960,
     build<R2Plus1dStem, Conv2Plus1D, Conv2Plus1D>},
};

}  // namespace
}  // namespace video_resnet

extern constinit const Family video_resnet_family = {
    "VideoResNet",
    "Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, 2018",
    Task::video, video_resnet::models};

}  // namespace zoometer
