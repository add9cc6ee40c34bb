// LR-ASPP (Howard et al. 2019): a light head for MobileNetV3, which weighs a coarse map by the
// whole image and adds the scores of a finer one.
#include "models/vision/mobilenet_v3.hpp"
#include "models/vision/segmentation.hpp"

namespace zoometer {
namespace lraspp {
namespace {

using segmentation::classes;
using segmentation::resize_to;

constexpr std::int64_t width = 128;

Sequential conv_norm_relu(const Slot& slot, std::int64_t in) {
  Sequential layers{slot};
  layers.add<Conv2d>(in, width, ConvOptions{.bias = false});
  layers.add<BatchNorm2d>(width);
  layers.add<ReLU>();
  return layers;
}

Sequential image_weights(const Slot& slot, std::int64_t in) {
  Sequential layers{slot};
  layers.add<AdaptiveAvgPool2d>(1);
  layers.add<Conv2d>(in, width, ConvOptions{.bias = false});
  layers.add<Sigmoid>();
  return layers;
}

struct Head : Module<Head> {
  static constexpr auto kind = "LRASPPHead";
  std::int64_t low_channels, high_channels;
  Sequential cbr = conv_norm_relu(at("cbr"), high_channels);
  Sequential scale = image_weights(at("scale"), high_channels);
  Conv2d low_classifier{at("low_classifier"), low_channels, classes};
  Conv2d high_classifier{at("high_classifier"), width, classes};

  Tensor forward(Tensor low, Tensor high) const {
    const Tensor x = resize_to(cbr(high) * scale(high), low);
    return low_classifier(low) + high_classifier(x);
  }
};

/// images (N, 3, H, W) -> scores (N, classes, H, W).
struct LRASPP : Module<LRASPP> {
  static constexpr auto kind = "LRASPP";
  mobilenet_v3::Backbone<>::Config config;
  mobilenet_v3::Backbone<> backbone{at("backbone"), config};
  Head classifier{at("classifier"), config.channels(config.returned[0]),
                  config.channels(config.returned[1])};

  Tensor forward(Tensor image) const {
    const Features maps = backbone(image);
    return resize_to(classifier(maps.front(), maps.back()), image);
  }
};

void build(Trace& trace) {
  const auto layers = mobilenet_v3::large({.dilated = true});
  const LRASPP net{trace.root(), {layers, {4, 16}}};
  trace.output(net(trace.input()), "out");
}

constexpr InputSpec input{"input", {1, 3, 520, 520}};

constexpr Model lraspps[] = {
    {"lraspp_mobilenet_v3_large", input, 3'221'538, 2'086'219'688, build},
};

}  // namespace
}  // namespace lraspp

extern constinit const Family lraspp_family = {"LRASPP",
                                               "Howard et al., Searching for MobileNetV3, 2019",
                                               Task::segmentation, lraspp::lraspps};

}  // namespace zoometer
