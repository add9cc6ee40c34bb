#include "import/weights/model_settings.hpp"

#include <algorithm>
#include <filesystem>

#include "import/language/config.hpp"
#include "import/language/zoo.hpp"
#include "import/weights/adapter.hpp"
#include "import/weights/comparison.hpp"
#include "import/weights/gguf_configuration.hpp"
#include "models/language/architecture.hpp"
#include "util/paths.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

/// One of several files of a model: "model-00001-of-00004.safetensors".
bool is_shard(const std::string& path) {
  const std::string name = fs::path(path).stem().string();
  const std::size_t of = name.rfind("-of-");
  return of != std::string::npos && of >= 5 &&
         name.find_first_not_of("0123456789", of + 4) == std::string::npos;
}

/// Whether the settings have a head of its own, and the graph, which follows the files, has none.
/// Throws Error{unsupported} for a model type that is not known.
bool lacks_head(const Setting& settings, const Graph& graph) {
  std::vector<std::string> noted;
  const ModelPlan plan = plan_of(Configuration(settings), {noted, noted});
  if (plan.head.empty() || plan.is_tied) return false;
  const std::string head = std::string(plan.head) + ".weight";
  return std::ranges::none_of(graph.parameters(), [&](const Parameter& parameter) {
    return graph.parameter_path(parameter) == head;
  });
}

std::optional<Setting> settings_of_gguf(const MappedFile& file, const StoredWeights& weights) {
  StoredWeights again;
  GgufMetadata metadata;
  read_gguf(file, again, metadata);
  std::string unknown;
  Setting settings = configuration_of(metadata, weights, unknown);
  return unknown.empty() ? std::optional(std::move(settings)) : std::nullopt;
}

}  // namespace

std::string configuration_beside(const std::string& path) {
  if (is_shard(path)) return {};
  std::string beside = (fs::path(path).parent_path() / "config.json").string();
  return is_file(beside) && is_configuration(MappedFile(beside)) ? beside : std::string();
}

std::optional<Setting> settings_of(const ModelFile& file, const Graph& graph) {
  if (const auto row = find_language_row(file.path)) {
    const MappedFile opened(file.path, std::as_bytes(std::span(row->config)));
    return is_configuration(opened) ? std::optional(read_configuration(opened)) : std::nullopt;
  }
  if (file.is_in_memory || !is_file(file.path)) return {};
  const MappedFile opened(file.path);
  if (file.weights != nullptr && is_gguf_file(opened))
    return settings_of_gguf(opened, *file.weights);
  if (file.weights == nullptr && file.path.ends_with(".safetensors") && is_adapter(file.path))
    return settings_of_base(file.path);
  const std::string path = file.weights != nullptr ? configuration_beside(file.path) : file.path;
  if (path.empty() || (file.weights == nullptr && !is_configuration(opened))) return {};
  Setting settings = read_configuration(MappedFile(path));
  add_quantisation_beside(path, settings);
  if (file.weights != nullptr) {
    std::vector<std::string> noted;
    take_sizes(*file.weights, settings, noted);
    const bool is_traced = !graph.nodes().empty();
    if (is_traced && lacks_head(settings, graph)) tie_embedding(settings);
  }
  return settings;
}

}  // namespace zoometer
