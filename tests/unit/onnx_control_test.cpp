// Loops, branches, the order of nodes, and what the user says of them. Each test names the kind of
// file that it guards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "analysis/training.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kinds = ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/";

struct ControlFile {
  Graph graph;
  ImportNotes notes;

  explicit ControlFile(const MappedFile& file, const TraceOptions& options = {}) {
    onnx_importer.read(file, options, graph, notes);
    verify(graph);
  }
  explicit ControlFile(const std::string& text, const TraceOptions& options = {})
      : ControlFile(MappedFile("test.onnx", std::as_bytes(std::span(text))), options) {}
  static ControlFile kind(const std::string& name, const TraceOptions& options = {}) {
    return ControlFile(MappedFile(kinds + name), options);
  }

  Shape output(std::size_t index = 0) const { return graph.shape(graph.outputs()[index].value); }
  Metrics total() const { return profile(graph).total; }
  std::size_t unknown() const { return profile(graph).coverage.unknown.size(); }
};

Error control_refusal(const std::string& text, const TraceOptions& options = {}) {
  try {
    const ControlFile file(text, options);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "the file was read";
  return Error(ErrorCode::internal, "");
}

const std::string x24 = value_info("x", type({2, 4}));
const std::string y24 = value_info("y", type({2, 4}));
const std::string w44 = weight("w", {4, 4});

TraceOptions with_trips(const std::string& name, std::int64_t trips) {
  TraceOptions options;
  options.trips.push_back({name, trips});
  return options;
}

TraceOptions with_value(const std::string& name, std::vector<long double> numbers) {
  TraceOptions options;
  options.values.push_back({name, std::move(numbers)});
  return options;
}

/// The body of a Loop: inputs i, c and v; outputs on, u and a result for the list.
std::string product_body(std::vector<std::string> more = {}, const std::string& condition = "c") {
  std::vector<std::string> nodes = {node({"MatMul", {"v", "w"}, {"u"}, {}, "/cell/MatMul"}),
                                    node({"Identity", {condition}, {"on"}})};
  nodes.insert(nodes.end(), more.begin(), more.end());
  return graph({.nodes = nodes,
                .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)),
                           value_info("v", type({2, 4}))},
                .outputs = {value_info("on", type({}, 9)), value_info("u", type({2, 4})),
                            value_info("u", type({2, 4}))}});
}

/// x (2, 4) through a Loop named "steps"; `limit` is an initializer n, or an input m.
std::string product_loop(const std::string& limit, std::int64_t trips, const std::string& body,
                         const std::string& condition = "") {
  return model(
      {.graph = graph({.nodes = {node({"Loop",
                                       {limit, condition, "x"},
                                       {"y", "all"},
                                       {Attribute::graph("body", body)},
                                       "steps"})},
                       .inputs = {x24, value_info("m", type({}, 7)), value_info("go", type({}, 9))},
                       .outputs = {y24, value_info("all", type({Dim("t"), 2, 4}))},
                       .initializers = {w44, integers("n", {trips}, true)}})});
}

// -- the order of nodes -------------------------------------------------------------------------

// Guards files whose nodes are not in topological order.
TEST(OnnxOrder, SortsNodesAndNotesIt) {
  const ControlFile file = ControlFile::kind("nodes_out_of_order.onnx");
  EXPECT_EQ(file.total().macs, 512);
  EXPECT_THAT(file.notes.notes, Contains(HasSubstr("were sorted")));
}

// The same where a branch reads what a later node outside makes, and where it makes a value of the
// name that the If has.
TEST(OnnxOrder, SortsByWhatBranchesRead) {
  const auto branch = [](const std::string& op_type) {
    return graph({.nodes = {node({op_type, {"late"}, {"y"}})},
                  .inputs = {},
                  .outputs = {value_info("y", type({2, 4}))}});
  };
  const ControlFile file(
      model({.graph = graph({.nodes = {node({"If",
                                             {"go"},
                                             {"y"},
                                             {Attribute::graph("then_branch", branch("Relu")),
                                              Attribute::graph("else_branch", branch("Sigmoid"))}}),
                                       node({"MatMul", {"x", "w"}, {"late"}})},
                             .inputs = {x24, value_info("go", type({}, 9))},
                             .outputs = {y24},
                             .initializers = {w44}})}));
  EXPECT_EQ(file.total().macs, 32);
  EXPECT_EQ(file.unknown(), 0U);
}

TEST(OnnxOrder, SortsFunctionsAndBodies) {
  const std::string swapped =
      function({"local",
                "Swapped",
                {"a"},
                {"b"},
                {node({"Relu", {"t"}, {"b"}}), node({"Neg", {"a"}, {"t"}})}});
  const std::string body =
      graph({.nodes = {node({"Relu", {"late"}, {"u"}}), node({"MatMul", {"v", "w"}, {"late"}}),
                       node({"Identity", {"c"}, {"on"}})},
             .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)),
                        value_info("v", type({2, 4}))},
             .outputs = {value_info("on", type({}, 9)), value_info("u", type({2, 4}))}});
  const ControlFile file(model(
      {.graph = graph(
           {.nodes = {node({"Swapped", {"x"}, {"s"}, {}, "", "local"}),
                      node({"Loop", {"n", "", "s"}, {"y"}, {Attribute::graph("body", body)}})},
            .inputs = {x24},
            .outputs = {y24},
            .initializers = {w44, integers("n", {3}, true)}}),
       .functions = {swapped}}));
  EXPECT_EQ(file.total().macs, 3 * 32);
}

TEST(OnnxOrder, NamesTheNodesOfACycle) {
  const Error error = control_refusal(
      model({.graph = graph({.nodes = {node({"Add", {"x", "b"}, {"a"}, {}, "first"}),
                                       node({"Relu", {"a"}, {"b"}, {}, "second"})},
                             .inputs = {x24},
                             .outputs = {value_info("b", type({2, 4}))}})}));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_THAT(error.message, HasSubstr("cycle: Add 'first', Relu 'second'"));
  const Error own =
      control_refusal(model({.graph = graph({.nodes = {node({"Relu", {"a"}, {"a"}, {}, "own"})},
                                             .inputs = {x24},
                                             .outputs = {value_info("a", type({2, 4}))}})}));
  EXPECT_THAT(own.message, HasSubstr("reads its own output: Relu 'own'"));
}

TEST(OnnxOrder, RefusesANameThatNothingMakes) {
  const Error error = control_refusal(model(
      {.graph = graph(
           {.nodes = {node({"Relu", {"nowhere"}, {"y"}})}, .inputs = {x24}, .outputs = {y24}})}));
  EXPECT_THAT(error.message, HasSubstr("undefined input 'nowhere'"));
}

// A file of hostile size must not take more than time in proportion to it.
TEST(OnnxOrder, SortsALongChainThatIsWrittenBackwards) {
  std::vector<std::string> nodes;
  constexpr int count = 20'000;
  for (int i = count; i-- > 0;) {
    nodes.push_back(
        node({"Relu", {i == 0 ? "x" : "t" + std::to_string(i - 1)}, {"t" + std::to_string(i)}}));
  }
  const ControlFile file(model(
      {.graph = graph({.nodes = nodes,
                       .inputs = {x24},
                       .outputs = {value_info("t" + std::to_string(count - 1), type({2, 4}))}})}));
  EXPECT_EQ(file.graph.nodes().size(), static_cast<std::size_t>(count));
}

// -- loops --------------------------------------------------------------------------------------

// Guards loops that a condition ends, beside a trip count of 2^63-1 as PyTorch writes it, a large
// one, or none.
TEST(OnnxLoop, CountsAWhileLoopUntilItsConditionEndsIt) {
  EXPECT_EQ(ControlFile::kind("while_loop.onnx").total().macs, 240);
  EXPECT_EQ(ControlFile::kind("while_loop_with_break.onnx").total().macs, 192);
  for (const char* name : {"while_loop_huge_count.onnx", "while_loop_100000.onnx"}) {
    const ControlFile file = ControlFile::kind(name);
    EXPECT_EQ(file.total().macs, 7 * 32) << name;
    EXPECT_FALSE(file.total().bounded) << name;
  }
}

// Guards loops of known length: their figures are multiplied, and the graph has one iteration.
TEST(OnnxLoop, CountsALongLoopInClosedForm) {
  constexpr std::int64_t trips = 1'000'000;
  const ControlFile file(product_loop("n", trips, product_body()));
  const Metrics total = file.total();
  EXPECT_EQ(total.macs, trips * 32);
  EXPECT_EQ(total.parameters, 16);
  EXPECT_LT(file.graph.nodes().size(), 20U);
  EXPECT_EQ(file.output(1), (Shape{trips, 2, 4}));
  EXPECT_EQ(file.output(0), (Shape{2, 4}));
  EXPECT_THAT(file.notes.notes, Contains(HasSubstr("counted 1000000 times")));
}

// The figures of a loop in closed form are those of the same loop unrolled, times its length.
TEST(OnnxLoop, HasTheSameFiguresInClosedFormAndUnrolled) {
  const std::vector<std::string> nodes = {node({"Gather", {"table", "i"}, {"row"}}),
                                          node({"Add", {"u", "row"}, {"sum"}})};
  const auto figures = [&](std::int64_t trips) {
    return ControlFile(
               model({.graph =
                          graph({.nodes = {node({"Loop",
                                                 {"n", "", "x"},
                                                 {"y", "all"},
                                                 {Attribute::graph("body", product_body(nodes))}})},
                                 .inputs = {x24},
                                 .outputs = {y24},
                                 .initializers = {w44, integers("n", {trips}, true),
                                                  weight("table", {100'000, 4})}})}))
        .total();
  };
  const Metrics few = figures(100);
  const Metrics many = figures(100'000);
  EXPECT_EQ(many.macs, 1000 * few.macs);
  EXPECT_EQ(many.flops, 1000 * few.flops);
  EXPECT_EQ(many.activations, 1000 * few.activations);
  EXPECT_EQ(many.bytes_read, 1000 * few.bytes_read);
  EXPECT_EQ(many.bytes_written, 1000 * few.bytes_written);
  EXPECT_EQ(many.parameters, few.parameters);
}

TEST(OnnxLoop, MultipliesLoopsWithinLoops) {
  const std::string inner =
      graph({.nodes = {node({"MatMul", {"iv", "w"}, {"iu"}}), node({"Identity", {"ic"}, {"ion"}})},
             .inputs = {value_info("ii", type({}, 7)), value_info("ic", type({}, 9)),
                        value_info("iv", type({2, 4}))},
             .outputs = {value_info("ion", type({}, 9)), value_info("iu", type({2, 4}))}});
  const std::string outer =
      graph({.nodes = {node({"Loop", {"n", "", "v"}, {"u"}, {Attribute::graph("body", inner)}}),
                       node({"Identity", {"c"}, {"on"}})},
             .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)),
                        value_info("v", type({2, 4}))},
             .outputs = {value_info("on", type({}, 9)), value_info("u", type({2, 4})),
                         value_info("u", type({2, 4}))}});
  EXPECT_EQ(ControlFile(product_loop("n", 30'000, outer)).total().macs, 30'000LL * 30'000 * 32);
  EXPECT_EQ(ControlFile(product_loop("n", 5, outer)).total().macs, 25 * 32);
}

// Guards loops whose length data decides: figures are per iteration, and an option sets it.
TEST(OnnxLoop, CountsOneIterationOfAnUnknownNumberAndTakesTrips) {
  const std::string file = product_loop("m", 1, product_body());
  const ControlFile one(file);
  EXPECT_EQ(one.total().macs, 32);
  EXPECT_EQ(one.graph.unknown_sizes(one.graph.outputs()[1].value), UnknownSizes{1});
  EXPECT_THAT(one.notes.notes, Contains(HasSubstr("per iteration; set it with --trips steps=N")));
  EXPECT_EQ(ControlFile(file, with_trips("steps", 9)).total().macs, 9 * 32);
  const ControlFile many(file, with_trips("steps", 1'000'000));
  EXPECT_EQ(many.total().macs, 1'000'000 * 32);
  EXPECT_EQ(many.output(1), (Shape{1'000'000, 2, 4}));
  EXPECT_EQ(ControlFile(file, with_trips("steps", 0)).output(1), (Shape{0, 2, 4}));
  EXPECT_EQ(ControlFile(file, with_value("m", {6})).total().macs, 6 * 32);
  const Error error = control_refusal(file, with_trips("step", 2));
  EXPECT_EQ(error.code, ErrorCode::unknown_name);
  EXPECT_THAT(error.hint, HasSubstr("steps"));
}

// A loop that data may end before has bounds: nothing is exact that may be less.
TEST(OnnxLoop, MarksALoopThatMayEndBeforeAsABound) {
  const std::string body =
      product_body({node({"ReduceMax", {"u"}, {"most"}, {Attribute("keepdims", 0)}}),
                    node({"Less", {"most", "most"}, {"data"}})},
                   "data");
  const ControlFile file(product_loop("n", 20, body));
  EXPECT_EQ(file.total().macs, 20 * 32);
  EXPECT_TRUE(file.total().macs_bounded);
  EXPECT_THAT(file.notes.notes, Contains(HasSubstr("may end before")));
  EXPECT_TRUE(file.graph.value(file.graph.outputs()[1].value).has(Value::bounded));
  EXPECT_FALSE(file.graph.value(file.graph.outputs()[0].value).has(Value::bounded));
}

// Guards loops that run no time: sizes of 0 and known types.
TEST(OnnxLoop, GivesOutputsOfSizeZeroWhereItDoesNotRun) {
  for (const char* name :
       {"loop_of_no_trip.onnx", "loop_of_count_zero.onnx", "loop_of_false_condition.onnx",
        "scan_of_length_zero.onnx", "sequence_of_length_zero.onnx"}) {
    EXPECT_EQ(ControlFile::kind(name).unknown(), 0U) << name;
  }
  EXPECT_EQ(ControlFile::kind("loop_of_no_trip.onnx").output(1), (Shape{0}));
  const ControlFile zero = ControlFile::kind("loop_of_count_zero.onnx");
  EXPECT_EQ(zero.output(0), (Shape{2, 6}));
  EXPECT_EQ(zero.output(1), (Shape{0, 2, 4}));
  EXPECT_EQ(zero.total().macs, 48);
  EXPECT_EQ(ControlFile::kind("loop_of_false_condition.onnx").output(1), (Shape{0, 2, 4}));
  EXPECT_EQ(ControlFile::kind("sequence_of_length_zero.onnx").output(), (Shape{0, 4}));
}

// Guards bodies that declare the iteration number and the condition as vectors of one element.
TEST(OnnxLoop, TakesAnIterationNumberOfShapeOne) {
  const std::string body =
      graph({.nodes = {node({"Gather", {"table", "i"}, {"row"}}),
                       node({"Add", {"v", "row"}, {"u"}}), node({"Identity", {"c"}, {"on"}})},
             .inputs = {value_info("i", type({1}, 7)), value_info("c", type({1}, 9)),
                        value_info("v", type({2, 4}))},
             .outputs = {value_info("on", type({1}, 9)), value_info("u", type({2, 4})),
                         value_info("row", type({1, 4}))}});
  for (const std::int64_t trips : {3, 100'000}) {
    const ControlFile file(model(
        {.graph = graph(
             {.nodes = {node(
                  {"Loop", {"n", "", "x"}, {"y", "all"}, {Attribute::graph("body", body)}})},
              .inputs = {x24},
              .outputs = {y24, value_info("all", type({Dim("t"), 1, 4}))},
              .initializers = {weight("table", {100'000, 4}), integers("n", {trips}, true)}})}));
    EXPECT_EQ(file.output(1), (Shape{trips, 1, 4}));
  }
}

// Guards decoders: a cache that grows by one in each iteration, read by a product. Costs grow
// evenly, so the closed form is exact.
TEST(OnnxLoop, CountsACacheThatGrowsExactly) {
  const std::string body =
      graph({.nodes = {node({"Concat", {"v", "x"}, {"u"}, {Attribute("axis", 0)}}),
                       node({"MatMul", {"u", "w"}, {"p"}}), node({"Identity", {"c"}, {"on"}})},
             .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)),
                        value_info("v", type({Dim("t"), 4}))},
             .outputs = {value_info("on", type({}, 9)), value_info("u", type({Dim("t"), 4}))}});
  for (const std::int64_t trips : {10, 99'999, 100'000}) {
    const ControlFile file(model(
        {.graph = graph(
             {.nodes = {node({"Loop", {"n", "", "x"}, {"y"}, {Attribute::graph("body", body)}})},
              .inputs = {x24},
              .outputs = {value_info("y", type({Dim("t"), 4}))},
              .initializers = {w44, integers("n", {trips}, true)}})}));
    // Iteration k multiplies (2 + 2k) rows, k from 1: 16 MACs each.
    EXPECT_EQ(file.total().macs, 16 * (2 * trips + trips * (trips + 1)));
    EXPECT_EQ(file.output(), (Shape{2 + 2 * trips, 4}));
  }
}

// Sizes that change unevenly in a long loop are not known after it, and a note says so.
TEST(OnnxLoop, DoesNotGuessSizesThatGrowUnevenly) {
  const std::string body =
      graph({.nodes = {node({"Concat", {"v", "v"}, {"u"}, {Attribute("axis", 0)}}),
                       node({"Identity", {"c"}, {"on"}})},
             .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)),
                        value_info("v", type({Dim("t"), 4}))},
             .outputs = {value_info("on", type({}, 9)), value_info("u", type({Dim("t"), 4}))}});
  const ControlFile file(model(
      {.graph = graph(
           {.nodes = {node({"Loop", {"n", "", "x"}, {"y"}, {Attribute::graph("body", body)}})},
            .inputs = {x24},
            .outputs = {value_info("y", type({Dim("t"), 4}))},
            .initializers = {integers("n", {50'000}, true)}})}));
  EXPECT_EQ(file.graph.unknown_sizes(file.graph.outputs()[0].value), UnknownSizes{1});
  EXPECT_THAT(file.notes.notes, Contains(HasSubstr("change unevenly")));
}

// Guards searches that call a decoder for each token.
TEST(OnnxGeneration, CountsThePromptAndTheSteps) {
  const std::string cache = type({1, Dim("b"), 1, Dim("past"), 4});
  const std::string decoder = graph(
      {.nodes = {node({"Gather", {"table", "input_ids"}, {"e"}}),
                 node({"MatMul", {"e", "w"}, {"p"}}), node({"Unsqueeze", {"p", "axes"}, {"new"}}),
                 node({"Concat", {"past_0", "new"}, {"present_0"}, {Attribute("axis", 3)}}),
                 node({"MatMul", {"present_0", "w"}, {"q"}}),
                 node({"MatMul", {"p", "head"}, {"logits"}})},
       .inputs = {value_info("input_ids", type({Dim("b"), Dim("s")}, 6)),
                  value_info("position_ids", type({Dim("b"), Dim("s")}, 6)),
                  value_info("attention_mask", type({Dim("b"), Dim("t")}, 6)),
                  value_info("past_0", cache)},
       .outputs = {value_info("logits", type({Dim("b"), Dim("s"), 10})),
                   value_info("present_0", cache)},
       .initializers = {weight("table", {10, 4}), weight("w", {4, 4}), weight("head", {4, 10}),
                        integers("axes", {0, 2})}});
  // A step of s tokens after n others: s x 16, (n + s) x 16 and s x 40 MACs for each row.
  const auto step = [](std::int64_t s, std::int64_t n) { return 16 * s + 16 * (n + s) + 40 * s; };
  const auto file = [&](const std::string& op_type, std::vector<std::string> inputs) {
    return model({.graph = graph({.nodes = {node({op_type,
                                                  std::move(inputs),
                                                  {"y"},
                                                  {Attribute::graph("decoder", decoder)},
                                                  "gen",
                                                  "com.microsoft"})},
                                  .inputs = {value_info("ids", type({1, 5}, 6))},
                                  .outputs = {value_info("y", "")},
                                  .initializers = {integers("most", {20}, true),
                                                   integers("beams", {3}, true)}})});
  };
  const std::string greedy = file("GreedySearch", {"ids", "most"});
  EXPECT_EQ(ControlFile(greedy).total().macs, step(5, 0) + step(1, 5));
  EXPECT_THAT(ControlFile(greedy).notes.notes, Contains(HasSubstr("--trips gen=N")));
  EXPECT_EQ(ControlFile(greedy).output(), (Shape{1, 20}));
  const std::string beams = file("BeamSearch", {"ids", "most", "", "beams"});
  for (const std::int64_t trips : {1, 10, 50'001}) {
    std::int64_t expected = step(5, 0);
    for (std::int64_t k = 0; k < trips; ++k) expected += step(1, 5 + k);
    EXPECT_EQ(ControlFile(beams, with_trips("gen", trips)).total().macs, 3 * expected);
  }
}

// -- ai.onnx.ml -----------------------------------------------------------------------------------

std::string ml_model(const NodeParts& parts, const std::string& input) {
  NodeParts own = parts;
  own.domain = "ai.onnx.ml";
  std::vector<std::string> outputs;
  for (const std::string& output : parts.outputs) outputs.push_back(value_info(output, ""));
  return model({.graph = graph({.nodes = {node(own)}, .inputs = {input}, .outputs = outputs})});
}

Attribute ml_reals(const std::string& name, std::size_t count) {
  Attribute result(name);
  protozero::pbf_writer fields(result.message);
  for (std::size_t i = 0; i < count; ++i) fields.add_float(7, 0.5F);
  return result;
}

Attribute ml_texts(const std::string& name, const std::vector<std::string>& texts) {
  Attribute result(name);
  protozero::pbf_writer fields(result.message);
  for (const std::string& text : texts) fields.add_bytes(9, text);
  return result;
}

using Numbers = std::vector<std::int64_t>;

// Guards the classical models of ai.onnx.ml, whose numbers are attributes.
TEST(OnnxClassical, CountsLinearModelsAndSupportVectors) {
  const std::string x = value_info("x", type({5, 3}));
  const ControlFile linear(ml_model({"LinearClassifier",
                                     {"x"},
                                     {"l", "z"},
                                     {ml_reals("coefficients", 12), ml_reals("intercepts", 4),
                                      Attribute("classlabels_ints", Numbers{0, 1, 2, 3})}},
                                    x));
  EXPECT_EQ(linear.total().macs, 5 * 3 * 4);
  EXPECT_EQ(linear.total().parameters, 16);
  EXPECT_EQ(linear.output(0), (Shape{5}));
  EXPECT_EQ(linear.output(1), (Shape{5, 4}));
  const ControlFile vectors(
      ml_model({"SVMRegressor",
                {"x"},
                {"y"},
                {ml_reals("coefficients", 4), ml_reals("support_vectors", 12),
                 Attribute::text("kernel_type", "RBF"), Attribute("n_supports", 4)}},
               x));
  EXPECT_EQ(vectors.total().macs, 5 * 4 * 3 + 5 * 4);
  EXPECT_EQ(vectors.output(), (Shape{5, 1}));
}

/// Features of more axes than two are joined as rows.
TEST(OnnxClassical, JoinsFeaturesOfAnyRank) {
  const ControlFile joined(
      ml_model({"FeatureVectorizer", {"x", "x"}, {"y"}}, value_info("x", type({1, 2, 3}))));
  EXPECT_EQ(joined.output(), (Shape{1, 12}));
}

TEST(OnnxClassical, CountsTheLongestPathsOfTrees) {
  // Two trees: one of two levels, one of one.
  const ControlFile trees(
      ml_model({"TreeEnsembleRegressor",
                {"x"},
                {"y"},
                {Attribute("nodes_treeids", Numbers{0, 0, 0, 0, 0, 1, 1, 1}),
                 Attribute("nodes_nodeids", Numbers{0, 1, 2, 3, 4, 0, 1, 2}),
                 Attribute("nodes_truenodeids", Numbers{1, 3, 0, 0, 0, 1, 0, 0}),
                 Attribute("nodes_falsenodeids", Numbers{2, 4, 0, 0, 0, 2, 0, 0}),
                 ml_texts("nodes_modes", {"BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF",
                                          "BRANCH_LEQ", "LEAF", "LEAF"}),
                 ml_reals("target_weights", 5), Attribute("n_targets", 2)}},
               value_info("x", type({7, 3}))));
  EXPECT_EQ(trees.total().flops, 7 * (3 + 2));
  EXPECT_TRUE(trees.total().bounded);
  EXPECT_EQ(trees.total().parameters, 3 + 5);
  EXPECT_EQ(trees.output(), (Shape{7, 2}));
  EXPECT_EQ(trees.unknown(), 0U);
}

// A list that each iteration appends to has as many elements as there are iterations.
TEST(OnnxLoop, GrowsSequences) {
  const std::string body = graph(
      {.nodes = {node({"SequenceInsert", {"v", "x"}, {"u"}}), node({"MatMul", {"x", "w"}, {"p"}}),
                 node({"Identity", {"c"}, {"on"}})},
       .inputs = {value_info("i", type({}, 7)), value_info("c", type({}, 9)), value_info("v", "")},
       .outputs = {value_info("on", type({}, 9)), value_info("u", "")}});
  for (const std::int64_t trips : {5, 50'000}) {
    const ControlFile file(model(
        {.graph = graph(
             {.nodes = {node({"SequenceEmpty", {}, {"s"}}),
                        node({"Loop", {"n", "", "s"}, {"l"}, {Attribute::graph("body", body)}}),
                        node({"ConcatFromSequence", {"l"}, {"y"}, {Attribute("axis", 0)}})},
              .inputs = {x24},
              .outputs = {value_info("y", type({Dim("t"), 4}))},
              .initializers = {w44, integers("n", {trips}, true)}})}));
    EXPECT_EQ(file.output(), (Shape{2 * trips, 4}));
    EXPECT_EQ(file.total().macs, trips * 32);
  }
}

// Guards Scans: any known length, several inputs and outputs, other axes.
TEST(OnnxLoop, CountsAScanOfAnyLength) {
  const std::string body =
      graph({.nodes = {node({"MatMul", {"h", "w"}, {"p"}}), node({"Add", {"p", "a"}, {"q"}}),
                       node({"Add", {"q", "b"}, {"g"}}), node({"Relu", {"g"}, {"o"}})},
             .inputs = {value_info("h", type({2, 4})), value_info("a", type({2, 4})),
                        value_info("b", type({2, 4}))},
             .outputs = {value_info("g", type({2, 4})), value_info("o", type({2, 4})),
                         value_info("q", type({2, 4}))}});
  for (const std::int64_t length : {7, 70'000}) {
    const ControlFile file(model(
        {.graph =
             graph({.nodes = {node(
                        {"Scan",
                         {"x", "s", "t"},
                         {"y", "all", "last"},
                         {Attribute::graph("body", body), Attribute("num_scan_inputs", 2),
                          Attribute("scan_input_axes", std::vector<std::int64_t>{0, 1}),
                          Attribute("scan_output_axes", std::vector<std::int64_t>{1, -1}),
                          Attribute("scan_input_directions", std::vector<std::int64_t>{0, 1})}})},
                    .inputs = {x24, value_info("s", type({length, 2, 4})),
                               value_info("t", type({2, length, 4}))},
                    .outputs = {y24, value_info("all", type({2, length, 4})),
                                value_info("last", type({2, 4, length}))},
                    .initializers = {w44}})}));
    EXPECT_EQ(file.total().macs, length * 32);
    EXPECT_EQ(file.output(1), (Shape{2, length, 4}));
    EXPECT_EQ(file.output(2), (Shape{2, 4, length}));
  }
}

TEST(OnnxLoop, CountsTheCallsOfModulesInItsBody) {
  for (const std::int64_t trips : {3, 100'000}) {
    const ControlFile file(product_loop("n", trips, product_body()));
    const Profile figures = profile(file.graph);
    ASSERT_EQ(file.graph.modules().size(), 2U);
    EXPECT_EQ(file.graph.module_path(1), "cell");
    EXPECT_EQ(figures.calls[1], trips);
    EXPECT_EQ(figures.calls[0], 1);
    EXPECT_EQ(figures.modules[1].macs, trips * 32);
  }
}

// What runs often is in memory once, trains with what every run made, and is moved every time.
TEST(OnnxLoop, IsTakenIntoAccountByEveryAnalysis) {
  constexpr std::int64_t trips = 100'000;
  const ControlFile loop(model(
      {.graph =
           graph({.nodes = {node(
                      {"Loop", {"n", "", "x"}, {"y"}, {Attribute::graph("body", product_body())}})},
                  .inputs = {x24},
                  .outputs = {y24},
                  .initializers = {w44, integers("n", {trips}, true)}})}));
  EXPECT_LT(activations_of(loop.graph).peak_bytes, 1000);
  const TrainingProfile training = profile_training(loop.graph, Optimizer::sgd);
  EXPECT_EQ(training.macs, trips * 32);
  EXPECT_EQ(training.backward_macs, trips * 32);  // of the weight; x needs no gradient
  const Workload workload = workload_of(loop.graph, {});
  std::int64_t macs = 0;
  for (const Work& work : workload.works) macs += work.macs;
  EXPECT_EQ(macs, trips * 32);
  EXPECT_EQ(workload.compulsory.weights, 64);
}

// -- branches -----------------------------------------------------------------------------------

// Guards an If on data of which one branch does not fit the sizes, as in voice activity detectors.
TEST(OnnxIf, DropsABranchThatDoesNotFit) {
  TraceOptions sixteen;
  sixteen.inputs.push_back({"x", {1, 16}});
  const ControlFile file = ControlFile::kind("if_branch_that_does_not_fit.onnx", sixteen);
  EXPECT_EQ(file.total().macs, 512);
  EXPECT_THAT(file.notes.notes,
              Contains(HasSubstr("its then_branch is counted, and its else_branch "
                                 "does not fit the sizes")));
  EXPECT_THAT(file.notes.notes, Contains(HasSubstr("--value sr=N")));
  TraceOptions eight;
  eight.inputs.push_back({"x", {1, 8}});
  EXPECT_EQ(ControlFile::kind("if_branch_that_does_not_fit.onnx", eight).total().macs, 256);
  sixteen.values.push_back({"sr", {16000}});
  const ControlFile given = ControlFile::kind("if_branch_that_does_not_fit.onnx", sixteen);
  EXPECT_EQ(given.total().macs, 512);
  EXPECT_THAT(given.notes.notes, Not(Contains(HasSubstr("does not fit"))));
}

TEST(OnnxIf, NamesBothBranchesWhereNeitherFits) {
  TraceOptions five;
  five.inputs.push_back({"x", {1, 5}});
  try {
    ControlFile::kind("if_branch_that_does_not_fit.onnx", five);
    ADD_FAILURE() << "the file was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.message, HasSubstr("neither branch fits"));
    EXPECT_THAT(error.detail.got, HasSubstr("then_branch: "));
    EXPECT_THAT(error.detail.got, HasSubstr("else_branch: "));
  }
}

// -- what the user says ---------------------------------------------------------------------------

// Guards --value of inputs, initializers and computed values.
TEST(OnnxValueOption, FixesInputsAndInnerValues) {
  const auto file = [](const std::string& sizes) {
    return model({.graph = graph({.nodes = {node({"Cast", {"k"}, {"inner"}, {Attribute("to", 7)}}),
                                            node({"Reshape", {"x", sizes}, {"y"}})},
                                  .inputs = {x24, value_info("k", type({2}, 1))},
                                  .outputs = {value_info("y", type({Dim("a"), Dim("b")}))},
                                  .initializers = {integers("c", {2, 4})}})});
  };
  EXPECT_EQ(ControlFile(file("inner"), with_value("k", {8, 1})).output(), (Shape{8, 1}));
  EXPECT_EQ(ControlFile(file("inner"), with_value("inner", {1, 8})).output(), (Shape{1, 8}));
  EXPECT_EQ(ControlFile(file("c"), with_value("c", {4, 2})).output(), (Shape{4, 2}));
  EXPECT_EQ(control_refusal(file("c"), with_value("c", {1, 2, 4})).code, ErrorCode::usage);
  const Error unknown = control_refusal(file("c"), with_value("iner", {1}));
  EXPECT_EQ(unknown.code, ErrorCode::unknown_name);
  EXPECT_THAT(unknown.hint, HasSubstr("inner"));
}

// Guards the hint where an input's sizes have no names.
TEST(OnnxValueOption, HintsAtInputsWithoutNamedSizes) {
  const Error error =
      control_refusal(model({.graph = graph({.nodes = {node({"MatMul", {"x", "w"}, {"y"}})},
                                             .inputs = {value_info("x", type({2, -1}))},
                                             .outputs = {y24},
                                             .initializers = {w44}})}));
  EXPECT_THAT(error.hint, HasSubstr("--input-shape x=2,N"));
}

// -- external data --------------------------------------------------------------------------------

// Guards sizes that are stored in another file.
TEST(OnnxExternal, ReadsSmallTensorsThatShapesDependOn) {
  const ControlFile file = ControlFile::kind("external_sizes/model.onnx");
  EXPECT_EQ(file.output(), (Shape{4, 5}));
  EXPECT_EQ(file.total().macs, 120);
  const ControlFile constant = ControlFile::kind("external_sizes/constant.onnx");
  EXPECT_EQ(constant.output(), (Shape{4, 5}));
  const ControlFile missing = ControlFile::kind("external_sizes/missing.onnx");
  EXPECT_THAT(missing.notes.notes, Contains(HasSubstr("shapes may depend on the tensor 's'")));
  EXPECT_THAT(missing.notes.notes, Not(Contains(HasSubstr("nothing of it is needed"))));
}

TEST(OnnxExternal, TakesALengthOfZeroAsNotStated) {
  EXPECT_EQ(ControlFile::kind("external_sizes/length_zero.onnx").total().macs, 60);
}

}  // namespace
}  // namespace zoometer
