#pragma once

#include <string>
#include <vector>

#include "analysis/convention.hpp"
#include "zoometer/analysis/results.hpp"

namespace zoometer {

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
