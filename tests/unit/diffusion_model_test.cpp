// FLUX's transformer and the U-Net of Stable Diffusion, from their configurations. The totals are
// those of the released models.
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "import/importer.hpp"

namespace zoometer {
namespace {

ImportNotes read_diffusion(std::string_view text, Graph& graph) {
  return import_file(MappedFile("config.json", std::as_bytes(std::span(text))), {}, graph);
}

std::int64_t diffusion_parameters(std::string_view text) {
  Graph graph;
  read_diffusion(text, graph);
  return profile(graph).total.parameters;
}

TEST(DiffusionModels, HaveThePublishedParameters) {
  EXPECT_EQ(diffusion_parameters(R"({"_class_name": "FluxTransformer2DModel",
                                     "guidance_embeds": true})"),
            11'901'408'320);
  EXPECT_EQ(diffusion_parameters(R"({"_class_name": "FluxTransformer2DModel"})"), 11'891'178'560);
  EXPECT_EQ(diffusion_parameters(
                R"({"_class_name": "UNet2DConditionModel", "cross_attention_dim": 768})"),
            859'520'964);
}

TEST(DiffusionModels, ListTensorsAndComputeNothing) {
  Graph graph;
  const ImportNotes notes =
      read_diffusion(R"({"_class_name": "UNet2DConditionModel", "torch_dtype": "float16"})", graph);
  EXPECT_TRUE(graph.nodes().empty());
  EXPECT_EQ(notes.notes.size(), 1U);
  EXPECT_EQ(graph.parameter_path(graph.parameters().front()), "conv_in.weight");
  EXPECT_EQ(graph.dtype(graph.parameters().front().value), DType::float16);
}

// Kind: blocks that other U-Nets have, and hostile numbers of layers.
TEST(DiffusionModels, RefuseWhatIsNotKnown) {
  for (const std::string_view key :
       {R"("only_cross_attention": true)", R"("down_block_types": ["AttnDownBlock2D"])",
        R"("mid_block_type": "UNetMidBlock2D")", R"("layers_per_block": 1000000)",
        R"("addition_embed_type": "image")"}) {
    Graph graph;
    try {
      read_diffusion(R"({"_class_name": "UNet2DConditionModel", )" + std::string(key) + "}", graph);
      ADD_FAILURE() << "nothing was thrown for " << key;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::unsupported) << error.what();
    }
  }
}

}  // namespace
}  // namespace zoometer
