// Small files, one for each kind of operator or of its attributes that was read wrongly or not at
// all, with the figures that are right by hand and the shapes that ONNX Runtime gives.
#include <gtest/gtest.h>

#include <optional>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"

namespace zoometer {
namespace {

struct Kind {
  std::string_view file;
  std::string_view guards;
  std::vector<Shape> outputs;
  std::optional<std::int64_t> macs = {};
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.file; }

const Kind kinds[] = {
    {"resize_by_0.7", "sizes are products in float32: 640 x 0.7 is 448", {{1, 8, 448, 448}}},
    {"resize_in_float32", "10 x 2.3 is 23", {{4, 1, 23, 3}}},
    {"upsample_by_1.3", "10 x 1.3 is 13, also of the former Upsample", {{1, 1, 13, 13}}},
    {"stft_of_rank_2",
     "a signal (batch, length), as PyTorch's exporter writes it",
     {{2, 97, 257, 2}}},
    {"grid_sample_then_conv", "positions within a volume, and what follows", {{1, 4, 2, 2, 3}}, 96},
    {"grid_sample_volumetric", "positions within a volume", {{1, 2, 3, 3, 3}}, 0},
    {"conv_4_spatial", "a convolution over more than 3 dimensions", {}, 49'152},
    {"batch_norm_rank1", "a batch of one channel", {{10}}, 0},
    {"squeeze_empty_axes", "an empty list of axes squeezes all ones", {{3, 5}}},
    {"nine_dimensions", "more than 8 dimensions", {}},
    {"attention_scores",
     "the fourth output is the scores, and the operator is known",
     {{2, 8, 10, 24}, {2, 8, 10, 12}},
     76'800},
    {"heads_scores", "the same of MultiHeadAttention", {{2, 10, 128}, {2, 8, 10, 12}}},
    {"attention_4d_with_qk_matmul", "the fourth output of the standard's own test", {}},
    {"cache_of_fixed_length",
     "a cache of 64 places, of which 10 are in use",
     {{1, 1, 128}, {1, 2, 64, 16}, {1, 2, 64, 16}},
     2'560},
    {"cache_with_window",
     "a window of 4 keys",
     {{1, 1, 128}, {1, 2, 64, 16}, {1, 2, 64, 16}},
     1'024},
    {"crop_scaler_affine", "former experimental operators", {{1, 8, 10, 10}}, 99'936},
    {"bitcast_2d_float32_to_int32", "BitCast", {}, 0},
    {"causal_conv_with_state_with_past_state", "CausalConvWithState", {}},
    {"cumprod_1d", "CumProd", {}, 0},
    {"flexattention", "FlexAttention", {}},
    {"linear_attention_prefill_with_past", "LinearAttention", {}},
    {"swiglu", "SwiGLU", {}, 0},
    {"tensorscatter", "TensorScatter", {}, 0},
    {"col2im", "Col2Im, and the convolution after it", {{1, 4, 5, 5}}},
    {"hann_window", "a window of a known size", {{3, 10}}, 0},
};

class OnnxOperatorKinds : public ::testing::TestWithParam<Kind> {};

TEST_P(OnnxOperatorKinds, AreKnownAndHaveTheirShapes) {
  const Kind& kind = GetParam();
  SCOPED_TRACE(kind.guards);
  Graph graph;
  const std::string path =
      std::string(ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/").append(kind.file).append(".onnx");
  const ImportNotes notes = import_file(path, {}, graph);
  verify(graph);
  const Profile result = profile(graph);
  EXPECT_TRUE(result.coverage.unknown.empty());
  EXPECT_TRUE(notes.ignored.empty()) << notes.ignored.front();
  if (kind.macs) {
    EXPECT_EQ(result.total.macs, *kind.macs);
  }
  for (std::size_t i = 0; i < kind.outputs.size(); ++i) {
    ASSERT_LT(i, graph.outputs().size());
    EXPECT_EQ(graph.shape(graph.outputs()[i].value), kind.outputs[i]);
  }
  for (const std::string& note : notes.notes)
    EXPECT_EQ(note.find("differ from the inferred"), std::string::npos) << note;
}

INSTANTIATE_TEST_SUITE_P(Files, OnnxOperatorKinds, ::testing::ValuesIn(kinds));

}  // namespace
}  // namespace zoometer
