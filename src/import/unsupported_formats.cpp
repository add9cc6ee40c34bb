#include "import/unsupported_formats.hpp"

#include <algorithm>
#include <string>

#include "util/zip.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view export_hint =
    "export the model with torch.export.export and torch.export.save, or with torch.onnx.export";
constexpr std::string_view weights_hint =
    "it contains weights without a graph: profile the model by its name, or export it with "
    "torch.export.save or torch.onnx.export";

/// A file format that has no importer.
struct Format {
  std::string_view what;  ///< "a GGUF file"
  std::string_view hint;  ///< what to do instead
  bool (*recognises)(const MappedFile& file);
};

bool is_zip(const MappedFile& file) { return ZipArchive::recognises(file.bytes()); }

bool is_old_checkpoint(const MappedFile& file) {
  // A pickle of protocol 2 whose first object is the number 0x1950a86a20f9469cfc6c.
  using namespace std::string_view_literals;
  return file.text().starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv);
}

bool is_pickle(const MappedFile& file) {
  const std::string_view text = file.text();
  return text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5 && text.back() == '.';
}

bool is_safetensors(const MappedFile& file) {
  constexpr std::uint64_t largest = 100'000'000;  // the format's own limit for the header
  if (file.size() < 10 || file.text()[8] != '{') return false;
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(file.bytes()[i]);
  return length >= 2 && length <= largest && length <= file.size() - 8;
}

bool is_gguf(const MappedFile& file) { return file.text().starts_with("GGUF"); }

bool is_tflite(const MappedFile& file) {
  return file.size() >= 8 && file.text().substr(4, 4) == "TFL3";
}

bool is_hdf5(const MappedFile& file) { return file.text().starts_with("\x89HDF\r\n\x1a\n"); }

bool is_numpy(const MappedFile& file) { return file.text().starts_with("\x93NUMPY"); }

constexpr Format formats[] = {
    {"a zip archive", {}, is_zip},
    {"a PyTorch checkpoint in the format before torch 1.6 (.pth)", weights_hint, is_old_checkpoint},
    {"a Python pickle", export_hint, is_pickle},
    {"a safetensors file", weights_hint, is_safetensors},
    {"a GGUF file", weights_hint, is_gguf},
    {"a TensorFlow Lite model", "convert the model it was made from to ONNX", is_tflite},
    {"an HDF5 file, such as Keras writes", "export the model to ONNX", is_hdf5},
    {"a NumPy array", "it contains numbers without a graph", is_numpy},
};

[[noreturn]] void refuse(std::string_view what, std::string_view hint) {
  Error error(ErrorCode::unsupported, "the file is " + std::string(what) + ", which is not read");
  error.hint = hint;
  throw error;
}

/// The files inside show what a zip archive is. A damaged one throws Error with the place.
[[noreturn]] void refuse_zip(const MappedFile& file) {
  const ZipArchive archive(file.bytes());
  const auto has = [&](std::string_view part) {
    return std::any_of(
        archive.entries().begin(), archive.entries().end(),
        [&](const ZipEntry& entry) { return entry.name.find(part) != std::string_view::npos; });
  };
  if (has("data/aotinductor/"))
    refuse("an archive compiled with AOTInductor, without the program",
           "save the program itself with torch.export.save");
  if (has("/code/") && has("data.pkl"))
    refuse("a TorchScript archive, a pickled program", export_hint);
  if (has("data.pkl")) refuse("a PyTorch checkpoint (.pt, .pth), a pickle", weights_hint);
  if (has(".mlmodel")) refuse("a Core ML package", "convert the model it was made from to ONNX");
  if (has("config.json") && has("model.weights.h5"))
    refuse("a Keras archive", "export the model to ONNX");
  refuse("a zip archive without a known program", export_hint);
}

}  // namespace

void refuse_unsupported(const MappedFile& file) {
  const auto format = std::find_if(std::begin(formats), std::end(formats),
                                   [&](const Format& each) { return each.recognises(file); });
  if (format == std::end(formats)) throw Error(ErrorCode::unsupported, "unknown file format");
  if (format->recognises == is_zip) refuse_zip(file);
  refuse(format->what, format->hint);
}

}  // namespace zoometer
