#pragma once

#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// Adds what users leave out of the sizes of images, whose sizes by default are `standard`: the
/// batch, or all but the side of a square. Sizes below 1 in `standard` are unknown.
void complete_image(Shape& shape, const Shape& standard);

}  // namespace zoometer
