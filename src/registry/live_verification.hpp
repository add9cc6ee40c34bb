#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// The comparison of a built-in model with the one that the user's torchvision builds, both without
/// weights (variant "untrained") and with the same inputs.
struct LiveVerification {
  /// A figure of the native graph and PyTorch's figure, if it reports one.
  struct Pair {
    std::int64_t native = 0;
    std::optional<std::int64_t> live;
  };

  std::string model;
  std::string via;          ///< the tracer: "fx" or "export"; empty: only the state dict
  std::string not_traced;   ///< PyTorch's message if it made no graph
  std::string error;        ///< why nothing could be compared
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

/// Compares every model that both have and that matches the patterns (names with * and ?; none:
/// all), in the order of PyTorch's answers. Throws Error if no Python is usable.
std::vector<LiveVerification> verify_live(LiveSource& source, const Registry& registry,
                                          const std::vector<std::string>& patterns,
                                          const Progress& progress);

}  // namespace zoometer
