// Keypoint R-CNN (He et al. 2017): Faster R-CNN for persons, with a branch that finds 17 joints of
// each.
#include "models/vision/rcnn.hpp"

namespace zoometer {
namespace keypoint_rcnn {
namespace {

using namespace rcnn;

constexpr std::int64_t keypoints = 17;

struct KeypointHead : SequentialOf<KeypointHead> {
  static constexpr auto kind = "KeypointRCNNHeads";
  explicit KeypointHead(const Slot& slot) : SequentialOf(slot) {
    for (int i = 0; i < 8; ++i) {
      add<Conv2d>(i == 0 ? 256 : 512, 512, ConvOptions{.kernel = 3, .padding = 1});
      add<ReLU>();
    }
  }
};

/// (detections, 512, 14, 14) -> a heatmap for each keypoint (detections, 17, 56, 56).
struct KeypointPredictor : Module<KeypointPredictor> {
  static constexpr auto kind = "KeypointRCNNPredictor";
  ConvTranspose2d kps_score_lowres{
      at("kps_score_lowres"), 512, keypoints, {.kernel = 4, .stride = 2, .padding = 1}};

  Tensor forward(Tensor x) const {
    x = kps_score_lowres(x);
    return upsample_linear(x, {2 * x.dim(2), 2 * x.dim(3)});
  }
};

struct KeypointBranch {
  static constexpr auto model_kind = "KeypointRCNN";
  static constexpr std::array<std::string_view, 5> names{"boxes", "labels", "scores", "keypoints",
                                                         "keypoints_scores"};
  ModuleBase owner;
  std::int64_t classes;
  RoiPool keypoint_roi_pool{owner.at("keypoint_roi_pool"), 14};
  KeypointHead keypoint_head{owner.at("keypoint_head")};
  KeypointPredictor keypoint_predictor{owner.at("keypoint_predictor")};

  /// Adds each detection's keypoints (n, 17, 3) and their scores (n, 17).
  void extend(Detections& detections, const Features& maps, const Spatial& image_size) const {
    const Tensor x = keypoint_roi_pool(maps, boxes_of(detections), image_size);
    const Tensor heatmaps = keypoint_predictor(keypoint_head(x));
    std::int64_t first = 0;
    for (Features& image : detections) {
      const std::int64_t count = image[0].dim(0);
      const Tensor of_image = slice(heatmaps, 0, first, first + count);
      const Keypoints found = heatmaps_to_keypoints(of_image, image[0], image_size);
      image.push_back(found.positions);
      image.push_back(found.scores);
      first += count;
    }
  }

  static void to_original(Features& image, const Spatial& from, const Spatial& to) {
    const Tensor points = image[3];
    const double down = static_cast<double>(to[0]) / static_cast<double>(from[0]);
    const double right = static_cast<double>(to[1]) / static_cast<double>(from[1]);
    image[3] =
        stack({select(points, 2, 0) * right, select(points, 2, 1) * down, select(points, 2, 2)}, 2);
  }
};

void build_resnet50(Trace& trace) { run_resnet50<KeypointBranch>(trace, {.classes = 2}); }

constexpr Model keypoint_rcnns[] = {
    {"keypointrcnn_resnet50_fpn", images(1333), 59'137'258, 483'470'127'616, build_resnet50},
};

}  // namespace
}  // namespace keypoint_rcnn

extern constinit const Family keypoint_rcnn_family = {
    "KeypointRCNN", "He et al., Mask R-CNN, 2017", Task::detection, keypoint_rcnn::keypoint_rcnns};

}  // namespace zoometer
