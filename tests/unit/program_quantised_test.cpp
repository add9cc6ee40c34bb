// Quantised programs of torchao and pt2e: weights are what they are stored as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "analysis/element_types.hpp"
#include "analysis/fusion.hpp"
#include "analysis/profile.hpp"
#include "import/importer.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Program {
  Graph graph;
  ImportNotes notes;

  explicit Program(const std::string& name)
      : notes(
            import_file(ZOOMETER_SOURCE_DIR "/tests/data/pt2/kinds/" + name + ".pt2", {}, graph)) {}
};

std::vector<std::string> stored(const Graph& graph, ParameterKind kind) {
  std::vector<std::string> tensors;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (parameter.kind != kind) continue;
    tensors.push_back(graph.parameter_path(parameter) + " " +
                      std::string(name_of(graph.dtype(parameter.value))) + " " +
                      to_string(graph.shape(parameter.value)));
  }
  return tensors;
}

struct Kind {
  std::string file;
  std::int64_t macs;
  std::int64_t parameters;
  std::int64_t quantisation;
  std::string types;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.file; }

class QuantisedProgram : public testing::TestWithParam<Kind> {};

TEST_P(QuantisedProgram, HasTheWeightsThatItStores) {
  const Kind& kind = GetParam();
  const Program program(kind.file);
  const Profile profile = zoometer::profile(program.graph);
  EXPECT_EQ(profile.total.macs, kind.macs);
  EXPECT_EQ(profile.total.parameters, kind.parameters);
  EXPECT_EQ(profile.total.buffers, 0);
  EXPECT_EQ(quantisation_parameters_of(program.graph)[0], kind.quantisation);
  ASSERT_EQ(profile.element_types.size(), 1U);
  const ElementTypeMetrics& types = profile.element_types[0];
  EXPECT_EQ(std::string(types.a.name) + " x " + std::string(types.b.name), kind.types);
  EXPECT_TRUE(profile.coverage.unknown.empty());
  EXPECT_THAT(program.notes.ignored, IsEmpty());
}

// A layer of 32 and 16 features, four rows: 2,048 products, a weight of 512 and a bias of 16; a
// convolution of 3 and 8 channels and a layer of 128 and 10 features.
const Kind kinds[] = {
    // torchao's tensors of tensors, and the same as PyTorch decomposes them.
    {"torchao_int8_weight", 2048, 528, 16, "float32 x int8"},
    // Its zero points are stored and not used.
    {"torchao_int8_weight_decomposed", 2048, 528, 32, "float32 x int8"},
    // Rows that are quantised before the product.
    {"torchao_int8_dynamic", 2048, 528, 16, "int8 x int8"},
    // Numbers of 8 bits, a conversion and a scale.
    {"torchao_float8_weight", 2048, 528, 16, "bfloat16 x float8_e4m3fn"},
    // A scale and a zero point for each half of a row.
    {"torchao_int4_groups", 2048, 528, 64, "float32 x int8"},
    {"torchao_int4_groups_decomposed", 2048, 528, 64, "float32 x int8"},
    // pt2e keeps the float weights beside the integers.
    {"pt2e_int8", 4736, 1514, 36, "uint8 x int8"},
    {"pt2e_dynamic", 4736, 1514, 36, "uint8 x int8"},
};

INSTANTIATE_TEST_SUITE_P(Kinds, QuantisedProgram, testing::ValuesIn(kinds),
                         [](const auto& each) { return each.param.file; });

/// Kind: weights that are tensors of tensors keep their name, with the type that they have.
TEST(TorchaoProgram, HasTheIntegersInPlaceOfTheWeight) {
  const Program program("torchao_int8_weight");
  EXPECT_THAT(stored(program.graph, ParameterKind::parameter),
              ElementsAre("fc.weight int8 (16, 32)", "fc.bias float32 (16,)"));
  EXPECT_THAT(stored(program.graph, ParameterKind::quantisation),
              ElementsAre("fc.weight.scale float32 (16, 1)"));
}

/// Kind: a weight that is converted and scaled by nodes is unpacked within the product.
TEST(TorchaoProgram, UnpacksWithinTheProductWhenFused) {
  const auto groups_of = [](const std::string& file) {
    std::vector<std::string> names;
    for (const FusedGroup& group : fused_groups(Program(file).graph, true)) {
      if (group.name.find("matmul") != std::string::npos) names.push_back(group.name);
    }
    return names;
  };
  EXPECT_THAT(groups_of("torchao_float8_weight"), ElementsAre("to + mul + to + matmul + add"));
  EXPECT_THAT(groups_of("torchao_int8_weight"), ElementsAre(HasSubstr("to + matmul + mul")));
}

/// Kind: float weights of which pt2e made integers are not summed beside these.
TEST(Pt2eProgram, LeavesOutWeightsThatItReplaced) {
  const Program program("pt2e_int8");
  EXPECT_THAT(stored(program.graph, ParameterKind::parameter),
              ElementsAre("_frozen_param0 int8 (8, 3, 3, 3)", "_frozen_param1 int8 (10, 128)",
                          "conv.bias float32 (8,)", "fc.bias float32 (10,)"));
  EXPECT_THAT(stored(program.graph, ParameterKind::buffer), IsEmpty());
  EXPECT_THAT(program.notes.notes, Contains(HasSubstr("2 (conv.weight, fc.weight)")));
}

/// Kind: tokens. What checks the result of another operator has a token and computes nothing.
TEST(ProgramWithEffects, ComputesWhatTheOthersDo) {
  const Program program("with_effects");
  ASSERT_EQ(program.graph.nodes().size(), 1U);
  EXPECT_EQ(program.graph.nodes()[0].op->kind, OpKind::linear_algebra);
}

}  // namespace
}  // namespace zoometer
