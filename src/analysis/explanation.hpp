#pragma once

#include <string>
#include <vector>

#include "analysis/convention.hpp"

namespace zoometer {

/// One operator kind under every convention, in the order of `Explanation::columns`.
struct ExplainedOperator {
  std::string name;
  std::int64_t count = 0;
  std::int64_t macs = 0;
  std::int64_t input_elements = 0;   ///< of the first inputs
  std::int64_t output_elements = 0;  ///< of the first outputs
  std::vector<std::int64_t> costs;
};

/// Why tools disagree on a model.
struct Explanation {
  std::vector<const Convention*> columns;    ///< torchvision, torch and fvcore first
  std::vector<ExplainedOperator> operators;  ///< most MACs first
  ExplainedOperator total;
  /// What a column counts beside the products, or leaves out, in words; by column.
  std::vector<std::vector<std::string>> differences;
};

/// Counts a graph by every convention.
Explanation explain(const Graph& graph);

}  // namespace zoometer
