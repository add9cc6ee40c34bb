// Every built-in model against the facts that the real torchvision gave: state dict, module tree,
// call counts and the output shapes of every call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "facts.hpp"
#include "models/model.hpp"

namespace zoometer {
namespace {

struct Case {
  const Model* model;
  Variant variant;
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.model->name << ' ' << name_of(test.variant);
}

std::string facts_path(const Case& test) {
  const std::string folder = ZOOMETER_SOURCE_DIR "/tests/golden/torchvision/";
  const std::string name(test.model->name);
  const std::string own = folder + name + "." + std::string(name_of(test.variant)) + ".txt";
  return std::filesystem::exists(own) ? own : folder + name + ".untrained.txt";
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      for (const Variant variant : {Variant::published, Variant::untrained}) {
        const Case test{&model, variant};
        if (std::filesystem::exists(facts_path(test))) cases.push_back(test);
      }
    }
  }
  return cases;
}

std::vector<std::string> states_of(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (parameter.kind == ParameterKind::transient_buffer) continue;
    lines.push_back(graph.parameter_path(parameter) + " " +
                    std::string(name_of(graph.value(parameter.value).dtype)) + " " +
                    to_short_string(graph.shape(parameter.value)) +
                    (parameter.kind == ParameterKind::parameter ? " parameter" : " buffer"));
  }
  return lines;
}

std::vector<std::string> modules_of(const Graph& graph) {
  std::vector<int> counts(graph.modules().size(), 0);
  std::vector<std::string> shapes(graph.modules().size());
  for (const ModuleCall& call : graph.calls()) {
    std::string text;
    for (const ValueId value : graph.outputs_of(call)) {
      text += (text.empty() ? "" : ",") + to_short_string(graph.shape(value));
    }
    shapes[call.module] += (counts[call.module]++ > 0 ? " | " : " ") + text;
  }
  std::vector<std::string> lines;
  for (const ModuleId id : graph.modules_in_order()) {
    const std::string path = id == 0 ? "\"\"" : graph.module_path(id);
    lines.push_back(path + " " + std::string(graph.modules()[id].kind) + " " +
                    std::to_string(counts[id]) + shapes[id]);
  }
  return lines;
}

void expect_lines(const char* what, const std::vector<std::string>& facts,
                  const std::vector<std::string>& ours) {
  int differences = 0;
  for (std::size_t i = 0; i < std::max(facts.size(), ours.size()) && differences < 5; ++i) {
    const std::string fact = i < facts.size() ? facts[i] : "(nothing)";
    const std::string line = i < ours.size() ? ours[i] : "(nothing)";
    if (testing::matches(fact, line)) continue;
    ++differences;
    ADD_FAILURE() << what << " " << i << "\n  torchvision: " << fact << "\n  zoometer:    " << line;
  }
}

class ZooFacts : public ::testing::TestWithParam<Case> {};

TEST_P(ZooFacts, EqualTorchvision) {
  const Case& test = GetParam();
  const testing::Facts facts = testing::read_facts(facts_path(test));
  Graph graph;
  TraceOptions options;
  options.variant = test.variant;
  for (const std::string& input : facts.inputs) {  // "x 1x3x224x224 float32"
    const std::size_t first = input.find(' ');
    TraceOptions::Input given;
    std::string sizes = input.substr(first + 1, input.find(' ', first + 1) - first - 1);
    for (std::size_t at = 0; at < sizes.size(); at = sizes.find('x', at) + 1) {
      given.shape.push_back(std::stoll(sizes.substr(at)));
      if (sizes.find('x', at) == std::string::npos) break;
    }
    if (given.shape.rank() == 3)
      given.shape.insert(0, 1);  // torchvision's detectors take a list of images
    options.inputs.push_back(given);
  }
  trace(*test.model, options, graph);
  expect_lines("state", facts.states, states_of(graph));
  expect_lines("module", facts.modules, modules_of(graph));
}

std::string name_case(const ::testing::TestParamInfo<Case>& test) {
  return std::string(test.param.model->name) + "_" + std::string(name_of(test.param.variant));
}

INSTANTIATE_TEST_SUITE_P(Zoo, ZooFacts, ::testing::ValuesIn(all_cases()), name_case);

TEST(Zoo, ParametersAndMacsOfTheRowsAreThoseOfTheTrace) {
  Graph graph;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      trace(model, {}, graph);
      std::int64_t parameters = 0;
      for (const Parameter& parameter : graph.parameters()) {
        const bool counts =
            parameter.kind == ParameterKind::parameter && parameter.shared_with == no_id;
        if (counts) parameters += graph.numel(parameter.value);
      }
      std::int64_t macs = 0;
      for (const Node& node : graph.nodes()) {
        if (node.op->cost != nullptr) macs += node.op->cost(NodeView(graph, node)).macs;
      }
      EXPECT_EQ(parameters, model.parameters) << model.name;
      EXPECT_EQ(macs, model.macs) << model.name;
    }
  }
}

}  // namespace
}  // namespace zoometer
