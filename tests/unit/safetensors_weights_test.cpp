// Safetensors files and their indexes as sources of tensors, with and without a configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/importer.hpp"
#include "import/weights/stored_weights.hpp"
#include "weight_files.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using testing::failure_of;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::safetensors;

ImportNotes read_bytes(const std::string& bytes, Graph& graph, const char* name = "w.safetensors") {
  return import_file(MappedFile(name, std::as_bytes(std::span(bytes))), {}, graph);
}

std::string failure_of_header(const std::string& header, std::size_t data_bytes) {
  Graph graph;
  return failure_of([&] { read_bytes(safetensors(header, data_bytes), graph); });
}

const std::string two_tensors =
    R"({"__metadata__": {"format": "pt"}, "a.weight": {"dtype": "BF16", "shape": [2, 3],)"
    R"( "data_offsets": [0, 12]}, "a.weight_scale": {"dtype": "F32", "shape": [],)"
    R"( "data_offsets": [12, 16]}})";

/// Weights alone: a tree of modules, nothing computed, and scales are not parameters.
TEST(SafetensorsWeights, AreATreeOfModules) {
  Graph graph;
  const ImportNotes notes = read_bytes(safetensors(two_tensors, 16), graph);
  EXPECT_EQ(notes.format, "safetensors");
  EXPECT_EQ(profile(graph).total.parameters, 6);
  EXPECT_EQ(profile(graph).total.macs, 0);
  ASSERT_NE(notes.file.weights, nullptr);
  const StoredCounts counts = count_stored(*notes.file.weights);
  EXPECT_EQ(counts.stored, 7);
  EXPECT_EQ(counts.learned, 6);
  EXPECT_EQ(counts.bytes, 16);
}

/// Types of less than a byte: elements share bytes.
TEST(SafetensorsWeights, HaveTypesOfPartsOfBytes) {
  Graph graph;
  const ImportNotes notes =
      read_bytes(safetensors(R"({"a": {"dtype": "F4", "shape": [3, 2], "data_offsets": [0, 3]},)"
                             R"( "b": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [3, 6]},)"
                             R"( "c": {"dtype": "F8_E8M0", "shape": [2], "data_offsets": [6, 8]}})",
                             8),
                 graph);
  const StoredCounts counts = count_stored(*notes.file.weights);
  EXPECT_EQ(counts.bytes, 8);
  EXPECT_EQ(counts.learned, 10);  // scales of blocks are none
}

/// Names may have escapes.
TEST(SafetensorsWeights, HaveNamesWithEscapes) {
  Graph graph;
  const ImportNotes notes =
      read_bytes(safetensors(R"({"a\u00e9\ud83d\ude00\"b": {"dtype": "U8", "shape": [1],)"
                             R"( "data_offsets": [0, 1]}})",
                             1),
                 graph);
  EXPECT_EQ(notes.file.weights->tensors()[0].name, "a\u00e9\U0001F600\"b");
}

/// Each way in which a header may lie is an error that names the tensor.
TEST(SafetensorsWeights, RefuseHeadersThatLie) {
  const auto of = [](const std::string& members, std::size_t bytes) {
    return failure_of_header("{\"a\": {" + members + "}}", bytes);
  };
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [2], "data_offsets": [0, 4])", 4),
              HasSubstr("malformed: w.safetensors: the tensor a has a size"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [1], "data_offsets": [4, 8])", 4),
              HasSubstr("the tensor a is outside of the file"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [1], "data_offsets": [4, 8])", 8),
              HasSubstr("the tensor a follows a gap"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [1], "data_offsets": [0, 4])", 5),
              HasSubstr("the tensors end before the file"));
  EXPECT_THAT(of(R"("dtype": "Q7", "shape": [1], "data_offsets": [0, 4])", 4),
              HasSubstr("the tensor a has an unknown dtype"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [-1], "data_offsets": [0, 4])", 4),
              HasSubstr("the tensor a has no shape"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 4])", 4),
              HasSubstr("overflow"));
  EXPECT_THAT(of(R"("dtype": "F32", "shape": [9223372036854775808], "data_offsets": [0, 4])", 4),
              HasSubstr("2^63"));
  EXPECT_THAT(failure_of_header(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},)"
                                R"( "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
                                3),
              HasSubstr("the tensor b overlaps"));
  EXPECT_THAT(failure_of_header(R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},)"
                                R"( "a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}})",
                                2),
              HasSubstr("duplicate tensor a"));
  EXPECT_THAT(failure_of_header("{\"a\": " + std::string(100, '[') + "}", 0),
              HasSubstr("the tensor a is not an object"));
  EXPECT_THAT(failure_of_header("{\"__metadata__\": " + std::string(100, '[') + "}", 0),
              HasSubstr("limit"));
}

/// A cut download keeps its name.
TEST(SafetensorsWeights, RefuseAFileThatIsCut) {
  Graph graph;
  const std::string whole = safetensors(two_tensors, 16);
  EXPECT_THAT(failure_of([&] { read_bytes(whole.substr(0, 40), graph); }),
              HasSubstr("the header would have"));
  EXPECT_THAT(failure_of([&] { read_bytes(whole.substr(0, whole.size() - 8), graph); }),
              HasSubstr("outside of the file"));
}

/// An index alone has names only; that is said, and `--strict` refuses it.
TEST(SafetensorsIndex, HasNamesWithoutItsFiles) {
  Graph graph;
  const ImportNotes notes =
      read_bytes(R"({"metadata": {"total_size": 12}, "weight_map": {"a.weight": "m-1.safetensors",)"
                 R"( "b.weight": "m-2.safetensors"}} text)",
                 graph, "model.safetensors.index.json");
  ASSERT_EQ(notes.file.weights->tensors().size(), 2U);
  EXPECT_EQ(notes.file.weights->tensors()[1].name, "b.weight");
  EXPECT_FALSE(notes.file.weights->tensors()[1].is_known());
  EXPECT_THAT(notes.ignored, Contains(HasSubstr("2 of 2 files of the index are not here")));
  EXPECT_THAT(notes.notes, Contains(HasSubstr("text after")));
}

/// The headers of the files beside an index give shapes, and hold where it differs.
TEST(SafetensorsIndex, TakesShapesFromTheHeadersBesideIt) {
  const Folder folder;
  folder.write("m-1.safetensors", safetensors(two_tensors, 16));
  const std::string index = folder.write(
      "model.safetensors.index.json",
      R"({"metadata": {"total_size": 0}, "weight_map": {"a.weight": "m-1.safetensors",)"
      R"( "gone": "m-1.safetensors", "b.weight": "m-2.safetensors"}})");
  Graph graph;
  const ImportNotes notes = import_file(index, {}, graph);
  const StoredWeights& weights = *notes.file.weights;
  ASSERT_NE(weights.find("a.weight"), nullptr);
  EXPECT_EQ(weights.find("a.weight")->elements, 6);
  EXPECT_EQ(weights.find("gone"), nullptr);
  EXPECT_FALSE(weights.find("b.weight")->is_known());
  EXPECT_THAT(notes.notes,
              Contains(HasSubstr("names 1 tensors that its files do not have, such as gone")));
  EXPECT_THAT(notes.notes, Contains(HasSubstr("1 tensors that the index does not name")));
}

TEST(SafetensorsIndex, RefusesPathsOutsideOfItsFolder) {
  for (const char* path : {"../m.safetensors", "/etc/passwd", "a/../../m", "a/..", ""}) {
    Graph graph;
    const std::string index = R"({"weight_map": {"a": ")" + std::string(path) + "\"}}";
    EXPECT_THAT(failure_of([&] { read_bytes(index, graph, "i.json"); }),
                HasSubstr("outside of its folder"))
        << path;
  }
  Graph graph;
  EXPECT_THAT(failure_of([&] { read_bytes(R"({"weight_map": {"a": 1}})", graph, "i.json"); }),
              HasSubstr("malformed: i.json"));
  EXPECT_THAT(
      failure_of([&] { read_bytes(R"({"weight_map": {"a": "m", "a": "m"}})", graph, "i.json"); }),
      HasSubstr("duplicate tensor a"));
}

/// The configuration of a model of one layer, and the header of its weights.
const std::string tiny_config =
    R"({"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,)"
    R"( "intermediate_size": 16, "vocab_size": 10, "torch_dtype": "float32"})";

class TinyWeights {
 public:
  TinyWeights& add(const std::string& name, const std::string& shape, std::size_t elements) {
    header_ += (header_.empty() ? "{\"" : ", \"") + name + R"(": {"dtype": "BF16", "shape": [)" +
               shape + "], \"data_offsets\": [" + std::to_string(bytes_) + ", " +
               std::to_string(bytes_ + 2 * elements) + "]}";
    bytes_ += 2 * elements;
    return *this;
  }
  TinyWeights& add_layer() {
    const std::string layer = "model.layers.0.";
    for (const char* part : {"q", "k", "v", "o"})
      add(layer + "self_attn." + part + "_proj.weight", "8, 8", 64);
    add(layer + "mlp.gate_proj.weight", "16, 8", 128)
        .add(layer + "mlp.up_proj.weight", "16, 8", 128);
    add(layer + "mlp.down_proj.weight", "8, 16", 128).add(layer + "input_layernorm.weight", "8", 8);
    return add(layer + "post_attention_layernorm.weight", "8", 8).add("model.norm.weight", "8", 8);
  }
  std::string file() const { return safetensors(header_ + "}", bytes_); }

 private:
  std::string header_;
  std::size_t bytes_ = 0;
};

/// With the configuration beside them, weights are the model: its graph, with the files' types.
TEST(ModelFolder, IsTheModelWithTheTypesOfItsFiles) {
  const Folder folder;
  folder.write("config.json", tiny_config);
  folder.write("model.safetensors", TinyWeights()
                                        .add_layer()
                                        .add("model.embed_tokens.weight", "10, 8", 80)
                                        .add("lm_head.weight", "10, 8", 80)
                                        .file());
  Graph graph;
  TraceOptions options;
  options.tokens = 4;
  const ImportNotes notes = import_file(folder.path(), options, graph);
  EXPECT_EQ(notes.format, "configuration, safetensors");
  EXPECT_THAT(notes.ignored, IsEmpty());
  EXPECT_EQ(notes.notes.size(), 1U);  // the bytes
  EXPECT_EQ(profile(graph).total.parameters, count_stored(*notes.file.weights).learned);
  EXPECT_GT(profile(graph).total.macs, 0);
  EXPECT_EQ(graph.dtype(graph.parameters()[0].value), DType::bfloat16);
}

/// Where they differ, the file wins: the embedding's rows are the vocabulary. The rest is noted.
TEST(ModelFolder, FollowsItsFilesWhereTheConfigurationDiffers) {
  const Folder folder;
  folder.write("config.json", tiny_config);
  folder.write("model.safetensors", TinyWeights()
                                        .add_layer()
                                        .add("model.embed_tokens.weight", "12, 8", 96)
                                        .add("model.extra.weight", "3", 3)
                                        .file());
  Graph graph;
  const ImportNotes notes = import_file(folder.path(), {}, graph);
  EXPECT_THAT(notes.notes,
              Contains("vocab_size is 10; the files' embedding has 12 rows, which are taken"));
  EXPECT_THAT(notes.notes,
              Contains("the files have no lm_head.weight: the embedding is taken as the head"));
  EXPECT_EQ(profile(graph).total.parameters, 12 * 8 + 4 * 64 + 3 * 128 + 3 * 8);
  EXPECT_THAT(notes.notes, Contains(HasSubstr("such as model.extra.weight")));
}

/// A type of model that is not known leaves the tensors.
TEST(ModelFolder, IsItsTensorsWhereTheConfigurationIsNotKnown) {
  const Folder folder;
  folder.write("config.json", R"({"model_type": "abacus"})");
  folder.write("model.safetensors", TinyWeights().add_layer().file());
  Graph graph;
  const ImportNotes notes = import_file(folder.path(), {}, graph);
  EXPECT_EQ(notes.format, "safetensors");
  EXPECT_THAT(notes.ignored, Contains(HasSubstr("the model type abacus is not known")));
  EXPECT_EQ(profile(graph).total.parameters, 4 * 64 + 3 * 128 + 3 * 8);
}

/// A pointer instead of the weights leaves the configuration, as before.
TEST(ModelFolder, IsItsConfigurationWhereTheWeightsAreAPointer) {
  const Folder folder;
  folder.write("config.json", tiny_config);
  folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\nsize 97543\n");
  Graph graph;
  EXPECT_EQ(import_file(folder.path(), {}, graph).format, "configuration");
}

/// What passes is a matter of a graph that computes.
TEST(SafetensorsWeights, TakeNoTokensWithoutAConfiguration) {
  Graph graph;
  TraceOptions options;
  options.tokens = 4;
  const std::string bytes = safetensors(two_tensors, 16);
  EXPECT_THAT(failure_of([&] {
                import_file(MappedFile("w", std::as_bytes(std::span(bytes))), options, graph);
              }),
              HasSubstr("usage: w: --tokens"));
}

}  // namespace
}  // namespace zoometer
