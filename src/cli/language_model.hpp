#pragma once

#include <optional>

#include "cli/load.hpp"
#include "import/weights/model_settings.hpp"

namespace zoometer {

/// The file that the graph was read from, or null.
inline const ModelFile* file_of(const LoadedModel& model) {
  return model.file ? &*model.file : nullptr;
}

/// The configuration that the graph of a language model follows from; nothing for other models.
inline std::optional<Setting> settings_of(const LoadedModel& model, const Graph& graph) {
  return model.file ? settings_of(*model.file, graph) : std::nullopt;
}

}  // namespace zoometer
