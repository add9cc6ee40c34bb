// FCOS (Tian et al. 2019): every position of a pyramid predicts the distances to the edges of its
// box, and how central it is in the box. Each position has one anchor.
#include "models/vision/dense_detector.hpp"

namespace zoometer {
namespace fcos {
namespace {

using namespace detection;

Sequential convolutions(const Slot& slot) {
  Sequential layers{slot};
  for (int i = 0; i < 4; ++i) {
    layers.add<Conv2d>(256, 256, ConvOptions{.kernel = 3, .padding = 1});
    layers.add<GroupNorm>(32, 256);
    layers.add<ReLU>(false);
  }
  return layers;
}

struct ClassificationHead : Module<ClassificationHead> {
  static constexpr auto kind = "FCOSClassificationHead";
  Sequential conv = convolutions(at("conv"));
  Conv2d cls_logits{at("cls_logits"), 256, coco_classes, {.kernel = 3, .padding = 1}};

  Tensor forward(const Features& maps) const {
    Features rows;
    for (const Tensor map : maps)
      rows.push_back(rows_per_anchor(cls_logits(conv(map)), coco_classes));
    return cat(rows, 1);
  }
};

struct RegressionHead : Module<RegressionHead> {
  static constexpr auto kind = "FCOSRegressionHead";
  Sequential conv = convolutions(at("conv"));
  Conv2d bbox_reg{at("bbox_reg"), 256, 4, {.kernel = 3, .padding = 1}};
  Conv2d bbox_ctrness{at("bbox_ctrness"), 256, 1, {.kernel = 3, .padding = 1}};

  /// Distances (N, A, 4) and how central the position is (N, A, 1).
  Features forward(const Features& maps) const {
    Features distances;
    Features centralities;
    for (const Tensor map : maps) {
      const Tensor x = conv(map);
      distances.push_back(rows_per_anchor(unary(relu_op, bbox_reg(x)), 4));
      centralities.push_back(rows_per_anchor(bbox_ctrness(x), 1));
    }
    const Tensor all_distances = cat(distances, 1);
    return {all_distances, cat(centralities, 1)};
  }
};

struct FcosHead : Module<FcosHead> {
  static constexpr auto kind = "FCOSHead";
  ClassificationHead classification_head{at("classification_head")};
  RegressionHead regression_head{at("regression_head")};

  Features forward(const Features& maps) const {
    const Tensor logits = classification_head(maps);
    const Features regression = regression_head(maps);
    return {logits, regression[0], regression[1]};
  }
};

struct Fcos {
  static constexpr auto model_kind = "FCOS";
  static constexpr double threshold = 0.2;
  static constexpr double nms_threshold = 0.6;
  static constexpr std::int64_t detections = 100;
  using Head = FcosHead;

  static AnchorConfig anchors() {
    return {{Reals{8}, Reals{16}, Reals{32}, Reals{64}, Reals{128}}, Reals{1}};
  }
  static Tensor scores(const Features& rows) {
    return unary(sqrt_op, unary(sigmoid_op, rows[0]) * unary(sigmoid_op, rows[2]));
  }
  static Tensor boxes(Tensor distances, Tensor anchors) {
    return decode_distances(distances, anchors);
  }
};

void build_resnet50(Trace& trace) { run_dense_resnet50<Fcos>(trace, resnet::depth50); }

constexpr Model fcoses[] = {
    {"fcos_resnet50_fpn", images(800), 32'269'600, 128'207'052'800, build_resnet50},
};

}  // namespace
}  // namespace fcos

extern constinit const Family fcos_family = {
    "FCOS", "Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019",
    Task::detection, fcos::fcoses};

}  // namespace zoometer
