// Names of models on a hub, which of its files a name means, and files that are headers only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "failure.hpp"
#include "import/hub/gguf_choice.hpp"
#include "import/hub/name.hpp"
#include "import/hub/store.hpp"
#include "import/importer.hpp"
#include "import/safetensors.hpp"
#include "import/weights/gguf.hpp"
#include "import/weights/safetensors_header.hpp"
#include "util/paths.hpp"
#include "util/private_folder.hpp"
#include "weight_files.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::failure_of;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::safetensors;

TEST(HubName, HasARevisionAndAFile) {
  const HubName plain = parse_hub_name("gpt2");
  EXPECT_EQ(plain.repository, "gpt2");
  EXPECT_EQ(plain.revision, "main");
  const HubName full = parse_hub_name("ORG/NAME@refs/pr/1:sub/m-Q4_K_M.gguf");
  EXPECT_EQ(full.repository, "ORG/NAME");
  EXPECT_EQ(full.revision, "refs/pr/1");
  EXPECT_EQ(full.which, "sub/m-Q4_K_M.gguf");
  EXPECT_EQ(full.text(), "hf:ORG/NAME@refs/pr/1:sub/m-Q4_K_M.gguf");
}

/// Parts of names become parts of paths and of addresses.
TEST(HubName, RefusesWaysOut) {
  for (const char* text : {"", "a/b/c", "../x", "a/..", ".a/b", "a b/c", "a/b@", "a/b@../c", "a/b:",
                           "a/b:../c", "a/b:/etc/passwd", "a/b:x//y", "a/b:x\ny", "a/b:.x"}) {
    EXPECT_THAT(failure_of([&] { parse_hub_name(text); }), HasSubstr("ORG/NAME")) << text;
  }
}

TEST(HubName, IsTakenFromTheAddressOfAPage) {
  const auto of = [](const char* word) { return hub_word_of_address(word).value_or("none"); };
  EXPECT_EQ(of("https://huggingface.co/ORG/NAME"), "ORG/NAME");
  EXPECT_EQ(of("https://huggingface.co/ORG/NAME/"), "ORG/NAME");
  EXPECT_EQ(of("hf.co/ORG/NAME/tree/v2"), "ORG/NAME@v2");
  EXPECT_EQ(of("http://www.huggingface.co/ORG/NAME/blob/main/a/b.gguf?x#y"),
            "ORG/NAME@main:a/b.gguf");
  EXPECT_EQ(of("https://huggingface.co/gpt2/resolve/main/config.json"), "gpt2@main:config.json");
  EXPECT_EQ(of("https://huggingface.co.evil.example/ORG/NAME"), "none");
  EXPECT_EQ(of("ORG/NAME"), "none");
  EXPECT_THAT(failure_of([&] { of("https://huggingface.co/spaces/ORG/NAME"); }),
              HasSubstr("a model's"));
}

std::vector<std::string> quantisations() {
  return {"m-Q8_0.gguf",
          "m-Q4_K_M-00002-of-00002.gguf",
          "m-Q4_K_M-00001-of-00002.gguf",
          "mmproj-m-f16.gguf",
          "m.imatrix.gguf",
          "UD/m-UD-Q4_K_XL.gguf",
          "README.md"};
}

TEST(HubGguf, GroupsTheFilesOfAModel) {
  const std::vector<GgufModel> models = gguf_models(quantisations());
  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(models[0].tag, "Q4_K_M");
  EXPECT_THAT(models[0].files,
              ElementsAre("m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"));
  EXPECT_EQ(models[1].tag, "Q8_0");
  EXPECT_EQ(models[2].tag, "Q4_K_XL");
}

TEST(HubGguf, ChoosesByTheEndOfTheName) {
  const auto chosen = [](const char* which) {
    return choose_gguf(gguf_models(quantisations()), {"ORG/NAME", "main", which}).files.front();
  };
  EXPECT_EQ(chosen("q8_0"), "m-Q8_0.gguf");
  EXPECT_EQ(chosen("m-Q4_K_M-00002-of-00002.gguf"), "m-Q4_K_M-00001-of-00002.gguf");
  EXPECT_EQ(chosen("UD-Q4_K_XL"), "UD/m-UD-Q4_K_XL.gguf");
  EXPECT_THAT(failure_of([&] { chosen("Q4_K_S"); }),
              HasSubstr("expected one of Q4_K_M, Q8_0, Q4_K_XL, got Q4_K_S"));
  EXPECT_THAT(failure_of([&] { chosen(""); }), HasSubstr("got none, of 3 models"));
  EXPECT_THAT(failure_of([&] { chosen("K_M"); }), Not(IsEmpty()));
}

const std::string one_tensor =
    R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})";

/// A header without its data is read as the whole file is, and says so.
TEST(HeaderOnly, SafetensorsAreRead) {
  const std::string header = safetensors(one_tensor, 0);
  Graph graph;
  const ImportNotes notes =
      import_file(MappedFile("w.safetensors", std::as_bytes(std::span(header))), {}, graph);
  EXPECT_EQ(notes.file.weights->tensors()[0].bytes(), 24);
  EXPECT_THAT(notes.notes, Contains(HasSubstr("1 file is a header only")));
  EXPECT_THAT(notes.ignored, IsEmpty());
}

/// Its numbers are not there.
TEST(HeaderOnly, SafetensorsHaveNoNumbers) {
  const std::string header = safetensors(one_tensor, 0);
  EXPECT_THAT(failure_of([&] {
                Safetensors(MappedFile("w.safetensors", std::as_bytes(std::span(header))));
              }),
              HasSubstr("header only"));
}

/// Without the size of the file, offsets still have to follow each other and to be possible.
TEST(HeaderOnly, SafetensorsMayNotLie) {
  const auto failure = [](const std::string& members) {
    const std::string header = safetensors("{\"a\": {" + members + "}}", 0);
    Graph graph;
    return failure_of([&] {
      import_file(MappedFile("w.safetensors", std::as_bytes(std::span(header))), {}, graph);
    });
  };
  EXPECT_THAT(failure(R"("dtype": "U8", "shape": [4], "data_offsets": [4, 8])"),
              HasSubstr("follows a gap"));
  EXPECT_THAT(failure(R"("dtype": "U8", "shape": [4611686018427387904],)"
                      R"( "data_offsets": [0, 4611686018427387904])"),
              HasSubstr("outside of the file"));
}

TEST(HeaderOnly, SafetensorsSayTheirLength) {
  EXPECT_FALSE(safetensors_header_bytes("1234567"));
  EXPECT_EQ(safetensors_header_bytes(safetensors(one_tensor, 0).substr(0, 8)),
            8 + one_tensor.size());
  EXPECT_THAT(failure_of([] { safetensors_header_bytes(std::string(8, '\xff')); }),
              HasSubstr("at most 100000000 bytes"));
}

/// At every length before the end of its header, more is wanted.
TEST(HeaderOnly, GgufSaysItsLength) {
  testing::GgufWriter writer;
  writer.text_key("general.architecture", "llama").texts_key("tokens", 20);
  writer.tensor("a", {32, 2}, 0, 256);
  const std::string whole = writer.file();
  const auto header = gguf_header(whole);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->file_bytes, static_cast<std::int64_t>(whole.size()));
  for (std::size_t size = 0; size < header->bytes; ++size)
    EXPECT_FALSE(gguf_header(std::string_view(whole).substr(0, size))) << size;
  EXPECT_TRUE(gguf_header(std::string_view(whole).substr(0, header->bytes)));
  EXPECT_THAT(
      failure_of([] { gguf_header("GGUF\x09" + std::string(3, '\0') + std::string(100, 'x')); }),
      HasSubstr("version"));
}

/// Folders between: others must not be able to put files there.
TEST(PrivateFolder, IsNotOpenToOthers) {
  const Folder folder;
  folder.write("beside", "x");
  const std::string root = folder.path();
  PrivateFolder(root, "a/b").write("c", "text");
  EXPECT_EQ(read_file(root + "/a/b/c"), "text");
  EXPECT_EQ(std::filesystem::status(root + "/a").permissions(), std::filesystem::perms::owner_all);
  ASSERT_EQ(symlink(root.c_str(), (root + "/link").c_str()), 0);
  EXPECT_THAT(failure_of([&] { PrivateFolder(root, "link/a"); }), HasSubstr("cannot open"));
  ASSERT_EQ(symlink((root + "/beside").c_str(), (root + "/a/b/d").c_str()), 0);
  PrivateFolder(root, "a/b").write("d", "new");
  EXPECT_EQ(read_file(root + "/beside"), "x");
  ASSERT_EQ(chmod(root.c_str(), 0777), 0);
  EXPECT_THAT(failure_of([&] { PrivateFolder(root, "a"); }), HasSubstr("other users"));
}

}  // namespace
}  // namespace zoometer
