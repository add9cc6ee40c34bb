// Invalid graphs made by hand: the verifier names the rule that they break.
#include "ir/verify.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "failure.hpp"
#include "op/unknown.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

/// x -> relu -> y, a valid graph.
struct Small {
  Graph graph;
  Tensor x;
  Tensor y;

  Small() {
    graph.add_module(no_id, "", "Root");
    x = {&graph, graph.add_input("x", {1, 3}, DType::float32)};
    y = unary(relu_op, x);
  }
  NodeId append_declared(std::span<const ValueId> inputs, std::span<const OutputType> outputs) {
    return graph.append_declared(unknown_op, graph.keep(UnknownAttrs{"made", "up"}), inputs,
                                 outputs);
  }
  std::string broken_rule() {
    return failure_of([&] { verify(graph); });
  }
};

constexpr std::string_view breaks = "internal: invalid graph: expected ";
const OutputType output{{1, 3}, DType::float32, false};

TEST(Verify, TakesASoundGraph) { EXPECT_EQ(Small().broken_rule(), "no error"); }

TEST(Verify, NeedsParentsBeforeTheirModules) {
  Small small;
  small.graph.add_module(2, "late", "Late");
  small.graph.add_module(0, "parent", "Parent");
  EXPECT_EQ(small.broken_rule(),
            std::string(breaks) + "parents before their modules, got module 1 under 2");
}

TEST(Verify, NeedsModulesOfParameters) {
  Small small;
  small.graph.add_parameter(7, "weight", {3}, DType::float32, ParameterKind::parameter);
  EXPECT_EQ(small.broken_rule(),
            std::string(breaks) + "parameters of existing modules and values, got weight");
}

TEST(Verify, NeedsOutputsThatExist) {
  Small small;
  small.graph.add_output("y", 99);
  EXPECT_EQ(small.broken_rule(), std::string(breaks) + "inputs and outputs that exist, got y");
}

TEST(Verify, NeedsModulesOfNodes) {
  Small small;
  small.graph.set_current_module(7);
  small.append_declared({&small.x.id, 1}, {&output, 1});
  EXPECT_EQ(small.broken_rule(), std::string(breaks) + "nodes in existing modules, got unknown");
}

TEST(Verify, NeedsOutputsThatKnowTheirNode) {
  Small small;
  const NodeId node = small.append_declared({&small.x.id, 1}, {&output, 1});
  small.graph.add_input("between", {1, 3}, DType::float32);
  small.graph.add_declared_outputs(node, {&output, 1});
  EXPECT_EQ(small.broken_rule(),
            std::string(breaks) + "outputs that refer to their node, got unknown");
}

TEST(Verify, NeedsCallsOfModulesThatExist) {
  Small small;
  small.graph.add_module(0, "layer", "Layer");
  small.graph.add_call(1, 0, 5, {});  // there is one node
  EXPECT_EQ(small.broken_rule(),
            std::string(breaks) + "complete calls of existing modules, got layer");
}

TEST(Graph, LimitsTheInputsAndOutputsOfANode) {
  Small small;
  const std::vector<ValueId> inputs(65536, small.x.id);
  EXPECT_EQ(
      failure_of([&] {
        small.append_declared(inputs, {&output, 1});
      }),
      "limit: unknown: a node has too many inputs or outputs: expected at most 65535, got 65536");
  const std::vector<OutputType> outputs(65535, output);
  const NodeId node = small.append_declared({&small.x.id, 1}, outputs);
  EXPECT_EQ(failure_of([&] {
              small.graph.add_declared_outputs(node, {&output, 1});
            }),
            "limit: a node has too many outputs: expected at most 65535, got 65536");
}

}  // namespace
}  // namespace zoometer
