// ResNet (He et al. 2015), in the v1.5 form that strides in the 3 x 3 convolution; ResNeXt
// (Xie et al. 2016) and Wide ResNet (Zagoruyko and Komodakis 2016) are the same with groups or
// width.
#include <array>

#include "models/model.hpp"
#include "nn/blocks.hpp"

namespace zoometer {
namespace {

struct Block {
  std::int64_t in;
  std::int64_t planes;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
};

Conv2d conv3x3(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t stride = 1,
               std::int64_t groups = 1) {
  return {slot,
          in,
          out,
          {.kernel = 3, .stride = stride, .padding = 1, .groups = groups, .bias = false}};
}

Conv2d conv1x1(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return {slot, in, out, {.kernel = 1, .stride = stride, .bias = false}};
}

/// The shortcut's projection; left out where the shapes already agree.
Sequential projection(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t stride) {
  if (stride == 1 && in == out) return {};
  Sequential shortcut{slot};
  shortcut.add<Conv2d>(in, out, ConvOptions{.kernel = 1, .stride = stride, .bias = false});
  shortcut.add<BatchNorm2d>(out);
  return shortcut;
}

struct BasicBlock : Module<BasicBlock> {
  static constexpr auto kind = "BasicBlock";
  static constexpr std::int64_t expansion = 1;
  Block b;
  Conv2d conv1 = conv3x3(at("conv1"), b.in, b.planes, b.stride);
  BatchNorm2d bn1{at("bn1"), b.planes};
  ReLU relu{at("relu")};
  Conv2d conv2 = conv3x3(at("conv2"), b.planes, b.planes);
  BatchNorm2d bn2{at("bn2"), b.planes};
  Sequential downsample = projection(at("downsample"), b.in, b.planes, b.stride);

  Tensor forward(Tensor x) const {
    Tensor y = relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return relu(add_(y, downsample(x)));
  }
};

struct Bottleneck : Module<Bottleneck> {
  static constexpr auto kind = "Bottleneck";
  static constexpr std::int64_t expansion = 4;
  Block b;
  std::int64_t width = b.planes * b.width_per_group / 64 * b.groups;
  std::int64_t out = b.planes * expansion;
  Conv2d conv1 = conv1x1(at("conv1"), b.in, width);
  BatchNorm2d bn1{at("bn1"), width};
  Conv2d conv2 = conv3x3(at("conv2"), width, width, b.stride, b.groups);
  BatchNorm2d bn2{at("bn2"), width};
  Conv2d conv3 = conv1x1(at("conv3"), width, out);
  BatchNorm2d bn3{at("bn3"), out};
  ReLU relu{at("relu")};
  Sequential downsample = projection(at("downsample"), b.in, out, b.stride);

  Tensor forward(Tensor x) const {
    Tensor y = relu(bn1(conv1(x)));
    y = relu(bn2(conv2(y)));
    y = bn3(conv3(y));
    return relu(add_(y, downsample(x)));
  }
};

struct Config {
  std::array<int, 4> depths;
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
};

/// `depth` blocks of `planes` channels, the first of them with the stride and the projection.
template <class BlockType>
Sequential stage(const Slot& slot, Block first, int depth) {
  Sequential blocks{slot};
  blocks.add<BlockType>(first);
  Block next = first;
  next.in = first.planes * BlockType::expansion;
  next.stride = 1;
  for (int i = 1; i < depth; ++i) blocks.add<BlockType>(next);
  return blocks;
}

template <class BlockType>
struct ResNet : Module<ResNet<BlockType>> {
  static constexpr auto kind = "ResNet";
  using Module<ResNet>::at;
  Config config;
  Conv2d conv1{at("conv1"), 3, 64, {.kernel = 7, .stride = 2, .padding = 3, .bias = false}};
  BatchNorm2d bn1{at("bn1"), 64};
  ReLU relu{at("relu")};
  MaxPool2d maxpool{at("maxpool"), {.kernel = 3, .stride = 2, .padding = 1}};
  Sequential layer1 = layer(at("layer1"), 64, 64, 0);
  Sequential layer2 = layer(at("layer2"), 64 * BlockType::expansion, 128, 1);
  Sequential layer3 = layer(at("layer3"), 128 * BlockType::expansion, 256, 2);
  Sequential layer4 = layer(at("layer4"), 256 * BlockType::expansion, 512, 3);
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 512 * BlockType::expansion, 1000};

  Sequential layer(const Slot& slot, std::int64_t in, std::int64_t planes,
                   std::size_t index) const {
    const Block first{in, planes, index == 0 ? 1 : 2, config.groups, config.width_per_group};
    return stage<BlockType>(slot, first, config.depths[index]);
  }

  Tensor forward(Tensor x) const {
    x = maxpool(relu(bn1(conv1(x))));
    x = layer4(layer3(layer2(layer1(x))));
    return fc(flatten(avgpool(x), 1));
  }
};

template <class BlockType, Config config>
void build(Trace& trace) {
  trace.run<ResNet<BlockType>>(config);
}

constexpr Config depth18{{2, 2, 2, 2}};
constexpr Config depth34{{3, 4, 6, 3}};
constexpr Config depth50{{3, 4, 6, 3}};
constexpr Config depth101{{3, 4, 23, 3}};
constexpr Config depth152{{3, 8, 36, 3}};

constexpr Model resnets[] = {
    {"resnet18", image(224), 11'689'512, 1'814'073'344, build<BasicBlock, depth18>},
    {"resnet34", image(224), 21'797'672, 3'663'761'408, build<BasicBlock, depth34>},
    {"resnet50", image(224), 25'557'032, 4'089'184'256, build<Bottleneck, depth50>},
    {"resnet101", image(224), 44'549'160, 7'801'405'440, build<Bottleneck, depth101>},
    {"resnet152", image(224), 60'192'808, 11'513'626'624, build<Bottleneck, depth152>},
};

constexpr Model resnexts[] = {
    {"resnext50_32x4d", image(224), 25'028'904, 4'230'479'872,
     build<Bottleneck, Config{{3, 4, 6, 3}, 32, 4}>},
    {"resnext101_32x8d", image(224), 88'791'336, 16'414'015'488,
     build<Bottleneck, Config{{3, 4, 23, 3}, 32, 8}>},
    {"resnext101_64x4d", image(224), 83'455'272, 15'460'270'080,
     build<Bottleneck, Config{{3, 4, 23, 3}, 64, 4}>},
};

constexpr Model wide_resnets[] = {
    {"wide_resnet50_2", image(224), 68'883'240, 11'398'021'120,
     build<Bottleneck, Config{{3, 4, 6, 3}, 1, 128}>},
    {"wide_resnet101_2", image(224), 126'886'696, 22'753'050'624,
     build<Bottleneck, Config{{3, 4, 23, 3}, 1, 128}>},
};

}  // namespace

extern constinit const Family resnet_family = {
    "ResNet", "He et al., Deep Residual Learning for Image Recognition, 2015", Task::classification,
    resnets};
extern constinit const Family resnext_family = {
    "ResNeXt", "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, 2016",
    Task::classification, resnexts};
extern constinit const Family wide_resnet_family = {
    "WideResNet", "Zagoruyko and Komodakis, Wide Residual Networks, 2016", Task::classification,
    wide_resnets};

}  // namespace zoometer
