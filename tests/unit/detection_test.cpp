// The detectors: which sizes are bounds and which are exact, which the user can set, how images
// become batches, and the published figures that depend on detections.
#include "models/vision/detection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace zoometer {
namespace {

using detection::resized;
using detection::TransformConfig;
using ::testing::HasSubstr;

const Model& model_named(std::string_view name) {
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      if (model.name == name) return model;
    }
  }
  throw std::runtime_error("no model " + std::string(name));
}

std::vector<const Model*> detectors() {
  std::vector<const Model*> models;
  for (const Family* family : families()) {
    if (family->task != Task::detection) continue;
    for (const Model& model : family->models) models.push_back(&model);
  }
  return models;
}

std::int64_t macs_of(const Graph& graph) {
  std::int64_t macs = 0;
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    const NodeView node = graph.view(id);
    if (node.op().cost != nullptr) macs += node.op().cost(node).macs;
  }
  return macs;
}

bool all_outputs_bounded(const Graph& graph) {
  return std::ranges::all_of(graph.outputs(), [&](const Port& port) {
    return graph.value(port.value).has(Value::bounded);
  });
}

bool no_output_bounded(const Graph& graph) {
  return std::ranges::none_of(graph.outputs(), [&](const Port& port) {
    return graph.value(port.value).has(Value::bounded);
  });
}

class Detectors : public ::testing::TestWithParam<const Model*> {};

TEST_P(Detectors, BoundTheirDetections) {
  Graph graph;
  trace(*GetParam(), {}, graph);
  EXPECT_TRUE(all_outputs_bounded(graph));
  for (const ModuleCall& call : graph.calls()) {
    const std::string path = graph.module_path(call.module);
    if (!path.starts_with("backbone") && !path.starts_with("head")) continue;
    for (const ValueId value : graph.outputs_of(call)) {
      EXPECT_FALSE(graph.value(value).has(Value::bounded)) << path;
    }
  }
}

TEST_P(Detectors, TakeTheRealNumberOfDetections) {
  TraceOptions options;
  options.detections = 7;
  Graph graph;
  trace(*GetParam(), options, graph);
  EXPECT_TRUE(no_output_bounded(graph));
  for (const Port& port : graph.outputs())
    EXPECT_EQ(graph.shape(port.value).dim(0), 7) << port.name;
}

TEST_P(Detectors, RefuseMoreDetectionsThanThereCanBe) {
  Graph graph;
  for (const std::int64_t count : {-1, 100'000}) {
    TraceOptions options;
    options.detections = count;
    try {
      trace(*GetParam(), options, graph);
      FAIL() << "no error for " << count;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("no such number of detections"));
    }
  }
}

TEST_P(Detectors, CountEveryImageOfABatch) {
  Graph graph;
  trace(*GetParam(), {}, graph);
  const std::int64_t of_one = macs_of(graph);
  const std::size_t outputs = graph.outputs().size();
  TraceOptions options;
  options.batch = 3;
  trace(*GetParam(), options, graph);
  EXPECT_EQ(macs_of(graph), 3 * of_one);
  EXPECT_EQ(graph.outputs().size(), 3 * outputs);
  EXPECT_EQ(graph.outputs().back().name.substr(0, 2), "2.");
}

TEST_P(Detectors, RefuseTooManyImages) {
  TraceOptions options;
  options.batch = 1025;
  Graph graph;
  EXPECT_THROW(trace(*GetParam(), options, graph), Error);
}

TEST_P(Detectors, RefuseImagesWithoutThreeChannels) {
  TraceOptions options;
  options.inputs = {{"", Shape{1, 4, 320, 320}}};
  Graph graph;
  EXPECT_THROW(trace(*GetParam(), options, graph), Error);
}

INSTANTIATE_TEST_SUITE_P(Zoo, Detectors, ::testing::ValuesIn(detectors()),
                         [](const auto& test) { return std::string(test.param->name); });

TEST(Proposals, AreExactIfGiven) {
  TraceOptions options;
  options.proposals = 50;
  Graph graph;
  trace(model_named("fasterrcnn_resnet50_fpn"), options, graph);
  for (const ModuleCall& call : graph.calls()) {
    const std::string path = graph.module_path(call.module);
    if (!path.starts_with("roi_heads.")) continue;
    for (const ValueId value : graph.outputs_of(call)) {
      EXPECT_FALSE(graph.value(value).has(Value::bounded)) << path;
      EXPECT_EQ(graph.shape(value).dim(0), 50) << path;
    }
  }
  EXPECT_TRUE(all_outputs_bounded(graph));
}

TEST(Proposals, AreAtMostThoseOfTheConfiguration) {
  TraceOptions options;
  options.proposals = 151;
  Graph graph;
  try {
    trace(model_named("fasterrcnn_mobilenet_v3_large_320_fpn"), options, graph);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("0 to 150"));
  }
}

TEST(Proposals, BoundTheDetections) {
  TraceOptions options;
  options.proposals = 1;
  Graph graph;
  trace(model_named("maskrcnn_resnet50_fpn"), options, graph);
  // At most 19 classes can have a score above 0.05.
  EXPECT_EQ(graph.shape(graph.outputs()[0].value), (Shape{19, 4}));
}

/// A published `_ops` that was counted with trained weights, and its detections.
struct Published {
  const char* model;
  std::optional<std::int64_t> proposals;
  std::optional<std::int64_t> detections;
  double giga;
};

TEST(PublishedMetrics, OfTheFiveThatDependOnDetections) {
  const Published all[] = {
      {"fasterrcnn_mobilenet_v3_large_fpn", 0, {}, 4.494},
      {"fasterrcnn_mobilenet_v3_large_320_fpn", 0, {}, 0.719},
      {"maskrcnn_resnet50_fpn", {}, 0, 134.380},
      {"keypointrcnn_resnet50_fpn", {}, 1, 137.420},  // COCO_V1
      {"keypointrcnn_resnet50_fpn", {}, 0, 133.924},  // COCO_LEGACY
  };
  for (const Published& published : all) {
    TraceOptions options;
    options.proposals = published.proposals;
    options.detections = published.detections;
    Graph graph;
    trace(model_named(published.model), options, graph);
    EXPECT_NEAR(static_cast<double>(macs_of(graph)) / 1e9, published.giga, 0.0005)
        << published.model;
  }
}

struct Resize {
  Spatial from;
  Spatial to;
};

// As torchvision resizes with a shorter side of 800 and a longer one of at most 1333.
TEST(ImageTransform, ResizesAsTorchvision) {
  const Resize all[] = {
      {{800, 800}, {800, 800}},   {{480, 640}, {800, 1066}},  {{1333, 1333}, {800, 800}},
      {{427, 640}, {799, 1199}},  {{333, 1201}, {369, 1332}}, {{64, 64}, {800, 800}},
      {{1214, 367}, {1332, 402}}, {{1381, 1289}, {857, 800}}, {{1815, 1060}, {1332, 778}},
      {{579, 492}, {941, 799}},   {{1225, 1075}, {911, 799}}, {{1863, 408}, {1332, 291}},
      {{574, 1400}, {546, 1332}}, {{410, 1877}, {291, 1332}},
  };
  for (const Resize& resize : all) {
    EXPECT_EQ(resized(resize.from, TransformConfig{}), resize.to) << to_string(resize.from);
  }
}

TEST(ImageTransform, ResizesToAFixedSize) {
  EXPECT_EQ(resized({480, 640}, {.fixed_size = 300}), (Spatial{300, 300}));
}

TEST(ImageTransform, PadsToAMultiple) {
  TraceOptions options;
  options.inputs = {{"", Shape{1, 3, 480, 640}}};
  Graph graph;
  trace(model_named("fcos_resnet50_fpn"), options, graph);
  for (const ModuleCall& call : graph.calls()) {
    if (graph.module_path(call.module) != "transform") continue;
    EXPECT_EQ(graph.shape(graph.outputs_of(call)[0]), (Shape{1, 3, 800, 1088}));
  }
}

}  // namespace
}  // namespace zoometer
