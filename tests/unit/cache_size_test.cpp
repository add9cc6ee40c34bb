// Bytes of caches: those of the cache objects of transformers 5.24
// (tests/data/language/cache.jsonl), and figures that engines have logged.
#include <gtest/gtest.h>

#include <fstream>
#include <unordered_map>

#include "analysis/cache_size.hpp"
#include "import/importer.hpp"
#include "import/json.hpp"
#include "import/weights/safetensors_header.hpp"

namespace zoometer {
namespace {

std::vector<CacheLayer> layers_of(const std::string& config) {
  Graph graph;
  TraceOptions options;
  options.decode = true;
  options.context = least_cache_context;
  import_file(MappedFile("config.json", std::as_bytes(std::span(config))), options, graph);
  return cache_layers(graph);
}

CacheOptions bfloat16_cache(CacheEngine engine, std::int64_t context) {
  CacheOptions options;
  options.engine = engine;
  options.key_type = options.value_type = safetensors_type("BF16");
  options.context = context;
  return options;
}

std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/tests/data/language/" + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(CacheSize, IsThatOfTransformersCaches) {
  std::unordered_map<std::string, std::string> configs;
  for (std::string line : lines_of("products.jsonl")) {
    std::string config = line.substr(line.find("\"config\":") + 9);
    config.pop_back();
    const JsonDocument row(line);
    configs.emplace(get_text(row.root(), "name"), config);
  }
  std::unordered_map<std::string, std::vector<CacheLayer>> layers;
  std::size_t compared = 0;
  for (std::string line : lines_of("cache.jsonl")) {
    const JsonDocument row(line);
    const std::string name(get_text(row.root(), "name"));
    const auto number = [&](const char* key) { return get_member(row.root(), key).GetInt64(); };
    const std::int64_t context = number("context");
    if (!layers.contains(name)) layers.emplace(name, layers_of(configs.at(name)));
    const auto bytes = [&](CacheEngine engine) {
      return cache_size(layers.at(name), bfloat16_cache(engine, context)).bytes;
    };
    EXPECT_EQ(bytes(CacheEngine::transformers), number("transformers")) << name << ' ' << context;
    EXPECT_EQ(bytes(CacheEngine::ideal), number("ideal")) << name << ' ' << context;
    ++compared;
  }
  EXPECT_GE(compared, 70U);
}

const std::string gpt_oss_120b =
    R"({"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36,)"
    R"( "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64,)"
    R"( "intermediate_size": 2880, "vocab_size": 201088, "num_local_experts": 128,)"
    R"( "num_experts_per_tok": 4, "sliding_window": 128})";

/// vLLM budgets the layers with a window as full ones: 73,728 bytes for each token.
TEST(CacheSize, IsThatOfVllmsPages) {
  const std::vector<CacheLayer> layers = layers_of(gpt_oss_120b);
  EXPECT_EQ(cache_size(layers, bfloat16_cache(CacheEngine::vllm, 1)).bytes_per_token, 73'728);
  EXPECT_EQ(cache_size(layers, bfloat16_cache(CacheEngine::vllm, 17)).bytes, 73'728 * 32);
  EXPECT_EQ(cache_size(layers, bfloat16_cache(CacheEngine::ideal, 1)).bytes_per_token, 73'728 / 2);
}

/// gemma-3-4b at 32,768 in llama.cpp: 814 MiB, 5 full layers and 29 of 1,536 cells.
TEST(CacheSize, IsThatOfLlamaCppsCells) {
  const std::vector<CacheLayer> layers =
      layers_of(R"({"model_type": "gemma3_text", "hidden_size": 2560, "num_hidden_layers": 34,)"
                R"( "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,)"
                R"( "intermediate_size": 10240, "vocab_size": 262208, "sliding_window": 1024})");
  const CacheSize size = cache_size(layers, bfloat16_cache(CacheEngine::llama_cpp, 32'768));
  EXPECT_EQ(size.bytes, 814 << 20);
  EXPECT_EQ(size.by_kind.at("full"), 5LL * 32'768 * 4096);
}

/// Sequences share their cells: 2 x (1024 + 128) rows and a step of 512, in multiples of 256.
TEST(CacheSize, SharesLlamaCppsCellsBetweenSequences) {
  const std::vector<CacheLayer> layers =
      layers_of(R"({"model_type": "gemma3_text", "hidden_size": 2560, "num_hidden_layers": 6,)"
                R"( "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,)"
                R"( "intermediate_size": 10240, "vocab_size": 100, "sliding_window": 1024})");
  CacheOptions options = bfloat16_cache(CacheEngine::llama_cpp, 8200);
  options.sequences = 2;
  const CacheSize size = cache_size(layers, options);
  EXPECT_EQ(size.by_kind.at("full"), 65LL * 256 * 4096);
  EXPECT_EQ(size.by_kind.at("sliding"), 5LL * (2 * 1024 + 512) * 4096);
}

const std::string deepseek_v4_flash_layers =
    R"({"model_type": "deepseek_v4", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 43,)"
    R"( "num_attention_heads": 64, "num_key_value_heads": 1, "head_dim": 512,)"
    R"( "qk_rope_head_dim": 64, "q_lora_rank": 64, "o_groups": 8, "o_lora_rank": 64,)"
    R"( "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512, "sliding_window": 128,)"
    R"( "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,)"
    R"( "n_shared_experts": 1, "hc_mult": 2, "compress_ratios": [)";

std::string deepseek_v4_flash() {
  std::string text = deepseek_v4_flash_layers + "0, 0";
  for (int i = 2; i < 43; ++i) text += i % 2 == 0 ? ", 4" : ", 128";
  return text + "]}";
}

/// llama.cpp logs 182.75 MiB for the window of DeepSeek-V4-Flash with steps of 4096 tokens: 4352
/// cells of one row of 512 in 43 layers.
TEST(CacheSize, IsThatOfDeepSeekV4sWindow) {
  CacheOptions options = bfloat16_cache(CacheEngine::llama_cpp, 64'000);
  options.step_tokens = 4096;
  const CacheSize size = cache_size(layers_of(deepseek_v4_flash()), options);
  EXPECT_EQ(size.by_kind.at("sliding"), 731LL << 18);
}

/// By hand, at 300 tokens: 21 layers have keys of 4 tokens and an index of them, with the values
/// and gates of 4 tokens of the key before; 20 have keys of 128 tokens, of which 44 wait for the
/// next.
TEST(CacheSize, HasCompressedKeys) {
  const CacheSize size =
      cache_size(layers_of(deepseek_v4_flash()), bfloat16_cache(CacheEngine::ideal, 300));
  const std::int64_t of_4 = (75 + 2 * 4) * (512 + 128);
  const std::int64_t of_128 = 2 * 512 + 44 * 2 * 512;
  EXPECT_EQ(size.by_kind.at("compressed"), 2 * (21 * of_4 + 20 * of_128));
  EXPECT_EQ(size.by_kind.at("sliding"), 43 * 128 * 512 * 2);
  EXPECT_EQ(size.bytes_per_token, 2 * (21 * (512 + 128) / 4 + 20 * 512 / 128));
}

/// The rows of the window count under both names, and a counter in each layer.
TEST(CacheSize, CountsDeepSeekV4sKeysTwiceInTransformers) {
  const CacheSize size =
      cache_size(layers_of(deepseek_v4_flash()), bfloat16_cache(CacheEngine::transformers, 300));
  EXPECT_EQ(size.by_kind.at("sliding"), 43 * (2 * 127 * 512 * 2 + 8));
}

/// What transformers 5.24 keeps for small configurations of other classes: windows by rules of
/// their own, and those that files leave out.
TEST(CacheSize, IsThatOfTransformersInAnyConfiguration) {
  std::size_t compared = 0;
  for (std::string line : lines_of("cache_small.jsonl")) {
    std::string config = line.substr(line.find("\"config\":") + 9);
    config.pop_back();
    const JsonDocument row(line);
    const auto number = [&](const char* key) { return get_member(row.root(), key).GetInt64(); };
    const CacheOptions options = bfloat16_cache(CacheEngine::transformers, number("context"));
    EXPECT_EQ(cache_size(layers_of(config), options).bytes, number("transformers"))
        << get_text(row.root(), "name");
    ++compared;
  }
  EXPECT_GE(compared, 100U);
}

/// Keys and values may have types of their own, also those of ggml.
TEST(CacheSize, HasTypesOfKeysAndValues) {
  const std::vector<CacheLayer> layers =
      layers_of(R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,)"
                R"( "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 10})");
  CacheOptions options = bfloat16_cache(CacheEngine::ideal, 10);
  options.value_type = safetensors_type("F8_E4M3");
  options.sequences = 3;
  EXPECT_EQ(cache_size(layers, options).bytes, 3 * 2 * 10 * 64 * (2 + 1));
}

}  // namespace
}  // namespace zoometer
