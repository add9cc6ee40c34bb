// A model of one's own: two convolutions and a classifier, added to the built-in ones.
#include <cstdio>
#include <zoometer/nn.hpp>
#include <zoometer/zoometer.hpp>

using namespace zoometer;

struct TinyNet : Module<TinyNet> {
  static constexpr auto kind = "TinyNet";
  int classes;
  Conv2d conv1{at("conv1"), 3, 8, {.kernel = 3, .padding = 1}};
  BatchNorm2d bn1{at("bn1"), 8};
  ReLU relu{at("relu")};
  Conv2d conv2{at("conv2"), 8, 16, {.kernel = 3, .stride = 2, .padding = 1}};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 16, classes};

  Tensor forward(Tensor x) const {
    x = relu(bn1(conv1(x)));
    x = relu(conv2(x));
    return fc(flatten(avgpool(x)));
  }
};

void build(Trace& trace) { trace.run<TinyNet>(10); }

constexpr Model models_of_ours[] = {{"tinynet", image(32), 0, 0, build}};
constexpr Family family = {"TinyNet", "made up", Task::classification, models_of_ours};

int main() {
  Catalogue catalogue;
  catalogue.add(family);
  const Network network = catalogue.trace("tinynet");
  const NetworkProfile profile = zoometer::profile(network);
  std::printf("%zu models, %s has %lld parameters and %lld MACs\n", catalogue.models().size(),
              network.name().c_str(), static_cast<long long>(profile.total.parameters),
              static_cast<long long>(profile.total.macs));
}
