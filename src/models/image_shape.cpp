#include "models/image_shape.hpp"

#include <algorithm>

namespace zoometer {

void complete_image(Shape& shape, const Shape& standard) {
  constexpr std::int64_t image_rank = 4;  // 5 for a video
  if (standard.rank() >= image_rank && shape.rank() + 1 == standard.rank()) shape.insert(0, 1);
  if (standard.rank() != image_rank || shape.rank() != 1 || standard.dim(1) < 1) return;
  const std::int64_t side = shape.dim(0);
  shape = {std::max<std::int64_t>(standard.dim(0), 1), standard.dim(1), side, side};
}

}  // namespace zoometer
