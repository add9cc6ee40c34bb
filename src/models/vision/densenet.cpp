// DenseNet (Huang et al. 2016): every layer of a block sees what all layers before it returned.
#include <array>

#include "models/parametrised.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace densenet {
namespace {

struct Config {
  std::int64_t growth;        ///< channels that a layer adds
  std::array<int, 4> depths;  ///< layers per block
  std::int64_t stem_channels;
};

/// All features so far, `in` channels together -> (N, growth, H, W).
struct DenseLayer : Module<DenseLayer> {
  static constexpr auto kind = "_DenseLayer";
  std::int64_t in, growth;
  std::int64_t bottleneck = 4 * growth;
  BatchNorm2d norm1{at("norm1"), in};
  ReLU relu1{at("relu1")};
  Conv2d conv1{at("conv1"), in, bottleneck, {.kernel = 1, .bias = false}};
  BatchNorm2d norm2{at("norm2"), bottleneck};
  ReLU relu2{at("relu2")};
  Conv2d conv2{at("conv2"), bottleneck, growth, {.kernel = 3, .padding = 1, .bias = false}};

  Tensor forward(std::span<const Tensor> features) const {
    const Tensor narrow = conv1(relu1(norm1(cat(features, 1))));
    return conv2(relu2(norm2(narrow)));
  }
};

/// (N, in, H, W) -> (N, in + depth growth, H, W).
struct DenseBlock : Module<DenseBlock> {
  static constexpr auto kind = "_DenseBlock";
  std::int64_t in, growth;
  int depth;
  ArenaList<const DenseLayer*> layers = make_layers();

  ArenaList<const DenseLayer*> make_layers() const {
    Arena& arena = graph().arena();
    ArenaList<const DenseLayer*> list;
    for (int i = 0; i < depth; ++i) {
      const Slot slot = at("denselayer" + std::to_string(i + 1));
      list.push_back(arena, arena.make<DenseLayer>(slot, in + i * growth, growth));
    }
    return list;
  }

  Tensor forward(Tensor x) const {
    Arena& arena = graph().arena();
    ArenaList<Tensor> features;
    features.push_back(arena, x);
    for (const DenseLayer* layer : layers) {
      features.push_back(arena, (*layer)(std::span(features.begin(), features.size())));
    }
    return cat(std::span(features.begin(), features.size()), 1);
  }
};

/// (N, in, H, W) -> (N, in / 2, H / 2, W / 2).
struct Transition : SequentialOf<Transition> {
  static constexpr auto kind = "_Transition";
  Transition(const Slot& slot, std::int64_t in) : SequentialOf(slot) {
    add_named<BatchNorm2d>("norm", in);
    add_named<ReLU>("relu");
    add_named<Conv2d>("conv", in, in / 2, ConvOptions{.kernel = 1, .bias = false});
    add_named<AvgPool2d>("pool", PoolOptions{.kernel = 2});
  }
};

struct DenseNet : Module<DenseNet> {
  static constexpr auto kind = "DenseNet";
  Config config;
  std::int64_t channels = config.stem_channels;  ///< grows while the features are declared
  Sequential features = make_features(at("features"));
  Linear classifier{at("classifier"), channels, 1000};

  Sequential make_features(const Slot& slot) {
    Sequential sequence{slot};
    sequence.add_named<Conv2d>("conv0", 3, channels,
                               ConvOptions{.kernel = 7, .stride = 2, .padding = 3, .bias = false});
    sequence.add_named<BatchNorm2d>("norm0", channels);
    sequence.add_named<ReLU>("relu0");
    sequence.add_named<MaxPool2d>("pool0", PoolOptions{.kernel = 3, .stride = 2, .padding = 1});
    for (std::size_t i = 0; i < config.depths.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      const int depth = config.depths[i];
      sequence.add_named<DenseBlock>("denseblock" + number, channels, config.growth, depth);
      channels += depth * config.growth;
      if (i + 1 == config.depths.size()) break;
      sequence.add_named<Transition>("transition" + number, channels);
      channels /= 2;
    }
    sequence.add_named<BatchNorm2d>("norm5", channels);
    return sequence;
  }

  Tensor forward(Tensor x) const {
    x = unary(relu_op, features(x), true);
    x = adaptive_avg_pool(x, {{1, 1}});
    return classifier(flatten(x, 1));
  }
};

template <Config config>
void build(Trace& trace) {
  trace.run<DenseNet>(config);
}

constexpr Model densenets[] = {
    {"densenet121", image(224), 7'978'856, 2'834'161'664, build<Config{32, {6, 12, 24, 16}, 64}>},
    {"densenet161", image(224), 28'681'000, 7'727'907'072, build<Config{48, {6, 12, 36, 24}, 96}>},
    {"densenet169", image(224), 14'149'480, 3'359'843'328, build<Config{32, {6, 12, 32, 32}, 64}>},
    {"densenet201", image(224), 20'013'928, 4'291'365'888, build<Config{32, {6, 12, 48, 32}, 64}>},
};

void build_with(Trace& trace, const FamilyValues& values) {
  trace.run<DenseNet>(Config{values.integer("growth_rate"), values.array<int, 4>("block_config"),
                             values.integer("num_init_features")});
}

constexpr FamilyParameter parameters[] = {
    {"growth_rate", FamilyParameter::Kind::integer, "32", "channels that a layer adds"},
    {"block_config", FamilyParameter::Kind::integers, "[6, 12, 24, 16]", "layers in each block",
     1'000, 4},
    {"num_init_features", FamilyParameter::Kind::integer, "64",
     "channels of the first convolution"},
};

}  // namespace
}  // namespace densenet

extern constinit const Parametrised densenet_parametrised = {
    "densenet", image(224), densenet::parameters, densenet::build_with};
extern constinit const Family densenet_family = {
    "DenseNet", "Huang et al., Densely Connected Convolutional Networks, 2016",
    Task::classification, densenet::densenets};

}  // namespace zoometer
