#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using ::testing::Contains;
using ::testing::HasSubstr;

MappedFile in_memory(std::string_view text) {
  return MappedFile("test.onnx", std::as_bytes(std::span(text)));
}

/// A graph read from a file in memory, with the reader's notes.
struct Read {
  Graph graph;
  ImportNotes notes;

  explicit Read(const std::string& file, const TraceOptions& options = {}) {
    const MappedFile mapped = in_memory(file);
    EXPECT_TRUE(onnx_importer.recognises(mapped));
    onnx_importer.read(mapped, options, graph, notes);
    verify(graph);
  }

  Shape output(std::size_t index = 0) const { return graph.shape(graph.outputs()[index].value); }
  Profile metrics() const { return profile(graph); }
  std::vector<std::string> operators() const {
    std::vector<std::string> names;
    for (const Node& node : graph.nodes()) names.emplace_back(node.op->name);
    return names;
  }
  std::vector<std::string> parameters() const {
    std::vector<std::string> names;
    for (const ParameterId id : graph.parameters_in_order()) {
      names.push_back(graph.parameter_path(graph.parameters()[id]));
    }
    return names;
  }
  std::vector<std::string> modules() const {
    std::vector<std::string> paths;
    for (const ModuleId id : graph.modules_in_order()) paths.push_back(graph.module_path(id));
    return paths;
  }
};

/// The error that a file is refused with.
Error refusal(const std::string& file, const TraceOptions& options = {}) {
  try {
    Graph graph;
    ImportNotes notes;
    onnx_importer.read(in_memory(file), options, graph, notes);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "the file was read";
  return Error(ErrorCode::internal, "");
}

std::string conv_model(std::vector<Dim> input, std::vector<Attribute> attributes = {}) {
  return model(
      {.graph = graph(
           {.nodes = {node(
                {"Conv", {"x", "conv.weight", "conv.bias"}, {"y"}, attributes, "/conv/Conv"})},
            .inputs = {value_info("x", type(std::move(input)))},
            .outputs = {value_info("y", type({1, 8, 6, 6}))},
            .initializers = {weight("conv.weight", {8, 3, 3, 3}), weight("conv.bias", {8})}})});
}

TEST(Onnx, ReadsAConvolution) {
  const Read read(conv_model({1, 3, 8, 8}));
  EXPECT_EQ(read.output(), (Shape{1, 8, 6, 6}));
  EXPECT_EQ(read.metrics().total.macs, 8 * 6 * 6 * 27);
  EXPECT_EQ(read.metrics().total.parameters, 8 * 27 + 8);
  EXPECT_THAT(read.parameters(), testing::ElementsAre("conv.weight", "conv.bias"));
  EXPECT_THAT(read.modules(), testing::ElementsAre("", "conv"));
  ASSERT_EQ(read.graph.calls().size(), 2U);  // the model's, then the module's
  EXPECT_EQ(read.graph.calls()[0].module, 0U);
  EXPECT_EQ(read.graph.outputs_of(read.graph.calls()[0])[0], read.graph.outputs()[0].value);
  EXPECT_EQ(read.notes.format, "ONNX, opset 17");
  EXPECT_THAT(read.notes.notes, Contains("all 1 declared types agree with the inferred ones"));
}

TEST(Onnx, NotesWhatRuntimesMayComputeOnIntegers) {
  const auto read = [](const std::string& second) {
    return Read(model(
        {.graph = graph(
             {.nodes = {node({"DequantizeLinear", {"x", "s"}, {"a"}}),
                        node({"DequantizeLinear", {"w", "s"}, {"b"}}),
                        node({"Transpose", {"b"}, {"c"}}), node({"MatMul", {"a", second}, {"y"}})},
              .inputs = {value_info("x", type({2, 4}, 3)), value_info("w", type({4, 4}, 3)),
                         value_info("v", type({4, 4})), value_info("s", type({}))},
              .outputs = {value_info("y", type({2, 4}))}})}));
  };
  const auto has_note =
      Contains(HasSubstr("products of dequantised integers: 1, counted in float"));
  EXPECT_THAT(read("c").notes.notes, has_note);
  EXPECT_THAT(read("v").notes.notes, Not(has_note));
}

TEST(Onnx, PadsAutomatically) {
  const Read read(
      conv_model({1, 3, 7, 8}, {Attribute::text("auto_pad", "SAME_UPPER"),
                                Attribute("strides", std::vector<std::int64_t>{2, 2})}));
  EXPECT_EQ(read.output(), (Shape{1, 8, 4, 4}));
}

TEST(Onnx, TakesSymbolicSizesAsOneUnlessGiven) {
  const std::string file = conv_model({"batch", 3, 8, 8});
  const Read read(file);
  EXPECT_EQ(read.output(), (Shape{1, 8, 6, 6}));
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("batch is taken as 1")));
  EXPECT_THAT(read.notes.dims, testing::ElementsAre(testing::Pair("batch", 1)));

  TraceOptions four;
  four.dims = {{"batch", 4}};
  EXPECT_EQ(Read(file, four).output(), (Shape{4, 8, 6, 6}));

  TraceOptions given;
  given.inputs = {{"x", {2, 3, 10, 10}}};
  EXPECT_EQ(Read(file, given).output(), (Shape{2, 8, 8, 8}));
}

/// A model of one node, with two constants: `some` has the elements 1 to 3, `none` has none.
std::string constant_model(const NodeParts& parts) {
  const auto constant = [](const std::string& name, std::vector<std::int64_t> elements) {
    return node({"Constant", {}, {name}, {Attribute::tensor("value", integers("", elements))}});
  };
  return model(
      {.graph = graph({.nodes = {constant("some", {1, 2, 3}), constant("none", {}), node(parts)},
                       .inputs = {},
                       .outputs = {value_info("some", type({3}, 7))}})});
}

TEST(Onnx, RefusesConstantsWithTooFewInputs) {
  const Error error = refusal(constant_model({"ScatterElements", {"some", "none"}, {"y"}}));
  EXPECT_THAT(std::string(error.what()), HasSubstr("expected an input 2"));
}

TEST(Onnx, RefusesBoundsWithoutAnElement) {
  const Error error = refusal(constant_model({"Clip", {"some", "none"}, {"y"}}));
  EXPECT_THAT(std::string(error.what()),
              HasSubstr("a constant has too few elements: expected 1, got 0"));
}

TEST(Onnx, TakesAnUnusedPower) {
  const Read read(constant_model({"Pow", {"some", "some"}, {}}));
  EXPECT_EQ(read.output(), (Shape{3}));
}

TEST(Onnx, SaysWhichSymbolicSizeWasTooSmall) {
  const Error error = refusal(conv_model({1, 3, "height", 8}));
  EXPECT_EQ(error.code, ErrorCode::shape);
  EXPECT_THAT(error.hint, HasSubstr("--dim height=N"));
  EXPECT_THAT(error.place.node, HasSubstr("/conv/Conv"));
}

TEST(Onnx, RefusesUnknownDimensionsAndInputs) {
  TraceOptions options;
  options.dims = {{"nothing", 4}};
  EXPECT_EQ(refusal(conv_model({1, 3, 8, 8}), options).code, ErrorCode::unknown_name);
  options = {};
  options.inputs = {{"z", {1}}};
  EXPECT_EQ(refusal(conv_model({1, 3, 8, 8}), options).code, ErrorCode::unknown_name);
  options.inputs = {{"x", {1, 3}}};
  EXPECT_EQ(refusal(conv_model({1, 3, 8, 8}), options).code, ErrorCode::usage);
}

TEST(Onnx, RefusesASymbolicSizeOfTwoValues) {
  TraceOptions options;
  options.inputs = {{"x", {4, 3, 8, 9}}};
  EXPECT_STREQ(refusal(conv_model({1, 3, "side", "side"}), options).what(),
               "the symbolic size side has two values: expected 8, got 9");
}

TEST(Onnx, RefusesMoreDimensionsThanATensorHas) {
  EXPECT_STREQ(refusal(conv_model(std::vector<Dim>(17, 1))).what(),
               "a list of sizes is too long: expected at most 16 dimensions, got 17");
}

TEST(Onnx, FoldsShapeArithmetic) {
  // x.reshape(x.shape[0], -1), as exporters write it
  const Read read(model(
      {.graph = graph(
           {.nodes =
                {node({"Shape", {"x"}, {"shape"}}), node({"Gather", {"shape", "zero"}, {"batch"}}),
                 node({"Constant", {}, {"axes"}, {Attribute::tensor("value", integers("", {0}))}}),
                 node({"Unsqueeze", {"batch", "axes"}, {"first"}}),
                 node({"Concat", {"first", "rest"}, {"sizes"}, {Attribute("axis", 0)}}),
                 node({"Reshape", {"x", "sizes"}, {"y"}})},
            .inputs = {value_info("x", type({2, 3, 4}))},
            .outputs = {value_info("y", type({2, 12}))},
            .initializers = {integers("zero", {0}, true), integers("rest", {-1})}})}));
  EXPECT_EQ(read.output(), (Shape{2, 12}));
  EXPECT_THAT(read.operators(), testing::ElementsAre("reshape"));
  EXPECT_TRUE(read.graph.parameters().empty());
}

TEST(Onnx, TakesFramesAndGridsFromConstants) {
  const auto read = [](const NodeParts& operation, const std::string& x,
                       std::vector<std::string> constants) {
    return Read(model({.graph = graph({.nodes = {node(operation)},
                                       .inputs = {value_info("x", x)},
                                       .outputs = {value_info("y", "")},
                                       .initializers = std::move(constants)}),
                       .opset = 20}));
  };
  const Read frames = read({"STFT", {"x", "step", "", "length"}, {"y"}}, type({2, 100, 1}),
                           {integers("step", {8}, true), integers("length", {16}, true)});
  EXPECT_EQ(frames.output(), (Shape{2, 11, 9, 2}));
  EXPECT_EQ(frames.metrics().total.flops, 2 * 11 * 160);  // 5 / 2 x 16 log2 16
  const Read grid =
      read({"AffineGrid", {"x", "size"}, {"y"}}, type({2, 2, 3}), {integers("size", {2, 7, 4, 5})});
  EXPECT_EQ(grid.output(), (Shape{2, 4, 5, 2}));
  EXPECT_EQ(grid.metrics().total.macs, 2 * 4 * 5 * 2 * 3);
}

TEST(Onnx, KeepsGoingOverUnknownOperators) {
  const Read read(
      model({.graph = graph({.nodes = {node({"Strange", {"x"}, {"t"}, {}, "s", "com.example"}),
                                       node({"Relu", {"t"}, {"y"}}),
                                       node({"Stranger", {"y"}, {"u"}, {}, "", "com.example"}),
                                       node({"Relu", {"u"}, {"z"}})},
                             .inputs = {value_info("x", type({2, 3}))},
                             .outputs = {value_info("y", type({5, 7})), value_info("z", type({5}))},
                             .value_infos = {value_info("t", type({5, 7}))}})}));
  EXPECT_EQ(read.output(), (Shape{5, 7}));
  const CoverageLedger ledger = read.metrics().coverage;
  ASSERT_EQ(ledger.unknown.size(), 3U);
  EXPECT_EQ(ledger.unknown[0].name, "com.example::Strange");
  // The shape of u is unknown, so the Relu after it cannot be counted either.
  EXPECT_EQ(ledger.unknown[2].name, "Relu");
}

TEST(Onnx, MakesTheModuleTreeOfScopes) {
  const auto relu = [](const std::string& name, const std::string& from, const std::string& to) {
    return node({"Relu", {from}, {to}, {}, name});
  };
  const Read read(
      model({.graph = graph({.nodes = {relu("/layer1/layer1.0/relu/Relu", "x", "a"),
                                       relu("/layer1/layer1.0/relu_1/Relu", "a", "b"),
                                       relu("/layer1/layer1.1/down/down.0/Relu", "b", "c"),
                                       relu("/Relu", "c", "y")},
                             .inputs = {value_info("x", type({2, 3}))},
                             .outputs = {value_info("y", type({2, 3}))}})}));
  EXPECT_THAT(read.modules(), testing::ElementsAre("", "layer1", "layer1.0", "layer1.0.relu",
                                                   "layer1.1", "layer1.1.down", "layer1.1.down.0"));
  // relu_1 is the second call of relu.
  std::size_t calls = 0;
  for (const ModuleCall& call : read.graph.calls()) {
    if (read.graph.module_path(call.module) == "layer1.0.relu") {
      ++calls;
      EXPECT_EQ(call.output_count, 1U);
    }
  }
  EXPECT_EQ(calls, 2U);
}

TEST(Onnx, MakesTheModuleTreeOfMetadata) {
  const Read read(model(
      {.graph = graph(
           {.nodes = {node(
                {"Relu",
                 {"x"},
                 {"y"},
                 {},
                 "node_relu",
                 "",
                 {{"pkg.torch.onnx.name_scopes", "['', 'features', 'features.0', 'relu']"},
                  {"pkg.torch.onnx.class_hierarchy",
                   "['a.Net', 'torch.nn.Sequential', 'torch.nn.ReLU', 'aten.relu.default']"}}})},
            .inputs = {value_info("x", type({2, 3}))},
            .outputs = {value_info("y", type({2, 3}))}})}));
  EXPECT_THAT(read.modules(), testing::ElementsAre("", "features", "features.0"));
  EXPECT_EQ(read.graph.modules()[0].kind, "Net");
  EXPECT_EQ(read.graph.modules()[2].kind, "ReLU");
}

// torch 2's exporter gives a convolution that is fused with the norm after it the norm's scope.
TEST(Onnx, ScopesFusedConvolutionsByTheirWeights) {
  const auto convolution = [](const char* weight, const char* scopes) {
    return node({"Conv",
                 {"x", weight},
                 {std::string("y.") + weight},
                 {},
                 "node_Conv",
                 "",
                 {{"pkg.torch.onnx.name_scopes", scopes},
                  {"pkg.onnxscript.rewriter.rule_name", "FuseBatchNormIntoConv"}}});
  };
  const Read read(model(
      {.graph = graph(
           {.nodes = {convolution("stem.conv.weight", "['', 'stem', 'stem.bn', 'batch_norm']"),
                      convolution("body.0.3.weight", "['', 'body', 'body.1', 'batch_norm']"),
                      convolution("bare", "['', 'bn', 'batch_norm']")},
            .inputs = {value_info("x", type({1, 3, 4, 4}))},
            .outputs = {value_info("y.bare", type({1, 8, 4, 4}))},
            .initializers = {weight("stem.conv.weight", {8, 3, 1, 1}),
                             weight("body.0.3.weight", {8, 3, 1, 1}),
                             weight("bare", {8, 3, 1, 1})}})}));
  EXPECT_THAT(read.modules(),
              testing::ElementsAre("", "stem", "stem.conv", "body", "body.0", "body.0.3", "bn"));
  EXPECT_EQ(read.graph.modules()[2].kind, "Conv");
}

TEST(Onnx, InlinesFunctionsAsModules) {
  const std::string scaled =
      function({"local",
                "Scaled",
                {"v"},
                {"w"},
                {node({"Softmax", {"v"}, {"t"}, {Attribute::reference("axis", "along")}}),
                 node({"Relu", {"t"}, {"w"}})},
                {"along"}});
  const Read read(model(
      {.graph = graph(
           {.nodes = {node({"Scaled", {"x"}, {"y"}, {Attribute("along", 0)}, "first", "local"}),
                      node({"Scaled", {"y"}, {"z"}, {Attribute("along", 1)}, "second", "local"})},
            .inputs = {value_info("x", type({2, 3}))},
            .outputs = {value_info("z", type({2, 3}))}}),
       .functions = {scaled}}));
  EXPECT_THAT(read.operators(), testing::ElementsAre("softmax", "relu", "softmax", "relu"));
  EXPECT_THAT(read.modules(), testing::ElementsAre("", "first", "second"));
  EXPECT_EQ(read.graph.modules()[1].kind, "Scaled");
}

TEST(Onnx, RefusesFunctionsThatCallThemselves) {
  const std::string endless = function(
      {"local", "Endless", {"v"}, {"w"}, {node({"Endless", {"v"}, {"w"}, {}, "", "local"})}});
  const Error error =
      refusal(model({.graph = graph({.nodes = {node({"Endless", {"x"}, {"y"}, {}, "", "local"})},
                                     .inputs = {value_info("x", type({2}))},
                                     .outputs = {value_info("y", type({2}))}}),
                     .functions = {endless}}));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_TRUE(error.place.byte_offset.has_value());
}

std::string branch(const std::string& op_type, const std::string& output) {
  return graph({.nodes = {node({op_type, {"x"}, {output}})},
                .inputs = {},
                .outputs = {value_info(output, type({4}))}});
}

TEST(Onnx, TakesTheBranchThatIsKnownElseTheCostlierOne) {
  const auto file = [](const std::string& condition) {
    return model(
        {.graph = graph(
             {.nodes = {node({"Shape", {"x"}, {"s"}}), node({"Equal", {"s", "four"}, {"known"}}),
                        node({"If",
                              {condition},
                              {"y"},
                              {Attribute::graph("then_branch", branch("Relu", "a")),
                               Attribute::graph("else_branch", branch("Sigmoid", "b"))}})},
              .inputs = {value_info("x", type({4})), value_info("c", type({}, 9))},
              .outputs = {value_info("y", type({4}))},
              .initializers = {integers("four", {4})}})});
  };
  EXPECT_THAT(Read(file("known")).operators(), testing::ElementsAre("relu"));
  const Read read(file("c"));
  EXPECT_THAT(read.operators(), testing::ElementsAre("sigmoid"));
  EXPECT_THAT(read.notes.notes,
              Contains(HasSubstr("its else_branch is counted, the costlier one")));
}

/// A loop of so many trips through a Relu. Its second result lists the result of each, and has this
/// type.
std::string loop_model(std::int64_t trips, const std::string& type_of_list) {
  const std::string body =
      graph({.nodes = {node({"Relu", {"v"}, {"w"}}), node({"Identity", {"cond"}, {"on"}})},
             .inputs = {value_info("i", type({}, 7)), value_info("cond", type({}, 9)),
                        value_info("v", type({4}))},
             .outputs = {value_info("on", type({}, 9)), value_info("w", type({4})),
                         value_info("w", type({4}))}});
  return model({.graph = graph(
                    {.nodes = {node(
                         {"Loop", {"n", "", "x"}, {"y", "all"}, {Attribute::graph("body", body)}})},
                     .inputs = {value_info("x", type({4}))},
                     .outputs = {value_info("y", type({4})), value_info("all", type_of_list)},
                     .initializers = {integers("n", {trips}, true)}})});
}

TEST(Onnx, UnrollsLoopsOfKnownLength) {
  const auto file = [](std::int64_t trips) { return loop_model(trips, type({trips, 4})); };
  const Read read(file(3));
  EXPECT_THAT(read.operators(), testing::ElementsAre("relu", "relu", "relu", "stack"));
  EXPECT_EQ(read.output(1), (Shape{3, 4}));
  const Read once(file(1'000'000'000));
  EXPECT_EQ(once.output(1), (Shape{1'000'000'000, 4}));
  EXPECT_THAT(once.notes.notes, Contains(HasSubstr("counted 1000000000 times")));
}

TEST(Onnx, TakesTheTypeOfAListThatStaysEmptyFromTheBody) {
  const Read read(loop_model(0, ""));
  EXPECT_TRUE(read.metrics().coverage.unknown.empty());
  EXPECT_EQ(read.output(1), (Shape{0, 4}));
}

TEST(Onnx, CountsAScanOverManySequences) {
  constexpr std::int64_t batch = 100'000'000;
  const std::string body = graph({.nodes = {node({"Relu", {"v"}, {"w"}})},
                                  .inputs = {value_info("v", type({2}))},
                                  .outputs = {value_info("w", type({2}))}});
  const Read read(model({.graph = graph({.nodes = {node({"Scan",
                                                         {"", "x"},
                                                         {"y"},
                                                         {Attribute::graph("body", body),
                                                          Attribute("num_scan_inputs", 1)}})},
                                         .inputs = {value_info("x", type({batch, 4, 2}))},
                                         .outputs = {value_info("y", type({batch, 4, 2}))}}),
                         .opset = 8}));
  EXPECT_TRUE(read.metrics().coverage.unknown.empty());
  EXPECT_EQ(read.metrics().total.flops, batch * 8);
  EXPECT_EQ(read.output(), (Shape{batch, 4, 2}));
}

/// "x" through so many Relu nodes, each of which makes "t0", "t1" and so on, and then these nodes.
std::string chain(int count, std::vector<std::string> nodes, const std::string& output) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    const std::string input = i == 0 ? "x" : "t" + std::to_string(i - 1);
    all.push_back(node({"Relu", {input}, {"t" + std::to_string(i)}}));
  }
  all.insert(all.end(), nodes.begin(), nodes.end());
  return model({.graph = graph({.nodes = all,
                                .inputs = {value_info("x", type({2}))},
                                .outputs = {value_info(output, type({2}))}})});
}

TEST(Onnx, FindsEarlyValues) {
  // Far more than are searched without an index, near and far in turn.
  constexpr int count = 5000;
  constexpr int sums = 100;
  const auto wanted = [](int i) { return i % 3 == 0 ? count - 1 - i : i * 37; };
  std::vector<std::string> nodes;
  for (int i = 0; i < sums; ++i) {
    const std::string last = i == 0 ? "x" : "a" + std::to_string(i - 1);
    nodes.push_back(
        node({"Add", {last, "t" + std::to_string(wanted(i))}, {"a" + std::to_string(i)}}));
  }
  const Read read(chain(count, nodes, "a99"));
  for (int i = 0; i < sums; ++i) {
    const Node& sum = read.graph.nodes()[static_cast<std::size_t>(count + i)];
    const ValueId input = read.graph.inputs_of(sum)[1];
    EXPECT_EQ(read.graph.value(input).producer, static_cast<NodeId>(wanted(i)));
  }
}

TEST(Onnx, RefusesDuplicateOutputs) {
  for (const int count : {2000, 6000}) {
    for (const std::string taken : {"t0", "t7", "t1999", "x"}) {
      const Error error = refusal(chain(count,
                                        {node({"Relu", {"t0"}, {taken}, {}, "again"}),
                                         node({"Relu", {"t1999"}, {"t1"}, {}, "later"}),
                                         node({"Relu", {"t1999"}, {"y"}, {}, "last"})},
                                        "y"));
      EXPECT_EQ(error.code, ErrorCode::malformed);
      EXPECT_THAT(error.message, HasSubstr("duplicate value '" + taken + "'"));
      EXPECT_THAT(error.place.node, HasSubstr("again"));
      EXPECT_TRUE(error.place.byte_offset.has_value());
    }
  }
}

TEST(Onnx, RefusesDuplicateOrUnnamedWeightsAndInputs) {
  const auto with = [](std::vector<std::string> initializers, std::vector<std::string> inputs) {
    return refusal(model({.graph = graph({.nodes = {node({"Relu", {"x"}, {"y"}})},
                                          .inputs = std::move(inputs),
                                          .outputs = {value_info("y", type({2}))},
                                          .initializers = std::move(initializers)})}))
        .message;
  };
  const std::string x = value_info("x", type({2}));
  EXPECT_THAT(with({weight("w", {2}), weight("v", {2}), weight("w", {2})}, {x}),
              HasSubstr("duplicate initializer 'w'"));
  EXPECT_THAT(with({weight("", {2})}, {x}), HasSubstr("an initializer has no name"));
  EXPECT_THAT(with({}, {x, x}), HasSubstr("duplicate input 'x'"));
}

TEST(Onnx, RefusesDuplicateInputsOfFunctionsAndSubgraphs) {
  const std::string x = value_info("x", type({2}));
  const std::string y = value_info("y", type({2}));
  const std::string sum =
      function({"local", "Sum", {"v", "v"}, {"w"}, {node({"Relu", {"v"}, {"w"}})}});
  EXPECT_THAT(
      refusal(model({.graph = graph({.nodes = {node({"Sum", {"x", "x"}, {"y"}, {}, "", "local"})},
                                     .inputs = {x},
                                     .outputs = {y}}),
                     .functions = {sum}}))
          .message,
      HasSubstr("duplicate input of the function 'Sum'"));
  const std::string body =
      graph({.nodes = {node({"Relu", {"v"}, {"w"}})},
             .inputs = {value_info("v", type({}, 7)), value_info("v", type({}, 9)), x},
             .outputs = {value_info("v", type({}, 9)), y}});
  EXPECT_THAT(
      refusal(model({.graph = graph(
                         {.nodes = {node(
                              {"Loop", {"n", "", "x"}, {"y"}, {Attribute::graph("body", body)}})},
                          .inputs = {x},
                          .outputs = {y},
                          .initializers = {integers("n", {3}, true)}})}))
          .message,
      HasSubstr("duplicate input 'v'"));
}

TEST(Onnx, RefusesMoreComputedConstantsThanAFileMayHave) {
  std::vector<std::string> nodes;
  for (int i = 0; i < 1200; ++i)
    nodes.push_back(node({"Add", {"c" + std::to_string(i), "c0"}, {"c" + std::to_string(i + 1)}}));
  std::vector<std::int64_t> elements(4096);
  std::iota(elements.begin(), elements.end(), 0);
  const Error error =
      refusal(model({.graph = graph({.nodes = nodes,
                                     .inputs = {value_info("x", type({2}))},
                                     .outputs = {value_info("c1200", type({4096}, 7))},
                                     .initializers = {integers("c0", elements)}})}));
  EXPECT_EQ(error.code, ErrorCode::limit);
  EXPECT_THAT(error.message, HasSubstr("too many constants"));
  EXPECT_THAT(error.place.node, HasSubstr("Add of 'c"));
}

TEST(Onnx, RefusesASequenceWhereATensorIsTaken) {
  const Error error =
      refusal(model({.graph = graph({.nodes = {node({"SequenceConstruct", {"x", "x"}, {"s"}}),
                                               node({"Relu", {"s"}, {"y"}})},
                                     .inputs = {value_info("x", type({2}))},
                                     .outputs = {value_info("y", type({2}))}})}));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_THAT(error.place.node, HasSubstr("Relu"));
}

TEST(Onnx, RefusesTruncatedFilesWithTheOffset) {
  const std::string file = conv_model({1, 3, 8, 8});
  for (std::size_t length = 12; length < file.size(); ++length) {
    const std::string cut = file.substr(0, length);
    const MappedFile mapped = in_memory(cut);
    Graph graph;
    ImportNotes notes;
    try {
      onnx_importer.read(mapped, {}, graph, notes);
    } catch (const Error& error) {
      const bool is_located = error.code != ErrorCode::malformed || error.place.byte_offset;
      EXPECT_TRUE(is_located) << length;
    }
  }
}

TEST(Onnx, RefusesDataOfTheWrongLength) {
  std::string tensor = weight("w", {1024});
  protozero::pbf_writer(tensor).add_bytes(9, std::string(12, '\0'));
  const Error error = refusal(model(
      {.graph = graph({.nodes = {}, .inputs = {}, .outputs = {}, .initializers = {tensor}})}));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_THAT(error.message, HasSubstr("4096 bytes"));
}

std::string external_model(const std::string& location, const std::string& length) {
  std::string tensor = weight("w", {2, 2});
  protozero::pbf_writer fields(tensor);
  const auto entry = [&](const std::string& key, const std::string& value) {
    std::string pair;
    protozero::pbf_writer both(pair);
    both.add_string(1, key);
    both.add_string(2, value);
    fields.add_message(13, pair);
  };
  entry("location", location);
  entry("length", length);
  fields.add_int32(14, 1);
  return model({.graph = graph({.nodes = {node({"MatMul", {"x", "w"}, {"y"}})},
                                .inputs = {value_info("x", type({2, 2}))},
                                .outputs = {value_info("y", type({2, 2}))},
                                .initializers = {tensor}})});
}

TEST(Onnx, KeepsExternalDataInsideTheFolder) {
  EXPECT_EQ(Read(external_model("weights.bin", "16")).metrics().total.macs, 8);
  for (const char* location : {"/etc/passwd", "../weights.bin", "a/../../b", "", "C:\\x"}) {
    EXPECT_THAT(refusal(external_model(location, "16")).message, HasSubstr("outside"));
  }
  EXPECT_THAT(refusal(external_model("weights.bin", "17")).message, HasSubstr("16 bytes"));
  EXPECT_THAT(refusal(external_model("weights.bin", "-1")).message, HasSubstr("no valid length"));
}

TEST(Onnx, RefusesDeepNesting) {
  std::string body = branch("Relu", "y");
  for (int depth = 0; depth < 200; ++depth) {
    body = graph({.nodes = {node({"If",
                                  {"c"},
                                  {"y"},
                                  {Attribute::graph("then_branch", body),
                                   Attribute::graph("else_branch", branch("Relu", "z"))}})},
                  .inputs = {},
                  .outputs = {value_info("y", type({4}))}});
  }
  const std::string condition = [] {
    std::string tensor;
    protozero::pbf_writer fields(tensor);
    fields.add_int32(2, 9);
    const std::vector<std::int32_t> truth{1};
    fields.add_packed_int32(5, truth.begin(), truth.end());
    fields.add_string(8, "c");
    return tensor;
  }();
  const Error error = refusal(model(
      {.graph = graph({.nodes = {node({"If",
                                       {"c"},
                                       {"y"},
                                       {Attribute::graph("then_branch", body),
                                        Attribute::graph("else_branch", branch("Relu", "z"))}})},
                       .inputs = {value_info("x", type({4}))},
                       .outputs = {value_info("y", type({4}))},
                       .initializers = {condition}})}));
  EXPECT_EQ(error.code, ErrorCode::limit);
}

TEST(Onnx, RefusesExponentialFunctions) {
  std::vector<std::string> functions;
  for (int level = 0; level < 30; ++level) {
    const std::string next = level == 29 ? "Relu" : "F" + std::to_string(level + 1);
    const std::string domain = level == 29 ? "" : "local";
    functions.push_back(function({"local",
                                  "F" + std::to_string(level),
                                  {"v"},
                                  {"w"},
                                  {node({next, {"v"}, {"t"}, {}, "", domain}),
                                   node({next, {"t"}, {"w"}, {}, "", domain})}}));
  }
  const Error error =
      refusal(model({.graph = graph({.nodes = {node({"F0", {"x"}, {"y"}, {}, "", "local"})},
                                     .inputs = {value_info("x", type({4}))},
                                     .outputs = {value_info("y", type({4}))}}),
                     .functions = functions}));
  EXPECT_EQ(error.code, ErrorCode::limit);
}

TEST(Onnx, RefusesEnormousSizes) {
  const Error error = refusal(model(
      {.graph =
           graph({.nodes = {node({"Relu", {"x"}, {"y"}})},
                  .inputs = {value_info("x", type({std::int64_t{1} << 40, std::int64_t{1} << 40}))},
                  .outputs = {}})}));
  EXPECT_EQ(error.code, ErrorCode::overflow);
}

TEST(Onnx, DoesNotTakeOtherFiles) {
  for (const std::string_view text :
       {"", "{\"a\": 1}", "PK\x03\x04", "hello world, this is text"}) {
    EXPECT_FALSE(onnx_importer.recognises(in_memory(text)));
  }
}

}  // namespace
}  // namespace zoometer
