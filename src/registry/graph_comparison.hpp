#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "import/torch/fx.hpp"

namespace zoometer {

/// The differences between two descriptions of a model.
struct GraphComparison {
  std::size_t compared = 0;              ///< entries of the state dict, or modules
  std::vector<std::string> differences;  ///< one line each; empty: they agree

  bool agrees() const noexcept { return differences.empty(); }
};

/// Compares the state dict of a native graph with PyTorch's: names, kinds, dtypes, shapes, order.
GraphComparison compare_states(const Graph& native, const FxRecord& record);

/// Compares a native graph with the one that the live bridge wrote, in everything that does not
/// depend on how the model was traced: the module tree with types, the parameters, the MACs and the
/// cost by each tool's convention of each module with its children, the output shapes of every
/// module call, and the model's outputs. Costs are not compared where sizes depend on data. The
/// outputs of calls come from the record, since calls that compute nothing have no node.
/// torch.export does not report calls; then they are not compared.
GraphComparison compare_modules(const Graph& native, const Graph& live, const FxRecord& record);

}  // namespace zoometer
