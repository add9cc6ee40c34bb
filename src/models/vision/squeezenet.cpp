// SqueezeNet (Iandola et al. 2016): fire modules squeeze the channels before the 3 x 3
// convolutions; version 1.1 pools earlier and costs less than half.
#include "zoometer/models/model.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace squeezenet {
namespace {

/// (N, in, H, W) -> (N, 2 expanded, H, W).
struct Fire : Module<Fire> {
  static constexpr auto kind = "Fire";
  std::int64_t in, squeezed, expanded;
  Conv2d squeeze{at("squeeze"), in, squeezed};
  ReLU squeeze_activation{at("squeeze_activation")};
  Conv2d expand1x1{at("expand1x1"), squeezed, expanded};
  ReLU expand1x1_activation{at("expand1x1_activation")};
  Conv2d expand3x3{at("expand3x3"), squeezed, expanded, {.kernel = 3, .padding = 1}};
  ReLU expand3x3_activation{at("expand3x3_activation")};

  Tensor forward(Tensor x) const {
    x = squeeze_activation(squeeze(x));
    const Tensor small = expand1x1_activation(expand1x1(x));
    const Tensor large = expand3x3_activation(expand3x3(x));
    return cat({small, large}, 1);
  }
};

constexpr PoolOptions halve{.kernel = 3, .stride = 2, .ceil_mode = true};

Sequential features_1_0(const Slot& slot) {
  Sequential features{slot};
  features.add<Conv2d>(3, 96, ConvOptions{.kernel = 7, .stride = 2});
  features.add<ReLU>();
  features.add<MaxPool2d>(halve);
  features.add<Fire>(96, 16, 64);
  features.add<Fire>(128, 16, 64);
  features.add<Fire>(128, 32, 128);
  features.add<MaxPool2d>(halve);
  features.add<Fire>(256, 32, 128);
  features.add<Fire>(256, 48, 192);
  features.add<Fire>(384, 48, 192);
  features.add<Fire>(384, 64, 256);
  features.add<MaxPool2d>(halve);
  features.add<Fire>(512, 64, 256);
  return features;
}

Sequential features_1_1(const Slot& slot) {
  Sequential features{slot};
  features.add<Conv2d>(3, 64, ConvOptions{.kernel = 3, .stride = 2});
  features.add<ReLU>();
  features.add<MaxPool2d>(halve);
  features.add<Fire>(64, 16, 64);
  features.add<Fire>(128, 16, 64);
  features.add<MaxPool2d>(halve);
  features.add<Fire>(128, 32, 128);
  features.add<Fire>(256, 32, 128);
  features.add<MaxPool2d>(halve);
  features.add<Fire>(256, 48, 192);
  features.add<Fire>(384, 48, 192);
  features.add<Fire>(384, 64, 256);
  features.add<Fire>(512, 64, 256);
  return features;
}

Sequential pooled_classes(const Slot& slot) {
  Sequential classifier{slot};
  classifier.add<Dropout>();
  classifier.add<Conv2d>(512, 1000);
  classifier.add<ReLU>();
  classifier.add<AdaptiveAvgPool2d>(1);
  return classifier;
}

struct SqueezeNet : Module<SqueezeNet> {
  static constexpr auto kind = "SqueezeNet";
  Sequential (*make_features)(const Slot& slot);
  Sequential features = make_features(at("features"));
  Sequential classifier = pooled_classes(at("classifier"));

  Tensor forward(Tensor x) const { return flatten(classifier(features(x)), 1); }
};

template <Sequential (*make_features)(const Slot&)>
void build(Trace& trace) {
  trace.run<SqueezeNet>(make_features);
}

constexpr Model squeezenets[] = {
    {"squeezenet1_0", image(224), 1'248'424, 818'924'576, build<features_1_0>},
    {"squeezenet1_1", image(224), 1'235'496, 349'151'936, build<features_1_1>},
};

}  // namespace
}  // namespace squeezenet

extern constinit const Family squeezenet_family = {
    "SqueezeNet",
    "Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model "
    "size, 2016",
    Task::classification, squeezenet::squeezenets};

}  // namespace zoometer
