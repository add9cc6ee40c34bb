// Nodes of constants are computed while a file is read, because shapes depend on them. The result
// shows in a shape: the last node makes a tensor of the computed sizes.
#include <gtest/gtest.h>

#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;

/// Nodes that make `sizes` of constants.
struct Case {
  std::string name;
  std::vector<NodeParts> nodes;
  std::vector<NodeParts> constants;  ///< nodes, as initializers of real numbers are weights
  Shape sizes;
  int opset = 17;
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

NodeParts constant(const std::string& name, const std::string& tensor) {
  return {"Constant", {}, {name}, {Attribute::tensor("value", tensor)}};
}
NodeParts whole(const std::string& name, std::vector<std::int64_t> elements) {
  return constant(name, integers("", std::move(elements)));
}
NodeParts real(const std::string& name, std::vector<float> elements) {
  return constant(name, reals("", std::move(elements)));
}

NodeParts to_integers(const std::string& from) {
  return {"Cast", {from}, {"sizes"}, {Attribute("to", 7)}};
}

/// One node, of integers.
Case of_integers(const std::string& op_type, std::vector<std::int64_t> a, const Shape& sizes) {
  return {op_type, {{op_type, {"a"}, {"sizes"}}}, {whole("a", std::move(a))}, sizes};
}
Case of_integers(const std::string& op_type, std::vector<std::int64_t> a,
                 std::vector<std::int64_t> b, const Shape& sizes) {
  return {op_type,
          {{op_type, {"a", "b"}, {"sizes"}}},
          {whole("a", std::move(a)), whole("b", std::move(b))},
          sizes};
}

/// One node of real numbers, whose results are truncated.
Case of_reals(const std::string& op_type, std::vector<float> a, const Shape& sizes) {
  return {op_type + "OfReals",
          {{op_type, {"a"}, {"y"}}, to_integers("y")},
          {real("a", std::move(a))},
          sizes};
}
Case of_reals(const std::string& op_type, std::vector<float> a, std::vector<float> b,
              const Shape& sizes) {
  return {op_type + "OfReals",
          {{op_type, {"a", "b"}, {"y"}}, to_integers("y")},
          {real("a", std::move(a)), real("b", std::move(b))},
          sizes};
}

/// A node of booleans, 1 or 0; one is added to each, because a size of 0 shows little.
Case of_truths(const std::string& op_type, std::vector<std::int64_t> a, std::vector<std::int64_t> b,
               const Shape& sizes) {
  return {op_type,
          {{"Cast", {"a"}, {"p"}, {Attribute("to", 9)}},
           {"Cast", {"b"}, {"q"}, {Attribute("to", 9)}},
           {op_type, {"p", "q"}, {"y"}},
           {"Cast", {"y"}, {"truth"}, {Attribute("to", 7)}},
           {"Add", {"truth", "one"}, {"sizes"}}},
          {whole("a", std::move(a)), whole("b", std::move(b)), whole("one", {1})},
          sizes};
}

/// Elements of a type that are read as stored.
template <class T>
Case stored(const std::string& name, int elem_type, std::vector<T> elements, const Shape& sizes) {
  return {"Stored" + name,
          {to_integers("a")},
          {constant("a", raw("", elem_type, std::move(elements)))},
          sizes};
}

const std::vector<std::uint16_t> halves = {0x4200, 0x4500, 0x3C00};      // 3, 5, 1
const std::vector<std::uint16_t> odd_halves = {0x6800, 0x0001, 0x4880};  // 2048, 2^-24, 9
const std::vector<std::uint16_t> bfloats = {0x4040, 0x40A0, 0x3F80};     // 3, 5, 1

std::vector<Case> cases() {
  const std::vector<std::int64_t> swapped{1, 0};
  const std::vector<std::int64_t> pieces{2, 1};
  return {
      of_integers("Sub", {7, 9}, {2, 4}, {5, 5}),
      of_integers("Div", {7, 9}, {2, 4}, {3, 2}),
      of_integers("Mod", {-7, 9, -8}, {4, 4, 4}, {1, 1, 0}),  // the sign is the divisor's
      of_integers("Max", {2, 7}, {5, 3}, {5, 7}),
      of_integers("Min", {2, 7}, {5, 3}, {2, 3}),
      of_integers("Max", {4}, {4}),
      of_integers("Neg", {-3, -4}, {3, 4}),
      of_integers("Tile", {2, 3}, {2}, {2, 3, 2, 3}),
      of_integers("CumSum", {1, 2, 3}, {0}, {1, 3, 6}),
      of_integers("ReduceSum", {2, 3, 4}, {9}),
      of_integers("ReduceProd", {2, 3, 4}, {24}),
      of_integers("ReduceMax", {2, 4, 3}, {4}),
      of_integers("ReduceMin", {3, 2, 4}, {2}),
      of_reals("Sub", {7.5F}, {2.F}, {5}),
      of_reals("Div", {9.F, 7.F}, {2.F, 2.F}, {4, 3}),
      of_reals("Pow", {2.F, 3.F}, {3.F, 2.F}, {8, 9}),
      of_reals("Floor", {2.9F, 3.F}, {2, 3}),
      of_reals("Ceil", {2.1F, 3.F}, {3, 3}),
      of_reals("Round", {2.5F, 3.5F, 3.6F}, {2, 4, 4}),  // a half goes to the even one
      of_reals("Sqrt", {9.F, 24.F}, {3, 4}),
      of_reals("Log", {20.1F, 2.F}, {3, 0}),  // e cubed is 20.086
      of_reals("Reciprocal", {0.25F, 0.3F}, {4, 3}),
      of_reals("ReduceSum", {1.5F, 2.5F}, {4}),
      of_truths("And", {1, 1, 0}, {1, 0, 0}, {2, 1, 1}),
      of_truths("Or", {1, 1, 0}, {1, 0, 0}, {2, 2, 1}),
      of_truths("Xor", {1, 1, 0}, {1, 0, 0}, {1, 2, 1}),
      {"FmodOfIntegers",
       {{"Mod", {"a", "b"}, {"sizes"}, {Attribute("fmod", 1)}}},
       {whole("a", {7, 9}), whole("b", {-4, 4})},
       {3, 1}},  // the sign is the dividend's
      {"RemainderOfReals",
       {{"Mod", {"a", "b"}, {"y"}, {Attribute("fmod", 1)}}, to_integers("y")},
       {real("a", {7.5F}), real("b", {2.F})},
       {1}},
      {"ComparedReals",
       {{"Greater", {"a", "b"}, {"y"}}, to_integers("y")},
       {real("a", {2.F, 3.F}), real("b", {1.F, 2.F})},
       {1, 1}},
      {"ReducedToAScalar",
       {{"ReduceSum", {"a"}, {"y"}, {Attribute("keepdims", 0)}},
        {"Unsqueeze", {"y", "axis"}, {"sizes"}}},
       {whole("a", {2, 3}), whole("axis", {0})},
       {5}},
      {"Where",
       {{"Equal", {"a", "two"}, {"condition"}}, {"Where", {"condition", "a", "b"}, {"sizes"}}},
       {whole("a", {2, 3, 2}), whole("two", {2}), whole("b", {5, 6, 7})},
       {2, 6, 2}},
      {"Clip",
       {{"Clip", {"a", "least", "most"}, {"sizes"}}},
       {whole("a", {1, 5, 9}), whole("least", {2}), whole("most", {6})},
       {2, 5, 6}},
      {"ClipOfReals",
       {{"Clip", {"a", "least"}, {"y"}}, to_integers("y")},
       {real("a", {1.F, 5.5F}), real("least", {2.F})},
       {2, 5}},
      {"CastToHalf",
       {{"Cast", {"a"}, {"y"}, {Attribute("to", 10)}}, to_integers("y")},
       {real("a", {7.5F, 2049.F, 2051.F})},
       {7, 2048, 2052}},
      {"CastToBfloat16",
       {{"Cast", {"a"}, {"y"}, {Attribute("to", 16)}}, to_integers("y")},
       {real("a", {7.5F, 257.F, 259.F})},
       {7, 256, 260}},
      {"CastLike",
       {{"CastLike", {"a", "one"}, {"sizes"}}},
       {real("a", {2.7F}), whole("one", {1})},
       {2}},
      {"SplitEvenly",
       {{"Split", {"a"}, {"first", "sizes"}, {Attribute("num_outputs", 2)}}},
       {whole("a", {4, 5, 6})},
       {6},
       18},
      {"SplitBySizes",
       {{"Split", {"a", "pieces"}, {"first", "sizes"}}},
       {whole("a", {4, 5, 6}), whole("pieces", {1, 2})},
       {5, 6}},
      {"SplitByTheAttributeOfOldVersions",
       {{"Split", {"a"}, {"first", "sizes"}, {Attribute("split", pieces)}}},
       {whole("a", {4, 5, 6})},
       {6},
       11},
      {"Transpose",
       {{"Reshape", {"a", "rows"}, {"matrix"}},
        {"Transpose", {"matrix"}, {"turned"}, {Attribute("perm", swapped)}},
        {"Reshape", {"turned", "flat"}, {"sizes"}}},
       {whole("a", {1, 2, 3, 4, 5, 6}), whole("rows", {2, 3}), whole("flat", {-1})},
       {1, 4, 2, 5, 3, 6}},
      {"NonZero",
       {{"NonZero", {"a"}, {"found"}}, {"Reshape", {"found", "flat"}, {"sizes"}}},
       {whole("a", {0, 5, 7}), whole("flat", {-1})},
       {1, 2}},
      {"Scatter",
       {{"ScatterElements", {"a", "where", "what"}, {"sizes"}}},
       {whole("a", {2, 3, 4}), whole("where", {-1, 0}), whole("what", {9, 8})},
       {8, 3, 9}},
      stored<std::int32_t>("Int32", 6, {3, 5}, {3, 5}),
      stored<std::uint32_t>("Uint32", 12, {3, 5}, {3, 5}),
      stored<std::int16_t>("Int16", 5, {3, 5}, {3, 5}),
      stored<std::uint16_t>("Uint16", 4, {3, 40000}, {3, 40000}),
      stored<std::int8_t>("Int8", 3, {3, 5}, {3, 5}),
      stored<float>("Float32", 1, {3.7F, 5.F}, {3, 5}),
      stored<double>("Float64", 11, {3.7, 5.}, {3, 5}),
      stored("Float16", 10, halves, {3, 5, 1}),
      stored("Float16AtItsEnds", 10, odd_halves, {2048, 0, 9}),
      stored("Bfloat16", 16, bfloats, {3, 5, 1}),
  };
}

/// The shape of the tensor of these sizes.
Shape made_of(const Case& test) {
  std::vector<std::string> nodes;
  for (const NodeParts& parts : test.constants) nodes.push_back(node(parts));
  for (const NodeParts& parts : test.nodes) nodes.push_back(node(parts));
  nodes.push_back(node({"ConstantOfShape", {"sizes"}, {"made"}}));
  const std::string file =
      model({.graph = graph({.nodes = nodes, .inputs = {}, .outputs = {value_info("made", "")}}),
             .opset = test.opset});
  const MappedFile mapped("test.onnx", std::as_bytes(std::span(file)));
  Graph graph;
  ImportNotes notes;
  onnx_importer.read(mapped, {}, graph, notes);
  verify(graph);
  return graph.shape(graph.outputs()[0].value);
}

class OnnxFold : public ::testing::TestWithParam<Case> {};

TEST_P(OnnxFold, ComputesConstants) {
  EXPECT_EQ(to_string(made_of(GetParam())), to_string(GetParam().sizes));
}

INSTANTIATE_TEST_SUITE_P(Nodes, OnnxFold, ::testing::ValuesIn(cases()), [](const auto& test) {
  return test.param.name + "_" + std::to_string(test.index);
});

}  // namespace
}  // namespace zoometer
