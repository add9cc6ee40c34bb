// The interface of include/zoometer/zoometer.hpp, used like by a program outside of the tree.
#include <gmock/gmock.h>
#include <zoometer/nn.hpp>
#include <zoometer/version.hpp>
#include <zoometer/zoometer.hpp>

#include <algorithm>

#include "facts.hpp"
#include "failure.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string tree = ZOOMETER_SOURCE_DIR;

/// The network of examples/custom_model.cpp, small enough to count by hand.
struct TinyNet : Module<TinyNet> {
  static constexpr auto kind = "TinyNet";
  Conv2d conv1{at("conv1"), 3, 8, {.kernel = 3, .padding = 1}};
  BatchNorm2d bn1{at("bn1"), 8};
  ReLU relu{at("relu")};
  Conv2d conv2{at("conv2"), 8, 16, {.kernel = 3, .stride = 2, .padding = 1}};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Linear fc{at("fc"), 16, 10};

  Tensor forward(Tensor x) const {
    x = relu(bn1(conv1(x)));
    x = relu(conv2(x));
    return fc(flatten(avgpool(x)));
  }
};

void build_tiny(Trace& trace) { trace.run<TinyNet>(); }

constexpr Model tiny_models[] = {{"tinynet", image(32), 0, 0, build_tiny}};
constexpr Family tiny_family = {"TinyNet", "made up", Task::classification, tiny_models};
constexpr Model taken_models[] = {{"fresh", image(32), 1578, 516256, build_tiny},
                                  {"resnet18", image(32), 0, 0, build_tiny}};
constexpr Family taken_family = {"Taken", "made up", Task::classification, taken_models,
                                 "Group of others"};
constexpr Model fresh_models[] = {taken_models[0]};
constexpr Family fresh_family = {"Fresh", "made up", Task::segmentation, fresh_models,
                                 "Group of others"};

Network tiny_network(const TraceOptions& options = {}) {
  Catalogue catalogue;
  catalogue.add(tiny_family);
  return catalogue.trace("tinynet", options);
}

const ModelInfo* find(const std::vector<ModelInfo>& infos, std::string_view name) {
  const auto found = std::find_if(infos.begin(), infos.end(),
                                  [&](const ModelInfo& info) { return info.name == name; });
  return found == infos.end() ? nullptr : &*found;
}

TEST(Api, ReportsTheVersionOfItsHeader) { EXPECT_EQ(version(), ZOOMETER_VERSION); }

TEST(Api, KnowsTheZooByName) {
  const std::vector<ModelInfo> infos = models();
  EXPECT_EQ(infos.size(), 121u);
  EXPECT_TRUE(std::is_sorted(infos.begin(), infos.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  const ModelInfo* info = find(infos, "mobilenet_v2");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->family, "MobileNet");  // the group of MobileNetV2
  EXPECT_EQ(info->task, "classification");
  EXPECT_EQ(info->source, "builtin");
  ASSERT_EQ(info->inputs.size(), 1u);
  EXPECT_EQ(to_string(info->inputs[0].shape), "(1, 3, 224, 224)");
  EXPECT_EQ(info->inputs[0].dtype, "float32");
  EXPECT_EQ(info->parameters, 3504872);  // torchvision's num_params
}

TEST(Api, DescribesANetworkAsTorchvisionDoes) {
  const auto facts = testing::read_facts(tree + "/tests/golden/torchvision/alexnet.untrained.txt");
  const Network network = trace("alexnet", {.variant = Variant::untrained});
  EXPECT_EQ(network.name(), "alexnet");
  EXPECT_EQ(network.source(), "builtin");
  EXPECT_EQ(network.variant(), "untrained");
  EXPECT_THAT(network.notes(), IsEmpty());

  std::vector<std::string> states;
  for (const StateEntry& entry : network.state_dict()) {
    states.push_back(entry.name + " " + entry.dtype + " " + to_short_string(entry.shape) +
                     (entry.is_buffer ? " buffer" : " parameter"));
  }
  EXPECT_EQ(states, facts.states);

  std::vector<std::string> modules;
  for (const NetworkModule& module : network.modules()) {
    std::string line = (module.path.empty() ? "\"\"" : module.path) + " " + module.type + " " +
                       std::to_string(module.calls);
    for (const Shape& shape : module.output_shapes) line += " " + to_short_string(shape);
    modules.push_back(line);
  }
  EXPECT_EQ(modules, facts.modules);
}

TEST(Api, ListsTheModuleTree) {
  const std::vector<NetworkModule> modules = trace("alexnet").modules();
  EXPECT_EQ(modules[0].path, "");
  EXPECT_EQ(modules[0].depth, 0u);
  EXPECT_FALSE(modules[0].parent.has_value());
  // features has 13 layers, avgpool follows them, classifier has 7.
  EXPECT_THAT(modules[0].children, ElementsAre(1, 15, 16));
  EXPECT_EQ(modules[1].path, "features");
  EXPECT_EQ(modules[1].children.size(), 13u);
  EXPECT_EQ(modules[16].path, "classifier");
  EXPECT_THAT(modules[16].children, ElementsAre(17, 18, 19, 20, 21, 22, 23));
  EXPECT_EQ(modules[23].path, "classifier.6");
  EXPECT_EQ(modules[23].parent, 16u);
  EXPECT_EQ(modules[23].depth, 2u);
}

TEST(Api, ListsEveryCallOfAModule) {
  const Network network = tiny_network({.batch = 2});
  ASSERT_EQ(network.inputs().size(), 1u);
  EXPECT_EQ(to_string(network.inputs()[0].shape), "(2, 3, 32, 32)");
  ASSERT_EQ(network.outputs().size(), 1u);
  EXPECT_EQ(network.outputs()[0].name, "output");
  EXPECT_EQ(to_string(network.outputs()[0].shape), "(2, 10)");
  EXPECT_EQ(network.outputs()[0].dtype, "float32");
  EXPECT_EQ(network.operator_count(), 8u);  // two of them ReLUs, one the flattening
  const std::vector<NetworkModule> modules = network.modules();
  ASSERT_EQ(modules.size(), 7u);
  EXPECT_EQ(modules[3].path, "relu");
  EXPECT_EQ(modules[3].calls, 2);
  EXPECT_THAT(modules[3].output_shapes, ElementsAre(Shape{2, 8, 32, 32}, Shape{2, 16, 16, 16}));
}

TEST(Api, CountsWhatIsCountedByHand) {
  constexpr std::int64_t conv1 = 32 * 32 * 8 * (3 * 9);
  constexpr std::int64_t conv2 = 16 * 16 * 16 * (8 * 9);
  const NetworkProfile metrics = profile(tiny_network());
  EXPECT_EQ(metrics.total.parameters,
            (3 * 8 * 9 + 8) + (8 + 8) + (8 * 16 * 9 + 16) + (16 * 10 + 10));
  EXPECT_EQ(metrics.total.buffers, 8 + 8 + 1);
  EXPECT_EQ(metrics.total.macs, conv1 + conv2 + 160);
  EXPECT_EQ(metrics.total.activations, 32 * 32 * 8 + 16 * 16 * 16 + 10);
  EXPECT_EQ(metrics.total.cost, 0);

  ASSERT_EQ(metrics.modules.size(), 7u);
  EXPECT_EQ(metrics.modules[0].macs, metrics.total.macs);
  EXPECT_EQ(metrics.modules[1].macs, conv1);
  EXPECT_EQ(metrics.modules[1].flops, 2 * conv1 + 32 * 32 * 8);
  EXPECT_EQ(metrics.modules[4].macs, conv2);
  EXPECT_EQ(metrics.modules[6].macs, 160);

  ASSERT_FALSE(metrics.operators.empty());
  EXPECT_EQ(metrics.operators[0].name, "conv2d");
  EXPECT_EQ(metrics.operators[0].count, 2);
  EXPECT_EQ(metrics.operators[0].macs, conv1 + conv2);
  EXPECT_EQ(metrics.coverage.counted + metrics.coverage.zero, 8);
  EXPECT_THAT(metrics.coverage.unknown, IsEmpty());
}

TEST(Api, CountsByAConvention) {
  // fvcore counts two operations for each element that a batch norm scales and shifts, and one for
  // each that an adaptive pooling reads.
  EXPECT_EQ(profile(tiny_network(), "fvcore").total.cost, 516256 + 2 * 8 * 32 * 32 + 16 * 16 * 16);
}

TEST(Api, RefusesAnUnknownConventionOrReport) {
  const Network network = tiny_network();
  EXPECT_EQ(failure_of([&] { profile(network, "flops"); }),
            "unknown_name: no such convention: expected fvcore, native, ptflops, thop, torch, "
            "torchvision, xla, got flops");
  EXPECT_EQ(failure_of([&] { write_report(network, "yaml"); }),
            "unknown_name: no such report: expected csv, table, html, json, text, got yaml");
}

TEST(Api, WritesReports) {
  const Network network = tiny_network();
  EXPECT_THAT(write_report(network, "json"), HasSubstr("\"macs\": 516256"));
  EXPECT_THAT(write_report(network, "text", "fvcore"), HasSubstr("tinynet"));
  EXPECT_THAT(write_report(network, "html"), StartsWith("<!"));
  // fvcore's table has fvcore's figures, whatever the convention.
  EXPECT_EQ(write_report(network, "table"), write_report(network, "table", "torch"));
  EXPECT_THAT(write_report(network, "table"), HasSubstr("| model"));
}

TEST(Api, ReadsAFile) {
  const std::string path = tree + "/tests/data/pt2/resnet18.pt2";
  const Network network = read_model(path);
  EXPECT_EQ(network.name(), path);
  EXPECT_THAT(network.source(), StartsWith("torch.export"));
  EXPECT_EQ(network.variant(), "");
  EXPECT_EQ(profile(network).total.parameters, 11689512);  // torchvision's num_params
  const auto facts = testing::read_facts(tree + "/tests/golden/torchvision/resnet18.untrained.txt");
  EXPECT_EQ(network.state_dict().size(), facts.states.size());
}

TEST(Api, ReportsTheProducerOfAFile) {
  const Network network = read_model(tree + "/tests/data/onnx/light_squeezenet.onnx");
  EXPECT_THAT(network.source(), StartsWith("ONNX"));
  ASSERT_FALSE(network.notes().empty());
  EXPECT_THAT(network.notes()[0], StartsWith("written by "));
}

TEST(Api, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT(failure_of([] { read_model("/nowhere/model.onnx"); }),
              StartsWith("io: /nowhere/model.onnx: "));
}

TEST(Api, SuggestsAName) {
  EXPECT_THAT(failure_of([] { trace("resnet5O"); }),
              StartsWith("unknown_name: no such model: resnet5O (did you mean resnet50"));
  EXPECT_EQ(failure_of([] { trace("wide\nname of no model"); }),
            "unknown_name: no such model: wide\\x0aname of no model");
}

TEST(Api, RefusesInvalidSizes) {
  EXPECT_EQ(
      failure_of([] {
        trace("resnet18", {.inputs = {{"x", {1, 3, 0, 224}}}});
      }),
      "shape: resnet18: the input shape does not fit the model: expected sizes of at least 1, "
      "got 1x3x0x224");
}

TEST(Catalogue, TakesAFamily) {
  Catalogue catalogue;
  catalogue.add(fresh_family, "mine");
  const std::vector<ModelInfo> infos = catalogue.models();
  EXPECT_EQ(infos.size(), 122u);
  const ModelInfo* info = find(infos, "fresh");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->family, "Group of others");
  EXPECT_EQ(info->task, "segmentation");
  EXPECT_EQ(info->source, "mine");
  EXPECT_EQ(info->parameters, 1578);
  EXPECT_EQ(info->macs, 516256);
  EXPECT_EQ(catalogue.trace("fresh").source(), "mine");
}

TEST(Catalogue, HasNoUndeclaredFigures) {
  Catalogue catalogue;
  catalogue.add(tiny_family);
  const std::vector<ModelInfo> infos = catalogue.models();
  const ModelInfo* info = find(infos, "tinynet");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->source, "program");
  EXPECT_FALSE(info->parameters.has_value());
  EXPECT_FALSE(info->macs.has_value());
}

TEST(Catalogue, TakesAllOfAFamilyOrNothing) {
  Catalogue catalogue;
  EXPECT_EQ(failure_of([&] { catalogue.add(taken_family, "mine"); }),
            "usage: duplicate model name resnet18: in builtin and in mine");
  EXPECT_EQ(find(catalogue.models(), "fresh"), nullptr);
  EXPECT_EQ(catalogue.models().size(), 121u);
}

TEST(Catalogue, Moves) {
  Catalogue first;
  first.add(tiny_family);
  Catalogue second(std::move(first));
  EXPECT_EQ(second.models().size(), 122u);
  first = Catalogue();
  EXPECT_EQ(first.models().size(), 121u);
}

#ifdef ZOOMETER_TEST_PLUGIN
TEST(Catalogue, LoadsAPlugin) {
  Catalogue catalogue;
  catalogue.load_plugin(ZOOMETER_TEST_PLUGIN);
  EXPECT_EQ(catalogue.models().size(), 123u);
  const Network network = catalogue.trace("tiny_16");
  EXPECT_THAT(network.source(), StartsWith("plugin:"));
  EXPECT_EQ(profile(network).total.parameters, 5418);
  EXPECT_THAT(failure_of([&] { catalogue.load_plugin(ZOOMETER_TEST_PLUGIN); }),
              StartsWith("usage: duplicate model name tiny_8: in plugin:"));
  EXPECT_EQ(catalogue.models().size(), 123u);
}
#endif

TEST(Catalogue, RefusesAFileThatIsNotAPlugin) {
  Catalogue catalogue;
  EXPECT_THAT(failure_of([&] { catalogue.load_plugin("/nowhere/libtiny.so"); }),
              StartsWith("io: /nowhere/libtiny.so: cannot open the plug-in: No such file"));
  EXPECT_EQ(catalogue.models().size(), 121u);
}

}  // namespace
}  // namespace zoometer
