#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/shape.hpp"

namespace zoometer {

/// Which structure to build: the one of the published weights, or the one of `weights=None`.
/// They differ where training needs auxiliary heads or other normalisation layers.
enum class Variant : std::uint8_t { published, untrained };
std::string_view name_of(Variant variant) noexcept;

/// What the user may ask of a trace.
struct TraceOptions {
  struct Input {
    std::string name;  ///< empty: by position
    Shape shape;
  };
  Variant variant = Variant::published;
  std::vector<Input> inputs;               ///< empty: the model's defaults
  std::optional<std::int64_t> batch;       ///< replaces the first size of every input
  std::optional<std::int64_t> proposals;   ///< detectors: the real number, not its bound
  std::optional<std::int64_t> detections;  ///< detectors: the real number, not its bound
  bool quantize = false;                   ///< quantized models: the int8 graph
};

}  // namespace zoometer
