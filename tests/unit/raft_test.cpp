// RAFT at inputs other than its default, and the operator that only it uses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "registry/zoo.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

void trace_raft(const Shape& first, const Shape& second, Graph& graph) {
  TraceOptions options;
  options.inputs.push_back({"image1", first});
  options.inputs.push_back({"image2", second});
  trace(*find_in_zoo("raft_large").model, options, graph);
}

void expect_shape_error(const Shape& first, const Shape& second, const std::string& message) {
  Graph graph;
  try {
    trace_raft(first, second, graph);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::shape);
    EXPECT_EQ(error.message, message);
  }
}

TEST(Raft, GivesAFlowForEachUpdate) {
  Graph graph;
  trace_raft({2, 3, 136, 200}, {2, 3, 136, 200}, graph);
  ASSERT_EQ(graph.outputs().size(), 12U);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(graph.outputs()[i].name, std::to_string(i));
    EXPECT_EQ(graph.shape(graph.outputs()[i].value), Shape({2, 2, 136, 200}));
  }
}

TEST(Raft, LooksUpFourLevelsInEachUpdate) {
  Graph graph;
  trace_raft({1, 3, 128, 128}, {1, 3, 128, 128}, graph);
  const auto look_ups = std::count_if(graph.nodes().begin(), graph.nodes().end(),
                                      [](auto& node) { return node.op->name == "grid_sample"; });
  EXPECT_EQ(look_ups, 12 * 4);
}

TEST(Raft, RefusesImagesThatDiffer) {
  expect_shape_error({1, 3, 128, 128}, {1, 3, 128, 136}, "the two images differ in shape");
}

TEST(Raft, RefusesSizesThatEightDoesNotDivide) {
  expect_shape_error({1, 3, 128, 132}, {1, 3, 128, 132}, "the images' sizes do not fit the model");
}

class Unfold : public ::testing::Test {
 protected:
  Unfold() { graph_.add_module(no_id, "", "Root"); }

  Tensor input(const Shape& shape) {
    return {&graph_, graph_.add_input("x", shape, DType::float32)};
  }

  static void expect_constraint(const char* text, Tensor x, const UnfoldAttrs& attrs) {
    try {
      unfold(x, attrs);
      ADD_FAILURE() << "no error; expected " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.message, text);
    }
  }

  Graph graph_;
};

TEST_F(Unfold, MakesAColumnOfEachWindow) {
  const UnfoldAttrs attrs{{3, 2}, {2, 1}, {1, 0}, {1, 2}};
  EXPECT_EQ(unfold(input({2, 5, 9, 8}), attrs).shape(), Shape({2, 30, 30}));
}

TEST_F(Unfold, unfold_c1) {
  expect_constraint("unfold C1", input({5, 9, 8}), {{3, 3}, {1, 1}, {0, 0}, {1, 1}});
}

TEST_F(Unfold, unfold_c2) {
  expect_constraint("unfold C2", input({1, 5, 9, 8}), {{3}, {1}, {0}, {1}});
  expect_constraint("unfold C2", input({1, 5, 9, 8}), {{3, 3}, {0, 1}, {0, 0}, {1, 1}});
  expect_constraint("unfold C2", input({1, 5, 9, 8}), {{3, 3}, {1, 1}, {-1, 0}, {1, 1}});
}

TEST_F(Unfold, unfold_c3) {
  expect_constraint("unfold C3", input({1, 5, 2, 8}), {{3, 3}, {1, 1}, {0, 0}, {1, 1}});
}

}  // namespace
}  // namespace zoometer
