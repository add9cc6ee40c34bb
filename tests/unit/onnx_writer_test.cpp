// ONNX files that are written are read back: what comes out is what went in.
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "models/model.hpp"
#include "op/conv.hpp"
#include "op/detection.hpp"
#include "op/indexing.hpp"
#include "op/matmul.hpp"
#include "op/norm.hpp"
#include "op/pool.hpp"
#include "op/reduce.hpp"
#include "op/resample.hpp"
#include "registry/zoo.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {
namespace {

std::string written(const Graph& graph, const GraphOptions& options = {}) {
  return find_graph_writer("onnx")->write({graph, "model", "builtin", "", {}}, options);
}

void read_back(const std::string& file, Graph& graph) {
  const MappedFile mapped("model.onnx", std::as_bytes(std::span(file)));
  import_file(mapped, {}, graph);
  verify(graph);
}

std::string describe(const Graph& graph, ValueId value) {
  return to_string(graph.shape(value)) + " " + std::string(name_of(graph.value(value).dtype));
}

/// With their sizes; where these depend on data, with their bounds.
std::vector<std::string> ports(const Graph& graph, std::span<const Port> list) {
  std::vector<std::string> lines;
  for (const Port& port : list) {
    const bool is_bounded = graph.value(port.value).has(Value::bounded);
    lines.push_back(std::string(port.name) + (is_bounded ? " at most " : " ") +
                    describe(graph, port.value));
  }
  return lines;
}

/// The state dict: constants that only the graph holds are not in it.
std::vector<std::string> state(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (parameter.kind == ParameterKind::transient_buffer) continue;
    lines.push_back(graph.parameter_path(parameter) + " " + describe(graph, parameter.value) +
                    (parameter.kind == ParameterKind::buffer ? " buffer" : ""));
  }
  return lines;
}

/// Path, class, parameters and MACs of each module.
std::vector<std::string> modules(const Graph& graph) {
  const Profile figures = profile(graph);
  std::vector<std::string> lines;
  for (const ModuleId id : graph.modules_in_order()) {
    const Figures& own = figures.modules[id];
    lines.push_back(graph.module_path(id) + " " + std::string(graph.modules()[id].kind) + " " +
                    std::to_string(own.parameters) + " " + std::to_string(own.macs));
  }
  return lines;
}

struct Case {
  const Model* model;
  Variant variant;
};

std::string name_of_case(const Case& test) {
  return std::string(test.model->name) + "_" + std::string(name_of(test.variant));
}

void PrintTo(const Case& test, std::ostream* out) { *out << name_of_case(test); }

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      for (const Variant variant : {Variant::published, Variant::untrained}) {
        cases.push_back({&model, variant});
      }
    }
  }
  return cases;
}

class OnnxRoundTrip : public ::testing::TestWithParam<Case> {};

TEST_P(OnnxRoundTrip, GivesTheSameModel) {
  Graph model;
  TraceOptions options;
  options.variant = GetParam().variant;
  trace(*GetParam().model, options, model);

  Graph copy;
  read_back(written(model), copy);
  EXPECT_EQ(ports(copy, copy.inputs()), ports(model, model.inputs()));
  EXPECT_EQ(ports(copy, copy.outputs()), ports(model, model.outputs()));
  EXPECT_EQ(state(copy), state(model));
  EXPECT_EQ(modules(copy), modules(model));
  EXPECT_EQ(profile(copy).total.parameters, profile(model).total.parameters);
}

INSTANTIATE_TEST_SUITE_P(Zoo, OnnxRoundTrip, ::testing::ValuesIn(all_cases()),
                         [](const auto& test) { return name_of_case(test.param); });

/// The error that a graph is refused with.
Error refusal(const Graph& graph, const GraphOptions& options = {}) {
  try {
    written(graph, options);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "the graph was written";
  return Error(ErrorCode::internal, "");
}

TEST(OnnxWriter, RefusesIntegersThatStandForRealNumbers) {
  Graph model;
  TraceOptions options;
  options.quantize = true;
  trace(*find_in_zoo("quantized_resnet18").model, options, model);
  const Error error = refusal(model);
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_EQ(error.message, "an int8 graph cannot be written as ONNX");
}

/// A graph of one operator, on inputs of these shapes.
template <class Attrs>
void build(Graph& graph, const OpDef& op, const Attrs& attrs, std::vector<Shape> shapes,
           DType dtype = DType::float32) {
  graph.add_module(no_id, "", "Model");
  std::vector<ValueId> inputs;
  for (const Shape& shape : shapes)
    inputs.push_back(graph.add_input(inputs.empty() ? "x" : "y", shape, dtype));
  const NodeId node = graph.append(op, attrs, inputs);
  graph.add_output("output", graph.nodes()[node].first_output);
}

TEST(OnnxWriter, RefusesElementTypesThatTheOpsetLacks) {
  Graph graph;
  build(graph, relu_op, NoAttrs{}, {{2, 3}}, DType::float8_e4m3fn);
  const Error error = refusal(graph);
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_EQ(error.message, "ONNX's opset 17 has no element type float8_e4m3fn");
}

/// What the writer tells of a graph.
std::vector<std::string> remarks_on(const Graph& graph) {
  std::vector<std::string> remarks;
  GraphOptions options;
  options.remarks = &remarks;
  Graph copy;
  read_back(written(graph, options), copy);
  return remarks;
}

template <class Attrs>
void expect_own(const OpDef& op, const Attrs& attrs, std::vector<Shape> shapes,
                std::string_view reason, DType dtype = DType::float32) {
  Graph graph;
  build(graph, op, attrs, std::move(shapes), dtype);
  Graph copy;
  read_back(written(graph), copy);
  EXPECT_EQ(ports(copy, copy.outputs()), ports(graph, graph.outputs()));
  EXPECT_EQ(remarks_on(graph),
            std::vector{"1 x " + std::string(op.name) + " " + std::string(reason) +
                        ", is written in the domain zoometer, which other programs cannot run"});
}

TEST(OnnxWriter, WritesWhatTheStandardLacksInADomainOfItsOwn) {
  expect_own(as_strided_op, StridedAttrs{{2, 2}, {1, 2}, 0}, {{4}}, "has no ONNX form");
  expect_own(bitwise_not_op, NoAttrs{}, {{4}}, "on integers is in ONNX from opset 18 on",
             DType::int32);
  expect_own(bitwise_and_op, ScalarAttrs{}, {{4}, {4}}, "on integers is in ONNX from opset 18 on",
             DType::int32);
  expect_own(scatter_op, ScatterAttrs{0, "amax"}, {{4}, {4}, {4}}, "has the reduction amax",
             DType::int64);
  expect_own(scatter_op, ScatterAttrs{0, ""}, {{4}, {2}, {4}},
             "has a source of another shape than its indices", DType::int64);
  expect_own(advanced_index_op, DimsAttrs{{1, 2}}, {{4, 4, 4}, {3}, {3}},
             "has index tensors that are not for the first axes", DType::int64);
  expect_own(conv1d_op, ConvAttrs{{1}, {0}, {0}, {1}, {0}, 1}, {{1, 1, 8}, {1, 1, 3}},
             "on integers has no ONNX form", DType::int8);
  expect_own(conv_transpose1d_op, ConvAttrs{{1}, {0}, {0}, {1}, {0}, 1}, {{1, 1, 8}, {1, 1, 3}},
             "on integers has no ONNX form", DType::int8);
  expect_own(matmul_op, NoAttrs{}, {{2, 3}, {3, 4}}, "on short integers has no ONNX form",
             DType::uint8);
  expect_own(random_op, RandomAttrs{{2}, DType::float32, "bernoulli"}, {},
             "has the distribution bernoulli");
  expect_own(pad_op, PadAttrs{{1}, {1}, "circular", 0}, {{4}}, "has the mode circular");
  expect_own(argmax_op, ReduceAttrs{{0, 1}, false}, {{4, 4}}, "has several axes");
  const PoolAttrs dilated{{2}, {1}, {0}, {0}, {2}, false, true};
  expect_own(avg_pool1d_op, dilated, {{1, 1, 8}}, "has a window with a dilation");
  const PoolAttrs rounded{{3}, {2}, {1}, {1}, {1}, true, true};
  expect_own(avg_pool1d_op, rounded, {{1, 1, 8}}, "rounds up and counts its padding");
}

TEST(OnnxWriter, WritesWhatReadersDeclareAsItIs) {
  const auto remark = [](const OpDef& op, const void* attrs, std::vector<ValueId> inputs,
                         std::vector<OutputType> types, Graph& graph) {
    const NodeId node = graph.append_declared(op, attrs, inputs, types);
    graph.add_output("output", graph.nodes()[node].first_output);
    return remarks_on(graph).front();
  };
  Graph batched;  // GatherND with batch dimensions: one tensor for two axes
  batched.add_module(no_id, "", "Model");
  const std::vector<ValueId> indexed{batched.add_input("x", {2, 2, 2}, DType::float32),
                                     batched.add_input("indices", {2, 1}, DType::int64)};
  EXPECT_EQ(remark(advanced_index_op, batched.keep(DimsAttrs{{0, 1}}), indexed,
                   {{{2, 2}, DType::float32, false}}, batched)
                .substr(0, 59),
            "1 x advanced_index has not one index tensor for each axis, ");
  Graph trained;
  trained.add_module(no_id, "", "Model");
  const std::vector<ValueId> x{trained.add_input("x", {2, 2, 2}, DType::float32)};
  const OutputType statistic{{2}, DType::float32, false};
  EXPECT_EQ(remark(batch_norm_op, trained.keep(BatchNormAttrs{}), x,
                   {{{2, 2, 2}, DType::float32, false}, statistic, statistic}, trained)
                .substr(0, 42),
            "1 x batch_norm has the outputs of training");
}

/// x (n,) where it is not zero: a tensor whose size depends on data.
Tensor some_of(Graph& graph, const Shape& shape) {
  graph.add_module(no_id, "", "Model");
  const Tensor x{&graph, graph.add_input("x", shape, DType::float32)};
  return index(x, flatnonzero(select(x, 1, 0)));
}

TEST(OnnxWriter, MakesNoSizeOfABound) {
  const auto only = [](std::string_view what) {
    return std::vector{"1 x " + std::string(what) +
                       " an axis whose size depends on data, is written in the domain zoometer, "
                       "which other programs cannot run"};
  };
  Graph second;
  second.add_output("output", slice(some_of(second, {8, 4}), 0, 4, 8).id);
  EXPECT_EQ(remarks_on(second), only("slice starts within"));
  Graph moved;
  moved.add_output("output", reshape(transpose(some_of(moved, {8, 4}), 0, 1), {2, 16}).id);
  EXPECT_EQ(remarks_on(moved), only("reshape moves"));
  Graph resized;
  const Tensor rows = reshape(transpose(some_of(resized, {8, 4}), 0, 1), {1, 1, 4, 8});
  resized.add_output("output", upsample_nearest(rows, {8, 8}).id);
  EXPECT_EQ(remarks_on(resized), only("upsample_nearest2d resizes"));
  Graph masked;
  masked.add_module(no_id, "", "Model");
  const Tensor x{&masked, masked.add_input("x", {4, 4}, DType::boolean)};
  const Tensor mask{&masked, masked.add_input("mask", {4}, DType::boolean)};
  masked.add_output("output", apply(masked_select_op, NoAttrs{}, x, mask).id);
  EXPECT_EQ(remarks_on(masked).front().substr(0, 41), "1 x masked_select has a mask that is broa");
}

}  // namespace
}  // namespace zoometer
