#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// A model that is not built in, and how its graph is wanted.
struct OriginRequest {
  Origin origin;
  Variant variant = Variant::published;  ///< of torchvision's models
  std::vector<UserInput> inputs;         ///< empty: what the model itself declares
  std::vector<std::pair<std::string, std::int64_t>> dims;  ///< symbolic sizes of a file
  std::optional<std::int64_t> batch;  ///< replaces the first size of every input that is known
  std::string entry;                  ///< the model of an archive that holds several
  LiveOptions live;
};

/// What was read.
struct OriginAnswer {
  std::string source;   ///< "torchvision", "python", or the file's format
  std::string variant;  ///< empty where there are none
  std::vector<std::string> notes;
};

/// Reads the graph of a file, or asks the user's Python for it. Throws Error.
OriginAnswer load_origin(const OriginRequest& request, const Registry& registry, const Tell& tell,
                         Graph& graph);

/// Tries a model that is not built in; the finding bears no name yet.
Finding try_origin(const OriginRequest& request, const Registry& registry, const Tell& tell);

/// Tries one model of the user's own.
Finding try_own(const RegistryModel& model, const Registry& registry, const LiveOptions& live,
                const Tell& tell);

}  // namespace zoometer
