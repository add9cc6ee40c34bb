// A native graph against the live bridge's record of the same model.
#include "registry/graph_comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/zoo.hpp"

namespace zoometer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void trace_untrained(const char* name, Graph& graph) {
  TraceOptions options;
  options.variant = Variant::untrained;
  trace(*find_in_zoo(name).model, options, graph);
}

/// A bridge's record of a graph: its state dict, and the calls of its modules.
FxRecord record_of(const Graph& graph) {
  FxRecord record;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    record.states.push_back({graph.parameter_path(parameter),
                             parameter.kind == ParameterKind::parameter ? "parameter" : "buffer",
                             std::string(name_of(graph.dtype(parameter.value))),
                             graph.shape(parameter.value)});
  }
  for (const ModuleCall& call : graph.calls()) {
    RecordedCall& recorded = record.module_calls.emplace_back();
    recorded.path = graph.module_path(call.module);
    for (const ValueId value : graph.outputs_of(call))
      recorded.outputs.push_back(graph.shape(value));
  }
  return record;
}

class GraphComparisonTest : public testing::Test {
 protected:
  void SetUp() override {
    trace_untrained("squeezenet1_0", native_);
    record_ = record_of(native_);
  }
  Graph native_;
  FxRecord record_;
};

TEST_F(GraphComparisonTest, AModelAgreesWithItself) {
  const GraphComparison states = compare_states(native_, record_);
  EXPECT_THAT(states.differences, IsEmpty());
  EXPECT_EQ(states.compared, 52U);  // 26 convolutions, each with a weight and a bias
  const GraphComparison modules = compare_modules(native_, native_, record_);
  EXPECT_THAT(modules.differences, IsEmpty());
  EXPECT_EQ(modules.compared, native_.modules().size());
}

TEST_F(GraphComparisonTest, EveryFieldOfAStateCounts) {
  record_.states[0].dtype = "float16";
  record_.states[1].kind = "buffer";
  record_.states[2].shape = {1};
  record_.states[3].name = "bias";
  // Each is missing on one side and too much on the other.
  EXPECT_THAT(compare_states(native_, record_).differences, SizeIs(8));
  EXPECT_THAT(compare_states(native_, record_).differences[0],
              "state, native only: features.0.weight parameter float32 96x3x7x7");
  EXPECT_THAT(compare_states(native_, record_).differences[4],
              "state, live only: features.0.weight parameter float16 96x3x7x7");
}

TEST_F(GraphComparisonTest, TheOrderOfStatesCounts) {
  std::swap(record_.states[0], record_.states[1]);
  EXPECT_THAT(compare_states(native_, record_).differences,
              ElementsAre(HasSubstr("state, entry 0: features.0.weight")));
}

TEST_F(GraphComparisonTest, ARepeatedStateCounts) {
  record_.states.push_back(record_.states.back());
  EXPECT_THAT(compare_states(native_, record_).differences,
              ElementsAre(HasSubstr("state, entry 52: none, live classifier.1.bias")));
}

TEST_F(GraphComparisonTest, OutputsOfEveryCallCount) {
  record_.module_calls[3].outputs[0][1] += 1;
  const GraphComparison result = compare_modules(native_, native_, record_);
  EXPECT_THAT(result.differences,
              ElementsAre(HasSubstr(record_.module_calls[3].path + ", outputs: ( 1x")));
}

TEST_F(GraphComparisonTest, ACallThatIsMissingCounts) {
  record_.module_calls.erase(record_.module_calls.begin() + 3);
  EXPECT_THAT(compare_modules(native_, native_, record_).differences, SizeIs(1));
}

TEST_F(GraphComparisonTest, AnotherModelDiffers) {
  Graph other;
  trace_untrained("squeezenet1_1", other);
  FxRecord no_calls;
  const auto differences = compare_modules(native_, other, no_calls).differences;
  // By hand: the first convolution has 96 x (3 x 7 x 7 + 1) against 64 x (3 x 3 x 3 + 1) weights.
  EXPECT_THAT(differences, testing::Contains("features.0, parameters: 14208, live 1792"));
  EXPECT_THAT(differences, testing::Contains(HasSubstr("module, native only: features.5.squeeze")));
  EXPECT_THAT(differences, testing::Contains(HasSubstr("module, live only: features.6.squeeze")));
}

TEST_F(GraphComparisonTest, WithoutCallsOnlyTheModelsOutputsAreCompared) {
  FxRecord no_calls;
  EXPECT_THAT(compare_modules(native_, native_, no_calls).differences, IsEmpty());
  Graph other;
  TraceOptions options;
  options.batch = 2;
  trace(*find_in_zoo("squeezenet1_0").model, options, other);
  EXPECT_THAT(compare_modules(native_, other, no_calls).differences,
              testing::Contains("outputs of the model: 1x1000 , live 2x1000 "));
}

}  // namespace
}  // namespace zoometer
