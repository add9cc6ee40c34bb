// Mask R-CNN (He et al. 2017): Faster R-CNN with a branch that draws a mask of every detection.
#include "models/vision/rcnn.hpp"

namespace zoometer {
namespace mask_rcnn {
namespace {

using namespace rcnn;

template <class Norm>
struct MaskHead : SequentialOf<MaskHead<Norm>> {
  static constexpr auto kind = "MaskRCNNHeads";
  explicit MaskHead(const Slot& slot) : SequentialOf<MaskHead>(slot) {
    constexpr bool bias = std::is_void_v<Norm>;
    for (int i = 0; i < 4; ++i) {
      this->template add<Conv2dNormActivation<ReLU, Norm>>(256, 256, ConvNormOptions{.bias = bias});
    }
  }
};

/// (detections, 256, 14, 14) -> logits of a mask for each class (detections, classes, 28, 28).
struct MaskPredictor : SequentialOf<MaskPredictor> {
  static constexpr auto kind = "MaskRCNNPredictor";
  MaskPredictor(const Slot& slot, std::int64_t classes) : SequentialOf(slot) {
    add_named<ConvTranspose2d>("conv5_mask", 256, 256, ConvOptions{.kernel = 2, .stride = 2});
    add_named<ReLU>("relu");
    add_named<Conv2d>("mask_fcn_logits", 256, classes);
  }
};

template <class Norm = void>
struct MaskBranch {
  static constexpr auto model_kind = "MaskRCNN";
  static constexpr std::array<std::string_view, 4> names{"boxes", "labels", "scores", "masks"};
  ModuleBase owner;
  std::int64_t classes;
  RoiPool mask_roi_pool{owner.at("mask_roi_pool"), 14};
  MaskHead<Norm> mask_head{owner.at("mask_head")};
  MaskPredictor mask_predictor{owner.at("mask_predictor"), classes};

  /// Adds the mask of each detection's own class (n, 1, 28, 28).
  void extend(Detections& detections, const Features& maps, const Spatial& image_size) const {
    const Tensor x = mask_head(mask_roi_pool(maps, boxes_of(detections), image_size));
    const Tensor masks = flatten(unary(sigmoid_op, mask_predictor(x)), 0, 1);
    PerImage labels;
    for (const Features& image : detections) labels.push_back(image[1]);
    const auto count = static_cast<double>(x.dim(0));
    const Tensor rows = arange(*x.graph, 0, count) * static_cast<double>(classes) + joined(labels);
    const Tensor own = unsqueeze(index(masks, rows), 1);
    std::int64_t first = 0;
    for (Features& image : detections) {
      const std::int64_t end = first + image[1].dim(0);
      image.push_back(slice(own, 0, first, end));
      first = end;
    }
  }

  static void to_original(Features& image, const Spatial& /*from*/, const Spatial& to) {
    image[3] = paste_masks(image[3], image[0], to);
  }
};

void build_resnet50(Trace& trace) { run_resnet50<MaskBranch<>>(trace, {}); }

void build_resnet50_v2(Trace& trace) { run_resnet50_v2<MaskBranch<BatchNorm2d>>(trace); }

constexpr Model mask_rcnns[] = {
    {"maskrcnn_resnet50_fpn", images(800), 44'401'393, 187'586'351'616, build_resnet50},
    {"maskrcnn_resnet50_fpn_v2", images(800), 46'359'409, 333'577'359'872, build_resnet50_v2},
};

}  // namespace
}  // namespace mask_rcnn

extern constinit const Family mask_rcnn_family = {"MaskRCNN", "He et al., Mask R-CNN, 2017",
                                                  Task::detection, mask_rcnn::mask_rcnns};

}  // namespace zoometer
