#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The counting rules of one tool, which fill the cost column. Tools disagree because each counts
/// other operators.
struct Convention {
  std::string_view name;     ///< as in `--convention`
  std::string_view unit;     ///< "MACs" or "FLOPs": what one unit of `cost` is
  std::string_view summary;  ///< what it counts and what it leaves out
  std::string_view source;   ///< where the rules come from
  std::int64_t per_mac;      ///< what one multiply-accumulate counts as: 1 or 2
  /// The cost of one node in that unit; 0 if the convention does not count it.
  std::int64_t (*cost)(const NodeView& node);
  /// Whether a graph has what the convention counts; null: every graph has.
  bool (*applies)(const Graph& graph) = nullptr;
  bool counts_loops_once = false;  ///< however often their bodies run
};

/// Every convention, by object name.
std::span<const Convention* const> conventions() noexcept;

/// Throws Error{usage} where a graph does not have what the convention counts.
void require_convention(const Convention& convention, const Graph& graph);

/// The convention of that name, or null.
const Convention* find_convention(std::string_view name) noexcept;

/// The class of the module that a node runs in, for tools that hook modules. Empty if the source
/// has no classes, as most ONNX files.
std::string_view module_class(const NodeView& node) noexcept;

/// How the source wrote the node, if other tools count that in another way (Graph::set_spelling).
std::string_view spelling_of(const NodeView& node) noexcept;

/// The elements of the batch norm that an exporter folded into this node, which tools count in the
/// PyTorch model; 0 if there is none.
std::int64_t folded_norm_elements(const NodeView& node);

/// The multiply-accumulates of a node by its operator's own definition; one of complex numbers is
/// one, as other tools count.
std::int64_t macs_of(const NodeView& node);

}  // namespace zoometer
