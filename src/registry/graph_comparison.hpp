#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "import/torch/fx.hpp"

namespace zoometer {

/// How two descriptions of one model, made in different ways, differ.
struct GraphComparison {
  std::size_t compared = 0;              ///< entries of the state dict, or modules
  std::vector<std::string> differences;  ///< a line each; empty: they agree

  bool agrees() const noexcept { return differences.empty(); }
};

/// Compares the state dict of a native graph with PyTorch's: names, kinds, dtypes, shapes, order.
GraphComparison compare_states(const Graph& native, const FxRecord& record);

/// Compares a native graph with the one that the live bridge wrote, in what must be alike whoever
/// traced the model: the module tree with its types, parameters and MACs of every module with its
/// children, the output shapes of every call of a module, and the model's outputs. What calls
/// returned is taken from the record, as calls that compute nothing leave no node; torch.export
/// tells of none, and then they are not compared.
GraphComparison compare_modules(const Graph& native, const Graph& live, const FxRecord& record);

}  // namespace zoometer
