#include "import/unsupported_formats.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <protozero/pbf_reader.hpp>

#include "util/text.hpp"
#include "util/zip.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view export_hint =
    "export the model with torch.export.export and torch.export.save, or with torch.onnx.export";
constexpr std::string_view weights_hint =
    "it contains weights without a graph: profile the model by its name, or export it with "
    "torch.export.save or torch.onnx.export";
constexpr std::string_view damaged_hint =
    "its first bytes are not those of such a file: fetch it again";
constexpr std::string_view convert_hint = "convert the model it was made from to ONNX";
constexpr std::string_view compiled_hint =
    "it is compiled for one device: profile the ONNX model or the program it was made from";

// -- reading a little ---------------------------------------------------------------------------

bool starts_with(const MappedFile& file, std::string_view magic) {
  return file.text().starts_with(magic);
}

bool has_at(const MappedFile& file, std::size_t offset, std::string_view magic) {
  return file.size() >= offset && file.text().substr(offset).starts_with(magic);
}

/// The start of a text, without a byte order mark and spaces. Nothing for other files.
std::string_view text_start(const MappedFile& file) {
  constexpr std::size_t enough = 65'536;
  std::string_view text = file.text().substr(0, enough);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const bool is_text = std::ranges::none_of(
      text, [](char c) { return c >= 0 && c < ' ' && std::strchr("\t\n\r\f", c) == nullptr; });
  if (!is_text) return {};
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  return text;
}

/// The same without the comments before the first line of substance.
std::string_view code_start(const MappedFile& file, std::string_view comment) {
  std::string_view text = text_start(file);
  while (text.starts_with(comment)) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  }
  return text;
}

bool starts_with_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.starts_with(word); });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Whether the file is a JSON object with one of these keys near its start.
bool is_json_with(const MappedFile& file, std::initializer_list<std::string_view> keys) {
  const std::string_view text = text_start(file);
  return text.starts_with('{') &&
         std::ranges::any_of(keys, [&](std::string_view key) { return contains(text, key); });
}

/// The first line of a text from `key` on, without the key.
std::string_view line_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find_first_of("\r\n"));
}

/// Calls `take(number, is_block, block)` for the first fields of a protobuf message until it
/// returns false. Returns false if the bytes are no such message.
template <class Take>
bool read_fields(std::string_view bytes, Take take) {
  try {
    protozero::pbf_reader message(bytes.data(), bytes.size());
    for (int count = 0; count < 64 && message.next(); ++count) {
      const std::uint32_t number = message.tag();
      const bool is_block = message.wire_type() == protozero::pbf_wire_type::length_delimited;
      std::string_view block;
      if (is_block) {
        const protozero::data_view view = message.get_view();
        block = {view.data(), view.size()};
      } else {
        message.skip();
      }
      if (!take(number, is_block, block)) break;
    }
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

// -- stand-ins for a file, and archives around it -----------------------------------------------

bool is_lfs_pointer(const MappedFile& file) {
  return starts_with(file, "version https://git-lfs.github.com/spec/") ||
         starts_with(file, "version https://hawser.github.com/spec/");
}

std::string lfs_size(const MappedFile& file) {
  const std::string_view digits = line_after(file.text().substr(0, 1024), "\nsize ");
  std::int64_t size = -1;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (read.ec != std::errc() || size < 0) return {};
  return fmt::format(" of a file of {} bytes", size);
}

bool is_annex_pointer(const MappedFile& file) {
  return file.size() < 32'768 &&
         (starts_with(file, "/annex/objects/") || contains(file.text(), ".git/annex/objects/"));
}

bool is_web_page(const MappedFile& file) {
  constexpr std::string_view starts[] = {"<!DOCTYPE html", "<!doctype html", "<html", "<HTML"};
  return starts_with_any(text_start(file), starts);
}

bool is_gzip(const MappedFile& file) { return starts_with(file, "\x1F\x8B"); }
bool is_zstd(const MappedFile& file) { return starts_with(file, "\x28\xB5\x2F\xFD"); }
bool is_xz(const MappedFile& file) { return starts_with(file, "\xFD\x37zXZ\0"sv); }
bool is_bzip2(const MappedFile& file) {
  return starts_with(file, "BZh") && has_at(file, 4, "\x31\x41\x59\x26\x53\x59");
}
bool is_seven_zip(const MappedFile& file) { return starts_with(file, "7z\xBC\xAF\x27\x1C"); }
bool is_lz4(const MappedFile& file) { return starts_with(file, "\x04\x22\x4D\x18"); }
bool is_rar(const MappedFile& file) { return starts_with(file, "Rar!\x1A\x07"); }
bool is_tar(const MappedFile& file) { return has_at(file, 257, "ustar"); }

std::string first_in_tar(const MappedFile& file) {
  std::string_view name = file.text().substr(0, 100);
  name = name.substr(0, name.find('\0'));
  return name.empty() ? std::string() : fmt::format(" with {}", escape_controls(to_utf8(name)));
}

bool is_zip(const MappedFile& file) { return ZipArchive::recognises(file.bytes()); }

// -- PyTorch ------------------------------------------------------------------------------------

bool is_old_checkpoint(const MappedFile& file) {
  // A pickle of protocol 2 whose first object is the number 0x1950a86a20f9469cfc6c.
  return starts_with(file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv);
}

bool is_pickle(const MappedFile& file) {
  const std::string_view text = file.text();
  return text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5 && text.back() == '.';
}

bool is_executorch(const MappedFile& file) {
  return has_at(file, 4, "ET") && file.size() >= 8 && isdigit(file.text()[6]) != 0 &&
         isdigit(file.text()[7]) != 0;
}

bool is_program_json(const MappedFile& file) {
  const std::string_view text = text_start(file);
  return text.starts_with('{') && contains(text.substr(0, 64), "\"graph_module\"");
}

bool is_python(const MappedFile& file) {
  return file.path().ends_with(".py") && !text_start(file).empty();
}

// -- ONNX in other forms ------------------------------------------------------------------------

bool is_ort(const MappedFile& file) { return has_at(file, 4, "ORTM"); }

bool is_onnx_text(const MappedFile& file) {
  const std::string_view text = code_start(file, "//");
  return text.starts_with('<') && (contains(text.substr(0, 256), "ir_version") ||
                                   contains(text.substr(0, 256), "opset_import"));
}

bool is_onnx_textproto(const MappedFile& file) {
  constexpr std::string_view starts[] = {"ir_version:", "opset_import {", "opset_import{",
                                         "producer_name:"};
  const std::string_view text = code_start(file, "#");
  return starts_with_any(text, starts) ||
         (text.starts_with("graph {") && contains(text, "op_type:"));
}

bool is_onnx_json(const MappedFile& file) {
  return is_json_with(file, {"\"irVersion\"", "\"ir_version\"", "\"opsetImport\""});
}

// -- other frameworks ---------------------------------------------------------------------------

bool is_ggml(const MappedFile& file) {
  constexpr std::string_view magics[] = {"lmgg", "fmgg", "tjgg", "algg"};  // little-endian numbers
  return starts_with_any(file.text(), magics);
}

bool is_hugging_face_config(const MappedFile& file) {
  return is_json_with(file, {"\"model_type\"", "\"transformers_version\"", "\"architectures\""});
}

bool is_tflite(const MappedFile& file) {
  return has_at(file, 4, "TFL") && file.size() >= 8 && isdigit(file.text()[7]) != 0;
}

bool is_circle(const MappedFile& file) { return has_at(file, 4, "CIR0"); }

/// schema version, then MetaGraphDefs, the first of which begins with its MetaInfoDef.
bool is_saved_model(const MappedFile& file) {
  bool has_graph = false;
  const bool is_message =
      read_fields(file.text(), [&](std::uint32_t number, bool is_block, std::string_view block) {
        if (number == 1) return !is_block;
        has_graph = number == 2 && is_block && block.starts_with('\x0A') && block.size() > 64;
        return false;
      });
  return is_message && has_graph && starts_with(file, "\x08\x01\x12");
}

/// NodeDefs: a name and an operator each.
bool is_frozen_graph(const MappedFile& file) {
  bool has_node = false;
  const auto is_word = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
  };
  read_fields(file.text(), [&](std::uint32_t number, bool is_block, std::string_view node) {
    bool has_name = false;
    if (number == 1 && is_block)
      read_fields(node, [&](std::uint32_t field, bool is_text, std::string_view text) {
        if (field == 1 && is_text && is_word(text)) return has_name = true;
        has_node = has_name && field == 2 && is_text && is_word(text) && isupper(text[0]) != 0;
        return false;
      });
    return false;
  });
  return has_node;
}

bool is_saved_model_text(const MappedFile& file) {
  constexpr std::string_view starts[] = {"saved_model_schema_version:", "node {", "node{"};
  return starts_with_any(code_start(file, "#"), starts);
}

bool is_tensorflow_js(const MappedFile& file) {
  return is_json_with(file, {"\"modelTopology\"", "\"weightsManifest\""});
}

bool is_hdf5(const MappedFile& file) { return starts_with(file, "\x89HDF\r\n\x1a\n"); }

bool is_keras_json(const MappedFile& file) {
  return is_json_with(file, {"\"keras_version\"", "\"class_name\": \"Functional\"",
                             "\"class_name\": \"Sequential\""});
}

/// The version of the specification, a description, and then a kind of model, from field 200 on.
bool is_core_ml(const MappedFile& file) {
  bool has_version = false;
  bool has_kind = false;
  const bool is_message =
      read_fields(file.text(), [&](std::uint32_t number, bool is_block, std::string_view) {
        if (number == 1) return has_version = !is_block;
        has_kind |= number >= 200 && number < 4096 && is_block;
        return has_version && !has_kind && (number == 2 || number == 10);
      });
  return is_message && has_version && has_kind;
}

bool is_core_ml_manifest(const MappedFile& file) {
  return is_json_with(file, {"\"itemInfoEntries\""});
}

bool is_mlir_text(const MappedFile& file) {
  constexpr std::string_view starts[] = {
      "module", "builtin.module", "\"builtin.module\"", "func.func",
      "#map",   "#loc",           "\"func.func\"",      "{-#",
      "!",      "vm.module",      "ml_program"};
  const std::string_view text = code_start(file, "//");
  if (!starts_with_any(text, starts)) return false;
  return contains(text, "func.func") || contains(text, "attributes {") ||
         contains(text, "module {") || contains(text, "module @");
}

bool is_tensorrt(const MappedFile& file) {
  return starts_with(file, "ftrt") || starts_with(file, "ptrt");
}

/// The first block of a program: its index 0, and -1 for its parent.
bool is_paddle_program(const MappedFile& file) {
  bool is_first_block = false;
  read_fields(file.text(), [&](std::uint32_t number, bool is_block, std::string_view block) {
    is_first_block = number == 1 && is_block &&
                     block.starts_with("\x08\x00\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"sv);
    return false;
  });
  return is_first_block;
}

bool is_paddle_json(const MappedFile& file) { return is_json_with(file, {"\"magic\":\"pir\""}); }

bool is_ncnn(const MappedFile& file) {
  return text_start(file).starts_with("7767517") || starts_with(file, "\xDD\x85\x76\x00"sv);
}

bool is_caffe_text(const MappedFile& file) {
  const std::string_view text = code_start(file, "#");
  constexpr std::string_view starts[] = {
      "name:", "layer", "input:", "input_shape", "force_backward", "state"};
  const bool has_layer = contains(text, "layer {") || contains(text, "layers {") ||
                         contains(text, "layer{") || contains(text, "layers{");
  return starts_with_any(text, starts) && has_layer;
}

bool is_rknn(const MappedFile& file) {
  return starts_with(file, "RKNN") || starts_with(file, "CYPTRKNN");
}

bool is_hailo(const MappedFile& file) { return starts_with(file, "\x01HEF"); }

bool is_mxnet(const MappedFile& file) {
  return is_json_with(file, {"\"mxnet_version\"", "\"arg_nodes\""}) ||
         starts_with(file, "\x12\x01\0\0\0\0\0\0"sv);
}

bool is_darknet(const MappedFile& file) { return code_start(file, "#").starts_with("[net]"); }

bool is_numpy(const MappedFile& file) { return starts_with(file, "\x93NUMPY"); }

bool is_program_binary(const MappedFile& file) {
  return starts_with(file, "\x7F"
                           "ELF");
}

bool never(const MappedFile&) { return false; }

constexpr UnsupportedFormat formats[] = {
    {"a Git LFS pointer", "fetch it with git lfs pull", is_lfs_pointer, lfs_size},
    {"a git-annex pointer", "fetch it with git annex get", is_annex_pointer},
    {"a web page", "download the model's own file, for example with the link named raw or download",
     is_web_page},
    {"a gzip archive", "unpack it first, with gunzip", is_gzip},
    {"a Zstandard archive", "unpack it first, with unzstd", is_zstd},
    {"an xz archive", "unpack it first, with unxz", is_xz},
    {"a bzip2 archive", "unpack it first, with bunzip2", is_bzip2},
    {"an LZ4 archive", "unpack it first, with unlz4", is_lz4},
    {"a 7z archive", "unpack it first, with 7z x", is_seven_zip},
    {"a RAR archive", "unpack it first, with unrar x", is_rar},
    {"a tar archive", "unpack it first, with tar xf", is_tar, first_in_tar},
    {"a zip archive", {}, is_zip},
    {"a PyTorch checkpoint in the format before torch 1.6 (.pth)", weights_hint, is_old_checkpoint},
    {"a Python pickle", export_hint, is_pickle},
    {"an ExecuTorch program (.pte)",
     "profile the exported program that it was made from: save it with torch.export.save",
     is_executorch, nullptr, " .pte "},
    {"a program of torch.export outside of its archive",
     "pack the folder it is from again: cd FOLDER && zip -0 -r ../model.pt2 .", is_program_json},
    {"a Python script", "profile it as python:MODULE:FUNCTION", is_python},
    {"a model in ONNX Runtime's own format (.ort)", "profile the ONNX file it was converted from",
     is_ort, nullptr, " .ort "},
    {"an ONNX model as ONNX's own text",
     "make it binary: onnx.save(onnx.load(FILE, format=\"onnxtxt\"), \"model.onnx\")", is_onnx_text,
     nullptr, " .onnxtxt .onnxtext "},
    {"an ONNX model as protobuf text",
     "make it binary: onnx.save(onnx.load(FILE, format=\"textproto\"), \"model.onnx\")",
     is_onnx_textproto, nullptr, " .textproto .onnx.txt "},
    {"an ONNX model as JSON",
     "make it binary: onnx.save(onnx.load(FILE, format=\"json\"), \"model.onnx\")", is_onnx_json,
     nullptr, " .onnxjson "},
    {"a safetensors file", damaged_hint, never, nullptr, " .safetensors "},
    {"a GGUF file", damaged_hint, never, nullptr, " .gguf "},
    {"a GGML file, from before GGUF", weights_hint, is_ggml, nullptr, " .ggml "},
    {"a Keras model as JSON", "export the model to ONNX", is_keras_json},
    {"a TensorFlow.js model", convert_hint, is_tensorflow_js},
    {"a Core ML package's manifest", convert_hint, is_core_ml_manifest},
    {"a PaddlePaddle program as JSON", "convert it with paddle2onnx", is_paddle_json},
    {"an MXNet model", convert_hint, is_mxnet},
    {"a Hugging Face configuration",
     "it has no graph: export the model with optimum-cli export onnx --model NAME FOLDER",
     is_hugging_face_config},
    {"a TensorFlow Lite model", convert_hint, is_tflite, nullptr, " .tflite "},
    {"a Circle model", convert_hint, is_circle, nullptr, " .circle "},
    {"a TensorFlow SavedModel",
     "convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx",
     is_saved_model},
    {"a TensorFlow graph as text", "convert the model to ONNX with tf2onnx", is_saved_model_text,
     nullptr, " .pbtxt "},
    {"an HDF5 file, such as Keras writes", "export the model to ONNX", is_hdf5, nullptr,
     " .h5 .hdf5 "},
    {"a Core ML model (.mlmodel)", convert_hint, is_core_ml, nullptr, " .mlmodel "},
    {"MLIR text", "only StableHLO programs are read: lower the program to that dialect first",
     is_mlir_text, nullptr, " .mlir "},
    {"a TensorRT engine", compiled_hint, is_tensorrt, nullptr, " .engine .plan .trt "},
    {"a PaddlePaddle program (.pdmodel)", "convert it with paddle2onnx", is_paddle_program, nullptr,
     " .pdmodel "},
    {"PaddlePaddle's parameters", weights_hint, never, nullptr, " .pdiparams .pdparams "},
    {"a TensorFlow graph (.pb)", "convert it with tf2onnx", is_frozen_graph, nullptr, " .pb "},
    {"an ncnn model", convert_hint, is_ncnn, nullptr, " .param .ncnn "},
    {"a Caffe model", convert_hint, is_caffe_text, nullptr, " .prototxt .caffemodel "},
    {"an RKNN model", compiled_hint, is_rknn, nullptr, " .rknn "},
    {"a Hailo program", compiled_hint, is_hailo, nullptr, " .hef "},
    {"an MNN model", convert_hint, never, nullptr, " .mnn "},
    {"a Darknet configuration", convert_hint, is_darknet},
    {"a NumPy array", "it contains numbers without a graph", is_numpy, nullptr, " .npy "},
    {"a compiled program or library", "a plug-in is loaded with --plugin FILE", is_program_binary},
};

[[noreturn]] void refuse(std::string_view what, std::string_view hint) {
  Error error(ErrorCode::unsupported, fmt::format("the file is {}, which is not read", what));
  error.hint = hint;
  throw error;
}

/// The first entry whose name ends like a model's.
std::string_view model_in(const ZipArchive& archive) {
  constexpr std::string_view endings[] = {".onnx", ".pt2", ".tflite", ".ort",         ".pte", ".pt",
                                          ".pth",  ".pb",  ".gguf",   ".safetensors", ".h5"};
  for (const ZipEntry& entry : archive.entries()) {
    for (const std::string_view ending : endings) {
      if (entry.name.ends_with(ending)) return entry.name;
    }
  }
  return {};
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
  if (has(".mlmodel")) refuse("a Core ML package", convert_hint);
  if (has("config.json") && has("model.weights.h5"))
    refuse("a Keras archive", "export the model to ONNX");
  if (has("MAR-INF/MANIFEST.json"))
    refuse("a TorchServe archive", "unpack it first: it is a zip archive");
  if (const std::string_view model = model_in(archive); !model.empty())
    refuse(fmt::format("a zip archive around {}", escape_controls(to_utf8(model))),
           "unpack it first, with unzip");
  if (has(".npy")) refuse("a NumPy archive (.npz)", "it contains numbers without a graph");
  refuse("a zip archive without a known program", export_hint);
}

/// The format that the name's end suggests, or null.
const UnsupportedFormat* format_by_name(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || contains(path.substr(dot), "/")) return nullptr;
  const std::string ending = fmt::format(" {} ", path.substr(dot));
  const auto format = std::ranges::find_if(
      formats, [&](const UnsupportedFormat& each) { return contains(each.extensions, ending); });
  return format == std::end(formats) ? nullptr : format;
}

}  // namespace

std::span<const UnsupportedFormat> unsupported_formats() noexcept { return formats; }

void refuse_unsupported(const MappedFile& file) {
  const auto format = std::ranges::find_if(
      formats, [&](const UnsupportedFormat& each) { return each.recognises(file); });
  if (format == std::end(formats)) {
    const UnsupportedFormat* by_name = format_by_name(file.path());
    if (by_name == nullptr) throw Error(ErrorCode::unsupported, "unknown file format");
    refuse(fmt::format("{} by its name", by_name->what), by_name->hint);
  }
  if (format->recognises == is_zip) refuse_zip(file);
  const std::string detail = format->detail == nullptr ? std::string() : format->detail(file);
  refuse(fmt::format("{}{}", format->what, detail), format->hint);
}

}  // namespace zoometer
