// Faster R-CNN (Ren et al. 2015) over a feature pyramid (Lin et al. 2017). The second version
// follows Li et al. 2021, Benchmarking Detection Transfer Learning with Vision Transformers.
#include "models/rcnn.hpp"

namespace zoometer {
namespace {

using namespace rcnn;

void build_resnet50(Trace& trace) { run_resnet50<NoBranch>(trace, {}); }

void build_resnet50_v2(Trace& trace) { run_resnet50_v2<NoBranch>(trace); }

constexpr Model faster_rcnns[] = {
    {"fasterrcnn_resnet50_fpn", images(800), 41'755'286, 134'379'721'216, build_resnet50},
    {"fasterrcnn_resnet50_fpn_v2", images(800), 43'712'278, 280'370'729'472, build_resnet50_v2},
};

}  // namespace

extern constinit const Family faster_rcnn_family = {
    "FasterRCNN",
    "Ren et al., Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks, "
    "2015",
    Task::detection, faster_rcnns};

}  // namespace zoometer
