#include "analysis/convention.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

std::int64_t flops(const NodeView& node) {
  const Cost cost = cost_of(node);
  return checked_add(checked_mul(2, cost.macs), cost.other);
}

}  // namespace

extern constinit const Convention native_convention = {
    "native",
    "FLOPs",
    "2 per multiply-accumulate, bias additions, and every other operator by its formula.",
    "docs/operators.md",
    2,
    flops};

}  // namespace zoometer
