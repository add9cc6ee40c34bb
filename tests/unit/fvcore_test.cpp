// fvcore's figures per module, its activation counts and its printed tables, made by fvcore itself.
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "analysis/profile.hpp"
#include "registry/zoo.hpp"
#include "report/report.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace {

const std::string golden = ZOOMETER_SOURCE_DIR "/tests/golden/fvcore/";

rapidjson::Document read_gzipped_json(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("cannot read " + path);
  std::string text;
  char buffer[1 << 16];
  for (int got = 0; (got = gzread(file, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  gzclose(file);
  rapidjson::Document document;
  document.Parse(text.c_str());
  return document;
}

const rapidjson::Document& reference() {
  static const rapidjson::Document document = read_gzipped_json(golden + "modules.json.gz");
  return document;
}

/// [1, 3, 224, 224], or [[3, 800, 800]]: a list of images is one batch here.
Shape shape_of(const rapidjson::Value& value) {
  if (value[0].IsArray()) {
    Shape shape = shape_of(value[0]);
    shape.insert(0, static_cast<std::int64_t>(value.Size()));
    return shape;
  }
  Shape shape;
  for (const auto& size : value.GetArray()) shape.push_back(size.GetInt64());
  return shape;
}

TraceOptions options_of(const rapidjson::Value& facts) {
  TraceOptions options;
  options.variant = std::string_view(facts["variant"].GetString()) == "untrained"
                        ? Variant::untrained
                        : Variant::published;
  for (const auto& input : facts["input"].GetArray())
    options.inputs.push_back({"", shape_of(input)});
  // With random weights, fvcore saw no proposal of the detector that was good enough.
  if (!facts["static"].GetBool()) options.proposals = 0;
  return options;
}

class FvcoreModules : public ::testing::TestWithParam<std::string> {};

TEST_P(FvcoreModules, EqualInEveryModule) {
  const rapidjson::Value& facts = reference()[GetParam().c_str()];
  const ZooEntry entry = find_in_zoo(GetParam());
  ASSERT_NE(entry.model, nullptr);
  Graph graph;
  trace(*entry.model, options_of(facts), graph);
  const Profile metrics = profile(graph, find_convention("fvcore"));
  int differences = 0;
  std::size_t found = 0;
  for (ModuleId id = 0; id < graph.modules().size(); ++id) {
    const std::string path = graph.module_path(id);
    const auto fact = facts["by_module"].FindMember(path.c_str());
    const bool known = fact != facts["by_module"].MemberEnd();
    if (known) ++found;
    const std::int64_t expected = known ? fact->value.GetInt64() : 0;
    if (expected == metrics.modules[id].cost || ++differences > 5) continue;
    ADD_FAILURE() << path << ": fvcore " << expected << ", zoometer " << metrics.modules[id].cost;
  }
  EXPECT_EQ(found, facts["by_module"].MemberCount())
      << "modules that fvcore has and zoometer lacks";
}

std::vector<std::string> models_with_facts() {
  std::vector<std::string> names;
  for (const auto& member : reference().GetObject()) {
    if (find_in_zoo(member.name.GetString()).model != nullptr)
      names.emplace_back(member.name.GetString());
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Zoo, FvcoreModules, ::testing::ValuesIn(models_with_facts()),
                         [](const auto& test) { return test.param; });

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// MODEL.depthN. Those of maxvit_t, mvit_v1_b and the DeepLabs have a ModuleList that is never
/// called itself: its row is the sum of its children.
class FvcoreTables : public ::testing::TestWithParam<std::string> {};

TEST_P(FvcoreTables, AreEqualToTheByte) {
  const std::string& name = GetParam();
  const std::size_t dot = name.find(".depth");
  const ZooEntry entry = find_in_zoo(name.substr(0, dot));
  ASSERT_NE(entry.model, nullptr);
  TraceOptions options;
  options.variant = Variant::untrained;
  const bool is_video = name.starts_with("mvit");
  options.inputs = {{"", is_video ? Shape{1, 3, 16, 224, 224} : Shape{1, 3, 224, 224}}};
  Graph graph;
  trace(*entry.model, options, graph);
  const Profile metrics = profile(graph, find_convention("fvcore"));
  const ReportInput input{graph, metrics, name, "builtin", "untrained", find_convention("fvcore"),
                          {}};
  ReportOptions report;
  report.depth = std::stoi(name.substr(dot + 6));
  EXPECT_EQ(find_report("table")->write(input, report),
            read_text(golden + "tables/" + name + ".txt"));
}

std::vector<std::string> tables() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(golden + "tables")) {
    const std::string name = file.path().stem();
    if (find_in_zoo(name.substr(0, name.find('.'))).model != nullptr) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Zoo, FvcoreTables, ::testing::ValuesIn(tables()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(FvcoreActivations, EqualTheElementsOfTheOutputs) {
  rapidjson::Document facts;
  facts.Parse(read_text(golden + "activations.json").c_str());
  for (const auto& member : facts.GetObject()) {
    const ZooEntry entry = find_in_zoo(member.name.GetString());
    if (entry.model == nullptr) continue;
    Graph graph;
    trace(*entry.model, {}, graph);
    EXPECT_EQ(profile(graph).total.activations, member.value["total"].GetInt64())
        << member.name.GetString();
  }
}

}  // namespace
}  // namespace zoometer
