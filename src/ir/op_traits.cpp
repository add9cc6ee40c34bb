#include "zoometer/ir/op_traits.hpp"

#include <array>

namespace zoometer {

std::string_view name_of(OpKind kind) noexcept {
  constexpr std::array<std::string_view, 22> names = {
      "product",   "attention",      "recurrent", "normalisation", "softmax",    "pointwise",
      "reduction", "scan",           "ordering",  "pooling",       "resampling", "movement",
      "lookup",    "update",         "selection", "constant",      "random",     "quantisation",
      "transform", "linear algebra", "boxes",     "unknown"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace zoometer
