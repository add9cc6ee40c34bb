#pragma once

#include <optional>

#include "import/importer.hpp"
#include "models/language/configuration.hpp"

namespace zoometer {

/// Whether the file is the configuration of a model: a JSON object with the key `model_type`.
bool is_configuration(const MappedFile& file);

/// The settings of a configuration. Throws Error{malformed}, and Error{limit} for more than 16 MiB
/// or 64 objects in objects.
Setting read_configuration(const MappedFile& file);

/// The settings of a model that was read: of its configuration, or of the one beside its weights.
/// Nothing if there is none, as with GGUF files.
std::optional<Setting> settings_of(const ModelFile& file);

/// Traces the language model of these settings, with weights of the type that they name.
void trace_configuration(const Setting& settings, const TraceOptions& options, Graph& graph,
                         ImportNotes& notes);

}  // namespace zoometer
