// Files of formats without an importer: the message names the format and says what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/importer.hpp"
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

void expect_refusal(const std::string& bytes, const char* what, const char* hint) {
  SCOPED_TRACE(what);
  const MappedFile file("file", bytes_of(bytes));
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
  expect_refusal("\x10\0\0\0\0\0\0\0{\"a\":{}}        data"s, "safetensors", "weights");
  expect_refusal("GGUF\3\0\0\0"s, "GGUF", "weights");
  expect_refusal("\x1c\0\0\0TFL3...."s, "TensorFlow Lite", "ONNX");
  expect_refusal("\x89HDF\r\n\x1a\n....", "HDF5", "ONNX");
  expect_refusal("\x93NUMPY....", "NumPy", "numbers");
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
