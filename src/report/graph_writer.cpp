#include "report/graph_writer.hpp"

#include <algorithm>

#include "op/unknown.hpp"

namespace zoometer {

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

void OpenCalls::advance(NodeId node) {
  const auto calls = graph_.calls();
  std::erase_if(open_, [&](std::uint32_t call) { return calls[call].end_node <= node; });
  for (; next_ < calls.size() && calls[next_].first_node <= node; ++next_) {
    if (calls[next_].end_node > node) open_.push_back(static_cast<std::uint32_t>(next_));
  }
}

std::uint32_t OpenCalls::call_of(ModuleId module) const noexcept {
  const auto found = std::find_if(open_.rbegin(), open_.rend(), [&](std::uint32_t call) {
    return graph_.calls()[call].module == module;
  });
  return found == open_.rend() ? no_id : *found;
}

std::vector<ModuleId> module_chain(const Graph& graph, ModuleId module) {
  std::vector<ModuleId> chain;
  for (; module != no_id; module = graph.modules()[module].parent) chain.push_back(module);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace zoometer
