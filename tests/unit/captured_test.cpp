// The calls of a captured run (python/zoometer/_capture).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "import/torch/fx.hpp"

namespace zoometer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Captured {
  FxRecord record;
  Graph graph;
  ImportNotes notes;
};

Captured read(const std::string& text) {
  Captured captured;
  std::string buffer;
  captured.record = read_fx_record(text, buffer, captured.graph, captured.notes);
  return captured;
}

/// x -> fc (linear) -> act (relu_) -> two halves, of which the second is scaled without gradients
/// and indexed by a mask that keeps at most 4 elements.
const std::string modules =
    R"([["","my.Net"],["fc","torch.nn.modules.linear.Linear"],["act","my.Act"]])";

std::string record_of(const std::string& captured) {
  return R"({"event":"model","model":"net","status":"traceable","via":"capture","module_list":)" +
         modules + R"(,"captured":)" + captured + "}";
}

std::string captured_of(const std::string& calls) {
  return R"({"format":1,"torch":"2.13.0",)"
         R"("types":[[7,[4,3],0,0],[7,[2,3],0,0],[7,[2,4],0,0],[7,[2,2],[4,1],0],[12,[2,2],0,0],)"
         R"([7,[4],0,0]],)"
         R"("values":[0,1,2,2,3,3,3,4,5],)"
         R"("operators":[["aten","linear","default",["input","weight","bias"],"ttt",[null,null,null]],)"
         R"(["aten","relu_","default",["self"],"t",[null]],)"
         R"(["aten","chunk","default",["self","chunks","dim"],"tii",[null,null,0]],)"
         R"(["aten","mul","Tensor",["self","other"],"tt",[null,null]],)"
         R"(["aten","gt","Scalar",["self","other"],"tn",[null,null]],)"
         R"(["aten","masked_select","default",["self","mask"],"tt",[null,null]],)"
         R"(["aten","arange","default",["end"],"n",[null]]],)"
         R"("scopes":[[-1,0,[5]],[0,1,[2]],[0,2,[2]]],"calls":)" +
         calls +
         R"(,"bounded":[[8,[0]]],"state":[["parameter","fc.weight",0,1,1]],"constants":[],)"
         R"("inputs":[["x",1]],"outputs":[8],"padding":{},)"
         R"("notes":["masks select all elements"]})";
}

const std::string usual_calls =
    R"([[0,1,[1,0],2,0],[1,2,[2],3,0],[2,0,[3,2,1],[[4,5]],0],[3,0,[5,[2.0]],6,1],)"
    R"([4,0,[6,0],7,0],[5,0,[6,7],8,0]])";

TEST(Captured, BecomesAGraph) {
  const Captured captured = read(record_of(captured_of(usual_calls)));
  EXPECT_TRUE(captured.record.has_graph);
  EXPECT_EQ(captured.notes.format, "torch, live");
  const auto profiled = profile(captured.graph);
  EXPECT_EQ(profiled.total.macs, 2 * 3 * 4);
  ASSERT_EQ(captured.graph.inputs().size(), 1U);
  EXPECT_EQ(captured.graph.inputs()[0].name, "x");
  ASSERT_EQ(captured.graph.parameters().size(), 1U);
  EXPECT_FALSE(captured.graph.modules().empty());
}

TEST(Captured, KnowsWhatEachModuleReturned) {
  const Captured captured = read(record_of(captured_of(usual_calls)));
  ASSERT_EQ(captured.record.module_calls.size(), 3U);
  EXPECT_EQ(captured.record.module_calls[1].path, "fc");
  EXPECT_THAT(captured.record.module_calls[1].outputs, ElementsAre(Shape{2, 4}));
}

TEST(Captured, UpperBoundsAreMarked) {
  const Captured captured = read(record_of(captured_of(usual_calls)));
  const ValueId output = captured.graph.outputs()[0].value;
  EXPECT_TRUE(captured.graph.value(output).has(Value::bounded));
  EXPECT_THAT(captured.notes.notes, ::testing::Contains("masks select all elements"));
}

TEST(Captured, FactoriesThatNothingReadsAreLeftOut) {
  const std::string with = usual_calls.substr(0, usual_calls.size() - 1) + ",[6,0,[4],null,0]]";
  EXPECT_EQ(read(record_of(captured_of(with))).graph.nodes().size(),
            read(record_of(captured_of(usual_calls))).graph.nodes().size());
}

void expect_refused(const std::string& captured, const std::string& words) {
  try {
    read(record_of(captured));
    FAIL() << captured;
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::malformed);
    EXPECT_THAT(error.message, HasSubstr(words));
  }
}

TEST(Captured, RefusesNumbersWithoutEntries) {
  expect_refused(captured_of("[[99,0,[1],2,0]]"), "captured calls");
  expect_refused(captured_of("[[0,1,[77,0],2,0]]"), "a captured value");
  expect_refused(captured_of("[[0,1,[1,0],77,0]]"), "a captured value");
  expect_refused(captured_of("[[0,1,[5,0],2,0]]"), "a captured value");  // read before it is made
  expect_refused(captured_of("[[0,1]]"), "captured calls");
  expect_refused(R"({"format":2})", "format");
  expect_refused("{}", "format");
  expect_refused(R"({"format":1,"types":7})", "types");
}

}  // namespace
}  // namespace zoometer
