#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/language/adapters.hpp"
#include "models/language/configuration.hpp"
#include "models/language/decoder.hpp"

namespace zoometer {

/// What `model_type` of a configuration stands for.
struct ModelType {
  std::string_view name;  ///< "qwen3_moe"
  ModelPlan (*plan)(const Configuration& config);
  bool is_whole = false;  ///< `plan` takes the whole file even where it has parts
};

/// Where remarks about a model go.
struct TraceNotes {
  std::vector<std::string>& assumed;  ///< what the graph takes for granted
  std::vector<std::string>& ignored;  ///< what the graph leaves out
};

/// The language models of one file.
struct Architecture {
  std::string_view name;     ///< "Qwen"
  std::string_view summary;  ///< where its sizes and names come from
  std::span<const ModelType> types;
};

/// Every architecture, by object name.
std::span<const Architecture* const> architectures() noexcept;

/// The model type of that name, or null.
const ModelType* find_model_type(std::string_view name) noexcept;

/// The plan of a model with its towers. Throws Error{unsupported} that names the model type or the
/// part that is not known.
ModelPlan plan_of(const Configuration& config, TraceNotes notes);

/// Traces the language model of a configuration into an empty graph, with an adapter on top of it.
/// Throws Error{unsupported} that names the model type or the part that is not known.
void trace_language_model(const Configuration& config, const Passage& passage, Graph& graph,
                          TraceNotes notes, const Adapters& adapters = {});

}  // namespace zoometer
