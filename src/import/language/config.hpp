#pragma once

#include <string>

#include "import/importer.hpp"
#include "models/language/adapters.hpp"
#include "models/language/configuration.hpp"
#include "models/language/passage.hpp"
#include "models/language/shards.hpp"

namespace zoometer {

/// Whether the file is the configuration of a model: a JSON object with the key `model_type`.
bool is_configuration(const MappedFile& file);

/// The settings of a configuration. Throws Error{malformed}, and Error{limit} for more than 16 MiB
/// or 64 objects in objects.
Setting read_configuration(const MappedFile& file);

/// ModelOpt writes what it did into a file of its own beside the configuration,
/// hf_quant_config.json: adds it as `quantization_config`, if the settings have none.
void add_quantisation_beside(const std::string& path, Setting& settings);

/// Traces the language model of these settings, with weights of the type that they name and an
/// adapter on top of it.
void trace_configuration(const Setting& settings, const TraceOptions& options, Graph& graph,
                         ImportNotes& notes, const Adapters& adapters = {});
/// The same of one of the devices that share the model.
void trace_shard(const Setting& settings, const Passage& passage, const Shards& shards,
                 Graph& graph);

/// Gives the weights and activations of a graph that was declared in float32 the type that the
/// settings name. Corrections of routers and decays of states stay.
void store_weights_as_configured(const Setting& settings, Graph& graph);

}  // namespace zoometer
