// Tensors of GGUF files, foreseen from configurations. tests/data/language/gguf.jsonl has for each
// configuration the bytes of the list of tensors that llama.cpp's converter (convert_hf_to_gguf.py,
// 2026-08) writes, and the bytes of their data in each mixture of types that llama_model_quantize
// (llama.cpp 0.5.0, a dry run) chooses; where these fuse queries, keys and values or give the
// head's type to a table for each layer, by the rules before 2026.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "analysis/gguf_size.hpp"
#include "analysis/gguf_tensors.hpp"
#include "import/json.hpp"
#include "import/language/config.hpp"
#include "import/weights/tokenizer.hpp"
#include "weight_files.hpp"

namespace zoometer {
namespace {

using testing::Folder;

struct Model {
  explicit Model(const std::string& text) {
    const MappedFile file("config.json", std::as_bytes(std::span(text)));
    import_file(file, {}, graph);
    weights = model_weights(graph);
    context = weight_context(read_configuration(file));
  }
  std::int64_t list_bytes() const {
    std::int64_t bytes = 0;
    for (const GgufTensor& tensor : gguf_tensors(weights, context))
      bytes += static_cast<std::int64_t>(24 + tensor.name.size() + 8 * tensor.rank);
    return bytes;
  }
  Graph graph;
  std::vector<ModelWeight> weights;
  WeightContext context;
};

/// Calls `check` for each row of a file in tests/data/language, whose last member is a
/// configuration. Returns how many rows there are.
template <class Check>
int for_each_row(const std::string& name, Check check) {
  std::ifstream lines(ZOOMETER_SOURCE_DIR "/tests/data/language/" + name);
  int rows = 0;
  for (std::string line; std::getline(lines, line); ++rows) {
    std::string config = line.substr(line.find("\"config\":") + 9);
    config.pop_back();
    const JsonDocument document(line);
    const Json& row = document.root();
    SCOPED_TRACE(std::string(get_text(row, "name")));
    check(row, Model(config));
  }
  return rows;
}

TEST(GgufTensors, AreThoseOfLlamaCpp) {
  const int rows = for_each_row("gguf.jsonl", [](const Json& row, const Model& model) {
    EXPECT_EQ(model.list_bytes(), get_member(row, "list").GetInt64());
    for (const auto& [scheme, bytes] : get_member(row, "bytes").GetObject()) {
      EXPECT_EQ(size_after(scheme_of(view_of(scheme)), model.weights, model.context).bytes,
                bytes.GetInt64())
          << view_of(scheme);
    }
  });
  EXPECT_GT(rows, 40);
}

/// A Llama of one layer has the eleven tensors of its file and the table of its scaling.
TEST(GgufTensors, HaveTheirNames) {
  const Model model(
      R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "vocab_size": 100,)"
      R"( "num_attention_heads": 2, "intermediate_size": 96, "tie_word_embeddings": true,)"
      R"( "rope_scaling": {"rope_type": "llama3", "factor": 8}})");
  std::vector<std::string> names;
  for (const GgufTensor& tensor : gguf_tensors(model.weights, model.context))
    names.push_back(tensor.name);
  const std::vector<std::string> expected = {
      "output_norm.weight",    "rope_freqs.weight",      "token_embd.weight",
      "blk.0.attn_k.weight",   "blk.0.attn_norm.weight", "blk.0.attn_output.weight",
      "blk.0.attn_q.weight",   "blk.0.attn_v.weight",    "blk.0.ffn_down.weight",
      "blk.0.ffn_gate.weight", "blk.0.ffn_norm.weight",  "blk.0.ffn_up.weight"};
  EXPECT_EQ(names, expected);
}

/// The names in files that ollama's converter writes: those of each layer, and the others.
TEST(GgufTensors, HaveTheNamesOfReleasedFiles) {
  const int rows = for_each_row("gguf_names.jsonl", [](const Json& row, const Model& model) {
    std::set<std::string> expected;
    for (const Json& name : get_array(row, "outside").GetArray()) expected.emplace(view_of(name));
    for (std::int64_t i = 0; i < get_member(row, "layers").GetInt64(); ++i)
      for (const Json& name : get_array(row, "layer").GetArray())
        expected.insert(fmt::format("blk.{}.{}", i, view_of(name)));
    std::set<std::string> names;
    for (const GgufTensor& tensor : gguf_tensors(model.weights, model.context))
      names.insert(tensor.name);
    EXPECT_EQ(names, expected);
  });
  EXPECT_EQ(rows, 8);
}

/// What llama.cpp logs of Gemma 3 4B in float16, 7401 MiB: its language model.
TEST(GgufTensors, HaveTheBytesThatEnginesLog) {
  const Model model(
      R"({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 2560,)"
      R"( "num_hidden_layers": 34, "intermediate_size": 10240}, "vision_config": {"hidden_size": 1152,)"
      R"( "num_hidden_layers": 27, "num_attention_heads": 16, "intermediate_size": 4304,)"
      R"( "image_size": 896, "patch_size": 14}})");
  EXPECT_EQ(size_after(scheme_of("F16"), model.weights, model.context).bytes, 7760934912);
  EXPECT_EQ(7760934912 >> 20, 7401);
}

/// Of a model with a tower, llama.cpp's file of the language model has none of the tower.
TEST(GgufTensors, LeaveTowersAway) {
  const Model model(
      R"({"model_type": "llava", "text_config": {"model_type": "llama", "hidden_size": 64,)"
      R"( "num_hidden_layers": 1, "vocab_size": 100, "num_attention_heads": 2,)"
      R"( "intermediate_size": 96}, "vision_config": {"hidden_size": 32, "num_hidden_layers": 1,)"
      R"( "num_attention_heads": 2, "intermediate_size": 64, "image_size": 28, "patch_size": 14}})");
  std::int64_t elements = 0;
  for (const GgufTensor& tensor : gguf_tensors(model.weights, model.context))
    elements += tensor.elements;
  EXPECT_EQ(elements, 2 * 100 * 64 + 4 * 64 * 64 + 3 * 64 * 96 + 3 * 64);
}

/// The texts of a vocabulary, padded to the rows of the embedding.
TEST(TokenizerTexts, AreReadFromEachKindOfFile) {
  const Folder words;
  words.write("vocab.txt", "[PAD]\n[UNK]\nthe\n##ing\n");
  auto texts = tokenizer_texts(words.path(), 5);
  ASSERT_TRUE(texts);
  // "[PAD]", "[UNK]", "▁the", "ing" and "▁[PAD4]"
  EXPECT_EQ(texts->token_bytes, 5 + 5 + 6 + 3 + 9);
  EXPECT_FALSE(texts->has_scores);

  const Folder pairs;
  pairs.write(
      "tokenizer.json",
      R"({"added_tokens": [{"id": 2, "content": "<|end|>", "special": true}],)"
      R"( "model": {"type": "BPE", "vocab": {"a": 0, "ab": 1}, "merges": ["a b", ["a", "b"]]}})");
  pairs.write("tokenizer_config.json", R"({"chat_template": "{{ x }}"})");
  texts = tokenizer_texts(pairs.path(), 3);
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->token_bytes, 1 + 2 + 7);
  EXPECT_EQ(texts->merges, 2);
  EXPECT_EQ(texts->merge_bytes, 6);
  EXPECT_EQ(texts->template_bytes, 7);

  const Folder pieces;
  const auto piece = [](const std::string& text) {
    const std::string inner = "\n" + std::string(1, static_cast<char>(text.size())) + text;
    return "\n" + std::string(1, static_cast<char>(inner.size())) + inner;
  };
  pieces.write("tokenizer.model", piece("<s>") + piece("\xe2\x96\x81the"));
  pieces.write("added_tokens.json", R"({"\u2581x": 2})");
  texts = tokenizer_texts(pieces.path(), 3);
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->token_bytes, 3 + 6 + 2);
  EXPECT_TRUE(texts->has_scores);

  const Folder older;
  older.write("vocab.json", R"({"a": 0, "b": 1})");
  older.write("merges.txt", "#version: 0.2\na b\n\n");
  texts = tokenizer_texts(older.path(), 2);
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->merges, 1);
  EXPECT_EQ(texts->merge_bytes, 3);

  const Folder none;
  EXPECT_FALSE(tokenizer_texts(none.path(), 2));
  none.write("tokenizer.json", "{");
  EXPECT_FALSE(tokenizer_texts(none.path(), 2));
  EXPECT_FALSE(tokenizer_texts(none.path(), std::int64_t{1} << 40));
}

}  // namespace
}  // namespace zoometer
