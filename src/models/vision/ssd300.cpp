// SSD300 (Liu et al. 2016) over VGG-16.
#include "models/vision/ssd.hpp"
#include "models/vision/vgg.hpp"

namespace zoometer {
namespace ssd300 {
namespace {

using namespace ssd;

/// VGG-16 up to its fourth stage; the third pooling rounds up.
Sequential vgg_features(const Slot& slot) {
  Sequential layers{slot};
  for (std::size_t stage = 0; stage < 4; ++stage) {
    if (stage > 0) layers.add<MaxPool2d>(PoolOptions{.kernel = 2, .ceil_mode = stage == 3});
    vgg::add_stage(layers, vgg::depths16, stage);
  }
  return layers;
}

/// What replaces VGG's first two dense layers.
struct DenseAsConvolutions : SequentialOf<DenseAsConvolutions> {
  static constexpr auto kind = "Sequential";
  explicit DenseAsConvolutions(const Slot& slot) : SequentialOf(slot) {
    add<MaxPool2d>(PoolOptions{.kernel = 3, .stride = 1, .padding = 1});
    add<Conv2d>(512, 1024, ConvOptions{.kernel = 3, .padding = 6, .dilation = 6});
    add<ReLU>();
    add<Conv2d>(1024, 1024);
    add<ReLU>();
  }
};

struct Narrowing {
  std::int64_t in, middle, out;
  std::int64_t stride, padding;
};

/// The modules that make one coarser map each.
struct ExtraLayers : Module<ExtraLayers> {
  static constexpr auto kind = "ModuleList";
  std::array<Sequential, 5> blocks{last_stage(at("0")), narrowing(at("1"), {1024, 256, 512, 2, 1}),
                                   narrowing(at("2"), {512, 128, 256, 2, 1}),
                                   narrowing(at("3"), {256, 128, 256, 1, 0}),
                                   narrowing(at("4"), {256, 128, 256, 1, 0})};

  static Sequential last_stage(const Slot& slot) {
    Sequential layers{slot};
    layers.add<MaxPool2d>(PoolOptions{.kernel = 2});
    vgg::add_stage(layers, vgg::depths16, 4);
    layers.add<DenseAsConvolutions>();
    return layers;
  }

  static Sequential narrowing(const Slot& slot, const Narrowing& n) {
    Sequential layers{slot};
    layers.add<Conv2d>(n.in, n.middle);
    layers.add<ReLU>();
    layers.add<Conv2d>(n.middle, n.out,
                       ConvOptions{.kernel = 3, .stride = n.stride, .padding = n.padding});
    layers.add<ReLU>();
    return layers;
  }
};

struct VggExtractor : Module<VggExtractor> {
  static constexpr auto kind = "SSDFeatureExtractorVGG";
  Tensor scale_weight = parameter("scale_weight", {512});
  Sequential features = vgg_features(at("features"));
  ExtraLayers extra{at("extra")};

  Features forward(Tensor x) const {
    x = features(x);
    const Tensor length = binary(maximum_op, reduce(norm_op, x, {1}, true), 1e-12);
    Features maps{reshape(scale_weight, {1, -1, 1, 1}) * (x / length)};
    for (const Sequential& block : extra.blocks) {
      x = block(x);
      maps.push_back(x);
    }
    return maps;
  }
};

struct ConvPredictor : Conv2d {
  ConvPredictor(const Slot& slot, std::int64_t in, std::int64_t out)
      : Conv2d(slot, in, out, {.kernel = 3, .padding = 1}) {}
};

struct Ssd300 {
  static constexpr auto head_kind = "SSDHead";
  static constexpr auto classification_kind = "SSDClassificationHead";
  static constexpr auto regression_kind = "SSDRegressionHead";
  using Backbone = VggExtractor;
  using Predictor = ConvPredictor;
};

void build(Trace& trace) {
  constexpr double step_of_value = 1.0 / 255;
  Config config;
  config.transform = {.fixed_size = 300,
                      .multiple = 1,
                      .mean = {0.48235, 0.45882, 0.40784},
                      .std = {step_of_value, step_of_value, step_of_value}};
  config.channels = {512, 1024, 512, 256, 256, 256};
  config.boxes = {{{0.07, 0.15, 8, {2}},
                   {0.15, 0.33, 16, {2, 3}},
                   {0.33, 0.51, 32, {2, 3}},
                   {0.51, 0.69, 64, {2, 3}},
                   {0.69, 0.87, 100, {2}},
                   {0.87, 1.05, 300, {2}}}};
  config.threshold = 0.01;
  config.nms_threshold = 0.45;
  config.candidates = 400;
  config.detections = 200;
  run<Ssd300>(trace, config);
}

constexpr Model ssds[] = {
    {"ssd300_vgg16", images(300), 35'641'826, 34'858'153'472, build},
};

}  // namespace
}  // namespace ssd300

extern constinit const Family ssd_family = {
    "SSD", "Liu et al., SSD: Single Shot MultiBox Detector, 2016", Task::detection, ssd300::ssds};

}  // namespace zoometer
