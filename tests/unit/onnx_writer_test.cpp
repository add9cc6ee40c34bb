// ONNX files are written and read back: the model is the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "op/deform_conv.hpp"
#include "op/detection.hpp"
#include "op/indexing.hpp"
#include "op/quantize.hpp"
#include "op/signal.hpp"
#include "registry/zoo.hpp"
#include "report/graph_writer.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"

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

/// With their sizes, or their bounds if sizes depend on data.
std::vector<std::string> ports(const Graph& graph, std::span<const Port> list) {
  std::vector<std::string> lines;
  for (const Port& port : list) {
    const bool is_bounded = graph.value(port.value).has(Value::bounded);
    lines.push_back(std::string(port.name) + (is_bounded ? " at most " : " ") +
                    describe(graph, port.value));
  }
  return lines;
}

/// The state dict: constants of the graph are not in it.
std::vector<std::string> state(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    lines.push_back(graph.parameter_path(parameter) + " " + describe(graph, parameter.value) +
                    (parameter.kind == ParameterKind::buffer ? " buffer" : ""));
  }
  return lines;
}

/// Path, class, parameters and MACs of each module.
std::vector<std::string> modules(const Graph& graph) {
  const Profile metrics = profile(graph);
  std::vector<std::string> lines;
  for (const ModuleId id : graph.modules_in_order()) {
    const Metrics& own = metrics.modules[id];
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

/// ONNX uses the plain integer types for integers that represent real numbers.
std::vector<std::string> with_plain_integers(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    for (const std::string_view dtype : {" qint8", " quint8"}) {
      if (const std::size_t at = line.find(dtype); at != std::string::npos) line.erase(at + 1, 1);
    }
  }
  return lines;
}

class QuantisedRoundTrip : public ::testing::TestWithParam<std::string_view> {};

TEST_P(QuantisedRoundTrip, GivesTheSameModel) {
  Graph model;
  TraceOptions options;
  options.quantize = true;
  trace(*find_in_zoo(GetParam()).model, options, model);

  Graph copy;
  read_back(written(model), copy);
  EXPECT_EQ(ports(copy, copy.outputs()), ports(model, model.outputs()));
  EXPECT_EQ(state(copy), with_plain_integers(state(model)));
  EXPECT_EQ(modules(copy), modules(model));
  const Profile metrics = profile(copy);
  const auto integers = std::ranges::find(metrics.dtypes, DType::uint8, &DTypeMetrics::dtype);
  ASSERT_NE(integers, metrics.dtypes.end());
  EXPECT_EQ(integers->macs, profile(model).total.macs);
}

INSTANTIATE_TEST_SUITE_P(Zoo, QuantisedRoundTrip,
                         ::testing::Values("quantized_googlenet", "quantized_inception_v3",
                                           "quantized_mobilenet_v2", "quantized_mobilenet_v3_large",
                                           "quantized_resnet18", "quantized_shufflenet_v2_x0_5"),
                         [](const auto& test) { return std::string(test.param); });

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

/// The notes of the writer on a graph.
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
  EXPECT_EQ(ports(copy, copy.outputs()), with_plain_integers(ports(graph, graph.outputs())));
  EXPECT_EQ(remarks_on(graph),
            std::vector{"1 x " + std::string(op.name) + " " + std::string(reason) +
                        ", is written in the domain zoometer, which other programs cannot run"});
}

TEST(OnnxWriter, WritesOperatorsThatTheStandardLacksInItsOwnDomain) {
  expect_own(sliding_window_op, WindowAttrs{0, 2, 1}, {{4}}, "has no ONNX equivalent");
  expect_own(deform_conv2d_op, ConvAttrs{{1, 1}, {0, 0}, {0, 0}, {1, 1}, {}, 1},
             {{1, 2, 4, 4}, {3, 2, 2, 2}, {1, 8, 3, 3}}, "has no ONNX equivalent");
  expect_own(scatter_op, ScatterAttrs{0, "amax"}, {{4}, {4}, {4}}, "has the reduction amax",
             DType::int64);
  expect_own(advanced_index_op, DimsAttrs{{1, 2}}, {{4, 4, 4}, {3}, {3}},
             "has index tensors that are not for the first axes", DType::int64);
  expect_own(conv1d_op, ConvAttrs{{1}, {0}, {0}, {1}, {0}, 1}, {{1, 1, 8}, {1, 1, 3}},
             "on integers has no ONNX equivalent", DType::int8);
  expect_own(conv_transpose1d_op, ConvAttrs{{1}, {0}, {0}, {1}, {0}, 1}, {{1, 1, 8}, {1, 1, 3}},
             "on integers has no ONNX equivalent", DType::int8);
  expect_own(matmul_op, NoAttrs{}, {{2, 3}, {3, 4}}, "on short integers has no ONNX equivalent",
             DType::uint8);
  const std::string_view no_scale = "of integers without a scale";
  expect_own(relu_op, NoAttrs{}, {{4}}, no_scale, DType::quint8);
  expect_own(conv1d_op, ConvAttrs{{1}, {0}, {0}, {1}, {0}, 1}, {{1, 1, 8}, {1, 1, 3}}, no_scale,
             DType::quint8);
  expect_own(linear_op, NoAttrs{}, {{2, 3}, {4, 3}}, no_scale, DType::quint8);
  expect_own(dequantize_op, NoAttrs{}, {{4}}, no_scale, DType::quint8);
  const std::string_view to_bytes = "other than of float32 to 8 bits has no ONNX equivalent";
  expect_own(quantize_per_tensor_op, QuantizeAttrs{DType::int16}, {{4}, {}}, to_bytes);
  expect_own(quantize_per_channel_op, QuantizePerChannelAttrs{0, DType::qint8}, {{4}, {4}},
             to_bytes);
  expect_own(random_op, RandomAttrs{{2}, DType::float32, "bernoulli"}, {},
             "has the distribution bernoulli");
  expect_own(pad_op, PadAttrs{{1}, {1}, "circular", 0}, {{4}}, "has the mode circular");
  expect_own(argmax_op, ReduceAttrs{{0, 1}, false}, {{4, 4}}, "has several axes");
  const PoolAttrs dilated{{2}, {1}, {0}, {0}, {2}, false, true};
  expect_own(avg_pool1d_op, dilated, {{1, 1, 8}}, "has a window with a dilation");
  const PoolAttrs rounded{{3}, {2}, {1}, {1}, {1}, true, true};
  expect_own(avg_pool1d_op, rounded, {{1, 1, 8}}, "rounds up and counts its padding");
}

/// The operators of a graph that is written and read back.
std::vector<std::string_view> operators_read_back(const Graph& graph, Graph& copy) {
  read_back(written(graph), copy);
  std::vector<std::string_view> names;
  for (const Node& node : copy.nodes()) names.push_back(node.op->name);
  return names;
}

TEST(OnnxWriter, GivesPoolsTheScaleOfWhatTheyPoolAndSigmoidsTheirOwn) {
  Graph graph;
  graph.add_module(no_id, "", "Model");
  const auto input = [&graph](std::string_view name, const Shape& shape, DType dtype) {
    return Tensor{&graph, graph.add_input(name, shape, dtype)};
  };
  const Tensor x = input("x", {1, 2, 4}, DType::float32);
  const Tensor scale = input("scale", {1}, DType::float32);
  const Tensor zero_point = input("zero_point", {}, DType::int64);
  const Tensor integers = quantize_per_tensor(x, scale, zero_point);
  const Tensor pooled = adaptive_avg_pool(integers, AdaptivePoolAttrs{{1}});
  graph.add_output("pooled", dequantize(unary(hardsigmoid_op, pooled)).id);
  graph.add_output("compared", apply(gt_op, ScalarAttrs{1}, integers).id);

  Graph copy;
  EXPECT_THAT(operators_read_back(graph, copy),
              ::testing::ElementsAre("reshape", "to", "quantize_per_tensor", "dequantize",
                                     "adaptive_avg_pool1d", "quantize_per_tensor", "dequantize",
                                     "hardsigmoid", "quantize_per_tensor", "dequantize",
                                     "dequantize", "gt"));
  EXPECT_EQ(ports(copy, copy.outputs()),
            (std::vector<std::string>{"pooled (1, 2, 1) float32", "compared (1, 2, 4) bool"}));
}

TEST(OnnxWriter, WritesTransforms) {
  Graph graph;
  graph.add_module(no_id, "", "Model");
  const Tensor x{&graph, graph.add_input("x", {2, 100, 1}, DType::float32)};
  const Tensor window{&graph, graph.add_input("window", {16}, DType::float32)};
  const Tensor frames = stft(x, window, {.frame_length = 16, .frame_step = 8});
  graph.add_output("back", dft(frames, {.dim = -2, .length = 32, .inverse = true}).id);
  graph.add_output("whole", stft(x, {&graph, no_id}, {.frame_length = 8, .frame_step = 4}).id);
  graph.add_output("once", dft(x, {.dim = 1, .onesided = true}).id);
  Graph copy;
  EXPECT_THAT(operators_read_back(graph, copy),
              ::testing::ElementsAre("stft", "dft", "stft", "dft"));
  EXPECT_EQ(ports(copy, copy.outputs()), ports(graph, graph.outputs()));
  EXPECT_EQ(profile(copy).total.flops, profile(graph).total.flops);
}

/// An operator and the ONNX operators that are read back for it. A number
/// that ONNX takes as a tensor is `full`.
struct Form {
  std::string_view name;
  Tensor (*build)(Tensor x, Tensor y);
  std::vector<std::string_view> operators;
};

void PrintTo(const Form& form, std::ostream* out) { *out << form.name; }

template <const OpDef& Op>
Tensor unary_of(Tensor x, Tensor) {
  return unary(Op, x);
}
template <const OpDef& Op>
Tensor binary_of(Tensor x, Tensor y) {
  return binary(Op, x, y);
}
template <const OpDef& Op>
Tensor slope_of(Tensor x, Tensor) {
  return apply(Op, SlopeAttrs{0.3}, x);
}
template <const OpDef& Op>
Tensor truths_of(Tensor x, Tensor y) {
  const Tensor above = binary(gt_op, x, y);
  return binary(Op, above, binary(lt_op, x, y));
}
template <const OpDef& Op>
Tensor columns_of(Tensor x, Tensor) {
  return reduce(Op, x, {1}, true);
}
template <const OpDef& Op>
Tensor all_of(Tensor x, Tensor) {
  return reduce(Op, x, {});
}

const Form forms[] = {
    {"leaky_relu", slope_of<leaky_relu_op>, {"leaky_relu"}},
    {"elu", slope_of<elu_op>, {"elu"}},
    {"celu", slope_of<celu_op>, {"celu"}},
    {"prelu", [](Tensor x, Tensor y) { return prelu(x, select(y, 0, 0)); }, {"select", "prelu"}},
    {"prelu_per_channel",
     [](Tensor x, Tensor y) {
       const Tensor slope = select(y, 0, 0);
       return prelu(unsqueeze(x, 2), slope);
     },
     {"select", "unsqueeze", "reshape", "prelu"}},
    // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    {"gelu",
     [](Tensor x, Tensor) { return gelu(x, true); },
     {"mul", "mul", "mul", "add", "mul", "tanh", "add", "mul", "mul"}},
    {"mish", unary_of<mish_op>, {"softplus", "tanh", "mul"}},
    {"log2", unary_of<log2_op>, {"log", "div"}},
    {"log10", unary_of<log10_op>, {"log", "div"}},
    {"log1p", unary_of<log1p_op>, {"add", "log"}},
    {"expm1", unary_of<expm1_op>, {"exp", "sub"}},
    {"erfc", unary_of<erfc_op>, {"erf", "full", "sub"}},
    {"log_sigmoid", unary_of<log_sigmoid_op>, {"neg", "softplus", "neg"}},
    {"trunc", unary_of<trunc_op>, {"abs", "floor", "sign", "mul"}},
    {"threshold",
     [](Tensor x, Tensor) {
       return apply(threshold_op, ThresholdAttrs{1, 0}, x);
     },
     {"gt", "full", "where"}},
    {"isfinite", unary_of<isfinite_op>, {"isinf", "isnan", "logical_or", "logical_not"}},
    {"logical_not", unary_of<logical_not_op>, {"to", "logical_not"}},
    {"bitwise_not",
     [](Tensor x, Tensor y) { return unary(bitwise_not_op, binary(gt_op, x, y)); },
     {"gt", "logical_not"}},
    {"log_softmax", [](Tensor x, Tensor) { return log_softmax(x, 1); }, {"log_softmax"}},
    {"pow", binary_of<pow_op>, {"pow"}},
    {"square", [](Tensor x, Tensor) { return binary(pow_op, x, 2.0); }, {"pow"}},
    {"minimum", binary_of<minimum_op>, {"minimum"}},
    {"eq", binary_of<eq_op>, {"eq"}},
    {"lt", binary_of<lt_op>, {"lt"}},
    {"le", binary_of<le_op>, {"le"}},
    {"fmod", binary_of<fmod_op>, {"fmod"}},
    {"remainder", binary_of<remainder_op>, {"div", "floor", "mul", "sub"}},
    {"logical_or", truths_of<logical_or_op>, {"gt", "lt", "logical_or"}},
    {"logical_xor", truths_of<logical_xor_op>, {"gt", "lt", "logical_xor"}},
    {"bitwise_or", truths_of<bitwise_or_op>, {"gt", "lt", "logical_or"}},
    {"bitwise_xor", truths_of<bitwise_xor_op>, {"gt", "lt", "logical_xor"}},
    {"where", [](Tensor x, Tensor y) { return where(binary(gt_op, x, y), x, y); }, {"gt", "where"}},
    {"prod", columns_of<prod_op>, {"prod"}},
    {"amax", columns_of<amax_op>, {"amax"}},
    {"amin", all_of<amin_op>, {"amin"}},
    {"logsumexp", columns_of<logsumexp_op>, {"logsumexp"}},
    {"any", columns_of<any_op>, {"to", "to", "amax", "to"}},
    {"all", all_of<all_op>, {"to", "to", "amin", "to"}},
    {"argmax", columns_of<argmax_op>, {"argmax", "reshape"}},
    {"argmin", all_of<argmin_op>, {"reshape", "argmin", "reshape"}},
    {"cumsum", [](Tensor x, Tensor) { return cumsum(x, 1); }, {"cumsum"}},
    {"sort", [](Tensor x, Tensor) { return sort(x, 1).values; }, {"topk"}},
    {"tril", [](Tensor x, Tensor) { return apply(tril_op, TriangleAttrs{-1}, x); }, {"tril"}},
    {"triu", [](Tensor x, Tensor) { return apply(triu_op, TriangleAttrs{1}, x); }, {"triu"}},
    {"repeat_interleave",
     [](Tensor x, Tensor) {
       return apply(repeat_interleave_op, ChunkAttrs{2, 1}, x);
     },
     {"unsqueeze", "repeat", "reshape"}},
    {"masked_select",
     [](Tensor x, Tensor y) { return apply(masked_select_op, NoAttrs{}, x, binary(gt_op, x, y)); },
     {"gt", "reshape", "reshape", "nonzero", "flatten", "index_select"}},
    // ONNX gives the positions as columns: the reader transposes them, and the writer did,
    // too.
    {"nonzero",
     [](Tensor x, Tensor) { return apply(nonzero_op, NoAttrs{}, x); },
     {"nonzero", "transpose", "permute"}},
    {"copy",
     [](Tensor x, Tensor y) { return apply(copy_op, NoAttrs{}, x, select(y, 0, 0)); },
     {"select", "expand"}},
    {"masked_fill",
     [](Tensor x, Tensor y) {
       return apply(masked_fill_op, ScalarAttrs{3}, x, binary(gt_op, x, y));
     },
     {"gt", "full", "where"}},
    {"scatter_add",
     [](Tensor x, Tensor y) {
       return apply(scatter_op, ScatterAttrs{1, "sum"}, x, to(y, DType::int64), y);
     },
     {"to", "scatter"}},
    {"attention_with_a_mask",
     [](Tensor x, Tensor y) {
       const Tensor mask = matmul(y, transpose(x, 0, 1));
       return scaled_dot_product_attention(x, x, x, mask);
     },
     {"permute", "matmul", "mul", "permute", "matmul", "add", "softmax", "matmul"}},
    {"attention_to_what_was",
     [](Tensor x, Tensor) {
       return scaled_dot_product_attention(x, x, x, {x.graph, no_id}, {.is_causal = true});
     },
     {"mul", "permute", "matmul", "tril", "to", "full", "full", "where", "add", "softmax",
      "matmul"}},
};

class OnnxExportRules : public ::testing::TestWithParam<Form> {};

TEST_P(OnnxExportRules, FollowTheFormula) {
  Graph graph;
  graph.add_module(no_id, "", "Model");
  const Tensor x{&graph, graph.add_input("x", {2, 3}, DType::float32)};
  const Tensor y{&graph, graph.add_input("y", {2, 3}, DType::float32)};
  graph.add_output("output", GetParam().build(x, y).id);
  Graph copy;
  EXPECT_EQ(operators_read_back(graph, copy), GetParam().operators);
  EXPECT_EQ(ports(copy, copy.outputs()), ports(graph, graph.outputs()));
}

INSTANTIATE_TEST_SUITE_P(OnnxWriter, OnnxExportRules, ::testing::ValuesIn(forms),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(OnnxWriter, WritesQuantisedChannels) {
  Graph graph;
  graph.add_module(no_id, "", "Model");
  const Tensor x{&graph, graph.add_input("x", {3, 4}, DType::float32)};
  const Tensor scales{&graph, graph.add_input("scales", {4}, DType::float32)};
  const Tensor zeros{&graph, graph.add_input("zeros", {4}, DType::int8)};
  graph.add_output("output", quantize_per_channel(x, scales, zeros, {-1, DType::int8}).id);
  Graph copy;
  EXPECT_THAT(operators_read_back(graph, copy), ::testing::ElementsAre("quantize_per_channel"));
  EXPECT_EQ(ports(copy, copy.outputs()), ports(graph, graph.outputs()));
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
                .substr(0, 56),
            "1 x advanced_index lacks an index tensor for some axis, ");
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

TEST(OnnxWriter, DoesNotWriteABoundAsASize) {
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
