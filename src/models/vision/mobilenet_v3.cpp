// MobileNetV3 (Howard et al. 2019): inverted residuals found by search, with squeeze-and-excitation
// and hard swish.
#include "models/vision/mobilenet_v3.hpp"

#include "zoometer/models/model.hpp"

namespace zoometer {
namespace mobilenet_v3 {
namespace {

void build_large(Trace& trace) { trace.run<mobilenet_v3::MobileNetV3<>>(mobilenet_v3::large()); }
void build_small(Trace& trace) { trace.run<mobilenet_v3::MobileNetV3<>>(mobilenet_v3::small()); }

constexpr Model mobilenets[] = {
    {"mobilenet_v3_large", image(224), 5'483'032, 216'589'760, build_large},
    {"mobilenet_v3_small", image(224), 2'542'856, 56'510'400, build_small},
};

}  // namespace
}  // namespace mobilenet_v3

extern constinit const Family mobilenet_v3_family = {
    "MobileNetV3", "Howard et al., Searching for MobileNetV3, 2019", Task::classification,
    mobilenet_v3::mobilenets, "MobileNet"};

}  // namespace zoometer
