// SSDlite (Sandler et al. 2018) over MobileNetV3 with a reduced tail (Howard et al. 2019).
#include "models/vision/mobilenet_v3.hpp"
#include "models/vision/ssd.hpp"

namespace zoometer {
namespace ssdlite {
namespace {

using namespace ssd;

constexpr double norm_eps = 1e-3;
constexpr std::size_t split_block = 12;  // the first block of the last stage

using ConvReLU6 = Conv2dNormActivation<ReLU6>;

/// A block without its expansion, which is the last layer of the sequence before it. Its layers
/// keep their names: "1", "2", "3".
struct AfterExpansion : SequentialOf<AfterExpansion> {
  static constexpr auto kind = "Sequential";
  AfterExpansion(const Slot& slot, const mobilenet_v3::Block& block) : SequentialOf(slot) {
    mobilenet_v3::add_after_expansion<BatchNorm2d>(*this, block);
  }
  template <class Child, class... Args>
  Child& add(Args&&... args) {
    return add_named<Child>(std::to_string(size() + 1), std::forward<Args>(args)...);
  }
};

/// MobileNetV3's features, split inside a block: the finest map is the result of its expansion.
struct SplitFeatures : Module<SplitFeatures> {
  static constexpr auto kind = "Sequential";
  mobilenet_v3::Config config;
  Sequential fine = until_expansion(at("0"));
  Sequential coarse = from_depthwise(at("1"));

  Sequential until_expansion(const Slot& slot) const {
    Sequential layers{slot};
    mobilenet_v3::add_stem<BatchNorm2d>(layers, config);
    for (const auto& block : config.blocks().first(split_block)) {
      layers.add<mobilenet_v3::InvertedResidual<>>(block);
    }
    mobilenet_v3::add_expansion<BatchNorm2d>(layers, config.blocks()[split_block]);
    return layers;
  }

  Sequential from_depthwise(const Slot& slot) const {
    Sequential layers{slot};
    layers.add<AfterExpansion>(config.blocks()[split_block]);
    for (const auto& block : config.blocks().subspan(split_block + 1)) {
      layers.add<mobilenet_v3::InvertedResidual<>>(block);
    }
    mobilenet_v3::add_last_convolution<BatchNorm2d>(layers, config);
    return layers;
  }
};

/// Halves the map: (N, in, H, W) -> (N, out, H / 2, W / 2).
struct ExtraBlock : SequentialOf<ExtraBlock> {
  static constexpr auto kind = "Sequential";
  ExtraBlock(const Slot& slot, std::int64_t in, std::int64_t out) : SequentialOf(slot) {
    const std::int64_t middle = out / 2;
    add<ConvReLU6>(in, middle, ConvNormOptions{.kernel = 1, .eps = norm_eps});
    add<ConvReLU6>(middle, middle, ConvNormOptions{.stride = 2, .groups = middle, .eps = norm_eps});
    add<ConvReLU6>(middle, out, ConvNormOptions{.kernel = 1, .eps = norm_eps});
  }
};

struct MobileNetExtractor : Module<MobileNetExtractor> {
  static constexpr auto kind = "SSDLiteFeatureExtractorMobileNet";
  SplitFeatures features{at("features"), mobilenet_v3::large({.reduced_tail = true})};
  ModuleList<ExtraBlock> extra{at("extra")};

  explicit MobileNetExtractor(const Slot& slot) : Module(slot) {
    std::int64_t in = features.config.feature_channels();
    for (const std::int64_t out : {512, 256, 256, 128}) {
      extra.add(in, out);
      in = out;
    }
  }

  Features forward(Tensor x) const {
    x = features.fine(x);
    Features maps{x};
    x = features.coarse(x);
    maps.push_back(x);
    for (std::size_t i = 0; i < extra.size(); ++i) {
      x = extra[i](x);
      maps.push_back(x);
    }
    return maps;
  }
};

struct SeparablePredictor : SequentialOf<SeparablePredictor> {
  static constexpr auto kind = "Sequential";
  SeparablePredictor(const Slot& slot, std::int64_t in, std::int64_t out) : SequentialOf(slot) {
    add<ConvReLU6>(in, in, ConvNormOptions{.groups = in, .eps = norm_eps});
    add<Conv2d>(in, out);
  }
};

struct SsdLite {
  static constexpr auto head_kind = "SSDLiteHead";
  static constexpr auto classification_kind = "SSDLiteClassificationHead";
  static constexpr auto regression_kind = "SSDLiteRegressionHead";
  using Backbone = MobileNetExtractor;
  using Predictor = SeparablePredictor;
};

void build(Trace& trace) {
  Config config;
  config.transform = {
      .fixed_size = 320, .multiple = 1, .mean = {0.5, 0.5, 0.5}, .std = {0.5, 0.5, 0.5}};
  config.channels = {672, 480, 512, 256, 256, 128};
  config.boxes = {{{0.2, 0.35, 0, {2, 3}},
                   {0.35, 0.5, 0, {2, 3}},
                   {0.5, 0.65, 0, {2, 3}},
                   {0.65, 0.8, 0, {2, 3}},
                   {0.8, 0.95, 0, {2, 3}},
                   {0.95, 1, 0, {2, 3}}}};
  config.threshold = 0.001;
  config.nms_threshold = 0.55;
  config.candidates = 300;
  config.detections = 300;
  run<SsdLite>(trace, config);
}

constexpr Model ssdlites[] = {
    {"ssdlite320_mobilenet_v3_large", images(320), 3'440'060, 583'171'904, build},
};

}  // namespace
}  // namespace ssdlite

extern constinit const Family ssdlite_family = {
    "SSDlite", "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018",
    Task::detection, ssdlite::ssdlites};

}  // namespace zoometer
