#include "analysis/convention.hpp"

namespace zoometer {

const Convention* find_convention(std::string_view name) noexcept {
  for (const Convention* convention : conventions()) {
    if (convention->name == name) return convention;
  }
  return nullptr;
}

std::int64_t macs_of(const NodeView& node) {
  return node.op().cost == nullptr ? 0 : node.op().cost(node).macs;
}

}  // namespace zoometer
