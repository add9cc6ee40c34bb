#include "models/vision/rcnn.hpp"

#include <algorithm>
#include <cmath>

namespace zoometer::rcnn {
namespace {

/// The best anchors of each level: their indices among all anchors (N, k), and their levels (k,).
struct BestAnchors {
  Tensor indices;
  Tensor levels;
};

BestAnchors best_anchors(const Features& objectness, std::int64_t most_per_level) {
  Features indices;
  Features levels;
  std::int64_t offset = 0;
  for (std::size_t level = 0; level < objectness.size(); ++level) {
    const Tensor scores = squeeze(objectness[level], 2);
    const std::int64_t count = std::min(most_per_level, scores.dim(1));
    const Tensor best = topk(scores, count, 1).indices;
    indices.push_back(best + static_cast<double>(offset));
    levels.push_back(full(*scores.graph, {count}, static_cast<double>(level), DType::int64));
    offset += scores.dim(1);
  }
  return {cat(indices, 1), cat(levels, 0)};
}

/// A map's size divided by the image's, as a power of two.
double scale_of(Tensor map, const Spatial& image_size) {
  const float ratio = static_cast<float>(map.dim(2)) / static_cast<float>(image_size[0]);
  return std::exp2(std::nearbyint(std::log2(ratio)));
}

}  // namespace

PerImage RegionProposalNetwork::forward(Tensor batch, const Features& maps,
                                        const Spatial& image_size) const {
  const RpnScores scores = head(maps);
  const PerImage anchors = anchor_generator(batch, maps);
  const std::int64_t images = batch.dim(0);
  const std::int64_t count = anchors.front().dim(0);

  Features objectness;
  Features offsets;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    objectness.push_back(rows_per_anchor(scores.objectness[i], 1));
    offsets.push_back(rows_per_anchor(scores.offsets[i], 4));
  }
  const Tensor all_offsets = reshape(cat(offsets, 1), {images * count, 4});
  const Tensor all_boxes =
      reshape(decode_boxes(all_offsets, joined(anchors), {}), {images, count, 4});
  const Tensor all_scores = squeeze(cat(objectness, 1), 2);

  const BestAnchors best = best_anchors(objectness, config.candidates);
  const Tensor best_scores = unary(sigmoid_op, gather(all_scores, 1, best.indices));
  const Tensor rows = expand(unsqueeze(best.indices, 2), {images, best.indices.dim(1), 4});
  const Tensor best_boxes = gather(all_boxes, 1, rows);

  PerImage proposals;
  for (std::int64_t i = 0; i < images; ++i) {
    Candidates candidates{clip_boxes(select(best_boxes, 0, i), image_size),
                          select(best_scores, 0, i), best.levels};
    candidates = without_small(candidates, 1e-3);
    candidates =
        candidates.at(flatnonzero(binary(ge_op, candidates.scores, config.score_threshold)));
    const Limit limit{"proposals", config.proposals, given_proposals};
    proposals.push_back(suppress(candidates, {0.7, config.candidates}, limit).boxes);
  }
  return proposals;
}

Tensor RoiPool::forward(const Features& maps, const PerImage& boxes,
                        const Spatial& image_size) const {
  PerImage regions;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Tensor image = full(graph(), {boxes[i].dim(0), 1}, static_cast<double>(i));
    regions.push_back(cat({image, boxes[i]}, 1));
  }
  RoiAlignAttrs attrs;
  attrs.output_size = {size, size};
  Features pooled;
  for (std::size_t i = 0; i + 1 < maps.size(); ++i) {
    pooled.push_back(maps[i]);
    attrs.scales.push_back(scale_of(maps[i], image_size));
  }
  return roi_align(joined(regions), pooled, attrs);
}

Detections Refinement::detect(const PerImage& proposals, const Spatial& image_size) const {
  constexpr double threshold = 0.05;
  constexpr std::int64_t most_above_threshold = 19;  // the scores of a box add up to 1
  const std::int64_t classes = logits.dim(1);
  const std::int64_t objects = classes - 1;
  const Tensor all_boxes = decode_boxes(offsets, joined(proposals), {.weights = {10, 10, 5, 5}});
  const Tensor all_scores = softmax(logits, -1);

  Detections detections;
  std::int64_t first = 0;
  for (const Tensor proposed : proposals) {
    const std::int64_t count = proposed.dim(0);
    const auto of_image = [&](Tensor x) { return slice(x, 0, first, first + count); };
    const auto of_objects = [&](Tensor x) { return slice(x, 1, 1, classes); };
    const Tensor boxes = clip_boxes(of_image(all_boxes), image_size);
    const Tensor numbers = arange(*logits.graph, 0, static_cast<double>(classes));
    const Tensor labels = expand(reshape(numbers, {1, classes}), {count, classes});
    Candidates candidates{reshape(of_objects(boxes), {count * objects, 4}),
                          reshape(of_objects(of_image(all_scores)), {count * objects}),
                          reshape(of_objects(labels), {count * objects})};
    const Tensor is_likely = binary(gt_op, candidates.scores, threshold);
    const std::int64_t most = count * std::min(objects, most_above_threshold);
    candidates = without_small(candidates.at(flatnonzero(is_likely, most)), 1e-2);
    const Candidates kept =
        suppress(candidates, {0.5, count}, {"detections", 100, given_detections});
    detections.push_back({kept.boxes, kept.labels, kept.scores});
    first += count;
  }
  return detections;
}

PerImage boxes_of(const Detections& detections) {
  PerImage boxes;
  for (const Features& image : detections) boxes.push_back(image[0]);
  return boxes;
}

}  // namespace zoometer::rcnn
