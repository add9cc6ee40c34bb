#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// A built-in model against the one that the user's torchvision builds, both without weights
/// (variant "untrained") and with the same inputs.
struct LiveVerification {
  /// A figure of the native graph and of PyTorch's; that is missing where PyTorch told none.
  struct Pair {
    std::int64_t native = 0;
    std::optional<std::int64_t> live;
  };

  std::string model;
  std::string via;          ///< "fx" or "export": what traced it; empty: the state dict alone
  std::string not_traced;   ///< why PyTorch gave no graph, in its own words
  std::string error;        ///< why nothing at all could be compared
  std::size_t states = 0;   ///< entries of the state dict that were compared
  std::size_t modules = 0;  ///< modules that were compared
  Pair parameters, macs;    ///< of the whole model
  std::vector<std::string> state_differences, graph_differences;

  bool has_graph() const noexcept { return !via.empty(); }
  bool states_agree() const noexcept { return error.empty() && state_differences.empty(); }
  bool graphs_agree() const noexcept {
    return error.empty() && has_graph() && graph_differences.empty();
  }
  bool agrees() const noexcept { return states_agree() && (!has_graph() || graphs_agree()); }
};

/// Compares every model that both have and that fits the patterns (names, with * and ?; all where
/// there are none), in the order in which PyTorch answers. Throws Error where no Python can be
/// taken.
std::vector<LiveVerification> verify_live(LiveSource& source, const Registry& registry,
                                          const std::vector<std::string>& patterns,
                                          const Progress& progress);

}  // namespace zoometer
