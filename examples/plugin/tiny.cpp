// A plug-in with two models; see docs/plugins.md.
#include <zoometer/nn.hpp>
#include <zoometer/plugin.hpp>

using namespace zoometer;

namespace {

/// Convolutions that halve the picture, and a classifier.
struct Tiny : Module<Tiny> {
  static constexpr auto kind = "Tiny";
  int width;
  Conv2d conv1{at("conv1"), 3, width, {.kernel = 3, .stride = 2, .padding = 1}};
  ReLU relu{at("relu")};
  Conv2d conv2{at("conv2"), width, 2 * width, {.kernel = 3, .stride = 2, .padding = 1}};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 2 * width, 10};

  Tensor forward(Tensor x) const {
    x = relu(conv1(x));
    x = relu(conv2(x));
    return fc(flatten(avgpool(x)));
  }
};

template <int Width>
void build(Trace& trace) {
  trace.run<Tiny>(Width);
}

constexpr Model models[] = {
    {"tiny_8", image(64), 1'562, 0, build<8>},
    {"tiny_16", image(64), 0, 0, build<16>},
};
constexpr Family family = {"Tiny", "made up for this example", Task::classification, models};

}  // namespace

ZOOMETER_PLUGIN(&family);
