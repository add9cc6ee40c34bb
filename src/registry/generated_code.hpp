#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/discovery.hpp"

namespace zoometer {

/// The version of torchvision whose models a discovery found; empty for another source.
std::string torchvision_of(const Discovery& discovery);

/// The traceable models of a discovery as source code that runs, grouped by family: "python" (a
/// dict of builders, and one of the models that no Python builds), "cpp" (an array of names) or
/// "toml" (a registry.toml with an entry for each model that is not built in).
std::string generate_code(const Discovery& discovery, const Registry& registry,
                          std::string_view language);

/// An entry [models.NAME] of a registry.toml: where the model comes from, and its inputs.
struct RegistryEntry {
  Origin origin;
  std::vector<UserInput> inputs;    ///< empty: what the model declares
  std::string_view family = "own";  ///< the key `group`
  Task task = Task::other;

  /// Its lines: "file = \"/net.onnx\"".
  std::vector<std::string> lines() const;
};

}  // namespace zoometer
