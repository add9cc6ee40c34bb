#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "import/importer.hpp"
#include "registry/live.hpp"

namespace zoometer {

/// A request for the graph of a model that is not built in.
struct OriginRequest {
  Origin origin;
  TraceOptions options;           ///< those of torchvision's models, families and files
  std::vector<UserInput> inputs;  ///< where `options` gives none; empty: what the model declares
  LiveOptions live;
};

/// What was read beside the graph.
struct OriginAnswer {
  std::string source;   ///< "torchvision", "python", or the file's format
  std::string variant;  ///< empty if there are no variants
  std::vector<std::string> notes;
  std::vector<std::string> ignored;    ///< what the graph does not have; these are in `notes`, too
  std::optional<ModelFile> file = {};  ///< the file that the graph was read from
  std::vector<SizeNames> input_sizes = {};  ///< as in ImportNotes
};

/// Reads the graph from a file, or has the user's Python trace it. Throws Error.
OriginAnswer load_origin(const OriginRequest& request, const Registry& registry,
                         const Notify& notify, Graph& graph);

/// The same for a file or a family, which need no Python.
OriginAnswer load_origin(const OriginRequest& request, Graph& graph);

/// Tries a model that is not built in. The finding has no name yet.
Finding try_origin(const OriginRequest& request, const Registry& registry, const Notify& notify);

/// Tries a model of the user's registry.toml.
Finding try_own(const RegistryModel& model, const Registry& registry, const LiveOptions& live,
                const Notify& notify);

/// What the cache has of a model of the user's registry.toml that Python makes, without running it;
/// nothing where that is out of date, or no Python is usable.
std::optional<Finding> remembered_own(const RegistryModel& model, const Registry& registry,
                                      const LiveOptions& live, Cache& cache);

}  // namespace zoometer
