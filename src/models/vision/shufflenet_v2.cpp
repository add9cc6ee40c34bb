// ShuffleNetV2 (Ma et al. 2018): half of the channels pass a block untouched, and a shuffle mixes
// the halves.
#include "models/vision/shufflenet_v2.hpp"

#include "zoometer/models/model.hpp"

namespace zoometer {
namespace shufflenet_v2 {
namespace {

template <shufflenet_v2::Widths widths>
void build(Trace& trace) {
  trace.run<shufflenet_v2::ShuffleNetV2<>>(widths);
}

constexpr Model shufflenets[] = {
    {"shufflenet_v2_x0_5", image(224), 1'366'792, 40'476'448, build<shufflenet_v2::x0_5>},
    {"shufflenet_v2_x1_0", image(224), 2'278'604, 144'907'992, build<shufflenet_v2::x1_0>},
    {"shufflenet_v2_x1_5", image(224), 3'503'624, 295'759'392, build<shufflenet_v2::x1_5>},
    {"shufflenet_v2_x2_0", image(224), 7'393'996, 583'253'464, build<shufflenet_v2::x2_0>},
};

}  // namespace
}  // namespace shufflenet_v2

extern constinit const Family shufflenet_v2_family = {
    "ShuffleNetV2",
    "Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, 2018",
    Task::classification, shufflenet_v2::shufflenets};

}  // namespace zoometer
