#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.hpp"

namespace zoometer {

/// What a graph is written from.
struct GraphInput {
  const Graph& graph;
  std::string model;               ///< a model's name or a file's path
  std::string source;              ///< "builtin", "onnx", ...
  std::string variant;             ///< "published", "untrained", or empty
  std::vector<std::string> notes;  ///< assumptions that the graph rests on
};

/// Which data the parameters of a written model have.
enum class WeightData : std::uint8_t {
  omitted,  ///< none: the parameters are inputs
  random,   ///< made up, from a fixed seed
  file,     ///< read from a safetensors file
};

/// How a graph is written.
struct GraphOptions {
  std::optional<int> depth;  ///< of the drawn modules; the writer's own default where not given
  WeightData weights = WeightData::omitted;
  std::int64_t seed = 0;      ///< of random weights
  std::string weight_file;    ///< the safetensors file
  std::string external_data;  ///< where weights go beside the model; empty: into it
};

/// One way to write a graph.
struct GraphWriter {
  std::string_view name;  ///< as in `--format`
  std::string_view summary;
  std::string (*write)(const GraphInput& input, const GraphOptions& options);
  bool has_depth = false;    ///< takes `GraphOptions::depth`
  bool has_weights = false;  ///< takes the options for weights
  bool is_binary = false;    ///< not for terminals
};

/// Every graph writer, by object name.
std::span<const GraphWriter* const> graph_writers() noexcept;

/// The writer of that name, or null.
const GraphWriter* find_graph_writer(std::string_view name) noexcept;

// -- shared by the writers --------------------------------------------------------------------

/// "conv2d"; an unknown operator as "domain::type".
std::string operator_name(const NodeView& node);

/// Which calls of modules are open while the nodes of a graph are visited in order.
class OpenCalls {
 public:
  explicit OpenCalls(const Graph& graph) : graph_(graph) {}

  /// Moves on to a node, which must not come before the last one.
  void advance(NodeId node);
  /// The innermost open call of a module: its index in `Graph::calls()`, or `no_id` where the
  /// module's nodes run without a call on record.
  std::uint32_t call_of(ModuleId module) const noexcept;

 private:
  const Graph& graph_;
  std::size_t next_ = 0;
  std::vector<std::uint32_t> open_;  // outermost first
};

/// A module and its parents, the root first.
std::vector<ModuleId> module_chain(const Graph& graph, ModuleId module);

}  // namespace zoometer
