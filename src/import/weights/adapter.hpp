#pragma once

#include <optional>
#include <string>

#include "import/importer.hpp"
#include "import/weights/stored_weights.hpp"
#include "models/language/configuration.hpp"

namespace zoometer {

/// Whether weights are an adapter of PEFT: adapter_config.json is beside them.
bool is_adapter(const std::string& path);

/// The configuration of the model that an adapter changes: in the folder that adapter_config.json
/// names, in a cache of the hub on this machine, or that of a language model of the registry.
/// Nothing if it is not on this machine.
std::optional<Setting> settings_of_base(const std::string& path);

/// Traces the model that an adapter changes (LoRA: Hu and others, 2021) with the adapter's
/// products, and adds its other tensors to the modules that they change. False, with a note, where
/// that model is not on this machine. Products of experts and of latent attention are noted as
/// ignored.
bool trace_adapter(const std::string& path, const StoredWeights& weights,
                   const TraceOptions& options, Graph& graph, ImportNotes& notes);

}  // namespace zoometer
