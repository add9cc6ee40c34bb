#include "analysis/convention.hpp"

namespace zoometer {

extern constinit const Convention torchvision_convention = {
    "torchvision",
    "MACs",
    "Multiply-accumulates of convolutions and matrix products; nothing else. Published as _ops.",
    "the metadata of torchvision's weights",
    1,
    macs_of};

}  // namespace zoometer
