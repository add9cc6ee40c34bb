#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// What the parameters of a language model are for (docs/language_models.md). Buffers that files
/// have count as parameters, as in published totals: corrections of routers.
struct ParameterCounts {
  std::int64_t unique = 0;  ///< each tensor once
  std::int64_t active = 0;  ///< of `unique`: those that a token passes, k of E experts
  /// The same without the input embedding, unless the head shares it.
  std::int64_t active_without_embeddings = 0;
  std::map<std::string_view, std::int64_t> by_role;   ///< "attention": parameters
  std::map<std::string_view, std::int64_t> by_dtype;  ///< of parameters and stored buffers
  std::int64_t bytes = 0;                             ///< of parameters and stored buffers
};

/// Throws Error{overflow}.
ParameterCounts count_parameters(const Graph& graph);

}  // namespace zoometer
