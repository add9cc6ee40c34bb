#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// A request for the graph of a model that is not built in.
struct OriginRequest {
  Origin origin;
  Variant variant = Variant::published;                    ///< of torchvision's models
  std::vector<UserInput> inputs;                           ///< empty: as the model declares
  std::vector<std::pair<std::string, std::int64_t>> dims;  ///< symbolic sizes of a file
  std::optional<std::int64_t> batch;  ///< replaces the first size of every known input
  std::string entry;                  ///< the model in an archive with several models
  LiveOptions live;
};

/// What was read beside the graph.
struct OriginAnswer {
  std::string source;   ///< "torchvision", "python", or the file's format
  std::string variant;  ///< empty if there are no variants
  std::vector<std::string> notes;
};

/// Reads the graph from a file, or has the user's Python trace it. Throws Error.
OriginAnswer load_origin(const OriginRequest& request, const Registry& registry, const Tell& tell,
                         Graph& graph);

/// Tries a model that is not built in. The finding has no name yet.
Finding try_origin(const OriginRequest& request, const Registry& registry, const Tell& tell);

/// Tries a model of the user's registry.toml.
Finding try_own(const RegistryModel& model, const Registry& registry, const LiveOptions& live,
                const Tell& tell);

}  // namespace zoometer
