#include "models/vision/ssd.hpp"

#include <algorithm>

namespace zoometer::ssd {

Candidates detect(Tensor boxes, Tensor scores, const Config& config,
                  std::optional<std::int64_t> given_detections) {
  std::vector<Tensor> kept_boxes;
  std::vector<Tensor> kept_scores;
  std::vector<Tensor> labels;
  for (std::int64_t label = 1; label < scores.dim(1); ++label) {
    const Tensor of_class = select(scores, 1, label);
    const Tensor likely = flatnonzero(binary(gt_op, of_class, config.threshold));
    const std::int64_t count = std::min(config.candidates, likely.dim(0));
    const Selection best = topk(index(of_class, likely), count, 0);
    kept_boxes.push_back(index(index(boxes, likely), best.indices));
    kept_scores.push_back(best.values);
    labels.push_back(full_like(best.values, static_cast<double>(label), DType::int64));
  }
  const Candidates candidates{cat(kept_boxes, 0), cat(kept_scores, 0), cat(labels, 0)};
  const Limit limit{"detections", config.detections, given_detections};
  return suppress(candidates, {config.nms_threshold, config.candidates}, limit);
}

}  // namespace zoometer::ssd
