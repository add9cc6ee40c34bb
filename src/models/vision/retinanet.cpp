// RetinaNet (Lin et al. 2017): two heads of convolutions on all levels of a pyramid. The second
// version follows Zhang et al. 2019 (Bridging the Gap Between Anchor-based and Anchor-free
// Detection): group normalisation in the heads.
#include "models/vision/dense_detector.hpp"

namespace zoometer {
namespace retinanet {
namespace {

using namespace detection;

constexpr std::int64_t anchors_per_position = 9;

/// A size and the sizes a third and two thirds of an octave above it, in whole pixels.
constexpr AnchorConfig octave_anchors() {
  return {{Reals{32, 40, 50}, Reals{64, 80, 101}, Reals{128, 161, 203}, Reals{256, 322, 406},
           Reals{512, 645, 812}}};
}

struct GroupNorm32 : GroupNorm {
  GroupNorm32(const Slot& slot, std::int64_t channels, double eps)
      : GroupNorm(slot, 32, channels, eps) {}
};

template <class Norm>
Sequential convolutions(const Slot& slot) {
  Sequential layers{slot};
  constexpr bool bias = std::is_void_v<Norm>;
  for (int i = 0; i < 4; ++i) {
    layers.add<Conv2dNormActivation<ReLU, Norm>>(256, 256, ConvNormOptions{.bias = bias});
  }
  return layers;
}

template <class Norm>
struct ClassificationHead : Module<ClassificationHead<Norm>> {
  static constexpr auto kind = "RetinaNetClassificationHead";
  using Module<ClassificationHead>::at;
  Sequential conv = convolutions<Norm>(at("conv"));
  Conv2d cls_logits{
      at("cls_logits"), 256, anchors_per_position* coco_classes, {.kernel = 3, .padding = 1}};

  Tensor forward(const Features& maps) const {
    Features rows;
    for (const Tensor map : maps)
      rows.push_back(rows_per_anchor(cls_logits(conv(map)), coco_classes));
    return cat(rows, 1);
  }
};

template <class Norm>
struct RegressionHead : Module<RegressionHead<Norm>> {
  static constexpr auto kind = "RetinaNetRegressionHead";
  using Module<RegressionHead>::at;
  Sequential conv = convolutions<Norm>(at("conv"));
  Conv2d bbox_reg{at("bbox_reg"), 256, anchors_per_position * 4, {.kernel = 3, .padding = 1}};

  Tensor forward(const Features& maps) const {
    Features rows;
    for (const Tensor map : maps) rows.push_back(rows_per_anchor(bbox_reg(conv(map)), 4));
    return cat(rows, 1);
  }
};

template <class Norm>
struct RetinaHead : Module<RetinaHead<Norm>> {
  static constexpr auto kind = "RetinaNetHead";
  using Module<RetinaHead>::at;
  ClassificationHead<Norm> classification_head{at("classification_head")};
  RegressionHead<Norm> regression_head{at("regression_head")};

  Features forward(const Features& maps) const {
    const Tensor logits = classification_head(maps);
    return {logits, regression_head(maps)};
  }
};

template <class Norm = void>
struct RetinaNet {
  static constexpr auto model_kind = "RetinaNet";
  static constexpr double threshold = 0.05;
  static constexpr double nms_threshold = 0.5;
  static constexpr std::int64_t detections = 300;
  using Head = RetinaHead<Norm>;

  static AnchorConfig anchors() { return octave_anchors(); }
  static Tensor scores(const Features& rows) { return unary(sigmoid_op, rows[0]); }
  static Tensor boxes(Tensor offsets, Tensor anchors) {
    return squeeze(decode_boxes(offsets, anchors, {}), 1);
  }
};

void build_resnet50(Trace& trace) { run_dense_resnet50<RetinaNet<>>(trace, published_resnet50()); }

void build_resnet50_v2(Trace& trace) {
  run_dense<RetinaNet<GroupNorm32>, DenseResNetFpn<BatchNorm2d, true>>(
      trace, {resnet::depth50, {2, 3, 4}});
}

constexpr Model retinanets[] = {
    {"retinanet_resnet50_fpn", images(800), 34'014'999, 151'540'437'248, build_resnet50},
    {"retinanet_resnet50_fpn_v2", images(800), 38'198'935, 152'238'199'040, build_resnet50_v2},
};

}  // namespace
}  // namespace retinanet

extern constinit const Family retinanet_family = {
    "RetinaNet", "Lin et al., Focal Loss for Dense Object Detection, 2017", Task::detection,
    retinanet::retinanets};

}  // namespace zoometer
