#include "analysis/convention.hpp"

namespace zoometer {
namespace {

std::int64_t flops(const NodeView& node) {
  const auto id = &node.node() - node.graph().nodes().data();
  return node.graph().source_flops(static_cast<NodeId>(id));
}

bool is_program(const Graph& graph) { return graph.has_source_flops(); }

}  // namespace

extern constinit const Convention xla_convention = {
    "xla",
    "FLOPs",
    "XLA's own count of a StableHLO program: padding, transcendental functions and all but one run "
    "of a loop left out.",
    "cost_analysis() of a StableHLO program",
    2,
    flops,
    is_program,
    true};

}  // namespace zoometer
