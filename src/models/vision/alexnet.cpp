// AlexNet in the one-tower form of Krizhevsky's "One weird trick" (2014): five convolutions with
// large windows first, then three dense layers that own nearly all parameters.
#include "zoometer/models/model.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace alexnet {
namespace {

Sequential convolutions(const Slot& slot) {
  constexpr PoolOptions overlapping{.kernel = 3, .stride = 2};
  Sequential features{slot};
  features.add<Conv2d>(3, 64, ConvOptions{.kernel = 11, .stride = 4, .padding = 2});
  features.add<ReLU>();
  features.add<MaxPool2d>(overlapping);
  features.add<Conv2d>(64, 192, ConvOptions{.kernel = 5, .padding = 2});
  features.add<ReLU>();
  features.add<MaxPool2d>(overlapping);
  features.add<Conv2d>(192, 384, ConvOptions{.kernel = 3, .padding = 1});
  features.add<ReLU>();
  features.add<Conv2d>(384, 256, ConvOptions{.kernel = 3, .padding = 1});
  features.add<ReLU>();
  features.add<Conv2d>(256, 256, ConvOptions{.kernel = 3, .padding = 1});
  features.add<ReLU>();
  features.add<MaxPool2d>(overlapping);
  return features;
}

Sequential dense_layers(const Slot& slot) {
  Sequential classifier{slot};
  classifier.add<Dropout>();
  classifier.add<Linear>(256 * 6 * 6, 4096);
  classifier.add<ReLU>();
  classifier.add<Dropout>();
  classifier.add<Linear>(4096, 4096);
  classifier.add<ReLU>();
  classifier.add<Linear>(4096, 1000);
  return classifier;
}

struct AlexNet : Module<AlexNet> {
  static constexpr auto kind = "AlexNet";
  Sequential features = convolutions(at("features"));
  AdaptiveAvgPool2d avgpool{at("avgpool"), 6};
  Sequential classifier = dense_layers(at("classifier"));

  Tensor forward(Tensor x) const { return classifier(flatten(avgpool(features(x)), 1)); }
};

void build(Trace& trace) { trace.run<AlexNet>(); }

constexpr Model alexnets[] = {
    {"alexnet", image(224), 61'100'840, 714'188'480, build},
};

}  // namespace
}  // namespace alexnet

extern constinit const Family alexnet_family = {
    "AlexNet", "Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014",
    Task::classification, alexnet::alexnets};

}  // namespace zoometer
