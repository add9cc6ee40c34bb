// FCN (Long et al. 2015): a classification network whose head scores every position of its map,
// here a ResNet whose last two layers dilate instead of striding.
#include "models/vision/segmentation.hpp"

namespace zoometer {
namespace fcn {
namespace {

using namespace segmentation;

struct Head : FcnHead {
  static constexpr auto model_kind = "FCN";
  using FcnHead::FcnHead;
};

constexpr Model fcns[] = {
    {"fcn_resnet50", image(520), 35'322'218, 152'716'512'000, build_resnet<Head, resnet::depth50>},
    {"fcn_resnet101", image(520), 54'314'346, 232'737'606'400,
     build_resnet<Head, resnet::depth101>},
};

}  // namespace
}  // namespace fcn

extern constinit const Family fcn_family = {
    "FCN", "Long et al., Fully Convolutional Networks for Semantic Segmentation, 2015",
    Task::segmentation, fcn::fcns};

}  // namespace zoometer
