// Transformers at inputs other than their default: windows that need padding, structures that
// follow the image, and images that do not fit. The figures are those of the real torchvision
// (swin3d's of a reconstruction, as torchvision 0.14 lacks it).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/convention.hpp"
#include "registry/zoo.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace {

struct Metrics {
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
};

void trace_at(const char* name, const Shape& input, Graph& graph) {
  TraceOptions options;
  options.inputs.push_back({"", input});
  trace(*find_in_zoo(name).model, options, graph);
}

Metrics metrics_at(const char* name, const Shape& input) {
  Graph graph;
  trace_at(name, input, graph);
  Metrics metrics;
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.kind == ParameterKind::parameter) {
      metrics.parameters += graph.numel(parameter.value);
    }
  }
  for (NodeId id = 0; id < graph.nodes().size(); ++id) metrics.macs += macs_of(graph.view(id));
  return metrics;
}

struct Case {
  const char* model;
  Shape input;
  std::int64_t macs;
};

TEST(Transformers, CountTorchvisionsMacsAtOddInputs) {
  const Case cases[] = {
      {"swin_t", {3, 3, 192, 256}, 15'390'081'792},
      {"swin_t", {1, 3, 197, 213}, 4'196'780'544},
      {"swin_t", {1, 3, 4, 4}, 463'461'504},
      {"swin_v2_t", {3, 3, 192, 256}, 14'313'581'568},
      {"swin_v2_t", {1, 3, 64, 333}, 2'932'988'928},
      {"swin3d_t", {3, 3, 7, 60, 91}, 7'892'361'216},
      {"swin3d_t", {2, 3, 40, 33, 257}, 65'410'400'256},
      {"swin3d_s", {2, 3, 18, 100, 120}, 94'748'381'184},
      {"maxvit_t", {1, 3, 448, 448}, 22'224'506'880},
      {"vit_b_32", {2, 3, 512, 512}, 47'300'739'072},
      {"convnext_tiny", {2, 3, 100, 67}, 1'100'175'360},
      {"mvit_v1_b", {2, 3, 4, 32, 48}, 959'278'464},
      {"mvit_v2_s", {2, 3, 4, 32, 48}, 854'391'168},
      {"mvit_v2_s", {1, 3, 2, 28, 60}, 282'057'216},
      {"r2plus1d_18", {1, 3, 1, 20, 33}, 372'929'222},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(metrics_at(test.model, test.input).macs, test.macs)
        << test.model << " at " << to_short_string(test.input);
  }
}

TEST(Transformers, PositionsFollowTheImage) {
  EXPECT_EQ(metrics_at("vit_b_16", {1, 3, 384, 384}).parameters, 86'859'496);
  EXPECT_EQ(metrics_at("vit_l_16", {1, 3, 512, 512}).parameters, 305'174'504);
  EXPECT_EQ(metrics_at("vit_h_14", {1, 3, 224, 224}).parameters, 632'045'800);
}

TEST(Transformers, RejectImagesThatDoNotFit) {
  struct Rejected {
    const char* model;
    Shape input;
    const char* message;
  };
  const Rejected cases[] = {
      {"vit_b_16", {1, 3, 224, 240}, "equal height and width, a multiple of 16, got 1x3x224x240"},
      {"vit_b_16", {1, 3, 230, 230}, "equal height and width, a multiple of 16, got 1x3x230x230"},
      {"vit_b_16", {1, 4, 224, 224}, "as many channels in x as the weight takes"},
      {"maxvit_t", {1, 3, 225, 225}, "does not divide into partitions"},
      {"maxvit_t", {1, 3, 448, 224}, "does not divide into partitions"},
      {"mvit_v1_b", {1, 3, 3, 32, 32}, "a multiple of 2 frames"},
      {"mvit_v2_s", {1, 3, 2, 16, 16}, "a height or width of at least 32"},
      {"convnext_tiny", {1, 3, 31, 31}, "a kernel that fits into the padded input"},
      {"s3d", {1, 3, 8, 224, 224}, "a window that fits into the padded input"},
  };
  Graph graph;
  for (const Rejected& test : cases) {
    try {
      trace_at(test.model, test.input, graph);
      ADD_FAILURE() << test.model << " takes " << to_short_string(test.input);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::shape) << error.what();
      EXPECT_THAT(error.what(), ::testing::HasSubstr(test.message));
      EXPECT_THAT(error.what(), ::testing::StartsWith(test.model));
    }
  }
}

TEST(Transformers, VideoSwinHasTorchvisionsNames) {
  Graph graph;
  trace_at("swin3d_t", {1, 3, 16, 224, 224}, graph);
  std::vector<std::string> lines;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    lines.push_back(graph.parameter_path(parameter) + " " +
                    to_short_string(graph.shape(parameter.value)));
  }
  const std::vector<std::string> first = {
      "patch_embed.proj.weight 96x3x2x4x4",
      "patch_embed.proj.bias 96",
      "patch_embed.norm.weight 96",
      "patch_embed.norm.bias 96",
      "features.0.0.norm1.weight 96",
      "features.0.0.norm1.bias 96",
      "features.0.0.attn.relative_position_bias_table 2535x3",
      "features.0.0.attn.relative_position_index 392x392",
      "features.0.0.attn.qkv.weight 288x96",
  };
  ASSERT_GT(lines.size(), first.size());
  EXPECT_EQ(std::vector(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(first.size())),
            first);
  EXPECT_EQ(lines.back(), "head.bias 400");
}

}  // namespace
}  // namespace zoometer
