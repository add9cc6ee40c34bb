// GGUF files: versions, byte orders, split files, keys as a configuration, and hostile bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "analysis/gguf_size.hpp"
#include "analysis/model_storage.hpp"
#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/importer.hpp"
#include "import/weights/ggml_types.hpp"
#include "import/weights/model_settings.hpp"
#include "import/weights/stored_weights.hpp"
#include "weight_files.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using testing::failure_of;
using testing::Folder;
using testing::GgufWriter;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ImportNotes read_gguf_bytes(const std::string& bytes, Graph& graph) {
  return import_file(MappedFile("m.gguf", std::as_bytes(std::span(bytes))), {}, graph);
}

std::string failure_of_gguf(const std::string& bytes) {
  Graph graph;
  return failure_of([&] { read_gguf_bytes(bytes, graph); });
}

constexpr std::uint32_t f32 = 0;
constexpr std::uint32_t q4_k = 12;

/// A Llama of one layer, 256 features and a vocabulary of 512, as a GGUF file has it.
GgufWriter tiny_llama(std::uint32_t version, bool is_big_endian) {
  GgufWriter file(version, is_big_endian);
  file.text_key("general.architecture", "llama").size_key("llama.block_count", 1);
  file.size_key("llama.embedding_length", 256).size_key("llama.feed_forward_length", 512);
  file.size_key("llama.attention.head_count", 4).size_key("llama.attention.head_count_kv", 2);
  file.size_key("llama.context_length", 128).texts_key("tokenizer.ggml.tokens", 512);
  file.tensor("token_embd.weight", {256, 512}, q4_k, 512 * 144);
  file.tensor("blk.0.attn_norm.weight", {256}, f32, 1024);
  file.tensor("blk.0.attn_q.weight", {256, 256}, q4_k, 256 * 144);
  file.tensor("blk.0.attn_k.weight", {256, 128}, q4_k, 128 * 144);
  file.tensor("blk.0.attn_v.weight", {256, 128}, q4_k, 128 * 144);
  file.tensor("blk.0.attn_output.weight", {256, 256}, q4_k, 256 * 144);
  file.tensor("blk.0.ffn_norm.weight", {256}, f32, 1024);
  file.tensor("blk.0.ffn_gate.weight", {256, 512}, q4_k, 512 * 144);
  file.tensor("blk.0.ffn_up.weight", {256, 512}, q4_k, 512 * 144);
  file.tensor("blk.0.ffn_down.weight", {512, 256}, q4_k, 512 * 144);
  file.tensor("output_norm.weight", {256}, f32, 1024);
  return file;
}

/// All versions and both byte orders have the same model: its graph, and its tensors.
TEST(Gguf, IsReadInEveryVersionAndByteOrder) {
  for (const std::uint32_t version : {1U, 2U, 3U}) {
    for (const bool is_big_endian : {false, true}) {
      SCOPED_TRACE(::testing::PrintToString(std::pair(version, is_big_endian)));
      Graph graph;
      const ImportNotes notes = read_gguf_bytes(tiny_llama(version, is_big_endian).file(), graph);
      EXPECT_THAT(notes.format, HasSubstr("GGUF version " + std::to_string(version)));
      EXPECT_THAT(notes.ignored, IsEmpty());
      const StoredWeights& weights = *notes.file.weights;
      EXPECT_EQ(weights.tensors().size(), 11U);
      EXPECT_EQ(profile(graph).total.parameters, count_stored(weights).stored);
      const std::int64_t quantised = 512 + 256 + 128 + 128 + 256 + 512 + 512 + 512;
      EXPECT_EQ(count_stored(weights).bytes, quantised * 144 + 3 * 1024);
      // Rows first, as PyTorch has them.
      EXPECT_EQ(weights.find("blk.0.attn_k.weight")->shape[0], 128);
      EXPECT_GT(profile(graph).total.macs, 0);
    }
  }
}

/// The files of a split model are one model; those that are missing are said.
TEST(Gguf, IsReadFromSplitFiles) {
  const Folder folder;
  const auto part = [](std::uint32_t number, const char* tensor) {
    GgufWriter file;
    if (number == 0) file.text_key("general.architecture", "unheard-of");
    file.size_key("split.count", 3).size_key("split.no", number);
    return file.tensor(tensor, {256}, f32, 1024).file();
  };
  folder.write("m-00001-of-00003.gguf", part(0, "a"));
  const std::string second = folder.write("m-00002-of-00003.gguf", part(1, "b"));
  Graph graph;
  const ImportNotes notes = import_file(second, {}, graph);
  EXPECT_EQ(notes.file.weights->tensors().size(), 2U);
  EXPECT_EQ(profile(graph).total.parameters, 512);
  EXPECT_THAT(notes.ignored, Contains("1 of 3 files of the model are not here"));
  EXPECT_THAT(notes.ignored, Contains(HasSubstr("the architecture unheard-of is not known")));
}

/// A mixture is Mixtral, where "llama" has experts.
TEST(Gguf, IsAMixtureWhereLlamaHasExperts) {
  GgufWriter file;
  file.text_key("general.architecture", "llama").size_key("llama.block_count", 2);
  file.size_key("llama.embedding_length", 64).size_key("llama.feed_forward_length", 32);
  file.size_key("llama.attention.head_count", 4).size_key("llama.vocab_size", 100);
  file.size_key("llama.expert_count", 8).size_key("llama.expert_used_count", 2);
  Graph graph;
  const ImportNotes notes = read_gguf_bytes(file.file(), graph);
  const std::int64_t layer = 4 * 64 * 64 + 2 * 64 + 8 * 64 + 8 * 3 * 64 * 32;
  EXPECT_EQ(profile(graph).total.parameters, 2 * layer + 2 * 100 * 64 + 64);
}

/// A header without its data, as a range of a remote file gives it.
TEST(Gguf, IsReadFromItsHeader) {
  Graph graph;
  const ImportNotes notes = read_gguf_bytes(tiny_llama(3, false).header(), graph);
  EXPECT_THAT(notes.notes, Contains(HasSubstr("1 file is a header only")));
}

/// A file in another type has the same header: its size is known before it exists.
TEST(Gguf, GivesTheSizesOfOtherFilesOfTheModel) {
  const Folder folder;
  const std::string path = folder.write("m-Q4_K_S.gguf", tiny_llama(3, false).file());
  Graph graph;
  const ImportNotes notes = import_file(path, {}, graph);
  const std::vector<ModelWeight> weights = model_weights(graph);
  const auto header = gguf_header_size(notes.file, weights, {});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->tokenizer, "");
  GgufWriter other = tiny_llama(3, false);
  EXPECT_EQ(header->bytes, static_cast<std::int64_t>(other.header().size()));
  constexpr std::int64_t norms = 3 * 256;
  constexpr std::int64_t matrices = 512 * 256 + 2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256;
  EXPECT_EQ(size_after(scheme_of("F16"), weights, {}).in_file, 2 * matrices + 4 * norms);

  const std::string config = folder.write("config.json", "{}");
  ModelFile beside;
  beside.path = config;
  const auto of_sibling = gguf_header_size(beside, weights, {});
  ASSERT_TRUE(of_sibling);
  EXPECT_EQ(of_sibling->bytes, header->bytes);
  WeightContext other_model;
  other_model.rotary_tables.emplace_back("rope_freqs.weight", 64);
  EXPECT_FALSE(gguf_header_size(beside, weights, other_model));
  // Without another file of the model the vocabulary in its folder says how long the header is.
  folder.write("vocab.json", R"({"a": 0})");
  const auto foreseen = gguf_header_size(beside, weights, other_model);
  ASSERT_TRUE(foreseen);
  EXPECT_EQ(foreseen->tokenizer, "vocab.json");
  EXPECT_GT(foreseen->bytes, 512 * (8 + 5 + 4));
  EXPECT_EQ(foreseen->bytes % 32, 0);
}

/// A table of frequencies that does not follow from the keys is in the file in any type.
TEST(Gguf, HasTablesOfFrequencies) {
  const Folder folder;
  GgufWriter file = tiny_llama(3, false);
  file.tensor("rope_freqs.weight", {32}, f32, 128);
  Graph graph;
  const ImportNotes notes = import_file(folder.write("m.gguf", file.file()), {}, graph);
  const auto settings = settings_of(notes.file, graph);
  ASSERT_TRUE(settings);
  const ModelStorage storage = model_storage(&notes.file, &*settings);
  const std::vector<ModelWeight> weights = model_weights(graph);
  ASSERT_TRUE(gguf_header_size(notes.file, weights, storage.context));
  const StoredSize size = size_after(scheme_of("F16"), weights, storage.context);
  EXPECT_EQ(size.stored, profile(graph).total.parameters + 32);
  EXPECT_EQ(size.elements_by_type.at("F32"), 3 * 256 + 32);
}

/// Every count, length and offset is checked, and the error says of what and where.
TEST(Gguf, RefusesHostileBytes) {
  const GgufWriter plain;
  const auto with_counts = [&](std::uint64_t tensors, std::uint64_t keys) {
    return "GGUF" + plain.number(std::uint32_t{3}) + plain.number(tensors) + plain.number(keys) +
           std::string(64, '\0');
  };
  EXPECT_THAT(failure_of_gguf(with_counts(0, std::uint64_t{1} << 63)),
              HasSubstr("the header: expected at most 4096 keys"));
  EXPECT_THAT(failure_of_gguf(with_counts(0, 1000)), HasSubstr("the keys"));
  EXPECT_THAT(failure_of_gguf(with_counts(100'000, 0)), HasSubstr("the tensors"));
  EXPECT_THAT(failure_of_gguf("GGUF" + plain.number(std::uint32_t{4}) + std::string(64, '\0')),
              HasSubstr("unsupported: m.gguf, byte 4: the version of GGUF"));
  const auto array = [&](std::uint32_t type, std::uint64_t count) {
    return GgufWriter().raw_key("k", 9, plain.number(type) + plain.number(count)).file();
  };
  EXPECT_THAT(failure_of_gguf(array(8, std::uint64_t{1} << 62)), HasSubstr("the key k"));
  EXPECT_THAT(failure_of_gguf(array(4, std::uint64_t{1} << 62)), HasSubstr("the key k"));
  EXPECT_THAT(failure_of_gguf(array(77, 0)), HasSubstr("a type of values, 0 to 12"));
  std::string nested;
  for (int i = 0; i < 1000; ++i)
    nested += plain.number(std::uint32_t{9}) + plain.number(std::uint64_t{1});
  EXPECT_THAT(failure_of_gguf(GgufWriter().raw_key("k", 9, nested).file()),
              HasSubstr("at most 4 arrays in arrays"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().raw_key("k", 13, "").file()), HasSubstr("the key k"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().size_key("k", 1).size_key("k", 2).file()),
              HasSubstr("a duplicate"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().size_key("general.alignment", 3).file()),
              HasSubstr("a power of two"));
}

TEST(Gguf, RefusesHostileTensors) {
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor("a", {1, 1, 1, 1, 1}, f32, 4).file()),
              HasSubstr("the tensor a: expected at most 4 dimensions, got 5"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor("a", {std::uint64_t{1} << 63}, f32, 4).file()),
              HasSubstr("the tensor a"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor("a", {1 << 30, 1 << 30, 1 << 30}, f32, 4).file()),
              HasSubstr("overflow"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor("a", {100}, q4_k, 144).file()),
              HasSubstr("rows of a multiple of 256 elements for Q4_K"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor("a", {1}, 31, 4).file()),
              HasSubstr("a type of ggml"));
  EXPECT_THAT(failure_of_gguf(GgufWriter().tensor_at("a", {1}, f32, 32).file()),
              HasSubstr("the offset of the tensor a"));
  EXPECT_THAT(
      failure_of_gguf(GgufWriter().tensor("a", {1}, f32, 4).tensor_at("b", {1}, f32, 0).file()),
      HasSubstr("the offset of the tensor b"));
  EXPECT_THAT(
      failure_of_gguf(GgufWriter().tensor("a", {1}, f32, 4).tensor("a", {1}, f32, 4).file()),
      HasSubstr("duplicate tensor a"));
  const std::string whole = tiny_llama(3, false).file();
  EXPECT_THAT(failure_of_gguf(whole.substr(0, whole.size() - 2000)),
              HasSubstr("the data of the tensors"));
}

/// Every length at which a file may be cut.
TEST(Gguf, RefusesAFileThatIsCutAnywhere) {
  const std::string whole = GgufWriter()
                                .text_key("general.architecture", "llama")
                                .texts_key("t", 3)
                                .sizes_key("s", {1, 2})
                                .tensor("a", {2, 3}, f32, 24)
                                .header();
  const std::size_t least = whole.find('\0', whole.find("\1a")) + 30;
  for (std::size_t size = 8; size < std::min(least, whole.size() - 32); ++size)
    EXPECT_THAT(failure_of_gguf(whole.substr(0, size)), HasSubstr("malformed: m.gguf")) << size;
}

/// The blocks of each type: the bits per element of the format's documentation.
TEST(GgmlTypes, HaveTheirBits) {
  const auto bits = [](std::string_view name) {
    const StorageType* type = ggml_type(name);
    return type == nullptr ? 0.0 : static_cast<double>(type->bits) / type->elements;
  };
  EXPECT_EQ(ggml_types().size(), 35U);
  EXPECT_EQ(bits("Q4_K"), 4.5);
  EXPECT_EQ(bits("q6_k"), 6.5625);
  EXPECT_EQ(bits("IQ2_S"), 2.5625);
  EXPECT_EQ(bits("Q8_1"), 9);
  EXPECT_EQ(bits("Q8_K"), 9.125);
  EXPECT_EQ(bits("MXFP4"), 4.25);
  EXPECT_EQ(ggml_type(std::uint32_t{4}), nullptr);
  EXPECT_EQ(ggml_type(std::uint32_t{39})->name, "MXFP4");
  EXPECT_EQ(ggml_type(std::uint32_t{30})->name, "BF16");
}

}  // namespace
}  // namespace zoometer
