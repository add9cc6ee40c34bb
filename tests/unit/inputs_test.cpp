// Models with any number of inputs of any type.
#include <gtest/gtest.h>

#include "import/importer.hpp"
#include "zoometer/nn.hpp"

namespace zoometer {
namespace {

constexpr InputSpec three[] = {{"input_ids", {1, 128}, DType::int64},
                               {"attention_mask", {1, 128}, DType::boolean},
                               {"temperature", {}, DType::float16}};

void build(Trace& trace) {
  trace.graph().add_module(no_id, {}, "Three");
  for (std::size_t i = 0; i < 3; ++i) trace.output(trace.input(i), "output");
}

constinit const Model row = {.name = "three",
                             .inputs = three,
                             .parameters = 0,
                             .macs = 0,
                             .build = build,
                             .untrained_inputs = InputSpec{"x", {2, 3}}};

Graph traced(const TraceOptions& options) {
  Graph graph;
  trace(row, options, graph);
  return graph;
}

std::string refusal(const TraceOptions& options) {
  try {
    traced(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Inputs, HaveNamesShapesAndTypes) {
  const Graph graph = traced({});
  ASSERT_EQ(graph.inputs().size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Port& input = graph.inputs()[i];
    EXPECT_EQ(input.name, three[i].name);
    EXPECT_EQ(graph.shape(input.value), three[i].shape);
    EXPECT_EQ(graph.dtype(input.value), three[i].dtype);
  }
}

TEST(Inputs, TakeSizesByNameAndByPosition) {
  TraceOptions options;
  options.inputs = {{"", {1, 64}}, {"attention_mask", {1, 32}}};
  const Graph graph = traced(options);
  EXPECT_EQ(graph.shape(graph.inputs()[0].value), (Shape{1, 64}));
  EXPECT_EQ(graph.shape(graph.inputs()[1].value), (Shape{1, 32}));
}

TEST(Inputs, TakeABatchWhereTheyHaveASize) {
  TraceOptions options;
  options.batch = 4;
  const Graph graph = traced(options);
  EXPECT_EQ(graph.shape(graph.inputs()[1].value), (Shape{4, 128}));
  EXPECT_EQ(graph.shape(graph.inputs()[2].value), Shape());
}

TEST(Inputs, OfAVariant) {
  const auto inputs = default_inputs(row, Variant::untrained).list();
  ASSERT_EQ(inputs.size(), 1);
  EXPECT_EQ(inputs[0].name, "x");
}

TEST(Inputs, RefuseOtherNamesAndMore) {
  TraceOptions options;
  options.inputs = {{"mask", {1, 8}}};
  EXPECT_EQ(refusal(options),
            "three: no such input: expected input_ids, attention_mask, temperature, got mask");
  options.inputs.assign(4, {"", {1, 8}});
  EXPECT_EQ(refusal(options), "three: too many input shapes: expected 3 for this model, got 4");
}

TEST(Inputs, OfAFileTakeABatch) {
  const std::string file = ZOOMETER_SOURCE_DIR "/tests/data/onnx/light_squeezenet.onnx";
  TraceOptions options;
  options.batch = 4;
  Graph graph;
  import_file(file, options, graph);
  EXPECT_EQ(graph.shape(graph.inputs()[0].value), (Shape{4, 3, 224, 224}));
  EXPECT_EQ(graph.shape(graph.outputs()[0].value), (Shape{4, 1000, 1, 1}));
}

TEST(Tasks, HaveNames) {
  for (const Task task : all_tasks()) EXPECT_EQ(task_from_name(name_of(task)), task);
  EXPECT_EQ(task_from_name("speech"), Task::speech);
  EXPECT_FALSE(task_from_name("dancing").has_value());
}

}  // namespace
}  // namespace zoometer
