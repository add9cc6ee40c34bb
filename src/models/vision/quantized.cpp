// Networks between quantization stubs whose modules take a form (nn/form.hpp); the quantizable
// ResNet has blocks of its own, in quantized_resnet.cpp.
#include "models/vision/googlenet.hpp"
#include "models/vision/inception_v3.hpp"
#include "models/vision/mobilenet_v2.hpp"
#include "models/vision/mobilenet_v3.hpp"
#include "models/vision/shufflenet_v2.hpp"
#include "nn/quantizable.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace quantized {
namespace {

/// The published weights come without auxiliary heads, unlike those of the plain Inception v3.
InceptionOptions inception_options(const Trace& trace) {
  return {.standardises_input = trace.published(), .auxiliary = !trace.published()};
}

void build_googlenet(Trace& trace) {
  trace.run<googlenet::GoogLeNet<QuantizableForm>>(inception_options(trace));
}

void build_inception(Trace& trace) {
  trace.run<inception_v3::Inception3<QuantizableForm>>(inception_options(trace));
}

void build_mobilenet_v2(Trace& trace) { trace.run<mobilenet_v2::MobileNetV2<QuantizableForm>>(); }

void build_mobilenet_v3(Trace& trace) {
  trace.run<mobilenet_v3::MobileNetV3<QuantizableForm>>(mobilenet_v3::large());
}

template <shufflenet_v2::Widths widths>
void build_shufflenet(Trace& trace) {
  trace.run<shufflenet_v2::ShuffleNetV2<QuantizableForm>>(widths);
}

constexpr Model googlenets[] = {
    {"quantized_googlenet", image(224), 6'624'904, 1'498'376'192, build_googlenet}};

constexpr Model inceptions[] = {
    {"quantized_inception_v3", image(299), 23'834'568, 5'713'216'096, build_inception}};

constexpr Model mobilenets_v2[] = {
    {"quantized_mobilenet_v2", image(224), 3'504'872, 300'774'272, build_mobilenet_v2}};

constexpr Model mobilenets_v3[] = {
    {"quantized_mobilenet_v3_large", image(224), 5'483'032, 216'589'760, build_mobilenet_v3}};

constexpr Model shufflenets[] = {
    {"quantized_shufflenet_v2_x0_5", image(224), 1'366'792, 40'476'448,
     build_shufflenet<shufflenet_v2::x0_5>},
    {"quantized_shufflenet_v2_x1_0", image(224), 2'278'604, 144'907'992,
     build_shufflenet<shufflenet_v2::x1_0>},
    {"quantized_shufflenet_v2_x1_5", image(224), 3'503'624, 295'759'392,
     build_shufflenet<shufflenet_v2::x1_5>},
    {"quantized_shufflenet_v2_x2_0", image(224), 7'393'996, 583'253'464,
     build_shufflenet<shufflenet_v2::x2_0>},
};

}  // namespace
}  // namespace quantized

extern constinit const Family quantized_googlenet_family = {
    "QuantizedGoogLeNet", "Szegedy et al., Going Deeper with Convolutions, 2014",
    Task::quantization, quantized::googlenets};
extern constinit const Family quantized_inception_v3_family = {
    "QuantizedInceptionV3",
    "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015",
    Task::quantization, quantized::inceptions};
extern constinit const Family quantized_mobilenet_v2_family = {
    "QuantizedMobileNetV2",
    "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018",
    Task::quantization, quantized::mobilenets_v2};
extern constinit const Family quantized_mobilenet_v3_family = {
    "QuantizedMobileNetV3", "Howard et al., Searching for MobileNetV3, 2019", Task::quantization,
    quantized::mobilenets_v3};
extern constinit const Family quantized_shufflenet_v2_family = {
    "QuantizedShuffleNetV2",
    "Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, 2018",
    Task::quantization, quantized::shufflenets};

}  // namespace zoometer
