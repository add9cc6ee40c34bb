#pragma once

#include <memory>
#include <optional>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/zoometer.hpp"

namespace zoometer {

struct Network::State {
  std::string name, source, variant;
  std::vector<std::string> notes;
  Graph graph;
  std::optional<ModelFile> file = {};        ///< the file that the graph was read from
  std::shared_ptr<const State> origin = {};  ///< whose graph this one is an alias of, or null
};

/// A graph's inputs or outputs.
std::vector<TensorInfo> tensors_of(const Graph& graph, std::span<const Port> ports);
/// A model's declared inputs.
std::vector<TensorInfo> tensors_of(std::span<const InputSpec> inputs);

/// Traces a model that `source` added.
Network trace_network(const Model& model, std::string_view source, const TraceOptions& options);

/// Every module with its figures, in the order of `Network::modules()`.
std::vector<ModuleProfile> module_profiles(const Network& network, const Profile& profile);

/// The index of each module in `Network::modules()`, by module id.
std::vector<std::size_t> module_places(const Graph& graph);

}  // namespace zoometer
