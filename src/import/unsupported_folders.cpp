// Folders instead of a model's file: unpacked archives, and formats of several files.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "import/unsupported_formats.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_entries = 10'000;  // the folder may be a whole disk
constexpr std::size_t most_named = 5;

constexpr std::string_view pack_hint = "pack it again: cd FOLDER && zip -0 -r ../model.pt2 .";
constexpr std::string_view tensorflow_hint =
    "convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx";
constexpr std::string_view optimum_hint =
    "it has no graph: export it with optimum-cli export onnx --model FOLDER OUTPUT";
constexpr std::string_view folder_convert_hint = "convert the model it was made from to ONNX";
constexpr std::string_view folder_export_hint =
    "export the model with torch.export.export and torch.export.save, or with torch.onnx.export";

enum class FolderKind : std::uint8_t {
  program,
  saved_model,
  core_ml,
  keras,
  torch_script,
  checkpoint,
  diffusers,
  hugging_face,
  paddle,
  tensorflow_js,
  mlflow,
};

constexpr UnsupportedFormat folder_kinds[] = {
    {"an unpacked archive of torch.export", pack_hint},
    {"a TensorFlow SavedModel", tensorflow_hint},
    {"a Core ML package (.mlpackage)", folder_convert_hint},
    {"an unpacked Keras archive", "export the model to ONNX"},
    {"an unpacked TorchScript archive", folder_export_hint},
    {"an unpacked PyTorch checkpoint", folder_export_hint},
    {"a pipeline of Diffusers", optimum_hint},
    {"a model of Hugging Face", optimum_hint},
    {"a PaddlePaddle model", "convert it with paddle2onnx"},
    {"a TensorFlow.js model", folder_convert_hint},
    {"a model of MLflow", "profile the model's file in its folder data"},
};

/// The files that show what a folder is: paths, or "*.bin" for any file of that ending.
struct FolderRule {
  FolderKind kind;
  std::array<std::string_view, 2> files;
};

constexpr FolderRule folder_rules[] = {
    {FolderKind::program, {"archive_format", "models"}},
    {FolderKind::program, {"serialized_exported_program.json"}},
    {FolderKind::program, {"models/model.json", "data"}},
    {FolderKind::saved_model, {"saved_model.pb"}},
    {FolderKind::saved_model, {"saved_model.pbtxt"}},
    {FolderKind::core_ml, {"Manifest.json", "Data/com.apple.CoreML"}},
    {FolderKind::keras, {"config.json", "model.weights.h5"}},
    {FolderKind::torch_script, {"data.pkl", "code"}},
    {FolderKind::checkpoint, {"data.pkl", "data"}},
    {FolderKind::diffusers, {"model_index.json"}},
    {FolderKind::hugging_face, {"config.json", "*.safetensors"}},
    {FolderKind::hugging_face, {"config.json", "pytorch_model.bin"}},
    {FolderKind::hugging_face, {"config.json", "tokenizer_config.json"}},
    {FolderKind::hugging_face, {"config.json", "tokenizer.json"}},
    {FolderKind::paddle, {"*.pdmodel"}},
    {FolderKind::paddle, {"*.pdiparams"}},
    {FolderKind::tensorflow_js, {"model.json", "group1-shard1of1.bin"}},
    {FolderKind::mlflow, {"MLmodel"}},
};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  fs::directory_iterator entry(folder, problem);
  for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
    if (names.size() == most_entries) break;
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names, natural_less);
  return names;
}

bool has_file(const std::string& folder, std::span<const std::string> names,
              std::string_view wanted) {
  if (wanted.starts_with('*')) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return name.ends_with(wanted.substr(1)); });
  }
  std::error_code problem;
  return fs::exists(fs::path(folder) / wanted, problem);
}

/// XML is a model of OpenVINO's if its constants are beside it.
bool is_model(const std::string& name, const std::vector<std::string>& names) {
  if (name.ends_with(".xml"))
    return std::ranges::count(names, name.substr(0, name.size() - 4) + ".bin") > 0;
  return name.ends_with(".onnx") || name.ends_with(".pt2");
}

/// "a.onnx, b.onnx", or empty.
std::string models_among(const std::vector<std::string>& names) {
  std::string list;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (!is_model(name, names)) continue;
    if (++count > most_named) return fmt::format("{}, ...", list);
    list = fmt::format("{}{}{}", list, list.empty() ? "" : ", ", escape_controls(to_utf8(name)));
  }
  return list;
}

[[noreturn]] void refuse_as(ErrorCode code, const std::string& path, std::string text,
                            std::string hint) {
  Error error(code, std::move(text));
  error.place.model = path;
  error.hint = std::move(hint);
  throw error;
}

}  // namespace

std::span<const UnsupportedFormat> unsupported_folders() noexcept { return folder_kinds; }

void refuse_folder(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return;
  const std::vector<std::string> names = names_in(path);
  if (const std::string models = models_among(names); !models.empty()) {
    refuse_as(ErrorCode::io, path, "cannot read the file: it is a folder",
              fmt::format("name one of its files: {}; or discover --source FOLDER tries them all",
                          models));
  }
  for (const FolderRule& rule : folder_rules) {
    const bool fits = std::ranges::all_of(rule.files, [&](std::string_view wanted) {
      return wanted.empty() || has_file(path, names, wanted);
    });
    if (!fits) continue;
    const UnsupportedFormat& kind = folder_kinds[static_cast<std::size_t>(rule.kind)];
    refuse_as(ErrorCode::unsupported, path,
              fmt::format("the folder is {}, which is not read", kind.what),
              std::string(kind.hint));
  }
  refuse_as(ErrorCode::io, path, "cannot read the file: it is a folder",
            "name a model's file in it");
}

}  // namespace zoometer
