#include "import/language/folder.hpp"

#include <filesystem>

#include "import/importer.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr int most_looked_at = 10'000;  // the folder may be a whole disk

bool has_graph(const std::string& folder) {
  std::error_code problem;
  fs::directory_iterator entry(folder, problem);
  for (int i = 0; i < most_looked_at && !problem && entry != fs::directory_iterator(); ++i) {
    const std::string extension = entry->path().extension().string();
    if (extension == ".onnx" || extension == ".pt2") return true;
    entry.increment(problem);
  }
  return false;
}

bool is_language_model(const MappedFile& file) {
  for (const Importer* importer : importers()) {
    if (importer->name == "language") return importer->recognises(file);
  }
  return false;
}

}  // namespace

std::string configuration_in(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return {};
  std::string file = (fs::path(path) / "config.json").string();
  if (!fs::is_regular_file(file, problem) || has_graph(path)) return {};
  return is_language_model(MappedFile(file)) ? file : std::string();
}

}  // namespace zoometer
