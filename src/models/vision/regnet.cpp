// RegNet (Radosavovic et al. 2020): residual bottlenecks whose widths follow a quantised line. X is
// the plain network, Y adds squeeze-and-excitation.
#include <algorithm>
#include <array>
#include <cmath>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"

namespace zoometer {
namespace regnet {
namespace {

constexpr std::int64_t stem_width = 32;

/// The few numbers that a RegNet is made from, with the paper's symbols.
struct Design {
  int depth;                 ///< blocks altogether, d
  std::int64_t width;        ///< of the first block, w_0
  double slope;              ///< width gained per block before quantisation, w_a
  double step;               ///< factor between the widths of two stages, w_m
  std::int64_t group_width;  ///< channels per group of the 3 x 3 convolutions, g
};

/// Blocks of the same width; the first of them strides.
struct Stage {
  std::int64_t width = 0;
  std::int64_t group_width = 0;
  int depth = 0;
};

class Stages {
 public:
  /// Section 3.3 of the paper: block j has the width w_0 w_m^s, rounded to a multiple of 8, where s
  /// is the whole number that brings it closest to the line w_0 + w_a j. Blocks of equal width make
  /// a stage, whose width then becomes a multiple of its group width.
  explicit Stages(const Design& design) {
    const auto first = static_cast<double>(design.width);
    for (int j = 0; j < design.depth; ++j) {
      const double line = first + design.slope * j;
      const double s = std::nearbyint(std::log(line / first) / std::log(design.step));
      const double width = std::nearbyint(first * std::pow(design.step, s) / 8) * 8;
      add_block(static_cast<std::int64_t>(width));
    }
    for (std::size_t i = 0; i < count_; ++i) {
      Stage& stage = stages_[i];
      stage.group_width = std::min(design.group_width, stage.width);
      stage.width = make_divisible(static_cast<double>(stage.width), stage.group_width);
    }
  }

  std::size_t size() const noexcept { return count_; }
  const Stage& operator[](std::size_t index) const noexcept { return stages_[index]; }
  const Stage& back() const noexcept { return stages_[count_ - 1]; }

 private:
  void add_block(std::int64_t width) {
    if (count_ == 0 || stages_[count_ - 1].width != width) stages_[count_++].width = width;
    ++stages_[count_ - 1].depth;
  }

  std::array<Stage, 4> stages_;
  std::size_t count_ = 0;
};

struct SimpleStemIN : SequentialOf<SimpleStemIN> {
  static constexpr auto kind = "SimpleStemIN";
  SimpleStemIN(const Slot& slot, std::int64_t in, std::int64_t out) : SequentialOf(slot) {
    add<Conv2d>(in, out, ConvOptions{.kernel = 3, .stride = 2, .padding = 1, .bias = false});
    add<BatchNorm2d>(out);
    add<ReLU>();
  }
};

struct Block {
  std::int64_t in, out, stride, group_width;
  bool squeeze;
};

using WithReLU = Conv2dNormActivation<ReLU>;
using WithoutActivation = Conv2dNormActivation<void>;

/// (N, in, H, W) -> (N, out, H / stride, W / stride).
struct BottleneckTransform : SequentialOf<BottleneckTransform> {
  static constexpr auto kind = "BottleneckTransform";
  BottleneckTransform(const Slot& slot, const Block& b) : SequentialOf(slot) {
    const ConvNormOptions pointwise{.kernel = 1};
    add_named<WithReLU>("a", b.in, b.out, pointwise);
    add_named<WithReLU>("b", b.out, b.out,
                        ConvNormOptions{.stride = b.stride, .groups = b.out / b.group_width});
    if (b.squeeze) add_named<SqueezeExcitation<ReLU, Sigmoid>>("se", b.out, b.in / 4);
    add_named<WithoutActivation>("c", b.out, b.out, pointwise);
  }
};

struct ResBottleneckBlock : Module<ResBottleneckBlock> {
  static constexpr auto kind = "ResBottleneckBlock";
  Block b;
  WithoutActivation proj = projection(at("proj"));
  BottleneckTransform f{at("f"), b};
  ReLU activation{at("activation")};

  WithoutActivation projection(const Slot& slot) const {
    if (b.in == b.out && b.stride == 1) return {};
    return {slot, b.in, b.out, {.kernel = 1, .stride = b.stride}};
  }

  Tensor forward(Tensor x) const {
    const Tensor shortcut = proj(x);
    return activation(shortcut + f(x));
  }
};

struct AnyStage : SequentialOf<AnyStage> {
  static constexpr auto kind = "AnyStage";
  AnyStage(const Slot& slot, const std::string& name, const Stage& stage, Block block)
      : SequentialOf(slot) {
    for (int i = 0; i < stage.depth; ++i) {
      add_named<ResBottleneckBlock>(name + "-" + std::to_string(i), block);
      block.in = block.out;
      block.stride = 1;
    }
  }
};

struct RegNet : Module<RegNet> {
  static constexpr auto kind = "RegNet";
  Stages stages;
  bool squeeze;
  SimpleStemIN stem{at("stem"), 3, stem_width};
  Sequential trunk_output = trunk(at("trunk_output"));
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), stages.back().width, 1000};

  Sequential trunk(const Slot& slot) const {
    Sequential sequence{slot};
    std::int64_t in = stem_width;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const Stage& stage = stages[i];
      const std::string name = "block" + std::to_string(i + 1);
      const Block first{in, stage.width, 2, stage.group_width, squeeze};
      sequence.add_named<AnyStage>(name, name, stage, first);
      in = stage.width;
    }
    return sequence;
  }

  Tensor forward(Tensor x) const {
    x = avgpool(trunk_output(stem(x)));
    return fc(flatten(x, 1));
  }
};

template <const Design& design>
void build_x(Trace& trace) {
  trace.run<RegNet>(Stages(design), false);
}
template <const Design& design>
void build_y(Trace& trace) {
  trace.run<RegNet>(Stages(design), true);
}

constexpr Design x_400mf{22, 24, 24.48, 2.54, 16};
constexpr Design x_800mf{16, 56, 35.73, 2.28, 16};
constexpr Design x_1_6gf{18, 80, 34.01, 2.25, 24};
constexpr Design x_3_2gf{25, 88, 26.31, 2.25, 48};
constexpr Design x_8gf{23, 80, 49.56, 2.88, 120};
constexpr Design x_16gf{22, 216, 55.59, 2.1, 128};
constexpr Design x_32gf{23, 320, 69.86, 2.0, 168};

constexpr Design y_400mf{16, 48, 27.89, 2.09, 8};
constexpr Design y_800mf{14, 56, 38.84, 2.4, 16};
constexpr Design y_1_6gf{27, 48, 20.71, 2.65, 24};
constexpr Design y_3_2gf{21, 80, 42.63, 2.66, 24};
constexpr Design y_8gf{17, 192, 76.82, 2.19, 56};
constexpr Design y_16gf{18, 200, 106.23, 2.48, 112};
constexpr Design y_32gf{20, 232, 115.89, 2.53, 232};
constexpr Design y_128gf{27, 456, 160.83, 2.52, 264};

constexpr Model regnets[] = {
    {"regnet_x_400mf", image(224), 5'495'976, 413'812'608, build_x<x_400mf>},
    {"regnet_x_800mf", image(224), 7'259'656, 799'699'712, build_x<x_800mf>},
    {"regnet_x_1_6gf", image(224), 9'190'136, 1'602'849'792, build_x<x_1_6gf>},
    {"regnet_x_3_2gf", image(224), 15'296'552, 3'176'621'952, build_x<x_3_2gf>},
    {"regnet_x_8gf", image(224), 39'572'648, 7'995'132'416, build_x<x_8gf>},
    {"regnet_x_16gf", image(224), 54'278'536, 15'940'755'456, build_x<x_16gf>},
    {"regnet_x_32gf", image(224), 107'811'560, 31'735'929'792, build_x<x_32gf>},
    {"regnet_y_400mf", image(224), 4'344'144, 401'842'848, build_y<y_400mf>},
    {"regnet_y_800mf", image(224), 6'432'512, 833'856'256, build_y<y_800mf>},
    {"regnet_y_1_6gf", image(224), 11'202'430, 1'612'076'160, build_y<y_1_6gf>},
    {"regnet_y_3_2gf", image(224), 19'436'338, 3'176'482'752, build_y<y_3_2gf>},
    {"regnet_y_8gf", image(224), 39'381'472, 8'473'070'592, build_y<y_8gf>},
    {"regnet_y_16gf", image(224), 83'590'140, 15'911'510'272, build_y<y_16gf>},
    {"regnet_y_32gf", image(224), 145'046'770, 32'279'552'832, build_y<y_32gf>},
    {"regnet_y_128gf", image(384), 644'812'894, 374'570'006'400, build_y<y_128gf>},
};

}  // namespace
}  // namespace regnet

extern constinit const Family regnet_family = {
    "RegNet", "Radosavovic et al., Designing Network Design Spaces, 2020", Task::classification,
    regnet::regnets};

}  // namespace zoometer
