// Bytes of weights in schemes of quantisation, foreseen from configurations. The bits per weight of
// Llama 3.1 8B are those of the table in llama.cpp's tools/quantize/README.md.
#include <gtest/gtest.h>

#include "analysis/quantisation.hpp"
#include "failure.hpp"
#include "import/importer.hpp"
#include "import/json.hpp"
#include "import/language/config.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

/// A model of a configuration, as schemes see it.
struct Foreseen {
  explicit Foreseen(const std::string& config) : text(config) {
    const MappedFile file("config.json", std::as_bytes(std::span(text)));
    settings = read_configuration(file);
    import_file(file, {}, graph);
    weights = model_weights(graph);
  }
  StoredSize in(std::string_view scheme) const {
    return size_after(scheme_of(scheme), weights, weight_context(settings));
  }
  StoredSize as_configured() const {
    std::string unknown;
    const auto scheme = scheme_of_configuration(settings, unknown);
    return scheme ? size_after(*scheme, weights, weight_context(settings)) : StoredSize{};
  }
  std::string text;
  Setting settings;
  Graph graph;
  std::vector<ModelWeight> weights;
};

const std::string llama31_8b =
    R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,)"
    R"( "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,)"
    R"( "vocab_size": 128256, "torch_dtype": "bfloat16",)"
    R"( "rope_scaling": {"rope_type": "llama3", "factor": 8.0}})";

struct Published {
  std::string_view scheme;
  std::int64_t bytes;
};

/// 24 mixtures of types, to the last byte of the tensors.
TEST(Quantisation, HasTheBytesOfLlamaCppsMixtures) {
  constexpr Published table[] = {
      {"IQ1_S", 2011791616},   {"IQ1_M", 2154135808},  {"IQ2_XXS", 2391376128},
      {"IQ2_XS", 2597945600},  {"IQ2_S", 2750652672},  {"IQ2_M", 2940444928},
      {"IQ3_XXS", 3267076352}, {"IQ3_XS", 3510911232}, {"IQ3_S", 3674489088},
      {"IQ3_M", 3776987392},   {"IQ4_XS", 4476526848}, {"IQ4_NL", 4699513088},
      {"Q2_K_S", 2980978944},  {"Q2_K", 3171295488},   {"Q3_K_S", 3656663296},
      {"Q3_K_M", 4011081984},  {"Q3_K_L", 4314120448}, {"Q4_K_S", 4684833024},
      {"Q4_K_M", 4912898304},  {"Q5_K_S", 5591458048}, {"Q5_K_M", 5725151488},
      {"Q6_K", 6588170496},    {"Q8_0", 8532934912},   {"F16", 16061055232},
  };
  const Foreseen model(llama31_8b);
  for (const Published& row : table) EXPECT_EQ(model.in(row.scheme).bytes, row.bytes) << row.scheme;
  EXPECT_EQ(model.in("q4_k_m").bytes, 4912898304);
  EXPECT_NEAR(model.in("Q4_K_M").bits_per_weight(), 4.8944, 0.00005);
}

/// The tensors of released files of Llama 2 7B and Qwen2 7B.
TEST(Quantisation, HasTheBytesOfReleasedFiles) {
  const Foreseen llama2(
      R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,)"
      R"( "num_attention_heads": 32, "intermediate_size": 11008, "vocab_size": 32000})");
  EXPECT_EQ(llama2.in("Q4_K_M").bytes, 4080263168);
  EXPECT_EQ(llama2.in("Q8_0").bytes, 7160348672);
  const Foreseen qwen2(
      R"({"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28,)"
      R"( "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,)"
      R"( "vocab_size": 152064})");
  EXPECT_EQ(qwen2.in("Q4_K_M").bytes, 4677120000);
  EXPECT_EQ(qwen2.in("Q8_0").bytes, 8092571648);
}

/// One layer by hand: a matrix of 256 x 512 and its parts.
TEST(Quantisation, HasThePartsOfEachScheme) {
  ModelWeight matrix;
  matrix.path = "model.layers.0.mlp.up_proj.weight";
  matrix.kind = WeightKind::linear;
  matrix.rows = 256;
  matrix.columns = 512;
  matrix.elements = 256 * 512;
  matrix.dtype = DType::bfloat16;
  const auto bytes = [&](std::string_view scheme) {
    return size_after(scheme_of(scheme), std::span(&matrix, 1), {}).bytes;
  };
  constexpr std::int64_t elements = 256 * 512;
  EXPECT_EQ(bytes("bfloat16"), 2 * elements);
  EXPECT_EQ(bytes("gptq:4:128"), elements / 2 + 4 * 4 * 32 + 2 * 256 * 4 + 4 * 512);
  EXPECT_EQ(bytes("gptq:3:128"), elements * 3 / 8 + 4 * 4 * 24 + 2 * 256 * 4 + 4 * 512);
  EXPECT_EQ(bytes("awq"), elements / 2 + 4 * 4 * 32 + 2 * 256 * 4);
  EXPECT_EQ(bytes("w4a16"), elements / 2 + 2 * 256 * 4 + 8);
  EXPECT_EQ(bytes("mlx:4:64"), elements / 2 + 2 * 2 * 256 * 8);
  EXPECT_EQ(bytes("fp8-block"), elements + 4 * 2 * 4);
  EXPECT_EQ(bytes("fp8"), elements + 8);
  EXPECT_EQ(bytes("fp8-channel"), elements + 4 * 256);
  EXPECT_EQ(bytes("int8"), elements + 4 * 256);
  EXPECT_EQ(bytes("nf4"), elements / 2 + 4 * elements / 64 + 64);
  EXPECT_EQ(bytes("nf4:double"), elements / 2 + elements / 64 + 4 * 8 + 1024 + 64);
  EXPECT_EQ(bytes("mxfp4"), elements * 17 / 32);
  EXPECT_EQ(bytes("nvfp4"), elements / 2 + elements / 16 + 8);
  // Rows that the blocks of a type do not divide take another type.
  matrix.columns = 96;
  matrix.elements = 256 * 96;
  EXPECT_EQ(bytes("Q4_K_S"), 256 * 3 * 22);  // Q5_0 instead of Q4_K
}

TEST(Quantisation, RefusesUnknownSchemes) {
  EXPECT_NE(failure_of([] { scheme_of("Q4_K_X"); }).find("no such scheme"), std::string::npos);
  EXPECT_NE(failure_of([] { scheme_of("gptq:5"); }).find("2, 3, 4 or 8 bits"), std::string::npos);
  EXPECT_NE(failure_of([] { scheme_of("gptq:4:x"); }).find("NAME:BITS:GROUP"), std::string::npos);
  EXPECT_NE(failure_of([] { scheme_of("nf4:3"); }).find("no such scheme"), std::string::npos);
}

/// gpt-oss-20b as released: MXFP4 in the experts only, by the list of its configuration.
TEST(Quantisation, HonoursTheConfigurationOfGptOss) {
  const Foreseen model(
      R"({"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24,)"
      R"( "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64,)"
      R"( "intermediate_size": 2880, "vocab_size": 201088, "num_local_experts": 32,)"
      R"( "num_experts_per_tok": 4, "quantization_config":)"
      R"( {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn",)"
      R"( "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}})");
  EXPECT_EQ(model.as_configured().bytes, 13'761'264'768);
}

/// MiniMax-M2 as released: float8 with routers in float32; the configuration names no type, and
/// what is left alone is bfloat16.
TEST(Quantisation, HasTheBytesOfMiniMaxM2) {
  const Foreseen model(
      R"({"model_type": "minimax_m2", "hidden_size": 3072, "num_hidden_layers": 62,)"
      R"( "num_attention_heads": 48, "num_key_value_heads": 8, "head_dim": 128,)"
      R"( "intermediate_size": 1536, "vocab_size": 200064, "num_local_experts": 256,)"
      R"( "num_experts_per_tok": 8, "use_qk_norm": true, "quantization_config":)"
      R"( {"quant_method": "fp8", "weight_block_size": [128, 128],)"
      R"( "modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"]}})");
  EXPECT_EQ(model.as_configured().bytes, 230'121'630'720);
}

/// ModelOpt's mixtures: a scheme for each module that is listed, and the others left alone.
TEST(Quantisation, HasSchemesOfModules) {
  const Foreseen model(
      R"({"model_type": "llama", "hidden_size": 128, "num_hidden_layers": 1,)"
      R"( "num_attention_heads": 2, "intermediate_size": 256, "vocab_size": 100,)"
      R"( "torch_dtype": "bfloat16", "quantization_config": {"quant_algo": "MIXED_PRECISION",)"
      R"( "quantized_layers": {"model.layers.0.mlp": {"quant_algo": "NVFP4"},)"
      R"( "model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"},)"
      R"( "model.layers.0.self_attn.k_proj": {"quant_algo": "MXFP8"}}}})");
  constexpr std::int64_t mlp = 128 * 256;
  constexpr std::int64_t attention = 128 * 128;
  const std::int64_t left = 2 * (2 * attention + 2 * 100 * 128 + 3 * 128);
  EXPECT_EQ(model.as_configured().bytes,
            3 * (mlp / 2 + mlp / 16 + 8) + (attention + 8) + (attention + attention / 32) + left);
}

/// Lists of modules: whole names, the ends of names, `*` and expressions.
TEST(Quantisation, LeavesListedModulesAlone) {
  const auto foreseen = [](const std::string& quantisation) {
    return Foreseen(R"({"model_type": "llama", "hidden_size": 128, "num_hidden_layers": 2,)"
                    R"( "num_attention_heads": 2, "intermediate_size": 256, "vocab_size": 100,)"
                    R"( "torch_dtype": "bfloat16", "quantization_config": )" +
                    quantisation + "}");
  };
  const auto plain = [&](const std::string& list) {
    const Foreseen model =
        foreseen(R"({"quant_method": "fp8", "modules_to_not_convert": [)" + list + "]}");
    const auto types = model.as_configured().elements_by_type;
    const auto found = types.find("float8_e4m3fn");
    return found == types.end() ? 0 : found->second;
  };
  constexpr std::int64_t mlp = 128 * 256;
  constexpr std::int64_t all = 2 * (4 * 128 * 128 + 3 * mlp);
  EXPECT_EQ(plain(""), all);
  EXPECT_EQ(plain(R"("up_proj")"), all - 2 * mlp);
  EXPECT_EQ(plain(R"("model.layers.1.mlp")"), all - 3 * mlp);
  EXPECT_EQ(plain(R"("model.layers.*.mlp*")"), all - 6 * mlp);
  EXPECT_EQ(plain(R"("re:.*mlp\\.(gate|up)_proj$")"), all - 4 * mlp);
  EXPECT_EQ(plain(R"("re:model\\.layers\\.0.*")"), all / 2);
  EXPECT_EQ(plain(R"("re:.*(((((.*a*)*)*.*b")"), all);  // ends in time, whatever it means
  EXPECT_EQ(plain(R"("re:^model\\.layers\\.(0|1)\\.mlp\\.(up|gate)_proj")"), all - 4 * mlp);
  EXPECT_EQ(plain(R"("mlp.up_proj", "proj")"), all - 2 * mlp);  // whole parts of paths
}

TEST(Quantisation, NamesOfModulesHaveALimit) {
  ModuleNames names;
  names.add("re:(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)");
  EXPECT_TRUE(names.has("abbaab"));
  EXPECT_FALSE(names.has("abba"));
  EXPECT_THROW(names.add("re:(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)"), Error);
  std::string groups = "re:";
  for (int i = 0; i < 500'000; ++i) groups += "(a)";
  ModuleNames longer;
  longer.add(groups);  // without recursion
  const std::string long_path(4000, 'a');
  const auto ask = [&] {
    for (int i = 0; i < 100; ++i) longer.has(long_path + std::to_string(i));
  };
  EXPECT_THROW(ask(), Error);
}

}  // namespace
}  // namespace zoometer
