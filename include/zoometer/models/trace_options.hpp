#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// Which structure to build: the one of the published weights, or the one of `weights=None`.
/// They differ where training needs auxiliary heads or other normalisation layers.
enum class Variant : std::uint8_t {
  published,  ///< the one of the published weights
  untrained,  ///< the one of `weights=None`
};
/// "published" or "untrained".
std::string_view name_of(Variant variant) noexcept;

/// What the user may ask of a trace.
struct TraceOptions {
  /// An input's size.
  struct Input {
    std::string name;  ///< empty: by position
    Shape shape;       ///< the size of each dimension
  };
  Variant variant = Variant::published;         ///< which structure
  std::vector<Input> inputs = {};               ///< empty: the model's defaults
  std::optional<std::int64_t> batch = {};       ///< replaces the first size of every input
  std::optional<std::int64_t> proposals = {};   ///< detectors: the real number, not its bound
  std::optional<std::int64_t> detections = {};  ///< detectors: the real number, not its bound
  bool quantize = false;                        ///< quantized models: the int8 graph
};

}  // namespace zoometer
