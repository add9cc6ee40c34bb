#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/importer.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/report/graph_options.hpp"

namespace zoometer {

/// The input of a graph writer.
struct GraphInput {
  const Graph& graph;
  std::string model;                   ///< a model's name or a file's path
  std::string source;                  ///< "builtin", "onnx", ...
  std::string variant;                 ///< "published", "untrained", or empty
  std::vector<std::string> notes;      ///< assumptions of the graph
  std::optional<ModelFile> file = {};  ///< the file that the graph was read from
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

/// A call of a module within a call of its parent; the root's is the first.
struct ModulePlace {
  ModuleId module = 0;
  std::size_t parent = 0;   ///< position of the parent's place; its own for the root
  std::size_t level = 0;    ///< 0 for the root
  std::size_t ordinal = 0;  ///< which of the module's calls within the parent's place
};

/// Where the nodes of a graph run: a tree of places, in the order in which nodes enter them.
/// Nodes of a module that run without a call on record share one place within the parent's.
class ModulePlaces {
 public:
  explicit ModulePlaces(const Graph& graph);

  std::span<const ModulePlace> all() const noexcept { return places_; }
  const ModulePlace& operator[](std::size_t place) const noexcept { return places_[place]; }
  std::size_t of_node(NodeId node) const noexcept { return of_node_[node]; }

 private:
  std::vector<ModulePlace> places_;
  std::vector<std::size_t> of_node_;
};

}  // namespace zoometer
