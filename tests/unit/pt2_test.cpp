// Archives of torch.export: real ones compared with the native models, small ones for every feature
// of the format and every fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "analysis/profile.hpp"
#include "facts.hpp"
#include "import/importer.hpp"
#include "op/unknown.hpp"
#include "zip_writer.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ZipWriter;

// -- real archives --------------------------------------------------------------------------------

struct ModuleFacts {
  std::string kind;
  std::int64_t macs = 0;
  std::int64_t parameters = 0;
  std::vector<std::string> outputs;  ///< of each call

  friend bool operator==(const ModuleFacts&, const ModuleFacts&) = default;
  friend void PrintTo(const ModuleFacts& facts, std::ostream* out) {
    *out << facts.kind << " macs " << facts.macs << " parameters " << facts.parameters;
    for (const std::string& output : facts.outputs) *out << ' ' << output;
  }
};

std::map<std::string, ModuleFacts> module_facts(const Graph& graph) {
  const Profile metrics = profile(graph);
  std::map<std::string, ModuleFacts> facts;
  for (std::size_t i = 0; i < graph.modules().size(); ++i) {
    ModuleFacts& module = facts[graph.module_path(static_cast<ModuleId>(i))];
    module.kind = graph.modules()[i].kind;
    module.macs = metrics.modules[i].macs;
    module.parameters = metrics.modules[i].parameters;
  }
  for (const ModuleCall& call : graph.calls()) {
    std::string shapes;
    for (const ValueId value : graph.outputs_of(call))
      shapes += (shapes.empty() ? "" : ",") + to_short_string(graph.shape(value));
    facts[graph.module_path(call.module)].outputs.push_back(shapes);
  }
  return facts;
}

const Model& find_model(std::string_view name) {
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      if (model.name == name) return model;
    }
  }
  throw Error(ErrorCode::unknown_name, std::string(name));
}

/// Modules that do nothing in evaluation mode are not in a program, except for dropout, which
/// leaves a copy.
bool leaves_no_trace(const ModuleFacts& native) {
  return native.kind == "Identity" || native.kind == "StochasticDepth" || native.kind == "Dropout";
}

class RealArchive : public ::testing::TestWithParam<const char*> {};

TEST_P(RealArchive, EqualsTheNativeModel) {
  const std::string name = GetParam();
  Graph graph;
  const ImportNotes notes =
      import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/" + name + ".pt2", {}, graph);
  EXPECT_EQ(notes.format, "torch.export, schema 8.20");
  EXPECT_EQ(notes.producer, "torch 2.12.0+cpu");
  EXPECT_THAT(notes.notes, ElementsAre());

  Graph native;
  TraceOptions options;
  options.inputs = {{"", Shape{1, 3, 224, 224}}};
  trace(find_model(name), options, native);
  EXPECT_EQ(testing::states_of(graph), testing::states_of(native));
  ASSERT_EQ(graph.outputs().size(), 1U);
  EXPECT_EQ(graph.outputs()[0].name, "output");
  EXPECT_EQ(graph.shape(graph.outputs()[0].value), native.shape(native.outputs()[0].value));
  EXPECT_TRUE(profile(graph).coverage.unknown.empty());

  std::map<std::string, ModuleFacts> ours = module_facts(graph);
  for (const auto& [path, facts] : module_facts(native)) {
    SCOPED_TRACE(path);
    ASSERT_TRUE(ours.contains(path));
    ModuleFacts& module = ours[path];
    // A module that is never called has no class in the program.
    if (module.outputs.empty() && (facts.outputs.empty() || leaves_no_trace(facts))) {
      module.kind = facts.kind;
      module.outputs = facts.outputs;
    }
    EXPECT_EQ(module, facts);
    ours.erase(path);
  }
  for (const auto& [path, facts] : ours) ADD_FAILURE() << "a module too many: " << path;
}

INSTANTIATE_TEST_SUITE_P(Pt2, RealArchive,
                         ::testing::Values("resnet18", "resnet50", "mobilenet_v2",
                                           "mobilenet_v3_small", "efficientnet_b0", "vit_b_32"),
                         [](const auto& test) { return std::string(test.param); });

// -- real archives of single modules and of tiny networks -----------------------------------------

struct Metrics {
  std::string name;
  std::int64_t macs = 0;
  std::int64_t parameters = 0;

  friend void PrintTo(const Metrics& metrics, std::ostream* out) { *out << metrics.name; }
};

class SmallArchive : public ::testing::TestWithParam<Metrics> {};

TEST_P(SmallArchive, IsCountedWhole) {
  Graph graph;
  const std::string path = ZOOMETER_SOURCE_DIR "/tests/data/pt2/" + GetParam().name + ".pt2";
  const ImportNotes notes = import_file(path, {}, graph);
  EXPECT_EQ(notes.format, "torch.export, schema 8.17");
  EXPECT_THAT(notes.notes, ElementsAre()) << "no result has another shape than is declared";
  const Profile metrics = profile(graph);
  EXPECT_TRUE(metrics.coverage.unknown.empty());
  EXPECT_EQ(metrics.total.macs, GetParam().macs);
  EXPECT_EQ(metrics.total.parameters, GetParam().parameters);
}

// MACs as torch's flop counter has them (half of its FLOPs), where it counts: not on an LSTM's
// fused kernel, attention, nor grouped products.
INSTANTIATE_TEST_SUITE_P(
    Pt2, SmallArchive,
    ::testing::Values(
        Metrics{"gru", 301'056 / 2, 11'136}, Metrics{"lstm_proj", 93'184 / 2, 3'584},
        // 14 steps of 2 directions of 128 gates, over 16 + 32 and then 64 + 32 numbers.
        Metrics{"lstm", 14 * 2 * 128 * (48 + 96), 37'888}, Metrics{"stft", 0, 0},
        Metrics{"fft", 0, 0}, Metrics{"index", 0, 0}, Metrics{"embedding_bag", 0, 400},
        // 13,631,488 FLOPs, and two products of attention in each of two layers.
        Metrics{"gpt2", 13'631'488 / 2 + 2 * 2 * 2 * 64 * 64 * 64 / 2, 173'824},
        // Each of 128 rows through two of four experts' matrices, in both layers.
        Metrics{"mixtral", 3'179'008 + 2 * 128 * (64 * 256 + 128 * 64), 238'400}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoometer
