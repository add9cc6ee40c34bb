#pragma once

#include "models/vision/detection.hpp"

// Detectors that classify every anchor of a pyramid at once: RetinaNet and FCOS. A `Method` gives
//   model_kind               the class's name
//   Head                     maps -> {logits (N, A, classes), offsets (N, A, 4), ...}, A anchors of
//                            all levels
//   anchors()                their configuration
//   scores(rows)             of the head's rows of one level of one image -> (A, classes)
//   boxes(offsets, anchors)  (n, 4) each -> (n, 4)
//   threshold, nms_threshold, detections   what is kept

namespace zoometer::detection {

/// The candidates of several levels, concatenated.
inline Candidates joined(std::span<const Candidates> levels) {
  Features boxes;
  Features scores;
  Features labels;
  for (const Candidates& level : levels) {
    boxes.push_back(level.boxes);
    scores.push_back(level.scores);
    labels.push_back(level.labels);
  }
  return {cat(boxes, 0), cat(scores, 0), cat(labels, 0)};
}

template <class Method, class Backbone>
struct DenseDetector : Module<DenseDetector<Method, Backbone>> {
  static constexpr auto kind = Method::model_kind;
  static constexpr std::int64_t most_candidates = 1000;  ///< per level, before suppression
  using Module<DenseDetector>::at;
  using Head = typename Method::Head;
  typename Backbone::Config config;
  std::optional<std::int64_t> given_detections;
  Backbone backbone{at("backbone"), config};
  AnchorGenerator anchor_generator{at("anchor_generator"), Method::anchors()};
  Head head{at("head")};
  ImageTransform transform{at("transform"), TransformConfig{}};

  /// images (N, 3, H, W) of 0 to 1 -> boxes (n, 4), scores (n,), labels (n,) for each of them.
  Detections forward(Tensor images) const {
    const Spatial original = size_of(images);
    const Spatial size = resized(original, transform.config);
    const Tensor batch = transform(images);
    const Features maps = backbone(batch);
    const Features rows = head(maps);
    const PerImage anchors = anchor_generator(batch, maps);

    Detections found;
    for (std::size_t image = 0; image < anchors.size(); ++image) {
      Candidates candidates = candidates_of(image, maps, rows, anchors[image]);
      candidates.boxes = clip_boxes(candidates.boxes, size);
      const Limit limit{"detections", Method::detections, given_detections};
      const Candidates kept = suppress(candidates, {Method::nms_threshold}, limit);
      found.push_back({resize_boxes(kept.boxes, size, original), kept.scores, kept.labels});
    }
    return found;
  }

 private:
  static Candidates candidates_of(std::size_t image, const Features& maps, const Features& rows,
                                  Tensor anchors) {
    std::array<Candidates, 5> levels;
    std::int64_t first = 0;
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const std::int64_t positions = product(maps[i].dim(2), maps[i].dim(3));
      const std::int64_t end = first + positions * Method::anchors().per_position();
      Features own;
      for (const Tensor each : rows) {
        const Tensor of_level = slice(each, 1, first, end);
        own.push_back(select(of_level, 0, static_cast<std::int64_t>(image)));
      }
      levels[i] = best_of_level(own, slice(anchors, 0, first, end));
      first = end;
    }
    return joined(std::span(levels).first(maps.size()));
  }

  /// The best pairs of an anchor and a class.
  static Candidates best_of_level(const Features& rows, Tensor anchors) {
    const auto classes = static_cast<double>(rows[0].dim(1));
    const Tensor scores = flatten(Method::scores(rows), 0);
    const Tensor likely = flatnonzero(binary(gt_op, scores, Method::threshold));
    const std::int64_t count = std::min(most_candidates, likely.dim(0));
    const Selection best = topk(index(scores, likely), count);
    const Tensor pairs = index(likely, best.indices);
    const Tensor chosen = binary(floor_divide_op, pairs, classes);
    const Tensor boxes = Method::boxes(index(rows[1], chosen), index(anchors, chosen));
    return {boxes, best.values, binary(remainder_op, pairs, classes)};
  }
};

inline constexpr std::string_view dense_names[] = {"boxes", "scores", "labels"};

template <class Method, class Backbone>
void run_dense(Trace& trace, const typename Backbone::Config& config) {
  const DenseDetector<Method, Backbone> net{trace.root(), config, trace.options().detections};
  output(trace, net(trace.input()), dense_names);
}

/// ResNet-50's last three layers and two coarser levels.
template <class Norm, bool extra_from_body>
using DenseResNetFpn = BackboneWithFpn<resnet::Backbone<Norm>, LastLevelP6P7<extra_from_body>>;

/// A method over ResNet-50, whose normalisation the published weights froze.
template <class Method>
void run_dense_resnet50(Trace& trace, const resnet::Config& published) {
  const Ints layers{2, 3, 4};
  if (!trace.published()) {
    return run_dense<Method, DenseResNetFpn<BatchNorm2d, false>>(trace, {resnet::depth50, layers});
  }
  run_dense<Method, DenseResNetFpn<FrozenBatchNorm2d, false>>(trace, {published, layers});
}

}  // namespace zoometer::detection
