// MNASNet (Tan et al. 2018): inverted residuals found by a search that measured latency.
#include <array>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace mnasnet {
namespace {

/// Blocks of the same width; the first of them has the stride and the change of width.
struct Stage {
  std::int64_t channels;  ///< at a width multiplier of 1
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t expansion;
  int depth;
};

constexpr auto stages = std::to_array<Stage>({
    {24, 3, 2, 3, 3},
    {40, 5, 2, 3, 3},
    {80, 5, 2, 6, 3},
    {96, 3, 1, 6, 2},
    {192, 5, 2, 6, 4},
    {320, 3, 1, 6, 1},
});
constexpr std::int64_t last_channels = 1280;

struct Block {
  std::int64_t in, out, kernel, stride, expansion;
};

void add_convolution(Sequential& layers, std::int64_t in, std::int64_t out,
                     const ConvNormOptions& options) {
  layers.add<Conv2d>(in, out,
                     ConvOptions{.kernel = options.kernel,
                                 .stride = options.stride,
                                 .padding = same_padding(options.kernel),
                                 .groups = options.groups,
                                 .bias = false});
  layers.add<BatchNorm2d>(out);
}

/// (N, in, H, W) -> (N, out, H / stride, W / stride).
struct InvertedResidual : Module<InvertedResidual> {
  static constexpr auto kind = "_InvertedResidual";
  Block b;
  Sequential layers = make_layers(at("layers"));

  Sequential make_layers(const Slot& slot) const {
    const std::int64_t wide = b.in * b.expansion;
    Sequential sequence{slot};
    add_convolution(sequence, b.in, wide, {.kernel = 1});
    sequence.add<ReLU>();
    add_convolution(sequence, wide, wide, {.kernel = b.kernel, .stride = b.stride, .groups = wide});
    sequence.add<ReLU>();
    add_convolution(sequence, wide, b.out, {.kernel = 1});
    return sequence;
  }

  Tensor forward(Tensor x) const {
    const Tensor y = layers(x);
    return b.stride == 1 && b.in == b.out ? y + x : y;
  }
};

void add_blocks(Sequential& blocks, Block block, int depth) {
  for (int i = 0; i < depth; ++i) {
    blocks.add<InvertedResidual>(block);
    block.in = block.out;
    block.stride = 1;
  }
}

struct MNASNet : Module<MNASNet> {
  static constexpr auto kind = "MNASNet";
  double width;  ///< multiplies all channels but the last
  Sequential layers = make_layers(at("layers"));
  Sequential classifier = make_classifier(at("classifier"));

  std::int64_t scaled(std::int64_t channels) const {
    return make_divisible(static_cast<double>(channels) * width);
  }

  Sequential make_layers(const Slot& slot) const {
    const std::int64_t stem = scaled(32);
    std::int64_t in = scaled(16);
    Sequential sequence{slot};
    add_convolution(sequence, 3, stem, {.stride = 2});
    sequence.add<ReLU>();
    add_convolution(sequence, stem, stem, {.groups = stem});
    sequence.add<ReLU>();
    add_convolution(sequence, stem, in, {.kernel = 1});
    for (const Stage& stage : stages) {
      const std::int64_t out = scaled(stage.channels);
      add_blocks(sequence.add<Sequential>(), {in, out, stage.kernel, stage.stride, stage.expansion},
                 stage.depth);
      in = out;
    }
    add_convolution(sequence, in, last_channels, {.kernel = 1});
    sequence.add<ReLU>();
    return sequence;
  }

  static Sequential make_classifier(const Slot& slot) {
    Sequential sequence{slot};
    sequence.add<Dropout>();
    sequence.add<Linear>(last_channels, 1000);
    return sequence;
  }

  Tensor forward(Tensor x) const { return classifier(mean(layers(x), {2, 3})); }
};

template <int width_percent>
void build(Trace& trace) {
  trace.run<MNASNet>(width_percent / 100.0);
}

constexpr Model mnasnets[] = {
    {"mnasnet0_5", image(224), 2'218'512, 104'455'968, build<50>},
    {"mnasnet0_75", image(224), 3'170'208, 215'493'104, build<75>},
    {"mnasnet1_0", image(224), 4'383'312, 314'415'872, build<100>},
    {"mnasnet1_3", image(224), 6'282'256, 526'362'432, build<130>},
};

}  // namespace
}  // namespace mnasnet

extern constinit const Family mnasnet_family = {
    "MNASNet", "Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, 2018",
    Task::classification, mnasnet::mnasnets};

}  // namespace zoometer
