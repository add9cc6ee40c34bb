#include "import/language/folder.hpp"

#include <filesystem>

#include "import/language/config.hpp"
#include "import/weights/safetensors_header.hpp"
#include "import/weights/safetensors_index.hpp"

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

/// And not a stand-in for them, such as a Git LFS pointer.
bool has_weights(const MappedFile& file) {
  return is_safetensors_file(file) || is_safetensors_index(file);
}

}  // namespace

std::string model_in(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem) || has_graph(path)) return {};
  std::string weights = weights_in(path);
  if (!weights.empty() && has_weights(MappedFile(weights))) return weights;
  std::string file = (fs::path(path) / "config.json").string();
  if (!fs::is_regular_file(file, problem)) return {};
  return is_configuration(MappedFile(file)) ? file : std::string();
}

}  // namespace zoometer
