// ConvNeXt (Liu et al. 2022): depthwise 7 x 7 convolutions in transformer-like blocks, which
// compute with the channels last.
#include <array>

#include "models/parametrised.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"

namespace zoometer {
namespace convnext {
namespace {

struct Config {
  std::array<int, 4> depths;
  std::array<std::int64_t, 4> channels;
};

constexpr double eps = 1e-6;

/// Normalises the channels of (N, C, H, W).
struct LayerNorm2d : LayerNormOf<LayerNorm2d> {
  static constexpr auto kind = "LayerNorm2d";
  using LayerNormOf::LayerNormOf;

  Tensor forward(Tensor x) const {
    return permute(normalise(permute(x, {0, 2, 3, 1})), {0, 3, 1, 2});
  }
};

Sequential block_layers(const Slot& slot, std::int64_t channels) {
  Sequential layers{slot};
  layers.add<Conv2d>(channels, channels,
                     ConvOptions{.kernel = 7, .padding = 3, .groups = channels});
  layers.add<Permute>(Ints{0, 2, 3, 1});
  layers.add<LayerNorm>(channels, eps);
  layers.add<Linear>(channels, 4 * channels);
  layers.add<GELU>();
  layers.add<Linear>(4 * channels, channels);
  layers.add<Permute>(Ints{0, 3, 1, 2});
  return layers;
}

struct CNBlock : Module<CNBlock> {
  static constexpr auto kind = "CNBlock";
  std::int64_t channels;
  Tensor layer_scale = parameter("layer_scale", {channels, 1, 1});
  Sequential block = block_layers(at("block"), channels);
  StochasticDepth drop{at("stochastic_depth")};

  Tensor forward(Tensor x) const { return add_(drop(layer_scale * block(x)), x); }
};

/// The stem, then each stage with the downsampling before the next one.
Sequential feature_layers(const Slot& slot, const Config& config) {
  Sequential features{slot};
  features.add<Conv2dNormActivation<void, LayerNorm2d>>(
      3, config.channels[0],
      ConvNormOptions{.kernel = 4, .stride = 4, .padding = 0, .bias = true, .eps = eps});
  for (std::size_t i = 0; i < config.depths.size(); ++i) {
    if (i > 0) {
      auto& downsample = features.add<Sequential>();
      downsample.add<LayerNorm2d>(config.channels[i - 1], eps);
      downsample.add<Conv2d>(config.channels[i - 1], config.channels[i],
                             ConvOptions{.kernel = 2, .stride = 2});
    }
    auto& stage = features.add<Sequential>();
    for (int block = 0; block < config.depths[i]; ++block) stage.add<CNBlock>(config.channels[i]);
  }
  return features;
}

Sequential classifier_layers(const Slot& slot, std::int64_t channels) {
  Sequential classifier{slot};
  classifier.add<LayerNorm2d>(channels, eps);
  classifier.add<Flatten>();
  classifier.add<Linear>(channels, 1000);
  return classifier;
}

struct ConvNeXt : Module<ConvNeXt> {
  static constexpr auto kind = "ConvNeXt";
  Config config;
  Sequential features = feature_layers(at("features"), config);
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Sequential classifier = classifier_layers(at("classifier"), config.channels.back());

  Tensor forward(Tensor x) const { return classifier(avgpool(features(x))); }
};

template <Config config>
void build(Trace& trace) {
  trace.run<ConvNeXt>(config);
}

constexpr Config tiny{{3, 3, 9, 3}, {96, 192, 384, 768}};
constexpr Config small{{3, 3, 27, 3}, {96, 192, 384, 768}};
constexpr Config base{{3, 3, 27, 3}, {128, 256, 512, 1024}};
constexpr Config large{{3, 3, 27, 3}, {192, 384, 768, 1536}};

constexpr Model models[] = {
    {"convnext_tiny", image(224), 28'589'128, 4'455'531'264, build<tiny>},
    {"convnext_small", image(224), 50'223'688, 8'683'712'256, build<small>},
    {"convnext_base", image(224), 88'591'464, 15'354'729'472, build<base>},
    {"convnext_large", image(224), 197'767'336, 34'361'433'600, build<large>},
};

void build_with(Trace& trace, const FamilyValues& values) {
  trace.run<ConvNeXt>(
      Config{values.array<int, 4>("depths"), values.array<std::int64_t, 4>("channels")});
}

constexpr FamilyParameter parameters[] = {
    {"depths", FamilyParameter::Kind::integers, "[3, 3, 9, 3]", "blocks in each stage", 1'000, 4},
    {"channels", FamilyParameter::Kind::integers, "[96, 192, 384, 768]", "channels of each stage",
     65'536, 4},
};

}  // namespace
}  // namespace convnext

extern constinit const Parametrised convnext_parametrised = {
    "convnext", image(224), convnext::parameters, convnext::build_with};
extern constinit const Family convnext_family = {"ConvNeXt",
                                                 "Liu et al., A ConvNet for the 2020s, 2022",
                                                 Task::classification, convnext::models};

}  // namespace zoometer
