#pragma once

#include <array>

#include "zoometer/nn/layers.hpp"

// VGG's convolutions, shared by the classifiers and by SSD, which is built on VGG-16.

namespace zoometer::vgg {

/// Convolutions per stage; a pooling layer halves the resolution after each stage.
using Depths = std::array<int, 5>;

inline constexpr std::array<std::int64_t, 5> widths{64, 128, 256, 512, 512};
inline constexpr Depths depths11{1, 1, 2, 2, 2};
inline constexpr Depths depths13{2, 2, 2, 2, 2};
inline constexpr Depths depths16{2, 2, 3, 3, 3};
inline constexpr Depths depths19{2, 2, 4, 4, 4};

/// Appends the 3 x 3 convolutions of the stage with that index (0 to 4), each with its activation,
/// and with a normalisation between the two on request. The caller adds the pooling after them.
inline void add_stage(Sequential& features, const Depths& depths, std::size_t index,
                      bool batch_norm = false) {
  std::int64_t in = index == 0 ? 3 : widths[index - 1];
  for (int i = 0; i < depths[index]; ++i) {
    features.add<Conv2d>(in, widths[index], ConvOptions{.kernel = 3, .padding = 1});
    if (batch_norm) features.add<BatchNorm2d>(widths[index]);
    features.add<ReLU>();
    in = widths[index];
  }
}

}  // namespace zoometer::vgg
