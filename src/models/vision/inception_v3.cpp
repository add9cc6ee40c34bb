// Inception v3 (Szegedy et al. 2015): large windows factored into small ones, rows and columns.
#include "models/vision/inception_v3.hpp"

#include "zoometer/models/model.hpp"

namespace zoometer {
namespace inception_v3 {
namespace {

void build(Trace& trace) {
  trace.run<inception_v3::Inception3<>>(
      InceptionOptions{.standardises_input = trace.published(), .auxiliary = true});
}

constexpr Model inceptions[] = {
    {"inception_v3", image(299), 27'161'264, 5'713'216'096, build},
};

}  // namespace
}  // namespace inception_v3

extern constinit const Family inception_v3_family = {
    "InceptionV3",
    "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015",
    Task::classification, inception_v3::inceptions};

}  // namespace zoometer
