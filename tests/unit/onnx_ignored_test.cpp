// What an ONNX file sets and no handler reads: named in a note, unless no figure depends on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "import/importer.hpp"
#include "import/onnx/ops.hpp"
#include "onnx_files.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> ignored_by(const std::string& file) {
  Graph graph;
  ImportNotes notes;
  onnx_importer.read(MappedFile("test.onnx", std::as_bytes(std::span(file))), {}, graph, notes);
  return notes.ignored;
}

const std::string image = value_info("x", type({1, 4, 8, 8}));
const std::string result = value_info("y", "");

/// One Resize to twice the size, with these attributes.
std::string resize(const std::string& output, std::vector<Attribute> attributes) {
  return node({"Resize", {"x", "", "scales"}, {output}, std::move(attributes)});
}

std::string resize_model(std::vector<std::string> nodes) {
  return model({.graph = graph({.nodes = std::move(nodes),
                                .inputs = {image},
                                .outputs = {result},
                                .initializers = {reals("scales", {1, 1, 2, 2})}}),
                .opset = 18});
}

TEST(OnnxIgnored, NamesAnAttributeWithItsValueAndCount) {
  const Attribute antialias("antialias", 1);
  EXPECT_THAT(ignored_by(resize_model({resize("a", {antialias}), resize("b", {antialias}),
                                       resize("y", {Attribute("antialias", 2)})})),
              ElementsAre("Resize antialias=1 was not taken into account (2 nodes)",
                          "Resize antialias=2 was not taken into account (1 node)"));
}

TEST(OnnxIgnored, IsSilentAboutDefaultsAndWhatHasNoEffect) {
  EXPECT_THAT(ignored_by(resize_model(
                  {resize("y", {Attribute("antialias", 0), Attribute::text("nearest_mode", "floor"),
                                Attribute("consumed_inputs", {1, 0})})})),
              IsEmpty());
}

TEST(OnnxIgnored, NamesAnAttributeThatTheStandardDoesNotHave) {
  EXPECT_THAT(ignored_by(resize_model({resize("y", {Attribute::text("flavour", "sweet")})})),
              ElementsAre("Resize flavour=sweet was not taken into account (1 node)"));
  EXPECT_THAT(ignored_by(resize_model({resize("y", {Attribute("flavours", {1, 2})})})),
              ElementsAre("Resize flavours=[1,2] was not taken into account (1 node)"));
}

std::string dropout_model(const std::string& training) {
  return model({.graph = graph({.nodes = {node({"Dropout", {"x", "ratio", "training"}, {"y"}})},
                                .inputs = {image},
                                .outputs = {result},
                                .initializers = {reals("ratio", {0.5F}), training}})});
}

// Whether it trains is up to data: it is read as inference.
TEST(OnnxIgnored, NamesAnInput) {
  EXPECT_THAT(ignored_by(model(
                  {.graph = graph({.nodes = {node({"Dropout", {"x", "ratio", "training"}, {"y"}})},
                                   .inputs = {image, value_info("training", type({}, 9))},
                                   .outputs = {result},
                                   .initializers = {reals("ratio", {0.5F})}})})),
              ElementsAre("Dropout input 2 was not taken into account (1 node)"));
}

TEST(OnnxIgnored, TakesTrainingIntoAccount) {
  EXPECT_THAT(ignored_by(dropout_model(raw<std::uint8_t>("training", 9, {1}))), IsEmpty());
}

TEST(OnnxIgnored, TakesAnInputOfItsDefaultValue) {
  EXPECT_THAT(ignored_by(dropout_model(raw<std::uint8_t>("training", 9, {0}))), IsEmpty());
}

TEST(OnnxIgnored, KnowsWhatARecurrentLayerLeavesOut) {
  const std::vector<Attribute> attributes = {Attribute("hidden_size", 4),
                                             Attribute::text("direction", "reverse"),
                                             Attribute("input_forget", 1)};
  EXPECT_THAT(
      ignored_by(model(
          {.graph = graph({.nodes = {node({"LSTM", {"x", "w", "r"}, {"y"}, attributes})},
                           .inputs = {value_info("x", type({5, 2, 3}))},
                           .outputs = {result},
                           .initializers = {weight("w", {1, 16, 3}), weight("r", {1, 16, 4})}})})),
      ElementsAre("LSTM input_forget=1 was not taken into account (1 node)"));
}

TEST(OnnxIgnored, NamesEveryOperatorOfAFunctionAndABranch) {
  const std::string bodies = graph(
      {.nodes = {resize("y", {Attribute("antialias", 1)})}, .inputs = {}, .outputs = {result}});
  const std::string branch =
      node({"If",
            {"c"},
            {"t"},
            {Attribute::graph("then_branch", bodies), Attribute::graph("else_branch", bodies)}});
  const std::string call =
      node({"Twice", {"t", "scales"}, {"y"}, {Attribute("smooth", 1)}, "", "mine"});
  const std::string twice = function({.domain = "mine",
                                      .name = "Twice",
                                      .inputs = {"x", "scales"},
                                      .outputs = {"y"},
                                      .nodes = {node({"Resize",
                                                      {"x", "", "scales"},
                                                      {"y"},
                                                      {Attribute::reference("antialias", "smooth"),
                                                       Attribute::reference("flavour", "none")}})},
                                      .attributes = {"smooth", "none"}});
  // A branch that is read for its cost and taken back does not count.
  EXPECT_THAT(ignored_by(model({.graph = graph({.nodes = {branch, call},
                                                .inputs = {image, value_info("c", type({}, 9))},
                                                .outputs = {result},
                                                .initializers = {reals("scales", {1, 1, 2, 2})}}),
                                .functions = {twice}})),
              ElementsAre("Resize antialias=1 was not taken into account (1 node)",
                          "Resize smooth=1 was not taken into account (1 node)"));
}

TEST(OnnxIgnored, NamesSoManyAndCountsTheOthers) {
  std::vector<std::string> nodes;
  for (int i = 0; i < 80; ++i) {
    const std::string output = i == 79 ? "y" : "t" + std::to_string(i);
    nodes.push_back(resize(output, {Attribute("antialias", i + 1)}));
  }
  const std::vector<std::string> notes = ignored_by(resize_model(nodes));
  ASSERT_THAT(notes, SizeIs(21));
  EXPECT_EQ(notes.back(), "and 60 more were not taken into account");
}

TEST(OnnxIgnored, KnowsTheRowsOfNames) {
  for (const OnnxOperators* group : onnx_operators()) {
    std::string_view last;
    for (const OnnxOperator& row : group->rows) {
      EXPECT_LT(last, row.name) << "rows are in alphabetical order";
      last = row.name;
      for (const NoEffect& item : row.rest.no_effect) {
        EXPECT_FALSE(item.what.empty() || item.why.empty()) << row.name;
      }
    }
  }
}

/// The operators that docs/files.md lists after "Stand-ins:".
std::set<std::string> documented_stand_ins() {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/docs/files.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string list = text.str();
  list = list.substr(list.find("Stand-ins:") + 10);
  list = list.substr(0, list.find('.'));
  std::set<std::string> names;
  for (std::size_t at = list.find('`'); at != std::string::npos; at = list.find('`', at + 1)) {
    const std::size_t end = list.find('`', at + 1);
    names.insert(list.substr(at + 1, end - at - 1));
    at = end;
  }
  return names;
}

TEST(OnnxIgnored, DocumentsWhatOnlyCostsTheSame) {
  std::set<std::string> names;
  for (const OnnxOperators* group : onnx_operators()) {
    for (const OnnxOperator& row : group->rows) {
      if (row.meaning == Meaning::same_cost) names.emplace(row.name);
    }
  }
  EXPECT_EQ(documented_stand_ins(), names);
}

}  // namespace
}  // namespace zoometer
