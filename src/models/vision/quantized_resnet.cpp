// ResNet and ResNeXt between quantization stubs.
#include "models/vision/resnet.hpp"
#include "nn/quantizable.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace quantized_resnet {
namespace {

using namespace resnet;

struct QuantizableBasicBlock : Module<QuantizableBasicBlock> {
  static constexpr auto kind = "QuantizableBasicBlock";
  static constexpr std::int64_t expansion = 1;
  using Norm = BatchNorm2d;
  using Act = QuantizableReLU;
  Block b;
  Conv2d conv1 = conv3x3(at("conv1"), b.in, b.planes, {.stride = b.stride});
  BatchNorm2d bn1{at("bn1"), b.planes};
  QuantizableReLU relu{at("relu")};
  Conv2d conv2 = conv3x3(at("conv2"), b.planes, b.planes);
  BatchNorm2d bn2{at("bn2"), b.planes};
  Sequential downsample = projection<BatchNorm2d>(at("downsample"), b, b.planes);
  FloatFunctional add_relu{at("add_relu")};

  Tensor forward(Tensor x) const {
    Tensor y = relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return add_relu.add_relu(y, downsample(x));
  }
};

/// `relu` is inherited from the plain block and never called: a ReLU that is folded needs a module
/// of its own.
struct QuantizableBottleneck : Module<QuantizableBottleneck> {
  static constexpr auto kind = "QuantizableBottleneck";
  static constexpr std::int64_t expansion = 4;
  using Norm = BatchNorm2d;
  using Act = QuantizableReLU;
  Block b;
  std::int64_t width = b.planes * b.width_per_group / 64 * b.groups;
  std::int64_t out = b.planes * expansion;
  Conv2d conv1 = conv1x1(at("conv1"), b.in, width);
  BatchNorm2d bn1{at("bn1"), width};
  Conv2d conv2 = conv3x3(at("conv2"), width, width, {.stride = b.stride, .groups = b.groups});
  BatchNorm2d bn2{at("bn2"), width};
  Conv2d conv3 = conv1x1(at("conv3"), width, out);
  BatchNorm2d bn3{at("bn3"), out};
  QuantizableReLU relu{at("relu")};
  Sequential downsample = projection<BatchNorm2d>(at("downsample"), b, out);
  FloatFunctional skip_add_relu{at("skip_add_relu")};
  QuantizableReLU relu1{at("relu1")};
  QuantizableReLU relu2{at("relu2")};

  Tensor forward(Tensor x) const {
    Tensor y = relu1(bn1(conv1(x)));
    y = relu2(bn2(conv2(y)));
    y = bn3(conv3(y));
    return skip_add_relu.add_relu(y, downsample(x));
  }
};

template <class BlockType>
struct QuantizableResNet : Module<QuantizableResNet<BlockType>> {
  static constexpr auto kind = "QuantizableResNet";
  using Module<QuantizableResNet>::at;
  Config config;
  Layers<BlockType> layers{*this, config};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 512 * BlockType::expansion, 1000};
  QuantStub quant{at("quant")};
  DeQuantStub dequant{at("dequant")};

  Tensor forward(Tensor x) const {
    x = avgpool(layers(quant(x)).back());
    return dequant(fc(flatten(x, 1)));
  }
};

template <class BlockType, Config config>
void build(Trace& trace) {
  trace.run<QuantizableResNet<BlockType>>(config);
}

constexpr Model resnets[] = {
    {"quantized_resnet18", image(224), 11'689'512, 1'814'073'344,
     build<QuantizableBasicBlock, depth18>},
    {"quantized_resnet50", image(224), 25'557'032, 4'089'184'256,
     build<QuantizableBottleneck, depth50>},
};

constexpr Model resnexts[] = {
    {"quantized_resnext101_32x8d", image(224), 88'791'336, 16'414'015'488,
     build<QuantizableBottleneck, Config{{3, 4, 23, 3}, 32, 8}>},
    {"quantized_resnext101_64x4d", image(224), 83'455'272, 15'460'270'080,
     build<QuantizableBottleneck, Config{{3, 4, 23, 3}, 64, 4}>},
};

}  // namespace
}  // namespace quantized_resnet

extern constinit const Family quantized_resnet_family = {
    "QuantizedResNet", "He et al., Deep Residual Learning for Image Recognition, 2015",
    Task::quantization, quantized_resnet::resnets};
extern constinit const Family quantized_resnext_family = {
    "QuantizedResNeXt",
    "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, 2016",
    Task::quantization, quantized_resnet::resnexts};

}  // namespace zoometer
