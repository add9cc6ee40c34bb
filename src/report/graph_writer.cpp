#include "report/graph_writer.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "op/unknown.hpp"

namespace zoometer {
namespace {

/// The open calls of modules while the nodes of a graph are visited in order.
class OpenCalls {
 public:
  explicit OpenCalls(const Graph& graph) : graph_(graph) {}

  void advance(NodeId node) {
    const auto calls = graph_.calls();
    std::erase_if(open_, [&](std::uint32_t call) { return calls[call].end_node <= node; });
    for (; next_ < calls.size() && calls[next_].first_node <= node; ++next_) {
      if (calls[next_].end_node > node) open_.push_back(static_cast<std::uint32_t>(next_));
    }
  }

  /// The innermost open call of a module, or `no_id` for none.
  std::uint32_t call_of(ModuleId module) const noexcept {
    const auto found = std::find_if(open_.rbegin(), open_.rend(), [&](std::uint32_t call) {
      return graph_.calls()[call].module == module;
    });
    return found == open_.rend() ? no_id : *found;
  }

 private:
  const Graph& graph_;
  std::size_t next_ = 0;
  std::vector<std::uint32_t> open_;  // outermost first
};

/// A module and its parents, the root first.
std::vector<ModuleId> module_chain(const Graph& graph, ModuleId module) {
  std::vector<ModuleId> chain;
  for (; module != no_id; module = graph.modules()[module].parent) chain.push_back(module);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace

const GraphWriter* find_graph_writer(std::string_view name) noexcept {
  for (const GraphWriter* writer : graph_writers()) {
    if (writer->name == name) return writer;
  }
  return nullptr;
}

std::string operator_name(const NodeView& node) {
  if (&node.op() != &unknown_op || node.raw_attrs() == nullptr) return std::string(node.op().name);
  const auto& attrs = node.attrs<UnknownAttrs>();
  return attrs.domain.empty() ? std::string(attrs.op_type)
                              : std::string(attrs.domain) + "::" + std::string(attrs.op_type);
}

ModulePlaces::ModulePlaces(const Graph& graph) : places_(1) {
  std::map<std::tuple<std::size_t, ModuleId, std::uint32_t>, std::size_t> by_call;
  std::map<std::pair<std::size_t, ModuleId>, std::size_t> counts;
  OpenCalls calls(graph);
  of_node_.reserve(graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    calls.advance(static_cast<NodeId>(i));
    const std::vector<ModuleId> chain = module_chain(graph, graph.nodes()[i].module);
    std::size_t place = 0;
    for (std::size_t level = 1; level < chain.size(); ++level) {
      const ModuleId module = chain[level];
      const auto [entry, is_new] =
          by_call.try_emplace({place, module, calls.call_of(module)}, places_.size());
      if (is_new) places_.push_back({module, place, level, counts[{place, module}]++});
      place = entry->second;
    }
    of_node_.push_back(place);
  }
}

}  // namespace zoometer
