#include "models/vision/detection.hpp"

#include <algorithm>
#include <cmath>

namespace zoometer::detection {

Spatial resized(const Spatial& size, const TransformConfig& config) {
  if (config.fixed_size != 0) return {config.fixed_size, config.fixed_size};
  const float shorter = 1.0F / static_cast<float>(std::min(size[0], size[1]));
  const float longer = 1.0F / static_cast<float>(std::max(size[0], size[1]));
  const float scale = std::min(shorter * static_cast<float>(config.min_size),
                               longer * static_cast<float>(config.max_size));
  const auto scaled = [scale](std::int64_t side) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(side) * scale));
  };
  return {scaled(size[0]), scaled(size[1])};
}

void check_count(std::int64_t images) {
  constexpr std::int64_t most = 1024;
  if (images <= most) return;
  throw Error(ErrorCode::limit, "too many images for a detector, which traces each of them",
              {"at most " + std::to_string(most), std::to_string(images)});
}

Candidates without_small(const Candidates& candidates, double min_side) {
  const auto column = [&](std::int64_t i) { return select(candidates.boxes, 1, i); };
  const Tensor wide = binary(ge_op, column(2) - column(0), min_side);
  const Tensor high = binary(ge_op, column(3) - column(1), min_side);
  return candidates.at(flatnonzero(binary(logical_and_op, wide, high)));
}

Candidates suppress(const Candidates& candidates, const NmsAttrs& attrs, const Limit& limit) {
  const Tensor best = nms(candidates.boxes, candidates.scores, candidates.labels, attrs);
  const std::int64_t most = std::min(limit.most, best.dim(0));
  const std::int64_t count = limit.given.value_or(most);
  if (count < 0 || count > most) {
    throw Error(ErrorCode::usage, "no such number of " + std::string(limit.what),
                {"0 to " + std::to_string(most) + " for this input", std::to_string(count)});
  }
  const Candidates kept = candidates.at(slice(best, 0, 0, count));
  if (limit.given) {
    for (const Tensor& tensor : {kept.boxes, kept.scores, kept.labels})
      tensor.graph->mark_exact(tensor.id);
  }
  return kept;
}

Tensor resize_boxes(Tensor boxes, const Spatial& from, const Spatial& to) {
  const double down = static_cast<double>(to[0]) / static_cast<double>(from[0]);
  const double right = static_cast<double>(to[1]) / static_cast<double>(from[1]);
  return stack({select(boxes, 1, 0) * right, select(boxes, 1, 1) * down,
                select(boxes, 1, 2) * right, select(boxes, 1, 3) * down},
               1);
}

void output(Trace& trace, const Detections& detections, std::span<const std::string_view> names) {
  for (std::size_t image = 0; image < detections.size(); ++image) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string name = std::to_string(image) + "." + std::string(names[i]);
      trace.output(detections[image][i], trace.graph().arena().copy(name));
    }
  }
}

}  // namespace zoometer::detection
