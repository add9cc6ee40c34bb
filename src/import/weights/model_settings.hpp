#pragma once

#include <optional>

#include "import/importer.hpp"
#include "models/language/configuration.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// config.json beside a file of weights that has the whole model; empty if there is none.
std::string configuration_beside(const std::string& path);

/// The configuration that `graph` follows from, which was read from `file`: of config.json, of the
/// one beside weights with what these say otherwise, or of a GGUF file's keys. Nothing for other
/// models.
std::optional<Setting> settings_of(const ModelFile& file, const Graph& graph);

}  // namespace zoometer
