#include "analysis/diff.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "analysis/module_match.hpp"
#include "import/importer.hpp"
#include "registry/zoo.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

/// A graph of named modules with a parameter each and no operators, which is enough for matching.
class Sketch {
 public:
  struct Row {
    std::string path;
    std::string_view kind;
    std::int64_t size = 0;  ///< of the parameter; 0: none
  };
  Sketch(std::initializer_list<Row> rows) {
    graph_.add_module(no_id, "", "Net");
    for (const Row& row : rows) add(row);
  }

  void add(const Row& row) { add(row.path, row.kind, row.size); }

  const Graph& graph() const { return graph_; }

 private:
  void add(std::string_view path, std::string_view kind, std::int64_t size) {
    const std::size_t dot = path.rfind('.');
    const bool is_deep = dot != std::string_view::npos;
    const ModuleId parent = is_deep ? ids_.at(std::string(path.substr(0, dot))) : 0;
    const std::string_view name = graph_.arena().copy(is_deep ? path.substr(dot + 1) : path);
    const ModuleId id = graph_.add_module(parent, name, kind);
    ids_[std::string(path)] = id;
    if (size > 0)
      graph_.add_parameter(id, "weight", Shape{size}, DType::float32, ParameterKind::parameter);
  }

  Graph graph_;
  std::map<std::string, ModuleId> ids_;
};

/// "a=b" for each pair, "-a" for a removed module, "+b" for an added one.
std::set<std::string> pairs_of(const Graph& before, const Graph& after) {
  const ModuleMatch match = match_modules(before, after);
  std::set<std::string> result;
  for (ModuleId x = 1; x < before.modules().size(); ++x) {
    const std::string path = before.module_path(x);
    const ModuleId y = match.after_of[x];
    result.insert(y == no_id ? "-" + path : path + "=" + after.module_path(y));
  }
  for (ModuleId y = 1; y < after.modules().size(); ++y) {
    if (match.before_of[y] == no_id) result.insert("+" + after.module_path(y));
  }
  return result;
}

using Pairs = std::set<std::string>;

TEST(ModuleMatch, WordsKeepTheirPosition) {
  const Sketch before{{"stem", "Conv", 1}, {"head", "Linear", 2}, {"extra", "Conv", 3}};
  const Sketch after{{"stem", "Conv", 9}, {"neck", "Conv", 1}, {"head", "Sequential", 0}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()),
            (Pairs{"stem=stem", "head=head", "-extra", "+neck"}));
}

TEST(ModuleMatch, NumbersAreOnlyPositions) {
  const Sketch before{{"0", "Conv", 1}, {"1", "ReLU"}, {"2", "Conv", 2}, {"3", "ReLU"}};
  const Sketch after{
      {"0", "Conv", 1}, {"1", "Norm", 7}, {"2", "ReLU"}, {"3", "Conv", 2}, {"4", "ReLU"}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()), (Pairs{"0=0", "+1", "1=2", "2=3", "3=4"}));
  EXPECT_EQ(pairs_of(after.graph(), before.graph()), (Pairs{"0=0", "-1", "2=1", "3=2", "4=3"}));
}

TEST(ModuleMatch, AReplacedLeafKeepsItsPosition) {
  const Sketch before{{"0", "Conv", 1}, {"1", "ReLU"}};
  const Sketch after{{"0", "Conv", 1}, {"1", "GELU"}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()), (Pairs{"0=0", "1=1"}));
}

TEST(ModuleMatch, ChildrenInAnotherOrder) {
  const Sketch before{{"a", "Conv", 1}, {"b", "Linear", 2}};
  const Sketch after{{"b", "Linear", 2}, {"a", "Conv", 1}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()), (Pairs{"a=a", "b=b"}));
}

TEST(ModuleMatch, MovedModulesAreFoundByStructure) {
  const Sketch before{
      {"stage", "Stage"}, {"stage.0", "Conv", 5}, {"relu", "ReLU"}, {"fc", "Linear", 6}};
  const Sketch after{{"backbone", "Backbone"},
                     {"backbone.body", "Stage"},
                     {"backbone.body.0", "Conv", 5},
                     {"backbone.relu", "ReLU"},
                     {"head", "Head", 8}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()),
            (Pairs{"stage=backbone.body", "stage.0=backbone.body.0", "relu=backbone.relu", "-fc",
                   "+backbone", "+head"}));
}

TEST(ModuleMatch, MovedAndChangedModulesAreFoundByNameAndLikeness) {
  const Sketch before{
      {"layer", "Stage"}, {"layer.a", "Conv", 5}, {"layer.b", "Conv", 6}, {"layer.c", "Conv", 7}};
  const Sketch after{{"body", "Body"},
                     {"body.layer", "Stage"},
                     {"body.layer.a", "Conv", 5},
                     {"body.layer.b", "Conv", 60},
                     {"body.layer.c", "Conv", 7}};
  EXPECT_EQ(pairs_of(before.graph(), after.graph()),
            (Pairs{"layer=body.layer", "layer.a=body.layer.a", "layer.b=body.layer.b",
                   "layer.c=body.layer.c", "+body"}));
}

TEST(ModuleMatch, TooManyChildrenToAlignAreMatchedByName) {
  Sketch before{};
  Sketch after{};
  std::vector<std::string> names;
  for (int i = 0; i < 2100; ++i) names.push_back("m" + std::to_string(i));
  for (int i = 0; i < 2100; ++i) {
    before.add({names[static_cast<std::size_t>(i)], "Conv", 1});
    after.add({names[static_cast<std::size_t>(i)], "Conv", 2});
  }
  const Pairs pairs = pairs_of(before.graph(), after.graph());
  EXPECT_EQ(pairs.size(), 2100U);
  EXPECT_TRUE(pairs.contains("m0=m0") && pairs.contains("m2099=m2099"));
}

/// A traced model with its profile.
struct Traced {
  explicit Traced(std::string_view name, const TraceOptions& options = {}) {
    trace(*find_in_zoo(name).model, options, graph);
    metrics = profile(graph);
  }
  DiffSide side() const { return {graph, metrics}; }
  Graph graph;
  Profile metrics;
};

const ModuleDiff& row_of(const Diff& result, const Graph& after, std::string_view path) {
  for (const ModuleDiff& module : result.modules) {
    if (module.after != no_id && after.module_path(module.after) == path) return module;
  }
  throw std::out_of_range(std::string(path));
}

TEST(ModuleMatch, ManyModulesThatAreAlikeFollowEachOther) {
  Sketch before{}, after{};
  for (int i = 0; i < 3000; ++i) {  // too many to align
    const std::string number = std::to_string(i);
    before.add({"a" + number, "Block"});
    before.add({"a" + number + ".layer", "Linear", 5});
    before.add({"a" + number + ".relu", "ReLU"});
    after.add({"b" + number, "Block"});
    after.add({"b" + number + ".layer", "Linear", 5});
    after.add({"b" + number + ".relu", "ReLU"});
  }
  const Pairs pairs = pairs_of(before.graph(), after.graph());
  for (const char* number : {"0", "255", "256", "2999"}) {
    const std::string pair = std::string("a") + number + "=b" + number;
    EXPECT_TRUE(pairs.contains(pair)) << pair;
    const std::string below = std::string("a") + number + ".relu=b" + number + ".relu";
    EXPECT_TRUE(pairs.contains(below)) << below;
  }
  EXPECT_EQ(pairs.size(), 9000U);
}

TEST(Diff, OfAModelWithItselfIsNothing) {
  for (const ZooEntry& entry : zoo()) {
    const Traced one(entry.model->name);
    const Traced other(entry.model->name);
    const Diff result = diff(one.side(), other.side());
    EXPECT_EQ(result.counts.same, static_cast<std::int64_t>(one.graph.modules().size()))
        << entry.model->name;
    EXPECT_TRUE(result.operators.empty()) << entry.model->name;
    EXPECT_EQ(result.counts.renamed + result.counts.moved, 0) << entry.model->name;
  }
}

// Every module has one row, below the row of its parent or of its parent's match.
TEST(Diff, HasEveryModuleOnce) {
  const std::vector<ZooEntry> all = zoo();
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const Traced before(all[i].model->name);
    const Traced after(all[i + 1].model->name);
    const Diff result = diff(before.side(), after.side());
    std::set<ModuleId> seen_before;
    std::set<ModuleId> seen_after;
    std::size_t rows_before = 0;
    std::size_t rows_after = 0;
    for (std::size_t row = 0; row < result.modules.size(); ++row) {
      const ModuleDiff& module = result.modules[row];
      rows_before += seen_before.insert(module.before).second && module.before != no_id ? 1 : 0;
      rows_after += seen_after.insert(module.after).second && module.after != no_id ? 1 : 0;
      EXPECT_EQ(module.parent == no_id, row == 0);
      if (module.after == no_id || row == 0) continue;
      ASSERT_LT(module.parent, row);
      EXPECT_EQ(result.modules[module.parent].after, after.graph.modules()[module.after].parent);
    }
    EXPECT_EQ(rows_before, before.graph.modules().size()) << all[i].model->name;
    EXPECT_EQ(rows_after, after.graph.modules().size()) << all[i].model->name;
    const DiffCounts& counts = result.counts;
    EXPECT_EQ(counts.same + counts.changed + counts.added + counts.removed,
              static_cast<std::int64_t>(result.modules.size()));
  }
}

// VGG-11 with batch norm is VGG-11 with one norm after each of its eight convolutions; every layer
// of `features` except the first is renumbered: 21 layers, 20 of them renamed.
TEST(Diff, InsertedLayersRenumberOthers) {
  const Traced before("vgg11");
  const Traced after("vgg11_bn");
  const Diff result = diff(before.side(), after.side());
  EXPECT_EQ(result.counts.added, 8);
  EXPECT_EQ(result.counts.removed, 0);
  EXPECT_EQ(result.counts.renamed, 20);
  EXPECT_EQ(result.counts.changed, 2);  // the model and `features`
  EXPECT_EQ(row_of(result, after.graph, "features.1").state, ModuleState::added);
  EXPECT_EQ(before.graph.module_path(row_of(result, after.graph, "features.4").before),
            "features.3");
}

// ResNeXt-50 (32x4d) is ResNet-50 with grouped and wider 3x3 convolutions.
TEST(Diff, ShowsAttributesShapesAndParameters) {
  const Traced before("resnet50");
  const Traced after("resnext50_32x4d");
  const Diff result = diff(before.side(), after.side());
  EXPECT_EQ(result.counts.added + result.counts.removed, 0);
  std::set<std::string> details;
  for (const ModuleDetail& detail : row_of(result, after.graph, "layer1.0.conv2").details)
    details.insert(detail.what + ": " + detail.before + " -> " + detail.after);
  EXPECT_EQ(details, (std::set<std::string>{"output: 1x64x56x56 -> 1x128x56x56",
                                            "weight: 64x64x3x3 -> 128x4x3x3", "groups: 1 -> 32"}));
}

TEST(Diff, ShowsReplacedTypesAndCalls) {
  TraceOptions untrained;
  untrained.variant = Variant::untrained;
  const Traced before("fcos_resnet50_fpn");
  const Traced after("fcos_resnet50_fpn", untrained);
  const Diff result = diff(before.side(), after.side());
  const ModuleDiff& norm = row_of(result, after.graph, "backbone.body.bn1");
  EXPECT_EQ(norm.state, ModuleState::changed);
  EXPECT_EQ(norm.details.front().what, "type");
  EXPECT_EQ(norm.details.front().before, "FrozenBatchNorm2d");
  EXPECT_EQ(norm.details.front().after, "BatchNorm2d");
}

// Keras's ResNet-50 has the strides of the first publication, in the first convolution of a stage;
// torchvision's are in the second one, which therefore sees a larger image.
TEST(Diff, PairsLayersOfAnotherFramework) {
  const Traced before("resnet50");
  Graph keras;
  import_file(ZOOMETER_SOURCE_DIR "/tests/data/keras/applications/ResNet50.keras", {}, keras);
  const Profile metrics = profile(keras);
  const Diff result = diff(before.side(), {keras, metrics});
  std::set<std::string> costlier, strides;
  std::size_t layers = 0;
  for (const ModuleDiff& module : result.modules) {
    if (module.before == no_id || module.after == no_id || module.depth == 0) continue;
    const std::string pair =
        before.graph.module_path(module.before) + " = " + keras.module_path(module.after);
    layers += before.metrics.modules[module.before].parameters > 0 ? 1 : 0;
    if (before.metrics.modules[module.before].macs != metrics.modules[module.after].macs)
      costlier.insert(pair);
    for (const ModuleDetail& detail : module.details)
      if (detail.what == "stride") strides.insert(pair);
  }
  EXPECT_EQ(layers, 107U) << "53 convolutions, as many norms, and the last layer";
  EXPECT_EQ(costlier, (std::set<std::string>{"layer2.0.conv1 = conv3_block1_1_conv",
                                             "layer3.0.conv1 = conv4_block1_1_conv",
                                             "layer4.0.conv1 = conv5_block1_1_conv"}));
  EXPECT_EQ(strides,
            (std::set<std::string>{
                "layer2.0.conv1 = conv3_block1_1_conv", "layer2.0.conv2 = conv3_block1_2_conv",
                "layer3.0.conv1 = conv4_block1_1_conv", "layer3.0.conv2 = conv4_block1_2_conv",
                "layer4.0.conv1 = conv5_block1_1_conv", "layer4.0.conv2 = conv5_block1_2_conv"}));
}

TEST(Diff, OperatorsHaveBothCounts) {
  const Traced before("vgg11");
  const Traced after("vgg11_bn");
  const Diff result = diff(before.side(), after.side());
  ASSERT_EQ(result.operators.size(), 1U);
  EXPECT_EQ(result.operators[0].name, "batch_norm");
  EXPECT_EQ(result.operators[0].count_before, 0);
  EXPECT_EQ(result.operators[0].count_after, 8);
}

TEST(Diff, RelativeChange) {
  EXPECT_EQ(relative_change(100, 101), 0.01);
  EXPECT_EQ(relative_change(100, 50), -0.5);
  EXPECT_EQ(relative_change(0, 0), 0.0);
  EXPECT_EQ(relative_change(0, 1), std::nullopt);
}

}  // namespace
}  // namespace zoometer
