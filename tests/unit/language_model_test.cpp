// Language models from their config.json: parameters and products of tests/data/language, which
// are those of the classes of transformers 5.24 on PyTorch's meta device. The last three totals are
// published ones.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "analysis/parameter_counts.hpp"
#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/importer.hpp"
#include "import/json.hpp"
#include "models/language/architecture.hpp"
#include "models/language/split.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

ImportNotes read_config(const std::string& text, Graph& graph, const TraceOptions& options = {}) {
  return import_file(MappedFile("config.json", std::as_bytes(std::span(text))), options, graph);
}

/// One line of a file of facts: {"name", ..., "config"}.
struct Fact {
  std::string name;
  std::string config;
  std::int64_t parameters = 0;
  std::int64_t prefill = 0;  ///< MACs of 128 tokens with all logits
  std::int64_t decode = 0;   ///< of one token at context 129; 0: not measured
};

std::int64_t number_of(const Json& row, std::string_view name) {
  const Json* value = find_member(row, name);
  return value == nullptr ? 0 : value->GetInt64();
}

std::vector<Fact> facts(const std::string& file) {
  std::ifstream lines(ZOOMETER_SOURCE_DIR "/tests/data/language/" + file);
  std::vector<Fact> all;
  for (std::string line; std::getline(lines, line);) {
    std::string config = line.substr(line.find("\"config\":") + 9);
    config.pop_back();
    const JsonDocument document(line);
    const Json& row = document.root();
    all.push_back({std::string(get_text(row, "name")), std::move(config),
                   number_of(row, "parameters"), number_of(row, "prefill"),
                   number_of(row, "decode")});
  }
  return all;
}

TraceOptions all_logits() {
  TraceOptions options;
  options.logits = "all";
  return options;
}

TraceOptions decode_at(std::int64_t context, std::string mla) {
  TraceOptions options = all_logits();
  options.decode = true;
  options.context = context;
  options.mla = std::move(mla);
  return options;
}

TEST(LanguageModels, HaveTheParametersOfTheirClasses) {
  const std::vector<Fact> all = facts("totals.jsonl");
  ASSERT_GE(all.size(), 110U);
  for (const Fact& fact : all) {
    Graph graph;
    read_config(fact.config, graph);
    EXPECT_EQ(profile(graph).total.parameters, fact.parameters) << fact.name;
  }
}

TEST(LanguageModels, HaveTheProductsThatPyTorchCounts) {
  const std::vector<Fact> all = facts("products.jsonl");
  ASSERT_GE(all.size(), 48U);
  for (const Fact& fact : all) {
    Graph graph;
    read_config(fact.config, graph, all_logits());
    const Metrics prefill = profile(graph).total;
    EXPECT_EQ(prefill.parameters, fact.parameters) << fact.name;
    EXPECT_EQ(prefill.macs, fact.prefill) << fact.name;
    if (fact.decode == 0) continue;
    read_config(fact.config, graph, decode_at(129, "expanded"));
    EXPECT_EQ(profile(graph).total.macs, fact.decode) << fact.name;
  }
}

// Kind: settings that no released model combines. Two random configurations of each model type, of
// which tests/modern/language_models.py compares the same facts with the classes of transformers.
TEST(LanguageModels, HaveTheSizesOfTheirClassesInAnyConfiguration) {
  const std::vector<Fact> all = facts("small.jsonl");
  ASSERT_GE(all.size(), 200U);
  TraceOptions options = all_logits();
  options.tokens = 32;
  for (const Fact& fact : all) {
    Graph graph;
    read_config(fact.config, graph, options);
    const Metrics prefill = profile(graph).total;
    EXPECT_EQ(prefill.parameters, fact.parameters) << fact.name;
    if (fact.prefill == 0) continue;
    EXPECT_EQ(prefill.macs, fact.prefill) << fact.name;
  }
}

/// A small Llama: 2 layers of 8 features, 2 heads of 4 that share one key, 16 between, 10 words.
constexpr std::string_view small =
    R"({"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "intermediate_size": 16, "vocab_size": 10, )";

std::string small_with(std::string_view rest) { return std::string(small) + std::string(rest); }

std::int64_t macs_of_small(const TraceOptions& options) {
  Graph graph;
  read_config(small_with(R"("torch_dtype": "bfloat16"})"), graph, options);
  return profile(graph).total.macs;
}

// 8 x 8 (q) + 2 x 8 x 4 (k, v) + 8 x 8 (o) + 3 x 8 x 16 = 576 for each token and layer; 2 heads x 8
// for each pair; 80 for the logits of a token.
TEST(LanguageModels, CountWhatPasses) {
  TraceOptions options;
  options.tokens = 4;
  EXPECT_EQ(macs_of_small(options), 2 * (4 * 576 + 16 * 16) + 80);
  options.attention = "causal";
  EXPECT_EQ(macs_of_small(options), 2 * (4 * 576 + 10 * 16) + 80);
  options.past = 3;
  EXPECT_EQ(macs_of_small(options), 2 * (4 * 576 + (4 + 5 + 6 + 7) * 16) + 80);
  options.batch = 3;
  options.logits = "all";
  EXPECT_EQ(macs_of_small(options), 3 * (2 * (4 * 576 + 22 * 16) + 4 * 80));
  EXPECT_EQ(macs_of_small(decode_at(9, {})), 2 * (576 + 9 * 16) + 80);
}

TEST(LanguageModels, HaveTheTypeOfTheirWeights) {
  Graph graph;
  read_config(small_with(R"("torch_dtype": "bfloat16"})"), graph);
  EXPECT_EQ(graph.dtype(graph.outputs().front().value), DType::bfloat16);
  EXPECT_EQ(graph.parameter_path(graph.parameters().front()), "model.embed_tokens.weight");
}

TEST(LanguageModels, ShareTheEmbedding) {
  Graph own, tied;
  read_config(small_with(R"("tie_word_embeddings": false})"), own);
  read_config(small_with(R"("tie_word_embeddings": true})"), tied);
  EXPECT_EQ(profile(own).total.parameters - profile(tied).total.parameters, 80);
  EXPECT_EQ(profile(own).total.macs, profile(tied).total.macs);
}

/// Kimi-K2's form: 4 experts of which 2 are chosen, and latent attention.
constexpr std::string_view latent =
    R"({"model_type": "deepseek_v3", "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "q_lora_rank": null, "kv_lora_rank": 3, "qk_nope_head_dim": 4,
        "qk_rope_head_dim": 2, "v_head_dim": 5, "intermediate_size": 16, "n_routed_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 6, "n_shared_experts": 0,
        "first_k_dense_replace": 0, "vocab_size": 10})";

// q 8 x 12 + kv_a 8 x 5 + o 10 x 8 = 216 in every form; router 32, experts 2 x 3 x 8 x 6 = 288;
// head
// 80. kv_b is 3 x 18 = 54 a row: of the token, or of all 9 rows; absorbed it is 2 x 4 x 3 + 2 x 3 x
// 5 = 54, too, and a pair costs 2 x ((3 + 2) + 3) instead of 2 x (6 + 5).
TEST(LanguageModels, RunLatentAttentionInThreeForms) {
  const std::int64_t rest = 216 + 32 + 288 + 80;
  const auto macs = [](std::string form) {
    Graph graph;
    read_config(std::string(latent), graph, decode_at(9, std::move(form)));
    return profile(graph).total.macs;
  };
  EXPECT_EQ(macs("absorbed"), rest + 54 + 9 * 2 * 8);
  EXPECT_EQ(macs("expanded"), rest + 54 + 9 * 2 * 11);
  EXPECT_EQ(macs("re-expanded"), rest + 9 * 54 + 9 * 2 * 11);
  EXPECT_EQ(macs({}), macs("absorbed"));
}

TEST(LanguageModels, KeepExpertsInOneTensor) {
  Graph graph;
  read_config(std::string(latent), graph);
  const auto split = std::ranges::find_if(graph.parameters(),
                                          [&](const Parameter& p) { return is_split(graph, p); });
  ASSERT_NE(split, graph.parameters().end());
  EXPECT_EQ(graph.parameter_path(*split), "model.layers.0.mlp.experts.*.gate_proj.weight");
  EXPECT_EQ(graph.shape(split->value), (Shape{4, 6, 8}));
}

/// The counts of a model of totals.jsonl.
ParameterCounts counts_of(std::string_view name) {
  for (const Fact& fact : facts("totals.jsonl")) {
    if (fact.name != name) continue;
    Graph graph;
    read_config(fact.config, graph);
    return count_parameters(graph);
  }
  ADD_FAILURE() << "no facts of " << name;
  return {};
}

// As published: Mixtral's and Qwen3's with embedding and head, gpt-oss's without the embedding.
TEST(LanguageModels, HaveTheActiveParametersThatArePublished) {
  EXPECT_EQ(counts_of("mistralai/Mixtral-8x7B-v0.1").active, 12'879'925'248);
  EXPECT_EQ(counts_of("Qwen/Qwen3-30B-A3B").active, 3'353'032'704);
  const ParameterCounts oss = counts_of("openai/gpt-oss-20b");
  EXPECT_EQ(oss.unique, 20'914'757'184);
  EXPECT_EQ(oss.active_without_embeddings, 3'608'307'264);
}

// 80 embedding and 80 head; a layer: 192 attention, 384 feed-forward, 16 norms; 8 last norm.
TEST(LanguageModels, CountParametersByRole) {
  Graph graph;
  read_config(small_with(R"("torch_dtype": "bfloat16"})"), graph);
  const ParameterCounts counts = count_parameters(graph);
  const std::map<std::string_view, std::int64_t> roles = {
      {"embedding", 80}, {"head", 80}, {"attention", 384}, {"feed_forward", 768}, {"norm", 40}};
  EXPECT_EQ(counts.by_role, roles);
  EXPECT_EQ(counts.unique, 1352);
  EXPECT_EQ(counts.active, 1352);
  EXPECT_EQ(counts.active_without_embeddings, 1272);
  EXPECT_EQ(counts.bytes, 2 * 1352);
}

TEST(LanguageModels, SayWhatIsLeftOut) {
  Graph graph;
  const ImportNotes notes = read_config(
      small_with(R"("num_nextn_predict_layers": 2, "tie_word_embeddings": true})"), graph);
  ASSERT_EQ(notes.ignored.size(), 1U);
  EXPECT_EQ(notes.ignored.front(), "2 layers for multi-token prediction are not part of the graph");
}

// Kind: a switch of a later version of a class, which the graph does not have.
TEST(LanguageModels, NameTheKeysThatNothingReads) {
  Graph graph;
  const ImportNotes notes = read_config(
      small_with(R"("new_attention": true, "other_attention": false, "bos_token_id": 1})"), graph);
  ASSERT_EQ(notes.notes.size(), 1U);
  EXPECT_EQ(notes.notes.front(), "of the configuration, new_attention was not taken into account");
}

void expect_refused(const std::string& text, ErrorCode code, std::string_view message,
                    const TraceOptions& options = {}) {
  Graph graph;
  try {
    read_config(text, graph, options);
    ADD_FAILURE() << "nothing was thrown for " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code, code) << error.what();
    EXPECT_EQ(error.message, message);
  }
}

TEST(LanguageModels, RefuseWhatIsNotKnown) {
  expect_refused(R"({"model_type": "abacus"})", ErrorCode::unsupported,
                 "the model type abacus is not known");
}

TEST(LanguageModels, RefuseHostileSizes) {
  for (const std::string_view size : {"\"8\"", "-8", "1e300", "8.5", "[8]"}) {
    expect_refused(R"({"model_type": "llama", "num_attention_heads": 2, "hidden_size": )" +
                       std::string(size) + "}",
                   ErrorCode::malformed, "the key hidden_size");
  }
  expect_refused(R"({"model_type": "llama", "hidden_size": 8, "num_attention_heads": 0})",
                 ErrorCode::malformed, "the key num_attention_heads");
  expect_refused(R"({"model_type": "llama", "hidden_size": 8, "vocab_size": 10,
                     "num_attention_heads": 2, "num_hidden_layers": 1000000000})",
                 ErrorCode::malformed, "the key num_hidden_layers");
  expect_refused(small_with(R"("head_dim": 5})"), ErrorCode::malformed,
                 "features with rotary embeddings");
  expect_refused(R"({"model_type": "gemma4_text", "hidden_size": 8, "vocab_size": 10,
                     "num_hidden_layers": 2, "num_kv_shared_layers": 1, "num_attention_heads": 8,
                     "layer_types": ["sliding_attention", "full_attention"]})",
                 ErrorCode::malformed, "the key num_kv_shared_layers");
  for (const std::string_view factor : {"1e300", "-1e300"}) {
    expect_refused(R"({"model_type": "lfm2", "block_ffn_dim_multiplier": )" + std::string(factor) +
                       "}",
                   ErrorCode::malformed, "the key block_ffn_dim_multiplier");
    expect_refused(R"({"model_type": "nemotron-nas", "num_attention_heads": 8, "hidden_size": 64,
                       "num_hidden_layers": 1, "vocab_size": 10, "block_configs": [
                       {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": )" +
                       std::string(factor) + "}}]}",
                   ErrorCode::malformed, "the key ffn_mult");
  }
  std::string deep = R"({"model_type": "llama", "x": )";
  deep += std::string(200, '[') + std::string(200, ']') + "}";
  expect_refused(deep, ErrorCode::limit, "objects in objects of a configuration");
  const auto repeated = [](std::string_view text, int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list.append(i == 0 ? "" : ",").append(text);
    return list;
  };
  expect_refused(small_with(R"("x": [)" + repeated("0", 1 << 20) + "]}"), ErrorCode::limit,
                 "values of a configuration");
  expect_refused(small_with(R"("architectures": [)" + repeated("\"\"", 70'000) + "]}"),
                 ErrorCode::limit, "the key architectures");
}

TEST(LanguageModels, FindTheirKeysAmongManyOthers) {
  Graph plain, among;
  read_config(small_with(R"("head_dim": 4})"), plain);
  std::string keys;
  for (int i = 0; i < 1000; ++i) keys += "\"other" + std::to_string(i) + "\": null, ";
  read_config(small_with(keys + R"("head_dim": 4})"), among);
  EXPECT_EQ(among.nodes().size(), plain.nodes().size());
  EXPECT_EQ(among.parameters().size(), plain.parameters().size());
}

TEST(LanguageModels, LimitTheNamesOfTheirExperts) {
  Graph graph;
  const auto config = [](std::int64_t experts) {
    return R"({"model_type": "qwen3_moe", "hidden_size": 8, "vocab_size": 10, "head_dim": 4,
               "num_attention_heads": 2, "num_key_value_heads": 2, "moe_intermediate_size": 8,
               "intermediate_size": 8, "num_experts_per_tok": 1, "num_hidden_layers": 1,
               "num_experts": )" +
           std::to_string(experts) + "}";
  };
  read_config(config(1000), graph);
  check_split(graph);
  read_config(config(std::int64_t{1} << 30), graph);
  EXPECT_EQ(failure_of([&] { check_split(graph); }),
            "limit: tensors of experts: expected at most 524288, got 3221225472");
}

TEST(LanguageModels, RefuseOptionsThatContradict) {
  TraceOptions options;
  options.context = 9;
  const std::string config = small_with(R"("head_dim": 4})");
  expect_refused(config, ErrorCode::usage, "--context", options);
  options.decode = true;
  options.tokens = 3;
  expect_refused(config, ErrorCode::usage, "--decode", options);
  options = {};
  options.encoder_tokens = 9;
  expect_refused(config, ErrorCode::usage, "--encoder-tokens", options);
  options = {};
  options.logits = "some";
  expect_refused(config, ErrorCode::usage, "--logits", options);
}

TEST(LanguageModels, HaveOneRowForEachType) {
  std::set<std::string_view> names;
  for (const Architecture* architecture : architectures())
    for (const ModelType& type : architecture->types)
      EXPECT_TRUE(names.insert(type.name).second) << type.name;
  EXPECT_GE(names.size(), 130U);
}

}  // namespace
}  // namespace zoometer
