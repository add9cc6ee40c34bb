// Faster R-CNN (Ren et al. 2015) over a feature pyramid (Lin et al. 2017). The second version
// follows Li et al. 2021, Benchmarking Detection Transfer Learning with Vision Transformers.
#include "models/vision/mobilenet_v3.hpp"
#include "models/vision/rcnn.hpp"

namespace zoometer {
namespace faster_rcnn {
namespace {

using namespace rcnn;

void build_resnet50(Trace& trace) { run_resnet50<NoBranch>(trace, {}); }

void build_resnet50_v2(Trace& trace) { run_resnet50_v2<NoBranch>(trace); }

/// MobileNetV3's last two stages, with anchors of all sizes on every level.
template <class Norm>
void run_mobilenet(Trace& trace, Config config) {
  using Body = mobilenet_v3::Backbone<Norm>;
  using Backbone = BackboneWithFpn<Body, LastLevelMaxPool>;
  const Reals sizes{32, 64, 128, 256, 512};
  config.rpn.anchors.sizes = {sizes, sizes, sizes};
  config.rpn.score_threshold = 0.05;
  const typename Body::Config body{mobilenet_v3::large({.norm_eps = 1e-5}), {13, 16}};
  run<Backbone, TwoMlpHead, NoBranch>(trace, config, body);
}

void build_mobilenet(Trace& trace) {
  if (trace.published()) return run_mobilenet<FrozenBatchNorm2d>(trace, {});
  run_mobilenet<BatchNorm2d>(trace, {});
}

void build_mobilenet_320(Trace& trace) {
  Config config;
  config.transform.min_size = 320;
  config.transform.max_size = 640;
  config.rpn.candidates = 150;
  config.rpn.proposals = 150;
  if (trace.published()) return run_mobilenet<FrozenBatchNorm2d>(trace, config);
  run_mobilenet<BatchNorm2d>(trace, config);
}

constexpr Model faster_rcnns[] = {
    {"fasterrcnn_resnet50_fpn", images(800), 41'755'286, 134'379'721'216, build_resnet50},
    {"fasterrcnn_resnet50_fpn_v2", images(800), 43'712'278, 280'370'729'472, build_resnet50_v2},
    {"fasterrcnn_mobilenet_v3_large_fpn", images(800), 19'386'354, 18'853'144'256, build_mobilenet},
    {"fasterrcnn_mobilenet_v3_large_320_fpn", images(320), 19'386'354, 2'872'931'200,
     build_mobilenet_320},
};

}  // namespace
}  // namespace faster_rcnn

extern constinit const Family faster_rcnn_family = {
    "FasterRCNN",
    "Ren et al., Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks, "
    "2015",
    Task::detection, faster_rcnn::faster_rcnns};

}  // namespace zoometer
