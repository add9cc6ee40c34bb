#include "analysis/convention.hpp"

namespace zoometer {

const Convention* find_convention(std::string_view name) noexcept {
  for (const Convention* convention : conventions()) {
    if (convention->name == name) return convention;
  }
  return nullptr;
}

std::string_view module_kind(const NodeView& node) noexcept {
  const auto modules = node.graph().modules();
  return node.node().module < modules.size() ? modules[node.node().module].kind
                                             : std::string_view{};
}

std::int64_t macs_of(const NodeView& node) {
  return node.op().cost == nullptr ? 0 : node.op().cost(node).macs;
}

}  // namespace zoometer
