#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/language/configuration.hpp"
#include "models/language/decoder.hpp"

namespace zoometer {

/// What `model_type` of a configuration stands for.
struct ModelType {
  std::string_view name;  ///< "qwen3_moe"
  DecoderPlan (*plan)(const Configuration& config);
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

/// Traces the language model of a configuration into an empty graph. `notes` gets what the graph
/// leaves out. Throws Error{unsupported} that names the model type or the part that is not known.
void trace_language_model(const Configuration& config, const Passage& passage, Graph& graph,
                          std::vector<std::string>& notes);

}  // namespace zoometer
