// DeepLabV3 (Chen et al. 2017): parallel convolutions of growing dilation over the backbone's map,
// which see objects at several scales.
#include "models/vision/mobilenet_v3.hpp"
#include "models/vision/segmentation.hpp"

namespace zoometer {
namespace deeplabv3 {
namespace {

using namespace segmentation;

constexpr std::int64_t width = 256;

Sequential conv_norm_relu(const Slot& slot, std::int64_t in) {
  Sequential layers{slot};
  layers.add<Conv2d>(in, width, ConvOptions{.kernel = 1, .bias = false});
  layers.add<BatchNorm2d>(width);
  layers.add<ReLU>(false);
  return layers;
}

struct AsppConv : SequentialOf<AsppConv> {
  static constexpr auto kind = "ASPPConv";
  AsppConv(const Slot& slot, std::int64_t in, std::int64_t dilation) : SequentialOf(slot) {
    add<Conv2d>(in, width,
                ConvOptions{.kernel = 3, .padding = dilation, .dilation = dilation, .bias = false});
    add<BatchNorm2d>(width);
    add<ReLU>(false);
  }
};

/// The whole image's mean at every position.
struct AsppPooling : SequentialOf<AsppPooling> {
  static constexpr auto kind = "ASPPPooling";
  AsppPooling(const Slot& slot, std::int64_t in) : SequentialOf(slot) {
    add<AdaptiveAvgPool2d>(1);
    add<Conv2d>(in, width, ConvOptions{.kernel = 1, .bias = false});
    add<BatchNorm2d>(width);
    add<ReLU>(false);
  }
  Tensor forward(Tensor x) const { return resize_to(SequentialOf::forward(x), x); }
};

struct AsppBranches : Module<AsppBranches> {
  static constexpr auto kind = "ModuleList";
  std::int64_t in;
  Sequential pointwise = conv_norm_relu(at("0"), in);
  AsppConv near{at("1"), in, 12};
  AsppConv middle{at("2"), in, 24};
  AsppConv far{at("3"), in, 36};
  AsppPooling whole{at("4"), in};
};

/// Atrous spatial pyramid pooling.
struct Aspp : Module<Aspp> {
  static constexpr auto kind = "ASPP";
  std::int64_t in;
  AsppBranches convs{at("convs"), in};
  Sequential project = projection(at("project"));

  static Sequential projection(const Slot& slot) {
    Sequential layers = conv_norm_relu(slot, 5 * width);
    layers.add<Dropout>();
    return layers;
  }

  Tensor forward(Tensor x) const {
    return project(
        cat({convs.pointwise(x), convs.near(x), convs.middle(x), convs.far(x), convs.whole(x)}, 1));
  }
};

struct Head : SequentialOf<Head> {
  static constexpr auto kind = "DeepLabHead";
  static constexpr auto model_kind = "DeepLabV3";
  Head(const Slot& slot, std::int64_t in) : SequentialOf(slot) {
    add<Aspp>(in);
    add<Conv2d>(width, width, ConvOptions{.kernel = 3, .padding = 1, .bias = false});
    add<BatchNorm2d>(width);
    add<ReLU>(false);
    add<Conv2d>(width, classes);
  }
};

void build_mobilenet(Trace& trace) {
  const auto layers = mobilenet_v3::large({.dilated = true});
  run<mobilenet_v3::Backbone<>, Head>(trace, {layers, trace.published() ? Ints{4, 16} : Ints{16}});
}

constexpr Model deeplabs[] = {
    {"deeplabv3_resnet50", image(520), 42'004'074, 178'721'945'088,
     build_resnet<Head, resnet::depth50>},
    {"deeplabv3_resnet101", image(520), 60'996'202, 258'743'039'488,
     build_resnet<Head, resnet::depth101>},
    {"deeplabv3_mobilenet_v3_large", image(520), 11'029'328, 10'452'447'938, build_mobilenet},
};

}  // namespace
}  // namespace deeplabv3

extern constinit const Family deeplabv3_family = {
    "DeepLabV3", "Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017",
    Task::segmentation, deeplabv3::deeplabs};

}  // namespace zoometer
