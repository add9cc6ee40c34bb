// Serving a language model: memory, products, bytes and times of small models, computed by hand,
// and figures that engines have measured.
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/serving.hpp"
#include "import/language/config.hpp"
#include "import/language/zoo.hpp"
#include "import/weights/safetensors_header.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// A layer: q 64 x 64, k and v 16 x 64, o 64 x 64, network 3 x 64 x 128, norms 2 x 64: 34,944.
constexpr std::string_view small_llama =
    R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 128,
        "vocab_size": 100, "torch_dtype": "bfloat16"})";
constexpr std::int64_t of_layer = 34'944;
constexpr std::int64_t of_matrices = 34'816;
constexpr std::int64_t of_table = 6'400;

constexpr std::string_view small_mixture =
    R"({"model_type": "mixtral", "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 128,
        "vocab_size": 100, "num_local_experts": 8, "num_experts_per_tok": 2,
        "torch_dtype": "bfloat16"})";
constexpr std::int64_t of_expert = 3 * 64 * 128;

Setting settings_from(std::string_view text) {
  return read_configuration(MappedFile("config.json", std::as_bytes(std::span(text))));
}

class Served {
 public:
  explicit Served(std::string_view text)
      : settings_(settings_from(text)),
        storage_(model_storage(nullptr, &settings_)),
        model_(settings_, storage_, {}) {}

  ServingMetrics metrics(const ServingOptions& options, const Device* device = nullptr) {
    return model_.metrics(options, device);
  }

 private:
  Setting settings_;
  ModelStorage storage_;
  ServingModel model_;
};

ServingOptions options_of(std::int64_t prompt, std::int64_t output, std::int64_t batch = 1) {
  ServingOptions options;
  options.prompt = prompt;
  options.output = output;
  options.batch = batch;
  options.cache.key_type = options.cache.value_type = safetensors_type("BF16");
  return options;
}

Device device_of(double peak, double bandwidth, std::int64_t capacity) {
  Device device;
  device.name = "device";
  device.peaks[static_cast<std::size_t>(NumberType::bfloat16)] = peak;
  device.bandwidth = bandwidth;
  device.capacity = capacity;
  device.links.node = 1e9;
  device.links.devices = 8;
  return device;
}

std::string error_of(std::string_view model, const ServingOptions& options) {
  try {
    Served(model).metrics(options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Serving, CountsADecodeStep) {
  const ServingMetrics metrics = Served(small_llama).metrics(options_of(16, 1, 3));
  // 8 heads of 8 features, scores and sums of 17 tokens in 2 layers.
  const std::int64_t of_token = 2 * of_matrices + of_table + 2 * 2 * 64 * 17;
  EXPECT_EQ(metrics.decode.macs, 3 * of_token);
  EXPECT_EQ(metrics.decode.macs_masked, 3 * of_token);
  EXPECT_EQ(metrics.decode.tokens, 3);
  // All but the table of the embedding, of which a row is read.
  EXPECT_EQ(metrics.decode.weight_bytes, 2 * (2 * of_layer + 64 + of_table));
  // 16 rows are read with the new one, 17 in all, and one is written.
  EXPECT_EQ(metrics.decode.cache_bytes, 3 * (17 + 1) * 2 * 2 * 16 * 2);
  EXPECT_EQ(metrics.memory.weights, 2 * (2 * of_layer + 64 + 2 * of_table));
  EXPECT_EQ(metrics.memory.cache, 3 * 17 * 2 * 2 * 16 * 2);
  EXPECT_EQ(metrics.prefill.macs, 3 * (16 * 2 * of_matrices + of_table + 2 * 2 * 64 * 16 * 16));
  EXPECT_EQ(metrics.prefill.macs_masked,
            3 * (16 * 2 * of_matrices + of_table + 2 * 2 * 64 * 16 * 17 / 2));
}

TEST(Serving, SplitsLayersOverDevices) {
  ServingOptions options = options_of(16, 1);
  options.split.devices = options.split.tensor = 4;
  const ServingMetrics metrics = Served(small_llama).metrics(options);
  // One of 2 key heads is on each of 4 devices: k and v have 8 rows.
  const std::int64_t layer = (2 * 64 * 64 + 3 * 64 * 128) / 4 + 2 * 8 * 64 + 128;
  EXPECT_EQ(metrics.memory.weights, 2 * (2 * layer + 64 + 2 * 25 * 64));
  EXPECT_EQ(metrics.memory.cache, 17 * 2 * 2 * 8 * 2);
  // Embedding, attention and network of each layer, logits.
  ASSERT_EQ(metrics.decode.collectives.size(), 4U);
  EXPECT_EQ(metrics.decode.collectives[1].count, 2);
  EXPECT_EQ(metrics.decode.collectives[1].bytes, 64 * 2 * 2 * 3 / 4);
  EXPECT_EQ(metrics.decode.collectives[3].name, "all-gather");
  EXPECT_EQ(metrics.decode.collectives[3].bytes, 100 * 2 * 3 / 4);
}

TEST(Serving, SplitsIntoStages) {
  ServingOptions options = options_of(16, 1);
  options.split.devices = options.split.pipeline = 2;
  const ServingMetrics metrics = Served(small_llama).metrics(options);
  // The last stage has a layer, the norm and the head.
  EXPECT_EQ(metrics.memory.weights, 2 * (of_layer + 64 + of_table));
  EXPECT_EQ(metrics.memory.cache, 17 * 2 * 16 * 2);
  ASSERT_EQ(metrics.decode.collectives.size(), 1U);
  EXPECT_EQ(metrics.decode.collectives[0].bytes, 64 * 2);
}

TEST(Serving, ReadsTheExpertsThatTokensChoose) {
  ServingOptions options = options_of(16, 1, 4);
  const ServingMetrics metrics = Served(small_mixture).metrics(options);
  ASSERT_TRUE(metrics.experts);
  EXPECT_EQ(metrics.experts->layers, 2);
  EXPECT_EQ(metrics.experts->least, 2);
  EXPECT_EQ(metrics.experts->most, 8);
  const double expected = 8 * (1 - std::pow(1 - 2.0 / 8, 4));
  EXPECT_NEAR(metrics.experts->expected, expected, 1e-12);
  const std::int64_t others = 2 * (4 * 64 * 64 + 8 * 64 + 128) + 64 + of_table;
  EXPECT_NEAR(static_cast<double>(metrics.decode.weight_bytes),
              2 * (static_cast<double>(others) + 2 * expected * of_expert), 8);

  options.split.devices = options.split.expert = 4;
  const ServingMetrics spread = Served(small_mixture).metrics(options);
  EXPECT_EQ(spread.memory.weights, 2 * (others + of_table + 2 * 2 * of_expert));
  // Each device has one of the 4 sequences, and 2 of the 8 experts for all of them.
  EXPECT_EQ(spread.memory.cache, 17 * 2 * 2 * 64 * 2);
  EXPECT_EQ(spread.decode.collectives.front().count, 4);
  EXPECT_EQ(spread.decode.collectives.front().bytes, 2 * 64 * 2 * 3 / 4);
}

/// A layer's shared experts are split like other networks: with the attention, two sums a layer.
TEST(Serving, AddsTheSharedExpertsOfDevices) {
  ServingOptions options = options_of(16, 1, 4);
  options.split = {.devices = 4, .tensor = 2, .expert = 4};
  const auto sums_of_networks = [&](std::string_view model) {
    std::int64_t count = 0;
    for (const Collective& each : Served(model).metrics(options).decode.collectives)
      if (each.of == "networks") count += each.count;
    return count;
  };
  EXPECT_EQ(sums_of_networks(small_mixture), 0);
  EXPECT_EQ(sums_of_networks(
                R"({"model_type": "qwen2_moe", "hidden_size": 64, "num_hidden_layers": 2,
                    "num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 128,
                    "moe_intermediate_size": 32, "shared_expert_intermediate_size": 64,
                    "vocab_size": 100, "num_experts": 8, "num_experts_per_tok": 2})"),
            2);
}

/// The windows of vLLM and llama.cpp hold what passes at once, too.
TEST(Serving, KeepsWindowsForTheTokensThatPass) {
  constexpr std::string_view model =
      R"({"model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 1,
          "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 128,
          "vocab_size": 100, "sliding_window": 1024})";
  ServingOptions options = options_of(30'000, 0);
  const auto rows = [&](CacheEngine engine, std::int64_t batched) {
    options.cache.engine = engine;
    options.most_batched_tokens = batched;
    return Served(model).metrics(options).memory.cache / (2 * 16 * 2);
  };
  EXPECT_EQ(rows(CacheEngine::vllm, 0), 9216 + 16);
  EXPECT_EQ(rows(CacheEngine::vllm, 2048), 3072 + 16);
  EXPECT_EQ(rows(CacheEngine::llama_cpp, 0), 1024 + 512);
  EXPECT_EQ(rows(CacheEngine::llama_cpp, 4096), 1024 + 4096);
}

TEST(Serving, RefusesSplitsThatAreUneven) {
  ServingOptions options = options_of(16, 1);
  options.split.devices = options.split.tensor = 3;
  EXPECT_EQ(error_of(small_llama, options),
            "--tp: expected a number that divides the 8 heads, got 3");
  options.split = {.devices = 3, .pipeline = 3};
  EXPECT_EQ(error_of(small_llama, options), "--pp: expected at most 2, the layers, got 3");
  options.split = {.devices = 3, .expert = 3};
  EXPECT_EQ(error_of(small_mixture, options),
            "--ep: expected a number that divides the 8 experts, got 3");
  options.split = {.devices = 2, .expert = 2};
  EXPECT_EQ(error_of(small_llama, options), "--ep: expected 1 for a model without experts, got 2");
  options.split = {.devices = 3, .tensor = 2};
  EXPECT_EQ(error_of(small_llama, options),
            "--devices: expected a multiple of 2, --tp times --pp, got 3");
}

TEST(Serving, BoundsTimes) {
  const ServingOptions options = options_of(16, 1);
  const Device slow_memory = device_of(1e18, 1e9, 1'000'000);
  Served served(small_llama);
  const StepMetrics memory = served.metrics(options, &slow_memory).decode;
  EXPECT_EQ(memory.bound, "memory");
  EXPECT_NEAR(memory.seconds, static_cast<double>(memory.bytes()) / 1e9, 1e-9);
  const Device slow = device_of(1e9, 1e18, 1'000'000);
  const StepMetrics compute = served.metrics(options, &slow).decode;
  EXPECT_EQ(compute.bound, "compute");
  EXPECT_NEAR(compute.seconds, static_cast<double>(compute.flops) / 1e9, 1e-9);
  ServingOptions half = options;
  half.efficiency.compute = 0.5;
  EXPECT_NEAR(served.metrics(half, &slow).decode.seconds, 2 * compute.seconds, 1e-9);
}

TEST(Serving, FindsTheMostThatFits) {
  const ServingOptions options = options_of(16, 1);
  const Device device = device_of(1e12, 1e12, 1'000'000);
  Served served(small_llama);
  const ServingMetrics metrics = served.metrics(options, &device);
  EXPECT_EQ(metrics.budget, 900'000);
  ASSERT_TRUE(metrics.longest_context && metrics.largest_batch);
  ServingOptions longest = options;
  longest.batch = *metrics.largest_batch;
  EXPECT_GE(served.metrics(longest, &device).left(), 0);
  ++longest.batch;
  EXPECT_LT(served.metrics(longest, &device).left(), 0);
}

// NVIDIA's NIM has 18.58 ms for a token of Llama 3.3 70B in float8 on two H100, after 5000 tokens;
// what the memory allows is 10.66 ms.
TEST(Serving, IsALowerBoundOfMeasuredTimes) {
  const auto row = find_language_row("llama-3.3-70b");
  ASSERT_TRUE(row);
  const std::vector<Device> devices = builtin_devices();
  ServingOptions options = options_of(5000, 500);
  options.cache.key_type = options.cache.value_type = safetensors_type("F8_E4M3");
  options.scheme = scheme_of("fp8");
  options.split.devices = options.split.tensor = 2;
  const ServingMetrics metrics =
      Served(row->config).metrics(options, &find_device(devices, "H100"));
  EXPECT_NEAR(metrics.decode.seconds * 1e3, 10.66, 0.1);
  EXPECT_EQ(metrics.decode.bound, "memory");
}

/// Logged by vLLM for gpt-oss-120b, whose configuration names no type: the bytes of the weights,
/// and 73,728 for each token.
TEST(Serving, HasTheFiguresOfGptOss) {
  const auto row = find_language_row("gpt-oss-120b");
  ASSERT_TRUE(row);
  ServingOptions options = options_of(78'384, 0);
  options.cache.engine = CacheEngine::vllm;
  const ServingMetrics metrics = Served(row->config).metrics(options);
  EXPECT_EQ(metrics.memory.weights, 65'248'815'744);
  EXPECT_EQ(metrics.memory.cache, 78'384LL * 73'728);
}

// vLLM on four devices: 94 layers x key and value of 1 of 4 heads x 128 x 2 bytes for each token.
TEST(Serving, SplitsTheCacheAsEnginesDo) {
  const auto row = find_language_row("qwen3-235b-a22b");
  ASSERT_TRUE(row);
  ServingOptions options = options_of(15'999, 1);
  options.cache.engine = CacheEngine::vllm;
  options.split.devices = options.split.tensor = 4;
  EXPECT_EQ(Served(row->config).metrics(options).memory.cache, 16'000 * 48'128);
}

}  // namespace
}  // namespace zoometer
