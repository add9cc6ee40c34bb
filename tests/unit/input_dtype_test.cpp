// Element types that the options give inputs: of --input-shape and --input-dtype.
#include <gtest/gtest.h>

#include "models/input_dtype.hpp"
#include "models/trace_option.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

TraceOptions options_of(
    std::initializer_list<std::pair<std::string_view, std::string_view>> words) {
  TraceOptions options;
  for (const auto& [name, text] : words) find_trace_option(name)->parse(text, options);
  return options;
}

/// Two inputs: ids of int64 and mask of bool.
void make_graph(Graph& graph) {
  graph.add_input("ids", {2, 20}, DType::int64);
  graph.add_input("mask", {2, 20}, DType::boolean);
}

TEST(InputDtype, IsReadAfterTheSizes) {
  const TraceOptions options = options_of({{"input-shape", "ids=2,20:int64"},
                                           {"input-shape", "2x20:bool"},
                                           {"input-shape", "():torch.long"},
                                           {"input-shape", "input:0=3,4"}});
  EXPECT_EQ(options.inputs[0].dtype, DType::int64);
  EXPECT_EQ(options.inputs[0].shape, Shape({2, 20}));
  EXPECT_EQ(options.inputs[1].dtype, DType::boolean);
  EXPECT_EQ(options.inputs[2].dtype, DType::int64);
  EXPECT_EQ(options.inputs[2].shape.size(), 0U);
  // A colon before the "=" is a part of the name.
  EXPECT_EQ(options.inputs[3].name, "input:0");
  EXPECT_FALSE(options.inputs[3].dtype.has_value());
}

TEST(InputDtype, IsWrittenAsItIsRead) {
  const TraceOptions options =
      options_of({{"input-shape", "ids=2,20:half"}, {"input-dtype", "mask=bool"}});
  EXPECT_EQ(find_trace_option("input-shape")->format(options),
            std::vector<std::string>{"ids=2x20:float16"});
  EXPECT_EQ(find_trace_option("input-dtype")->format(options),
            std::vector<std::string>{"mask=bool"});
}

TEST(InputDtype, OfAnUnknownNameIsRefused) {
  for (const std::string_view text : {"2,20:int65", "2,20:", "2,20:int64:int64", "2,20:string"})
    EXPECT_THROW(options_of({{"input-shape", text}}), Error) << text;
  EXPECT_THROW(options_of({{"input-dtype", ""}}), Error);
}

TEST(InputDtype, IsFoundByNameOrPosition) {
  const TraceOptions options = options_of(
      {{"input-shape", "2,20:int64"}, {"input-shape", "mask=2,20"}, {"input-dtype", "mask=bool"}});
  EXPECT_EQ(given_dtype(options, 0, "ids"), DType::int64);
  EXPECT_EQ(given_dtype(options, 1, "mask"), DType::boolean);
  EXPECT_EQ(given_dtype(options, 2, "other"), std::nullopt);
}

// What a file or a built-in model declares is fixed, and may be said again.
TEST(InputDtype, OfAGraphIsFixed) {
  Graph graph;
  make_graph(graph);
  EXPECT_NO_THROW(check_dtypes({}, graph, ""));
  EXPECT_NO_THROW(check_dtypes(options_of({{"input-shape", "ids=2,20:int64"}}), graph, ""));
  EXPECT_NO_THROW(check_dtypes(options_of({{"input-dtype", "long"}}), graph, ""));
  try {
    check_dtypes(options_of({{"input-dtype", "mask=float16"}}), graph, "why");
    FAIL() << "a mask of another type was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.detail.expected, "bool");
    EXPECT_EQ(error.detail.got, "float16");
    EXPECT_EQ(error.hint, "why");
  }
  EXPECT_THROW(check_dtypes(options_of({{"input-dtype", "x=bool"}}), graph, ""), Error);
}

}  // namespace
}  // namespace zoometer
