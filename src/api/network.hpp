#pragma once

#include <memory>

#include "zoometer/ir/graph.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/zoometer.hpp"

namespace zoometer {

struct Network::State {
  std::string name, source, variant;
  std::vector<std::string> notes;
  Graph graph;
};

/// A graph's inputs or outputs as public types.
std::vector<TensorInfo> tensors_of(const Graph& graph, std::span<const Port> ports);
/// A model's declared inputs.
std::vector<TensorInfo> tensors_of(std::span<const InputSpec> inputs);

/// Traces a model that `source` added.
Network trace_network(const Model& model, std::string_view source, const TraceOptions& options);

}  // namespace zoometer
