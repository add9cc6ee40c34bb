// Files of formats without an importer: the message names the format and says what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "import/importer.hpp"
#include "import/unsupported_formats.hpp"
#include "zip_writer.hpp"

namespace zoometer {
namespace {

using namespace std::string_literals;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::ZipWriter;

std::string zip_of(std::initializer_list<const char*> names) {
  ZipWriter writer;
  for (const char* name : names) writer.add(name, "content");
  return writer.finish();
}

void expect_refusal(const std::string& bytes, const char* what, const char* hint,
                    const char* name = "file") {
  SCOPED_TRACE(what);
  const MappedFile file(name, bytes_of(bytes));
  Graph graph;
  try {
    import_file(file, {}, graph);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(name_of(error.code), name_of(ErrorCode::unsupported));
    EXPECT_THAT(error.what(), HasSubstr(what));
    EXPECT_THAT(error.hint, HasSubstr(hint));
  }
}

TEST(UnsupportedFormats, NamesKindsOfZipArchives) {
  expect_refusal(zip_of({"net/data.pkl", "net/code/__torch__.py"}), "TorchScript", "torch.export");
  expect_refusal(zip_of({"archive/data.pkl", "archive/data/0"}), "a PyTorch checkpoint",
                 "profile the model by its name");
  expect_refusal(zip_of({"m/data/aotinductor/model/a.so"}), "AOTInductor", "torch.export.save");
  expect_refusal(zip_of({"Data/com.apple.CoreML/model.mlmodel"}), "Core ML", "ONNX");
  expect_refusal(zip_of({"config.json", "model.weights.h5"}), "Keras", "ONNX");
  expect_refusal(zip_of({"a.txt"}), "a zip archive without a known program", "torch.export");
}

TEST(UnsupportedFormats, NamesOtherFormats) {
  const std::string old = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
  expect_refusal(old + "more", "before torch 1.6", "weights");
  expect_refusal("\x80\x04\x95 a pickle."s, "a Python pickle", "torch.export");
  expect_refusal("\x1c\0\0\0TFL2...."s, "TensorFlow Lite", "ONNX");
  expect_refusal("\x89HDF\r\n\x1a\n....", "HDF5", "ONNX");
  expect_refusal("\x93NUMPY....", "NumPy", "numbers");
}

/// What a clone without git-lfs has instead of every model.
TEST(UnsupportedFormats, NamesStandInsForTheFile) {
  expect_refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 97543\n",
                 "a Git LFS pointer of a file of 97543 bytes", "git lfs pull");
  expect_refusal("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, which", "git");
  expect_refusal("/annex/objects/SHA256E-s97543--0123.onnx\n", "a git-annex pointer", "annex get");
  expect_refusal("\n<!DOCTYPE html>\n<html></html>", "a web page", "download");
}

TEST(UnsupportedFormats, NamesArchivesAroundAModel) {
  expect_refusal("\x1F\x8B\x08\0....."s, "a gzip archive", "gunzip");
  expect_refusal("\x28\xB5\x2F\xFD....", "a Zstandard archive", "unzstd");
  expect_refusal("\xFD\x37zXZ\0...."s, "an xz archive", "unxz");
  expect_refusal("BZh9\x31\x41\x59\x26\x53\x59...", "a bzip2 archive", "bunzip2");
  expect_refusal("\x04\x22\x4D\x18....", "an LZ4 archive", "unlz4");
  expect_refusal("7z\xBC\xAF\x27\x1C....", "a 7z archive", "7z x");
  expect_refusal("Rar!\x1A\x07....", "a RAR archive", "unrar");
  std::string tar(512, '\0');
  tar.replace(0, 14, "net/model.onnx");
  tar.replace(257, 5, "ustar");
  expect_refusal(tar, "a tar archive with net/model.onnx", "tar xf");
  expect_refusal(zip_of({"readme.txt", "net/model.onnx"}), "a zip archive around net/model.onnx",
                 "unzip");
  expect_refusal(zip_of({"arr_0.npy"}), "a NumPy archive", "numbers");
  expect_refusal(zip_of({"MAR-INF/MANIFEST.json", "net.pt"}), "a TorchServe archive", "unpack");
}

TEST(UnsupportedFormats, NamesOnnxInOtherForms) {
  expect_refusal("\x30\0\0\0ORTM...."s, "ONNX Runtime's own format (.ort)", "the ONNX file");
  expect_refusal(
      "<\n  ir_version: 8,\n  opset_import: [\"\" : 17]\n>\ng (float[N] x) => (float[N] y) {}",
      "ONNX's own text", "onnxtxt");
  expect_refusal("# a model\nir_version: 8\ngraph {\n}\n", "an ONNX model as protobuf text",
                 "textproto");
  expect_refusal("graph {\n  node {\n    op_type: \"Relu\"\n  }\n}\n", "as protobuf text",
                 "textproto");
  expect_refusal(R"({"irVersion": "8", "graph": {"node": []}})", "an ONNX model as JSON", "json");
}

TEST(UnsupportedFormats, NamesProgramsOfPyTorch) {
  expect_refusal("\x38\0\0\0ET12...."s, "an ExecuTorch program (.pte)", "torch.export.save");
  expect_refusal(R"({"graph_module": {"graph": {}}, "schema_version": {}})",
                 "a program of torch.export outside of its archive", "zip -0 -r");
}

TEST(UnsupportedFormats, NamesFormatsOfOtherFrameworks) {
  expect_refusal("// a comment\nmodule @net {\n  func.func @main() {\n  }\n}\n", "MLIR text",
                 "StableHLO");
  expect_refusal("#map = affine_map<(d0) -> (d0)>\nmodule {\n}\n", "MLIR text", "StableHLO");
  expect_refusal("ftrt\0\0\0\0"s, "a TensorRT engine", "compiled");
  expect_refusal("\x08\x01\x12\x60\x0A\x5E"s + std::string(94, 'x'), "a TensorFlow SavedModel",
                 "tf2onnx");
  expect_refusal("\x0A\x10\x0A\x01x\x12\x0BPlaceholder"s, "a TensorFlow graph (.pb)", "tf2onnx");
  expect_refusal("node {\n  name: \"x\"\n  op: \"Relu\"\n}\n", "a TensorFlow graph as text",
                 "tf2onnx");
  expect_refusal(R"({"format": "graph-model", "modelTopology": {}})", "a TensorFlow.js model",
                 "ONNX");
  expect_refusal(R"({"class_name": "Functional", "keras_version": "2.9"})", "a Keras model as JSON",
                 "ONNX");
  expect_refusal("\x08\x04\x12\x02\x0A\0\xA2\x1F\x02\x0A\0"s, "a Core ML model (.mlmodel)", "ONNX");
  expect_refusal(R"({"itemInfoEntries": {}})", "a Core ML package's manifest", "ONNX");
  expect_refusal("\x10\0\0\0CIR0...."s, "a Circle model", "ONNX");
  expect_refusal("\x0A\x0F\x08\0\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x1A\0"s,
                 "a PaddlePaddle program (.pdmodel)", "paddle2onnx");
  expect_refusal(R"({"base_code":{"magic":"pir","version":1}})", "a PaddlePaddle program as JSON",
                 "paddle2onnx");
  expect_refusal("7767517\n75 83\nInput data 0 1 data\n", "an ncnn model", "ONNX");
  expect_refusal("name: \"LeNet\"\nlayer {\n  name: \"data\"\n}\n", "a Caffe model", "ONNX");
  expect_refusal("RKNN\0\0\0\0"s, "an RKNN model", "compiled");
  expect_refusal("\x01HEF....", "a Hailo program", "compiled");
  expect_refusal("lmgg....", "a GGML file", "weights");
  expect_refusal(R"({"architectures": ["LlamaModel"]})", "a Hugging Face configuration",
                 "optimum-cli");
  expect_refusal(R"({"nodes": [], "arg_nodes": []})", "an MXNet model", "ONNX");
  expect_refusal("[net]\nheight=32\n", "a Darknet configuration", "ONNX");
  expect_refusal("\x7F"
                 "ELF\x02",
                 "a compiled program or library", "--plugin");
}

/// Kinds without bytes of their own, and files whose start was overwritten, are named by their
/// name.
TEST(UnsupportedFormats, NamesAFileByItsNameIfTheBytesDoNot) {
  expect_refusal("\x01\x02\x03", "a TensorRT engine by its name", "compiled", "dir/net.engine");
  expect_refusal("\x01\x02\x03", "PaddlePaddle's parameters by its name", "weights", "a.pdiparams");
  expect_refusal("\x01\x02\x03", "an MNN model by its name", "ONNX", "a.mnn");
  expect_refusal("\x01\x02\x03", "unknown file format", "", "a.engine/file");
  expect_refusal("import torch\n", "a Python script", "python:MODULE:FUNCTION", "nets.py");
  expect_refusal("\x01\x02\x03", "a GGUF file by its name", "fetch it again", "a.gguf");
  expect_refusal("\x01\x02\x03", "a safetensors file by its name", "fetch it again",
                 "a.safetensors");
}

class UnsupportedFolders : public ::testing::Test {
 protected:
  UnsupportedFolders() {
    std::string pattern = ::testing::TempDir() + "zoometer_folder_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~UnsupportedFolders() override { std::filesystem::remove_all(folder_); }

  void expect_refusal(std::initializer_list<const char*> files, const char* what,
                      const char* hint) const {
    SCOPED_TRACE(what);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    for (const char* file : files) {
      const std::filesystem::path path = folder_ / file;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << "content";
    }
    Graph graph;
    try {
      import_file(folder_.string(), {}, graph);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.place.model, folder_.string());
      EXPECT_THAT(error.what(), HasSubstr(what));
      EXPECT_THAT(error.hint, HasSubstr(hint));
    }
  }

  std::filesystem::path folder_;
};

TEST_F(UnsupportedFolders, AreNamed) {
  expect_refusal({"archive_format", "models/model.json", "data/weights/w"},
                 "an unpacked archive of torch.export", "zip -0 -r");
  expect_refusal({"serialized_exported_program.json"}, "an unpacked archive of torch.export",
                 "zip");
  expect_refusal({"saved_model.pb", "variables/variables.index"}, "a TensorFlow SavedModel",
                 "tf2onnx");
  expect_refusal({"Manifest.json", "Data/com.apple.CoreML/model.mlmodel"}, "a Core ML package",
                 "ONNX");
  expect_refusal({"config.json", "metadata.json", "model.weights.h5"}, "an unpacked Keras archive",
                 "ONNX");
  expect_refusal({"data.pkl", "code/__torch__.py", "data/0"}, "an unpacked TorchScript archive",
                 "torch.export");
  expect_refusal({"data.pkl", "data/0"}, "an unpacked PyTorch checkpoint", "torch.export");
  expect_refusal({"model_index.json", "unet/config.json"}, "a pipeline of Diffusers",
                 "optimum-cli");
  expect_refusal({"config.json", "model.safetensors"}, "a model of Hugging Face", "optimum-cli");
  expect_refusal({"config.json", "pytorch_model.bin"}, "a model of Hugging Face", "optimum-cli");
  expect_refusal({"inference.pdmodel", "inference.pdiparams"}, "a PaddlePaddle model",
                 "paddle2onnx");
  expect_refusal({"model.json", "group1-shard1of1.bin"}, "a TensorFlow.js model", "ONNX");
  expect_refusal({"MLmodel", "data/model.pth"}, "a model of MLflow", "data");
}

TEST_F(UnsupportedFolders, NameTheModelsInThem) {
  expect_refusal({"b.onnx", "a.pt2", "config.json"}, "it is a folder",
                 "name one of its files: a.pt2, b.onnx;");
  expect_refusal({"net.xml", "net.bin", "pom.xml"}, "it is a folder",
                 "name one of its files: net.xml;");
  expect_refusal({"1.onnx", "2.onnx", "3.onnx", "4.onnx", "5.onnx", "6.onnx"}, "it is a folder",
                 "1.onnx, 2.onnx, 3.onnx, 4.onnx, 5.onnx, ...;");
  expect_refusal({"a.txt"}, "it is a folder", "name a model's file in it");
}

/// docs/files.md lists every format that is named.
TEST(UnsupportedFormats, AreAllInTheDocumentation) {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/docs/files.md");
  std::string page(std::istreambuf_iterator<char>(file), {});
  std::ranges::replace(page, '\n', ' ');
  const auto without_article = [](std::string_view what) {
    return std::string(what.substr(what.starts_with("an ") ? 3 : what.starts_with("a ") ? 2 : 0));
  };
  for (const UnsupportedFormat& format : unsupported_formats())
    EXPECT_THAT(page, HasSubstr(without_article(format.what)));
  for (const UnsupportedFormat& folder : unsupported_folders())
    EXPECT_THAT(page, HasSubstr(without_article(folder.what)));
}

TEST(UnsupportedFormats, LocatesDamageInAZipArchive) {
  std::string bytes = zip_of({"net/data.pkl"});
  bytes.resize(bytes.size() - 4);
  const MappedFile file("file", bytes_of(bytes));
  Graph graph;
  try {
    import_file(file, {}, graph);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(name_of(error.code), name_of(ErrorCode::malformed));
    EXPECT_TRUE(error.place.byte_offset.has_value());
    EXPECT_EQ(error.place.model, "file");
  }
}

TEST(UnsupportedFormats, LeavesOtherFilesUnknown) {
  expect_refusal("just some text", "unknown file format", "");
  expect_refusal("", "unknown file format", "");
}

}  // namespace
}  // namespace zoometer
