// MobileNetV2 (Sandler et al. 2018): inverted residuals, wide inside and narrow between blocks.
#include "models/vision/mobilenet_v2.hpp"

#include "zoometer/models/model.hpp"

namespace zoometer {
namespace mobilenet_v2 {
namespace {

void build(Trace& trace) { trace.run<mobilenet_v2::MobileNetV2<>>(); }

constexpr Model mobilenets[] = {
    {"mobilenet_v2", image(224), 3'504'872, 300'774'272, build},
};

}  // namespace
}  // namespace mobilenet_v2

extern constinit const Family mobilenet_v2_family = {
    "MobileNetV2", "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018",
    Task::classification, mobilenet_v2::mobilenets, "MobileNet"};

}  // namespace zoometer
