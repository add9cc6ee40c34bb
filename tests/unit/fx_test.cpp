// Lines of the live bridge's output.
#include "import/torch/fx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "program_text.hpp"

namespace zoometer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ProgramText;

struct Line {
  FxRecord record;
  Graph graph;
  ImportNotes notes;
};

Line read(const std::string& text) {
  Line line;
  std::string buffer;
  line.record = read_fx_record(text, buffer, line.graph, line.notes);
  return line;
}

std::string traceable_line() {
  const std::string root = "L__self__,,my.Net";
  ProgramText program;
  program.parameter("p_w", "fc.weight", "4,3").input("x", "2,3");
  program.node("linear.default", {"input=T(x)", "weight=T(p_w)"}, "y", "2,4",
               root + ";L__self__fc,fc,torch.nn.Linear");
  program.node("relu_.default", {"self=T(y)"}, "z", "2,4",
               root + ";L__self__act,act,torch.nn.ReLU");
  program.node("neg.default", {"self=T(z)"}, "n", "2,4",
               root + ";L__self__act@1,act,torch.nn.ReLU");
  program.output("n");
  return R"({"event":"model","model":"net","family":"f","task":"t","variant":"published",)"
         R"("status":"traceable","via":"fx","reason_code":null,"message":null,"exception":null,)"
         R"("module":null,"operator":null,"fx_nodes":6,"seconds":0.25,"parameters":12,)"
         R"("buffers":0,"inputs":[{"shape":[2,3],"dtype":"float32"}],)"
         R"("module_list":[["","my.Net"],["stub","my.Stub"],["fc","torch.nn.Linear"],)"
         R"(["act","torch.nn.ReLU"],["never","torch.nn.Dropout"]],)"
         R"("module_calls":[["",[[2,4]]],["stub",[[2,3]]],["fc",[[2,4]]],["act",[[2,4]]],)"
         R"(["act",[[2,4]]]],"state":[["fc.weight","parameter","float32",[4,3]],)"
         R"(["norm.steps","buffer","int64",[]]],"program":)" +
         program.str() + "}";
}

TEST(Fx, ReadsATraceableModel) {
  const Line line = read(traceable_line());
  EXPECT_EQ(line.record.event, "model");
  EXPECT_EQ(line.record.model, "net");
  EXPECT_EQ(line.record.status, "traceable");
  EXPECT_EQ(line.record.via, "fx");
  EXPECT_EQ(line.record.reason_code, "");
  EXPECT_EQ(line.record.fx_nodes, 6);
  EXPECT_EQ(line.record.seconds, 0.25);
  EXPECT_EQ(line.record.parameters, 12);
  ASSERT_EQ(line.record.inputs.size(), 1U);
  EXPECT_EQ(line.record.inputs[0].shape, Shape({2, 3}));
  EXPECT_EQ(line.record.inputs[0].dtype, "float32");
  ASSERT_EQ(line.record.states.size(), 2U);
  EXPECT_EQ(line.record.states[0].name, "fc.weight");
  EXPECT_EQ(line.record.states[0].kind, "parameter");
  EXPECT_EQ(line.record.states[0].shape, Shape({4, 3}));
  EXPECT_EQ(line.record.states[1].dtype, "int64");
  EXPECT_EQ(line.record.module_calls.size(), 5U);
  EXPECT_EQ(line.record.module_calls[1].path, "stub");
  EXPECT_THAT(line.record.module_calls[1].outputs, ElementsAre(Shape{2, 3}));
  EXPECT_EQ(line.notes.format, "torch.fx, live");
  EXPECT_TRUE(line.record.has_graph);
  EXPECT_EQ(profile(line.graph).total.macs, 24);
}

TEST(Fx, KnowsEveryModuleAndCall) {
  const Line line = read(traceable_line());
  std::vector<std::string> modules;
  for (std::size_t i = 0; i < line.graph.modules().size(); ++i) {
    modules.push_back(line.graph.module_path(static_cast<ModuleId>(i)) + ":" +
                      std::string(line.graph.modules()[i].kind));
  }
  EXPECT_THAT(modules, ElementsAre(":Net", "stub:Stub", "fc:Linear", "act:ReLU", "never:Dropout"));
  std::vector<std::string> calls;
  for (const ModuleCall& call : line.graph.calls()) {
    std::string text = line.graph.module_path(call.module);
    for (const ValueId value : line.graph.outputs_of(call))
      text += " " + to_short_string(line.graph.shape(value));
    calls.push_back(text);
  }
  // The stub left no node: its call is known from the list alone, and comes last.
  EXPECT_THAT(calls, ElementsAre(" 2x4", "fc 2x4", "act 2x4", "act 2x4", "stub 2x3"));
}

TEST(Fx, ReadsAFailure) {
  const Line line = read(
      R"({"event":"model","model":"ssd","status":"failed","via":"fx","reason_code":)"
      R"("fx_iteration","message":"Proxy object cannot be iterated.","exception":"TraceError",)"
      R"("module":"transform","operator":"x","fx_nodes":null,"seconds":1,"parameters":7})");
  EXPECT_EQ(line.record.status, "failed");
  EXPECT_EQ(line.record.reason_code, "fx_iteration");
  EXPECT_EQ(line.record.message, "Proxy object cannot be iterated.");
  EXPECT_EQ(line.record.exception, "TraceError");
  EXPECT_EQ(line.record.module, "transform");
  EXPECT_EQ(line.record.operator_name, "x");
  EXPECT_EQ(line.record.fx_nodes, std::nullopt);
  EXPECT_EQ(line.record.seconds, 1.0);
  EXPECT_FALSE(line.record.has_graph);
}

TEST(Fx, NamesOtherEvents) {
  EXPECT_EQ(read(R"({"event":"begin","torch":"1.13.0"})").record.event, "begin");
  EXPECT_EQ(read(R"({"event":"end","seconds":2})").record.event, "end");
}

void expect_malformed(const std::string& text, const char* message) {
  try {
    read(text);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(name_of(error.code), name_of(ErrorCode::malformed));
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(Fx, RefusesTornLines) {
  expect_malformed("", "invalid JSON");
  expect_malformed(traceable_line().substr(0, 500), "invalid JSON");
  expect_malformed("{}", "\"event\"");
  expect_malformed("[1]", "\"event\"");
  expect_malformed(R"({"event":"model","inputs":[{"shape":7}]})", "a shape");
  expect_malformed(R"({"event":"model","module_calls":[7]})", "module_calls");
  expect_malformed(R"({"event":"model","state":[["a","parameter","float32"]]})", "state");
  expect_malformed(R"({"event":"model","module_list":[7],"program":{"graph_module":{"graph":{},)"
                   R"("signature":{"input_specs":[],"output_specs":[]}}}})",
                   "module_list");
}

TEST(Fx, NamesTheBrokenModel) {
  try {
    read(R"({"event":"model","model":"net","program":{}})");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.place.model, "net");
  }
}

}  // namespace
}  // namespace zoometer
