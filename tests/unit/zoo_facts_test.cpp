// Every built-in model compared with the facts of the real torchvision: state dict, module tree,
// call counts and the output shapes of every call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "facts.hpp"
#include "zoometer/models/model.hpp"

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

class ZooFacts : public ::testing::TestWithParam<Case> {};

TEST_P(ZooFacts, EqualTorchvision) {
  const Case& test = GetParam();
  const testing::Facts facts = testing::read_facts(facts_path(test));
  Graph graph;
  TraceOptions options;
  options.variant = test.variant;
  for (const std::string& input : facts.inputs)
    options.inputs.push_back({"", testing::shape_of_input(input)});
  trace(*test.model, options, graph);
  testing::expect_facts(facts, graph);
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
