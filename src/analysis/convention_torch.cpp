#include "analysis/convention.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

std::int64_t flops(const NodeView& node) { return checked_mul(2, macs_of(node)); }

}  // namespace

extern constinit const Convention torch_convention = {
    "torch",
    "FLOPs",
    "2 per multiply-accumulate of convolutions, matrix products and attention; nothing else.",
    "torch.utils.flop_counter",
    2,
    flops};

}  // namespace zoometer
