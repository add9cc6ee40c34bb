#include <string>
#include <vector>

#include "import/entry.hpp"
#include "import/importer.hpp"
#include "import/torch/exported_program.hpp"
#include "util/zip.hpp"

// Archives of torch.export.save. torch 2.1 to 2.7 put a few files at the top level; torch 2.8 and
// later write a folder of any name, with one program for each model, and weights.

namespace zoometer {
namespace {

constexpr std::string_view old_program = "serialized_exported_program.json";
constexpr std::string_view marker = "archive_format";
constexpr std::string_view version = "pt2";

/// The folder of the newer layout, with its slash: the one of the marker file. Nothing without it.
std::optional<std::string_view> root_of(const ZipArchive& archive) {
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    // A larger marker is another one's: an archive may have thousands.
    if (entry.name.substr(start) != marker || entry.size != version.size()) continue;
    if (archive.read(entry).view() == version) return entry.name.substr(0, start);
  }
  return std::nullopt;
}

/// The entries of one program.
struct Location {
  const ZipEntry* program = nullptr;
  const ZipEntry* weights = nullptr;
  const ZipEntry* constants = nullptr;
};

/// The first entry with one of several names: releases of PyTorch renamed the configurations.
const ZipEntry* find_any(const ZipArchive& archive, std::initializer_list<std::string> names) {
  for (const std::string& name : names) {
    if (const ZipEntry* entry = archive.find(name)) return entry;
  }
  return nullptr;
}

std::vector<std::string_view> models_in(const ZipArchive& archive, std::string_view root) {
  constexpr std::string_view folder = "models/";
  constexpr std::string_view suffix = ".json";
  std::vector<std::string_view> models;
  for (const ZipEntry& entry : archive.entries()) {
    std::string_view name = entry.name;
    if (!name.starts_with(root)) continue;
    name.remove_prefix(root.size());
    if (!name.starts_with(folder) || !name.ends_with(suffix)) continue;
    name.remove_prefix(folder.size());
    models.push_back(name.substr(0, name.size() - suffix.size()));
  }
  return models;
}

std::string_view choose_model(const std::vector<std::string_view>& models,
                              const std::string& wanted) {
  for (const std::string_view model : models) {
    if (model == wanted || (wanted.empty() && models.size() == 1)) return model;
  }
  if (models.empty()) {
    Error error(ErrorCode::unsupported,
                "the archive has no program: it was compiled with AOTInductor, or is damaged");
    error.hint = "save the program itself with torch.export.save";
    throw error;
  }
  throw entry_error("the archive", "model", wanted,
                    std::vector<std::string>(models.begin(), models.end()));
}

Location locate(const ZipArchive& archive, const TraceOptions& options) {
  const auto root = root_of(archive);
  if (!root) return {archive.find(old_program), nullptr, nullptr};
  const std::string folder(*root);
  const std::string model(choose_model(models_in(archive, *root), options.entry));
  const std::string weights = folder + "data/weights/" + model;
  const std::string constants = folder + "data/constants/" + model;
  return {
      archive.find(folder + "models/" + model + ".json"),
      find_any(archive, {weights + "_weights_config.json", weights + "_model_param_config.json"}),
      find_any(archive,
               {constants + "_constants_config.json", constants + "_model_constants_config.json"}),
  };
}

/// The text of an entry, and the JSON parsed in it.
struct Document {
  ZipText text;
  JsonDocument json;

  Document(const ZipArchive& archive, const ZipEntry& entry)
      : text(archive.read(entry)),
        json(parse(text, entry)) {}

 private:
  static JsonDocument parse(ZipText& text, const ZipEntry& entry) {
    try {
      return JsonDocument(text);
    } catch (Error& error) {
      error.place.node = entry.name;
      throw;
    }
  }
};

bool recognises_pt2(const MappedFile& file) {
  if (!ZipArchive::recognises(file.bytes())) return false;
  try {
    const ZipArchive archive(file.bytes());
    return archive.find(old_program) != nullptr || root_of(archive).has_value();
  } catch (const Error&) {
    return false;  // not a valid archive: unsupported_formats reports what is wrong with it
  }
}

void read_pt2(const MappedFile& file, const TraceOptions& options, Graph& graph,
              ImportNotes& notes) {
  const ZipArchive archive(file.bytes());
  const Location location = locate(archive, options);
  if (location.program == nullptr)
    throw Error(ErrorCode::unsupported, "the archive contains no exported program");
  const Document program(archive, *location.program);
  std::optional<Document> weights;
  std::optional<Document> constants;
  if (location.weights != nullptr) weights.emplace(archive, *location.weights);
  if (location.constants != nullptr) constants.emplace(archive, *location.constants);

  ProgramParts parts;
  parts.program = &program.json.root();
  if (weights) parts.weights = &weights->json.root();
  if (constants) parts.constants = &constants->json.root();
  notes.format = "torch.export, schema " + schema_version(*parts.program);
  read_exported_program(parts, options, graph, notes);
}

}  // namespace

extern constinit const Importer pt2_importer = {
    "pt2", "Archives of torch.export.save (.pt2), of torch 2.1 and later.", recognises_pt2,
    read_pt2};

}  // namespace zoometer
