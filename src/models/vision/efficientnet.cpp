// EfficientNet (Tan and Le 2019): MobileNet's blocks, with width, depth and input size scaled
// together. EfficientNetV2 (Tan and Le 2021): fused blocks first, and widths found by search.
#include <algorithm>
#include <array>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"

namespace zoometer {
namespace efficientnet {
namespace {

enum class BlockKind : std::uint8_t { mbconv, fused };

/// Blocks of the same width; the first of them has the stride and the change of width.
struct Stage {
  BlockKind block;
  std::int64_t expansion;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t in;
  std::int64_t out;
  int depth;
};

struct Config {
  std::int64_t last_channels = 0;  ///< of the features
  double norm_eps = 1e-5;
  std::array<Stage, 7> items = {};
  std::size_t count = 0;

  constexpr std::span<const Stage> stages() const noexcept { return {items.data(), count}; }
  constexpr void add(const Stage& stage) { items[count++] = stage; }
};

/// One block of a stage.
struct Block {
  std::int64_t in, out, expanded, kernel, stride;
  double norm_eps;

  bool keeps_shape() const noexcept { return stride == 1 && in == out; }
};

using WithSiLU = Conv2dNormActivation<SiLU>;
using WithoutActivation = Conv2dNormActivation<void>;

/// Expand, filter each channel on its own, squeeze-and-excitation, project.
struct MBConv : Module<MBConv> {
  static constexpr auto kind = "MBConv";
  Block b;
  Sequential block = layers(at("block"));
  StochasticDepth stochastic_depth{at("stochastic_depth")};

  Sequential layers(const Slot& slot) const {
    using Squeeze = SqueezeExcitation<SiLU, Sigmoid>;
    const ConvNormOptions pointwise{.kernel = 1, .eps = b.norm_eps};
    Sequential sequence{slot};
    if (b.expanded != b.in) sequence.add<WithSiLU>(b.in, b.expanded, pointwise);
    sequence.add<WithSiLU>(
        b.expanded, b.expanded,
        ConvNormOptions{
            .kernel = b.kernel, .stride = b.stride, .groups = b.expanded, .eps = b.norm_eps});
    sequence.add<Squeeze>(b.expanded, std::max<std::int64_t>(1, b.in / 4), true);
    sequence.add<WithoutActivation>(b.expanded, b.out, pointwise);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    const Tensor y = block(x);
    return b.keeps_shape() ? add_(stochastic_depth(y), x) : y;
  }
};

/// Expand and filter in one convolution over all channels, then project.
struct FusedMBConv : Module<FusedMBConv> {
  static constexpr auto kind = "FusedMBConv";
  Block b;
  Sequential block = layers(at("block"));
  StochasticDepth stochastic_depth{at("stochastic_depth")};

  Sequential layers(const Slot& slot) const {
    const ConvNormOptions window{.kernel = b.kernel, .stride = b.stride, .eps = b.norm_eps};
    Sequential sequence{slot};
    if (b.expanded == b.in) {
      sequence.add<WithSiLU>(b.in, b.out, window);
      return sequence;
    }
    sequence.add<WithSiLU>(b.in, b.expanded, window);
    sequence.add<WithoutActivation>(b.expanded, b.out,
                                    ConvNormOptions{.kernel = 1, .eps = b.norm_eps});
    return sequence;
  }

  Tensor forward(Tensor x) const {
    const Tensor y = block(x);
    return b.keeps_shape() ? add_(stochastic_depth(y), x) : y;
  }
};

void add_blocks(Sequential& blocks, const Stage& stage, double norm_eps) {
  for (int i = 0; i < stage.depth; ++i) {
    const std::int64_t in = i == 0 ? stage.in : stage.out;
    const std::int64_t expanded = make_divisible(static_cast<double>(in * stage.expansion));
    const std::int64_t stride = i == 0 ? stage.stride : 1;
    const Block block{in, stage.out, expanded, stage.kernel, stride, norm_eps};
    if (stage.block == BlockKind::fused) {
      blocks.add<FusedMBConv>(block);
    } else {
      blocks.add<MBConv>(block);
    }
  }
}

struct EfficientNet : Module<EfficientNet> {
  static constexpr auto kind = "EfficientNet";
  const Config& config;
  Sequential features = make_features(at("features"));
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Sequential classifier = make_classifier(at("classifier"));

  Sequential make_features(const Slot& slot) const {
    const auto stages = config.stages();
    Sequential sequence{slot};
    sequence.add<WithSiLU>(3, stages.front().in,
                           ConvNormOptions{.stride = 2, .eps = config.norm_eps});
    for (const Stage& stage : stages) {
      add_blocks(sequence.add<Sequential>(), stage, config.norm_eps);
    }
    sequence.add<WithSiLU>(stages.back().out, config.last_channels,
                           ConvNormOptions{.kernel = 1, .eps = config.norm_eps});
    return sequence;
  }

  Sequential make_classifier(const Slot& slot) const {
    Sequential sequence{slot};
    sequence.add<Dropout>();
    sequence.add<Linear>(config.last_channels, 1000);
    return sequence;
  }

  Tensor forward(Tensor x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

using enum BlockKind;

/// B0's; the columns are those of Stage.
constexpr auto smallest = std::to_array<Stage>({
    {mbconv, 1, 3, 1, 32, 16, 1},
    {mbconv, 6, 3, 2, 16, 24, 2},
    {mbconv, 6, 5, 2, 24, 40, 2},
    {mbconv, 6, 3, 2, 40, 80, 3},
    {mbconv, 6, 5, 1, 80, 112, 3},
    {mbconv, 6, 5, 2, 112, 192, 4},
    {mbconv, 6, 3, 1, 192, 320, 1},
});

/// How much wider and deeper than B0, in tenths.
struct Scale {
  std::int64_t width;
  int depth;
};

constexpr Config scaled(const Scale& scale, double norm_eps = 1e-5) {
  const auto widened = [&](std::int64_t channels) {
    return make_divisible(static_cast<double>(channels * scale.width) / 10);
  };
  Config config{.norm_eps = norm_eps};
  for (Stage stage : smallest) {
    stage.in = widened(stage.in);
    stage.out = widened(stage.out);
    stage.depth = (stage.depth * scale.depth + 9) / 10;
    config.add(stage);
  }
  config.last_channels = 4 * config.stages().back().out;
  return config;
}

constexpr Config b0 = scaled({10, 10});
constexpr Config b1 = scaled({10, 11});
constexpr Config b2 = scaled({11, 12});
constexpr Config b3 = scaled({12, 14});
constexpr Config b4 = scaled({14, 18});
constexpr Config b5 = scaled({16, 22}, 1e-3);
constexpr Config b6 = scaled({18, 26}, 1e-3);
constexpr Config b7 = scaled({20, 31}, 1e-3);

constexpr Config version2(std::initializer_list<Stage> stages) {
  Config config{.last_channels = 1280, .norm_eps = 1e-3};
  for (const Stage& stage : stages) config.add(stage);
  return config;
}

constexpr Config v2_small = version2({
    {fused, 1, 3, 1, 24, 24, 2},
    {fused, 4, 3, 2, 24, 48, 4},
    {fused, 4, 3, 2, 48, 64, 4},
    {mbconv, 4, 3, 2, 64, 128, 6},
    {mbconv, 6, 3, 1, 128, 160, 9},
    {mbconv, 6, 3, 2, 160, 256, 15},
});
constexpr Config v2_medium = version2({
    {fused, 1, 3, 1, 24, 24, 3},
    {fused, 4, 3, 2, 24, 48, 5},
    {fused, 4, 3, 2, 48, 80, 5},
    {mbconv, 4, 3, 2, 80, 160, 7},
    {mbconv, 6, 3, 1, 160, 176, 14},
    {mbconv, 6, 3, 2, 176, 304, 18},
    {mbconv, 6, 3, 1, 304, 512, 5},
});
constexpr Config v2_large = version2({
    {fused, 1, 3, 1, 32, 32, 4},
    {fused, 4, 3, 2, 32, 64, 7},
    {fused, 4, 3, 2, 64, 96, 7},
    {mbconv, 4, 3, 2, 96, 192, 10},
    {mbconv, 6, 3, 1, 192, 224, 19},
    {mbconv, 6, 3, 2, 224, 384, 25},
    {mbconv, 6, 3, 1, 384, 640, 7},
});

template <const Config& config>
void build(Trace& trace) {
  trace.run<EfficientNet>(config);
}

constexpr Model efficientnets[] = {
    {"efficientnet_b0", image(224), 5'288'548, 385'814'752, build<b0>},
    {"efficientnet_b1", image(240), 7'794'184, 686'802'832, build<b1>},
    {"efficientnet_b2", image(288), 9'109'994, 1'087'529'456, build<b2>},
    {"efficientnet_b3", image(300), 12'233'232, 1'827'141'392, build<b3>},
    {"efficientnet_b4", image(380), 19'341'616, 4'393'771'024, build<b4>},
    {"efficientnet_b5", image(456), 30'389'784, 10'266'384'752, build<b5>},
    {"efficientnet_b6", image(528), 43'040'704, 19'067'593'536, build<b6>},
    {"efficientnet_b7", image(600), 66'347'960, 37'745'884'192, build<b7>},
};

constexpr Model efficientnets_v2[] = {
    {"efficientnet_v2_s", image(384), 21'458'488, 8'365'617'152, build<v2_small>},
    {"efficientnet_v2_m", image(480), 54'139'356, 24'582'460'384, build<v2_medium>},
    {"efficientnet_v2_l", image(480), 118'515'272, 56'079'699'008, build<v2_large>},
};

}  // namespace
}  // namespace efficientnet

extern constinit const Family efficientnet_family = {
    "EfficientNet",
    "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019",
    Task::classification, efficientnet::efficientnets};
extern constinit const Family efficientnet_v2_family = {
    "EfficientNetV2", "Tan and Le, EfficientNetV2: Smaller Models and Faster Training, 2021",
    Task::classification, efficientnet::efficientnets_v2, "EfficientNet"};

}  // namespace zoometer
