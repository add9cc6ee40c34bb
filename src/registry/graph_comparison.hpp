#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// How two graphs of one model, made in different ways, differ.
struct GraphComparison {
  std::size_t modules = 0;               ///< compared, by path
  std::vector<std::string> differences;  ///< a line each; empty: they agree

  bool agrees() const noexcept { return differences.empty(); }
};

/// Compares the native graph with one that the live bridge wrote, in what must be alike whoever
/// traced the model: the state dict (names, shapes, kinds), parameters and MACs of every module
/// with its children, the output shapes of every module's calls, and the outputs. `calls` are those
/// that PyTorch saw (FxRecord::module_calls), as calls that compute nothing leave no node; without
/// any the outputs of modules are not compared.
GraphComparison compare_with_live(const Graph& native, const Graph& live,
                                  std::span<const FxRecord::ModuleCall> calls);

/// Traces a built-in model natively and in the user's PyTorch, both without weights and with the
/// same inputs, and compares. Throws Error where one of them cannot be traced.
GraphComparison verify_live(LiveSource& source, const RegistryModel& model);

}  // namespace zoometer
