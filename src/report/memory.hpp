#pragma once

#include <string>

#include "analysis/memory.hpp"
#include "report/report.hpp"
#include "util/json_writer.hpp"

namespace zoometer {

/// The text of `profile --memory`: figures, the timeline as a plot of characters with the modules
/// below it, and the tensors alive at the peak.
std::string memory_text(const Graph& graph, const MemoryProfile& memory,
                        const ReportOptions& options);

/// The members of the JSON object "memory".
void write_memory(JsonWriter& json, const Graph& graph, const MemoryProfile& memory);

/// "batch_norm in layer1.0.bn1": a node, for people.
std::string node_text(const Graph& graph, NodeId node);

/// The members of a JSON object that refers to a node: its index, operator and module.
void write_node(JsonWriter& json, const Graph& graph, NodeId node);

}  // namespace zoometer
