// VGG (Simonyan and Zisserman 2014): stages of 3 x 3 convolutions, then three dense layers. The
// variants with batch normalisation are torchvision's addition.
#include "models/vision/vgg.hpp"

#include "models/parametrised.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace vgg {
namespace {

struct Config {
  vgg::Depths depths;
  bool batch_norm = false;
};

Sequential convolutions(const Slot& slot, const Config& config) {
  Sequential features{slot};
  for (std::size_t stage = 0; stage < config.depths.size(); ++stage) {
    vgg::add_stage(features, config.depths, stage, config.batch_norm);
    features.add<MaxPool2d>(PoolOptions{.kernel = 2});
  }
  return features;
}

Sequential dense_layers(const Slot& slot) {
  Sequential classifier{slot};
  classifier.add<Linear>(512 * 7 * 7, 4096);
  classifier.add<ReLU>();
  classifier.add<Dropout>();
  classifier.add<Linear>(4096, 4096);
  classifier.add<ReLU>();
  classifier.add<Dropout>();
  classifier.add<Linear>(4096, 1000);
  return classifier;
}

struct VGG : Module<VGG> {
  static constexpr auto kind = "VGG";
  Config config;
  Sequential features = convolutions(at("features"), config);
  AdaptiveAvgPool2d avgpool{at("avgpool"), 7};
  Sequential classifier = dense_layers(at("classifier"));

  Tensor forward(Tensor x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

template <Config config>
void build(Trace& trace) {
  trace.run<VGG>(config);
}

constexpr Model vggs[] = {
    {"vgg11", image(224), 132'863'336, 7'609'090'048, build<Config{vgg::depths11}>},
    {"vgg11_bn", image(224), 132'868'840, 7'609'090'048, build<Config{vgg::depths11, true}>},
    {"vgg13", image(224), 133'047'848, 11'308'466'176, build<Config{vgg::depths13}>},
    {"vgg13_bn", image(224), 133'053'736, 11'308'466'176, build<Config{vgg::depths13, true}>},
    {"vgg16", image(224), 138'357'544, 15'470'264'320, build<Config{vgg::depths16}>},
    {"vgg16_bn", image(224), 138'365'992, 15'470'264'320, build<Config{vgg::depths16, true}>},
    {"vgg19", image(224), 143'667'240, 19'632'062'464, build<Config{vgg::depths19}>},
    {"vgg19_bn", image(224), 143'678'248, 19'632'062'464, build<Config{vgg::depths19, true}>},
};

void build_with(Trace& trace, const FamilyValues& values) {
  trace.run<VGG>(Config{values.array<int, 5>("layers"), values.word("norm") == "batch"});
}

constexpr std::string_view norms[] = {"none", "batch"};
constexpr FamilyParameter parameters[] = {
    {"layers", FamilyParameter::Kind::integers, "[1, 1, 2, 2, 2]", "convolutions in each stage",
     1'000, 5},
    {"norm", FamilyParameter::Kind::word, "\"none\"", "what follows a convolution", 0, 0, norms},
};

}  // namespace
}  // namespace vgg

extern constinit const Parametrised vgg_parametrised = {"vgg", image(224), vgg::parameters,
                                                        vgg::build_with};
extern constinit const Family vgg_family = {
    "VGG",
    "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
    "2014",
    Task::classification, vgg::vggs};

}  // namespace zoometer
