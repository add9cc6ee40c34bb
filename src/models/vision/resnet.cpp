// ResNet (He et al. 2015), in the v1.5 form that strides in the 3 x 3 convolution; ResNeXt
// (Xie et al. 2016) and Wide ResNet (Zagoruyko and Komodakis 2016) are the same with groups or
// width.
#include "models/vision/resnet.hpp"

#include "models/parametrised.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace resnet {
namespace {

template <class BlockType>
struct ResNet : Module<ResNet<BlockType>> {
  static constexpr auto kind = "ResNet";
  using Module<ResNet>::at;
  Config config;
  Layers<BlockType> layers{*this, config};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 512 * BlockType::expansion, 1000};

  Tensor forward(Tensor x) const { return fc(flatten(avgpool(layers(x).back()), 1)); }
};

template <class BlockType, Config config>
void build(Trace& trace) {
  trace.run<ResNet<BlockType>>(config);
}

constexpr Model resnets[] = {
    {"resnet18", image(224), 11'689'512, 1'814'073'344, build<BasicBlock<>, depth18>},
    {"resnet34", image(224), 21'797'672, 3'663'761'408, build<BasicBlock<>, depth34>},
    {"resnet50", image(224), 25'557'032, 4'089'184'256, build<Bottleneck<>, depth50>},
    {"resnet101", image(224), 44'549'160, 7'801'405'440, build<Bottleneck<>, depth101>},
    {"resnet152", image(224), 60'192'808, 11'513'626'624, build<Bottleneck<>, depth152>},
};

constexpr Model resnexts[] = {
    {"resnext50_32x4d", image(224), 25'028'904, 4'230'479'872,
     build<Bottleneck<>, Config{{3, 4, 6, 3}, 32, 4}>},
    {"resnext101_32x8d", image(224), 88'791'336, 16'414'015'488,
     build<Bottleneck<>, Config{{3, 4, 23, 3}, 32, 8}>},
    {"resnext101_64x4d", image(224), 83'455'272, 15'460'270'080,
     build<Bottleneck<>, Config{{3, 4, 23, 3}, 64, 4}>},
};

constexpr Model wide_resnets[] = {
    {"wide_resnet50_2", image(224), 68'883'240, 11'398'021'120,
     build<Bottleneck<>, Config{{3, 4, 6, 3}, 1, 128}>},
    {"wide_resnet101_2", image(224), 126'886'696, 22'753'050'624,
     build<Bottleneck<>, Config{{3, 4, 23, 3}, 1, 128}>},
};

void build_with(Trace& trace, const FamilyValues& values) {
  Config config{values.array<int, 4>("layers")};
  config.groups = values.integer("groups");
  config.width_per_group = values.integer("width_per_group");
  if (values.word("block") == "bottleneck") {
    trace.run<ResNet<Bottleneck<>>>(config);
    return;
  }
  if (config.groups != 1 || config.width_per_group != 64) {
    throw Error(ErrorCode::usage, "groups and width_per_group",
                {"block = \"bottleneck\"", "block = \"basic\", which has 1 and 64"});
  }
  trace.run<ResNet<BasicBlock<>>>(config);
}

constexpr std::string_view blocks[] = {"basic", "bottleneck"};
constexpr FamilyParameter parameters[] = {
    {"block", FamilyParameter::Kind::word, "\"basic\"", "what a layer is made of", 0, 0, blocks},
    {"layers", FamilyParameter::Kind::integers, "[2, 2, 2, 2]", "blocks in layer1 to layer4", 1'000,
     4},
    {"groups", FamilyParameter::Kind::integer, "1", "groups of a bottleneck's 3 x 3 convolution"},
    {"width_per_group", FamilyParameter::Kind::integer, "64",
     "channels of each group in layer1, doubled in each layer"},
};

}  // namespace
}  // namespace resnet

extern constinit const Parametrised resnet_parametrised = {"resnet", image(224), resnet::parameters,
                                                           resnet::build_with};
extern constinit const Family resnet_family = {
    "ResNet", "He et al., Deep Residual Learning for Image Recognition, 2015", Task::classification,
    resnet::resnets};
extern constinit const Family resnext_family = {
    "ResNeXt", "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, 2016",
    Task::classification, resnet::resnexts};
extern constinit const Family wide_resnet_family = {
    "WideResNet", "Zagoruyko and Komodakis, Wide Residual Networks, 2016", Task::classification,
    resnet::wide_resnets};

}  // namespace zoometer
