// Files that make a reader do much, and files that other readers refuse. Guards the kinds: pieces
// of one tensor in their tens of thousands, tags and lengths in more bytes than protobuf reads,
// JSON after JSON, and names that a terminal obeys in JSON and CSV.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <span>

#include "failure.hpp"
#include "import/importer.hpp"
#include "onnx_files.hpp"
#include "op/indexing.hpp"
#include "program_text.hpp"
#include "report/graph_writer.hpp"
#include "report/html.hpp"
#include "util/json_writer.hpp"
#include "util/text.hpp"
#include "weight_files.hpp"
#include "zip_writer.hpp"
#include "zoometer/ir/layout.hpp"

namespace zoometer {
namespace {

using testing::failure_of;
using ::testing::HasSubstr;
using testing::ProgramText;
using testing::safetensors;
using testing::ZipWriter;

std::string failure_of_file(const std::string& bytes, const char* name) {
  Graph graph;
  return failure_of(
      [&] { import_file(MappedFile(name, std::as_bytes(std::span(bytes))), {}, graph); });
}

// -- many pieces ----------------------------------------------------------------------------------

/// Each of 65,535 pieces begins where the ones before it end.
TEST(ManyPieces, BeginWhereTheOnesBeforeThemEnd) {
  Graph graph;
  graph.add_module(no_id, "", "Net");
  std::vector<std::int64_t> sizes(0xFFFF);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = static_cast<std::int64_t>(i % 3);
  const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  const Tensor x{&graph, graph.add_input("x", {total, 2}, DType::float32)};
  const Chunks pieces = split(x, sizes, 0);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_EQ(layout_of(graph, pieces[i].id).offset, 2 * start) << i;
    start += sizes[i];
  }
}

/// A program that writes into each of many pieces takes the other pieces again one by one, not all
/// of them at each write.
TEST(ManyPieces, OfAProgramThatWritesIntoEachAreTakenOnce) {
  constexpr int count = 300;
  for (const std::string target : {"chunk.default", "split_with_sizes.default", "unbind.int"}) {
    const bool is_unbind = target == "unbind.int";
    ProgramText program;
    program.input("x", std::to_string(count) + ",4");
    std::string outputs, sizes;
    for (int i = 0; i < count; ++i) {
      outputs += (i > 0 ? ",{\"name\":\"u" : "{\"name\":\"u") + std::to_string(i) + "\"}";
      sizes += i > 0 ? ",1" : "1";
    }
    const std::string how = target == "chunk.default" ? "chunks=i(" + std::to_string(count) + ")"
                            : is_unbind               ? "dim=i(0)"
                                                      : "split_sizes=I(" + sizes + ")";
    program.raw_node(target, {"self=T(x)", how}, "{\"as_tensors\":[" + outputs + "]}");
    for (int i = 0; i < count; ++i) {
      const std::string piece = "u" + std::to_string(i);
      program.value(piece, is_unbind ? "4" : "1,4");
      program.node("relu_.default", {"self=T(" + piece + ")"}, "r" + std::to_string(i),
                   is_unbind ? "4" : "1,4");
    }
    program.output("x");
    ZipWriter writer;
    writer.add("root/archive_format", "pt2");
    writer.add("root/models/model.json", program.str());
    Graph graph;
    const std::string archive = writer.finish();
    import_file(MappedFile("test.pt2", std::as_bytes(std::span(archive))), {}, graph);
    EXPECT_LT(graph.values().size(), 8U * count) << target;
    EXPECT_EQ(graph.shape(graph.outputs()[0].value), (Shape{count, 4})) << target;
  }
}

/// Inputs whose names are the same when written: each gets a name of its own, in order.
TEST(ManyNames, ThatAreWrittenAlikeAreNumbered) {
  Graph graph;
  graph.add_module(no_id, "", "Net");
  for (int i = 0; i < 200; ++i) graph.add_input("x", {1}, DType::float32);
  graph.add_output("y", 0);
  std::vector<std::string> remarks;
  GraphOptions options;
  options.remarks = &remarks;
  const GraphInput input{graph, "net", {}, {}, {}, {}};
  const std::string text = find_graph_writer("onnx")->write(input, options);
  EXPECT_THAT(text, HasSubstr("x_1"));
  EXPECT_THAT(text, HasSubstr("x_199"));
}

// -- what other readers refuse
// ----------------------------------------------------------------------

/// protobuf reads tags and lengths of five bytes, and numbers of ten.
TEST(OtherReaders, RefuseLongTagsAndLengths) {
  namespace onnx = test::onnx;
  const std::string good =
      onnx::model({.graph = onnx::graph({.nodes = {onnx::node({"Relu", {"x"}, {"y"}})},
                                         .inputs = {onnx::value_info("x", onnx::type({1, 4}))},
                                         .outputs = {onnx::value_info("y", onnx::type({1, 4}))}})});
  using namespace std::string_literals;
  const auto with = [&](const std::string& field) {
    return failure_of_file(good + field, "a.onnx");
  };
  EXPECT_EQ(with("\x28\x85\x80\x80\x80\x80\x80\x80\x80\x80\x00"s), "no error") << "a number";
  EXPECT_EQ(with("\xA8\x80\x80\x80\x00\x05"s), "no error") << "a tag of five bytes";
  EXPECT_THAT(with("\xA8\x80\x80\x80\x80\x00\x05"s), HasSubstr("more than five bytes"));
  EXPECT_EQ(with("\x32\x81\x80\x80\x80\x00!"s), "no error") << "a length of five bytes";
  EXPECT_THAT(with("\x32\x81\x80\x80\x80\x80\x00!"s), HasSubstr("more than five bytes"));
}

/// What follows the header's object is part of the header: spaces, or it is another file.
TEST(OtherReaders, RefuseHeadersThatAreNotOneObject) {
  const auto of = [](const std::string& header) {
    return failure_of_file(safetensors(header, 8), "w.safetensors");
  };
  const std::string entry = R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})";
  EXPECT_EQ(of(R"({"w": )" + entry + "}     "), "no error");
  EXPECT_THAT(of(R"({"w": )" + entry + "} {}"), HasSubstr("the end of the header"));
  EXPECT_THAT(of(R"({"w": )" + entry + "}-0, "), HasSubstr("the end of the header"));
  EXPECT_THAT(of(R"({"w": )" + entry + R"(, "w": )" + entry + "}"),
              HasSubstr("duplicate tensor w"));
  EXPECT_THAT(of(R"({"w": )" + entry + R"(, "\u0077": )" + entry + "}"),
              HasSubstr("duplicate tensor w"));
  for (const std::string member :
       {R"("dtype": "F16")", R"("shape": [1])", R"("data_offsets": [0, 4])"}) {
    const std::string twice = "{" + member + ", " + entry.substr(1);
    EXPECT_THAT(of(R"({"w": )" + twice + "}"), HasSubstr(" twice")) << member;
  }
  EXPECT_THAT(of("{\"a\tb\": " + entry + "}"), HasSubstr("control characters"));
  EXPECT_THAT(of(R"({"w": {"dtype": "F32", "shape": [02], "data_offsets": [0, 8]}})"),
              HasSubstr("zeros"));
  for (const std::string value : {"True", "01", "+1", ".5", "1.", "0x10", "1e", "--1"})
    EXPECT_THAT(of(R"({"__metadata__": {"a": )" + value + R"(}, "w": )" + entry + "}"),
                HasSubstr("a value"))
        << value;
  for (const std::string value : {"true", "null", "-0", "1.5e+10", "0.5", "NaN"})
    EXPECT_EQ(of(R"({"__metadata__": {"a": )" + value + R"(}, "w": )" + entry + "}"), "no error")
        << value;
}

// -- what is printed
// --------------------------------------------------------------------------------

/// JSON on a terminal: what is no control of ASCII is not escaped by JSON itself.
TEST(VisibleText, OfJsonHasNumbersForWhatATerminalObeys) {
  EXPECT_EQ(visible_json("[\"\u00e9 \u65e5\u672c \U0001F600\"]"), std::nullopt);
  EXPECT_EQ(visible_json("[\"12345678\x7f\"]"), "[\"12345678\\u007f\"]");
  EXPECT_EQ(visible_json("[\"a\u009b31m\u202e\u2066\u00ad\U000e0041b\"]"),
            "[\"a\\u009b31m\\u202e\\u2066\\u00ad\\udb40\\udc41b\"]");
  JsonWriter json;
  json.object([&] { json.field("name", "a\u009bb\u202e"); });
  EXPECT_EQ(json.text(), "{\n \"name\": \"a\\u009bb\\u202e\"\n}\n");
  EXPECT_EQ(json.finish(), "{\n \"name\": \"a\\u009bb\\u202e\"\n}\n");
  EXPECT_EQ(script_json("[\"a\\u202eb\"]"), "[\"a\\\\u202eb\"]") << "shown on the page as it is";
}

/// Tags and soft hyphens hide; a carriage return writes over what is before it.
TEST(VisibleText, HidesNothing) {
  EXPECT_EQ(escape_controls("a\U000e0041\u00ad\u2060b"), "a\\U000e0041\\u00ad\\u2060b");
  EXPECT_EQ(escape_controls("\u200d\u200c"), "\u200d\u200c") << "words and emoji need these";
  EXPECT_EQ(csv_field("safe\revil"), "safe\\x0devil");
}

}  // namespace
}  // namespace zoometer
