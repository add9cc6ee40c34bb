#include "analysis/convention.hpp"

#include <string>

#include "zoometer/util/error.hpp"

namespace zoometer {

const Convention* find_convention(std::string_view name) noexcept {
  for (const Convention* convention : conventions()) {
    if (convention->name == name) return convention;
  }
  return nullptr;
}

void require_convention(const Convention& convention, const Graph& graph) {
  if (convention.applies == nullptr || convention.applies(graph)) return;
  throw Error(ErrorCode::usage, "the model has nothing that the convention " +
                                    std::string(convention.name) +
                                    " counts: " + std::string(convention.source));
}

std::string_view module_class(const NodeView& node) noexcept {
  const auto modules = node.graph().modules();
  const ModuleId module = node.node().module;
  return module < modules.size() && modules[module].has_class ? modules[module].kind
                                                              : std::string_view{};
}

std::string_view spelling_of(const NodeView& node) noexcept {
  const auto id = &node.node() - node.graph().nodes().data();
  return node.graph().spelling(static_cast<NodeId>(id));
}

std::int64_t folded_norm_elements(const NodeView& node) {
  return spelling_of(node) == folded_norm_spelling ? node.out_numel() : 0;
}

std::int64_t macs_of(const NodeView& node) {
  return node.op().cost == nullptr ? 0 : node.op().cost(node).macs;
}

}  // namespace zoometer
