#pragma once

#include "models/vision/detection.hpp"

// Faster R-CNN (Ren et al. 2015) over a feature pyramid, which Mask R-CNN and Keypoint R-CNN
// extend by a branch: a network proposes boxes, heads classify and refine them.

namespace zoometer::rcnn {

using namespace detection;

// -- proposals ----------------------------------------------------------------------------------

struct RpnConfig {
  AnchorConfig anchors{{Reals{32}, Reals{64}, Reals{128}, Reals{256}, Reals{512}}};
  int convs = 1;
  std::int64_t candidates = 1000;  ///< per level, before suppression
  std::int64_t proposals = 1000;   ///< per image, after it
  double score_threshold = 0;
};

/// A score and a box offset for every anchor, level by level.
struct RpnScores {
  Features objectness;  ///< (N, A, H, W)
  Features offsets;     ///< (N, 4 A, H, W)
  auto tensors() const { return std::tie(objectness, offsets); }
};

/// The head of the proposal network, shared by all levels.
struct RpnHead : Module<RpnHead> {
  static constexpr auto kind = "RPNHead";
  std::int64_t anchors;
  int convs;
  Sequential conv = convolutions(at("conv"), convs);
  Conv2d cls_logits{at("cls_logits"), 256, anchors};
  Conv2d bbox_pred{at("bbox_pred"), 256, 4 * anchors};

  static Sequential convolutions(const Slot& slot, int count) {
    Sequential layers{slot};
    for (int i = 0; i < count; ++i) {
      layers.add<Conv2dNormActivation<ReLU, void>>(256, 256, ConvNormOptions{.bias = true});
    }
    return layers;
  }

  RpnScores forward(const Features& maps) const {
    RpnScores scores;
    for (const Tensor map : maps) {
      const Tensor x = conv(map);
      scores.objectness.push_back(cls_logits(x));
      scores.offsets.push_back(bbox_pred(x));
    }
    return scores;
  }
};

struct RegionProposalNetwork : Module<RegionProposalNetwork> {
  static constexpr auto kind = "RegionProposalNetwork";
  RpnConfig config;
  std::optional<std::int64_t> given_proposals;
  AnchorGenerator anchor_generator{at("anchor_generator"), config.anchors};
  RpnHead head{at("head"), config.anchors.per_position(), config.convs};

  /// Boxes that may contain an object, in images of that size within the padded `batch`.
  PerImage forward(Tensor batch, const Features& maps, const Spatial& image_size) const;
};

// -- regions ------------------------------------------------------------------------------------

/// Pools regions of a fixed size from all maps of the pyramid but the one that was added to it:
/// -> (regions, 256, size, size).
struct RoiPool : Module<RoiPool> {
  static constexpr auto kind = "MultiScaleRoIAlign";
  std::int64_t size;

  Tensor forward(const Features& maps, const PerImage& boxes, const Spatial& image_size) const;
};

/// Two dense layers: (regions, 256, 7, 7) -> (regions, 1024).
struct TwoMlpHead : Module<TwoMlpHead> {
  static constexpr auto kind = "TwoMLPHead";
  Linear fc6{at("fc6"), std::int64_t{256} * 7 * 7, 1024};
  Linear fc7{at("fc7"), 1024, 1024};

  Tensor forward(Tensor x) const {
    x = unary(relu_op, fc6(flatten(x, 1)));
    return unary(relu_op, fc7(x));
  }
};

/// Four convolutions and a dense layer: (regions, 256, 7, 7) -> (regions, 1024).
struct ConvHead : SequentialOf<ConvHead> {
  static constexpr auto kind = "FastRCNNConvFCHead";
  explicit ConvHead(const Slot& slot) : SequentialOf(slot) {
    for (int i = 0; i < 4; ++i) add<Conv2dNormActivation<ReLU>>(256, 256);
    add<Flatten>();
    add<Linear>(std::int64_t{256} * 7 * 7, 1024);
    add<ReLU>();
  }
};

struct BoxPredictor : Module<BoxPredictor> {
  static constexpr auto kind = "FastRCNNPredictor";
  std::int64_t classes;
  Linear cls_score{at("cls_score"), 1024, classes};
  Linear bbox_pred{at("bbox_pred"), 1024, 4 * classes};

  /// Logits (regions, classes) and a box offset for each class (regions, 4 classes).
  std::pair<Tensor, Tensor> forward(Tensor x) const {
    x = flatten(x, 1);
    const Tensor logits = cls_score(x);
    return {logits, bbox_pred(x)};
  }
};

/// The results of the heads for the proposals of all images.
struct Refinement {
  Tensor logits;   ///< (regions, classes)
  Tensor offsets;  ///< (regions, 4 classes)
  std::optional<std::int64_t> given_detections;

  /// For each image: boxes (n, 4), labels (n,), scores (n,).
  Detections detect(const PerImage& proposals, const Spatial& image_size) const;
};

/// The boxes of detections, that a branch looks at again.
PerImage boxes_of(const Detections& detections);

/// A model without a further branch.
struct NoBranch {
  static constexpr auto model_kind = "FasterRCNN";
  static constexpr std::array<std::string_view, 3> names{"boxes", "labels", "scores"};
  ModuleBase owner;
  std::int64_t classes;

  void extend(Detections&, const Features&, const Spatial&) const {}
  static void to_original(Features&, const Spatial&, const Spatial&) {}
};

/// Classifies and refines the proposals; `Branch` adds further results for the detections.
template <class BoxHead, class Branch>
struct RoiHeads : Module<RoiHeads<BoxHead, Branch>> {
  static constexpr auto kind = "RoIHeads";
  using Module<RoiHeads>::at;
  std::int64_t classes;
  std::optional<std::int64_t> given_detections;
  RoiPool box_roi_pool{at("box_roi_pool"), 7};
  BoxHead box_head{at("box_head")};
  BoxPredictor box_predictor{at("box_predictor"), classes};
  Branch branch{*this, classes};

  Detections forward(const Features& maps, const PerImage& proposals,
                     const Spatial& image_size) const {
    const Tensor x = box_head(box_roi_pool(maps, proposals, image_size));
    const auto [logits, offsets] = box_predictor(x);
    Detections found = Refinement{logits, offsets, given_detections}.detect(proposals, image_size);
    branch.extend(found, maps, image_size);
    return found;
  }
};

// -- the model ----------------------------------------------------------------------------------

struct Config {
  TransformConfig transform = {};
  RpnConfig rpn = {};
  std::int64_t classes = coco_classes;
};

template <class Backbone, class BoxHead, class Branch>
struct GeneralizedRcnn : Module<GeneralizedRcnn<Backbone, BoxHead, Branch>> {
  static constexpr auto kind = Branch::model_kind;
  using Module<GeneralizedRcnn>::at;
  Config config;
  typename Backbone::Config backbone_config;
  const TraceOptions& options;
  ImageTransform transform{at("transform"), config.transform};
  Backbone backbone{at("backbone"), backbone_config};
  RegionProposalNetwork rpn{at("rpn"), config.rpn, options.proposals};
  RoiHeads<BoxHead, Branch> roi_heads{at("roi_heads"), config.classes, options.detections};

  /// images (N, 3, H, W) of 0 to 1 -> what was found in each of them.
  Detections forward(Tensor images) const {
    const Spatial original = size_of(images);
    const Spatial size = resized(original, config.transform);
    const Tensor batch = transform(images);
    const Features maps = backbone(batch);
    const PerImage proposals = rpn(batch, maps, size);
    Detections found = roi_heads(maps, proposals, size);
    for (Features& image : found) {
      image[0] = resize_boxes(image[0], size, original);
      Branch::to_original(image, size, original);
    }
    return found;
  }
};

template <class Backbone, class BoxHead, class Branch>
void run(Trace& trace, const Config& config, const typename Backbone::Config& backbone) {
  const GeneralizedRcnn<Backbone, BoxHead, Branch> net{trace.root(), config, backbone,
                                                       trace.options()};
  output(trace, net(trace.input()), Branch::names);
}

template <class Norm, class PyramidNorm = void>
using ResNetFpn = BackboneWithFpn<resnet::Backbone<Norm>, LastLevelMaxPool, PyramidNorm>;

/// The models over ResNet-50.
template <class Branch>
void run_resnet50(Trace& trace, const Config& config) {
  const Ints layers{1, 2, 3, 4};
  if (!trace.published()) {
    const resnet::Backbone<BatchNorm2d>::Config body{resnet::depth50, layers};
    return run<ResNetFpn<BatchNorm2d>, TwoMlpHead, Branch>(trace, config, body);
  }
  const resnet::Backbone<FrozenBatchNorm2d>::Config body{published_resnet50(), layers};
  run<ResNetFpn<FrozenBatchNorm2d>, TwoMlpHead, Branch>(trace, config, body);
}

/// The second version: batch normalisation everywhere, more convolutions in the heads.
template <class Branch>
void run_resnet50_v2(Trace& trace) {
  Config config;
  config.rpn.convs = 2;
  const resnet::Backbone<BatchNorm2d>::Config body{resnet::depth50, {1, 2, 3, 4}};
  run<ResNetFpn<BatchNorm2d, BatchNorm2d>, ConvHead, Branch>(trace, config, body);
}

}  // namespace zoometer::rcnn
