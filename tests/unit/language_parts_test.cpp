// Parts of language models beside a decoder: towers of pictures, encoders, layers that predict
// further tokens. Small models whose figures are computed by hand.
#include <gtest/gtest.h>

#include "analysis/model_storage.hpp"
#include "analysis/parameter_counts.hpp"
#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "import/language/config.hpp"

namespace zoometer {
namespace {

MappedFile file_of(std::string_view text) {
  return MappedFile("config.json", std::as_bytes(std::span(text)));
}

ImportNotes read_parts(std::string_view text, Graph& graph, const TraceOptions& options = {}) {
  return import_file(file_of(text), options, graph);
}

std::int64_t macs_of(std::string_view text, const TraceOptions& options) {
  Graph graph;
  read_parts(text, graph, options);
  return profile(graph).total.macs;
}

// Features 8, 1 layer of 1 head, width 16, 10 words; pictures of 4 x 4 in patches of 2 x 2,
// features 4 of 1 head, width 6, merged by 2 x 2 to one token.
constexpr std::string_view with_tower =
    R"({"model_type": "mistral3", "spatial_merge_size": 2,
        "text_config": {"model_type": "mistral", "hidden_size": 8, "num_hidden_layers": 1,
          "num_attention_heads": 1, "num_key_value_heads": 1, "intermediate_size": 16,
          "vocab_size": 10, "sliding_window": null},
        "vision_config": {"model_type": "pixtral", "hidden_size": 4, "num_hidden_layers": 1,
          "num_attention_heads": 1, "intermediate_size": 6, "patch_size": 2, "image_size": 4}})";

// A token costs 4 x 64 + 3 x 128 = 640 and 2 x 8 for each of its pairs; the logits 80.
constexpr std::int64_t text_macs(std::int64_t tokens) {
  return tokens * 640 + tokens * tokens * 16 + 80;
}

// Patches 4 x (12 x 4), layer 4 x (4 x 16 + 3 x 24) + 16 x 8, merger 16 x 4, 4 x 8 and 8 x 8.
constexpr std::int64_t tower_macs = 192 + 544 + 128 + 64 + 32 + 64;

TEST(LanguageParts, TakeAPicture) {
  TraceOptions options;
  options.tokens = 5;
  EXPECT_EQ(macs_of(with_tower, options), text_macs(5));
  options.inputs = {{"pixel_values", {1, 3, 4, 4}}};
  EXPECT_EQ(macs_of(with_tower, options), text_macs(5) + tower_macs);
  options.tokens = {};
  EXPECT_EQ(macs_of(with_tower, options), text_macs(128 + 1) + tower_macs);
  options.inputs = {{"pixel_values", {3, 3, 4, 4}}};
  EXPECT_EQ(macs_of(with_tower, options), text_macs(128 + 3) + 3 * tower_macs);
}

// 4 x 12 patches, norms 3 x 4, layer 4 x 16 + 3 x 24, merger 64, 32, 64, norm 4.
TEST(LanguageParts, CountATowerByItself) {
  Graph graph;
  const ImportNotes notes = read_parts(with_tower, graph);
  EXPECT_EQ(count_parameters(graph).by_role.at("vision"), 48 + 12 + 64 + 72 + 64 + 32 + 64 + 4);
  ASSERT_EQ(notes.notes.size(), 1U);
  EXPECT_EQ(notes.notes.front(),
            "a picture of 1x3x64x64 gives 256 tokens; none passes without --input-shape "
            "pixel_values=");
}

void expect_option_refused(std::string_view text, std::string_view message,
                           const TraceOptions& options) {
  Graph graph;
  try {
    read_parts(text, graph, options);
    ADD_FAILURE() << "nothing was thrown for " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::usage) << error.what();
    EXPECT_EQ(error.message, message);
  }
}

TEST(LanguageParts, RefuseInputsThatDoNotFit) {
  TraceOptions options;
  options.inputs = {{"pixel_values", {1, 3, 6, 4}}};
  expect_option_refused(with_tower, "--input-shape", options);
  options.inputs = {{"pixel_values", {1, 3, 4}}};
  expect_option_refused(with_tower, "--input-shape", options);
  options.inputs = {{"sound", {1, 3, 4}}};
  expect_option_refused(with_tower, "--input-shape", options);
  options.inputs = {{"pixel_values", {9, 3, 4, 4}}};
  options.tokens = 4;
  expect_option_refused(with_tower, "--tokens", options);
  options = {};
  options.decode = true;
  expect_option_refused(R"({"model_type": "bert", "hidden_size": 4, "num_attention_heads": 1})",
                        "--past", options);
}

// Features 2 of 1 head; 8 x 4 frames and bins become 2 x 1 with 4 and 4 channels; Gemma's decoder
// has features 8 and 1 layer without own inputs.
constexpr std::string_view with_sound =
    R"({"model_type": "gemma4",
        "text_config": {"model_type": "gemma4_text", "hidden_size": 8, "num_hidden_layers": 1,
          "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 8, "global_head_dim": 8,
          "intermediate_size": 16, "vocab_size": 10, "hidden_size_per_layer_input": 0,
          "layer_types": ["full_attention"]},
        "audio_config": {"hidden_size": 2, "num_hidden_layers": 1, "num_attention_heads": 1,
          "subsampling_conv_channels": [4, 4], "output_proj_dims": 3, "attention_chunk_size": 12,
          "use_clipped_linears": false}})";

// Convolutions 4 x 9 + 16 x 9 and norms 8, 4 x 2 (bins of 4); two networks of 32 and norms 4;
// attention 16, distances 4, scale 2, norms 4; convolution part 8 + 10 + 4 and norms 4; norm 2;
// layers out 2 x 3 + 3 and 3 x 8.
TEST(LanguageParts, TakeASound) {
  Graph graph;
  read_parts(with_sound, graph);
  EXPECT_EQ(count_parameters(graph).by_role.at("audio"),
            36 + 144 + 8 + 8 + 72 + 26 + 26 + 2 + 9 + 24);
  TraceOptions options;
  options.tokens = 5;
  const std::int64_t text = macs_of(with_sound, options);
  options.inputs = {{"input_features", {1, 8, 4}}};
  const std::int64_t tower =
      16 * 4 * 9 / 2 + 2 * 4 * 4 * 9 + 2 * (8 + 64 + 16 + 22 + 6 + 24) + 4 * 4;
  EXPECT_EQ(macs_of(with_sound, options), text + tower);
}

// Features 4, 1 head of 4, width 6, 10 words, a layer on each side.
constexpr std::string_view both_sides =
    R"({"model_type": "t5", "d_model": 4, "d_kv": 4, "num_heads": 1, "d_ff": 6, "num_layers": 1,
        "vocab_size": 10, "relative_attention_num_buckets": 2})";

// A row of the encoder: 4 x 16 + 2 x 24 = 112, of the decoder 64 + 32 + 48 = 144 and 40 for its
// words; the encoder's result as keys and values 32 a row; 8 for each pair.
TEST(LanguageParts, ReadAnEncoder) {
  TraceOptions options;
  options.tokens = 3;
  options.encoder_tokens = 5;
  const std::int64_t pairs = 25 + 9 + 15;
  EXPECT_EQ(macs_of(both_sides, options), 5 * 112 + 5 * 32 + 3 * 144 + 8 * pairs + 40);
  options = {};
  options.decode = true;
  options.context = 7;
  options.encoder_tokens = 5;
  EXPECT_EQ(macs_of(both_sides, options), 144 + 8 * (7 + 5) + 40);
}

// Kind: sizes of 0 by which others are divided, and factors out of range.
TEST(LanguageParts, RefuseSizesOfNothing) {
  for (const std::string_view text :
       {R"({"model_type": "gemma", "num_attention_heads": 0})",
        R"({"model_type": "llama", "num_hidden_layers": 1, "num_key_value_heads": 0})",
        R"({"model_type": "qwen3_moe", "num_hidden_layers": 1, "moe_intermediate_size": 0})",
        R"({"model_type": "t5", "num_decoder_layers": 0})",
        R"({"model_type": "t5", "num_heads": 0})",
        R"({"model_type": "jamba", "num_hidden_layers": 1, "mamba_expand": 0})",
        R"({"model_type": "dinov2", "mlp_ratio": 1e300})",
        R"({"model_type": "clip_text_model", "num_hidden_layers": 1000000000})",
        R"({"model_type": "deepseek_v4", "hidden_size": 8, "num_attention_heads": 2,
            "vocab_size": 10, "num_hidden_layers": 1, "n_routed_experts": 2,
            "num_experts_per_tok": 1, "moe_intermediate_size": 4, "o_groups": 0})"}) {
    Graph graph;
    try {
      read_parts(text, graph);
      ADD_FAILURE() << "nothing was thrown for " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::malformed) << error.what();
    }
  }
}

// Kind: sizes that a file leaves out, since they are those of its class.
TEST(LanguageParts, HaveTheSizesOfTheirClass) {
  Graph graph;
  read_parts(R"({"model_type": "llama"})", graph);
  EXPECT_EQ(profile(graph).total.parameters, 6'738'415'616);  // Llama 2 7B
  read_parts(R"({"model_type": "llama", "num_key_value_heads": null, "num_hidden_layers": 1})",
             graph);
  EXPECT_EQ(profile(graph).total.parameters, 2 * 131'072'000 + 202'383'360 + 4096);
}

// The published counts of DeepSeek-V3's files: float8, float32 and bfloat16 elements.
TEST(LanguageParts, ForeseeTheFilesOfDeepSeek) {
  constexpr std::string_view config =
      R"({"model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168,
          "intermediate_size": 18432, "kv_lora_rank": 512, "moe_intermediate_size": 2048,
          "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128,
          "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_nextn_predict_layers": 1,
          "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
          "tie_word_embeddings": false, "v_head_dim": 128, "vocab_size": 129280,
          "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})";
  Graph graph;
  read_parts(config, graph);
  const ForeseenCheckpoint checkpoint =
      foreseen_checkpoint(read_configuration(file_of(config)), graph);
  const std::map<std::string, std::int64_t> listed = {
      {"bfloat16", 3'918'786'560}, {"float32", 41'555'600}, {"float8_e4m3fn", 680'571'043'840}};
  EXPECT_EQ(checkpoint.size.elements_by_type, listed);
  EXPECT_EQ(checkpoint.size.stored, 684'531'386'000);
  EXPECT_EQ(checkpoint.learned, checkpoint.size.stored - 41'540'496);  // the scales of blocks
  EXPECT_EQ(count_parameters(graph).unique, 671'026'419'200);
  EXPECT_EQ(count_parameters(graph).active, 37'552'297'472);
}

// Embeddings 10 x 4, 16 x 4, 2 x 4 and a norm of 4; a layer to 8 features; one layer of attention 4
// x (64 + 8), network 8 x 16 + 16 + 16 x 8 + 8 and two norms of 8, which runs three times;
// pooler 72.
TEST(LanguageParts, RunASharedLayerAgain) {
  constexpr std::string_view config =
      R"({"model_type": "albert", "architectures": ["AlbertModel"], "vocab_size": 10,
          "embedding_size": 4, "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 1,
          "intermediate_size": 16, "max_position_embeddings": 16, "type_vocab_size": 2})";
  TraceOptions options;
  options.tokens = 4;
  Graph graph;
  read_parts(config, graph, options);
  const Metrics total = profile(graph).total;
  EXPECT_EQ(total.parameters, 112 + 8 + 40 + 288 + 280 + 32 + 72);
  EXPECT_EQ(total.macs, 4 * 32 + 3 * (4 * 512 + 16 * 16) + 64);
}

// The layers 0 and 2 are Llama's, 1 reads pictures: it is stored, and no text passes it. A head of
// 10 rows beside an embedding of 18.
TEST(LanguageParts, StoreWhatReadsPictures) {
  constexpr std::string_view config =
      R"({"model_type": "mllama_text_model", "vocab_size": 10, "hidden_size": 8,
          "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 1,
          "intermediate_size": 16, "cross_attention_layers": [1]})";
  TraceOptions options;
  options.tokens = 4;
  Graph graph;
  const ImportNotes notes = read_parts(config, graph, options);
  const Metrics total = profile(graph).total;
  constexpr int attention = 2 * 64 + 2 * 32;
  constexpr int network = 3 * 8 * 16;
  EXPECT_EQ(total.parameters, 18 * 8 + 10 * 8 + 8 + 3 * (attention + network + 16) + 2 * 4 + 2);
  EXPECT_EQ(total.macs, 2 * (4 * (attention + network) + 16 * 16) + 80);
  EXPECT_EQ(count_parameters(graph).by_role.at("attention"), 3 * attention);
  ASSERT_EQ(notes.ignored.size(), 1U);
}

// Of 32 tokens none is compressed yet at a ratio of 128: such a module gives nothing.
TEST(LanguageParts, GiveNoCompressedKeysOfFewTokens) {
  constexpr std::string_view config =
      R"({"model_type": "deepseek_v4", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1,
          "num_attention_heads": 2, "head_dim": 4, "q_lora_rank": 4, "qk_rope_head_dim": 2,
          "o_groups": 2, "o_lora_rank": 4, "moe_intermediate_size": 4, "n_routed_experts": 2,
          "num_experts_per_tok": 1, "layer_types": ["heavily_compressed_attention"],
          "mlp_layer_types": ["moe"]})";
  TraceOptions options;
  options.tokens = 32;
  Graph graph;
  read_parts(config, graph, options);
  for (const ModuleCall& call : graph.calls()) {
    for (const ValueId value : graph.outputs_of(call)) ASSERT_LT(value, graph.values().size());
  }
}

}  // namespace
}  // namespace zoometer
