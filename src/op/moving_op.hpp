#pragma once

#include <algorithm>

#include "zoometer/ir/layout.hpp"
#include "zoometer/op/op.hpp"

// How the operators that move elements are declared.

namespace zoometer::moving {

/// In what such operators differ.
struct Traits {
  OpKind kind;
  Backward backward;
  Memory memory;
};

/// An operator that moves elements and computes nothing.
template <class Attrs>
constexpr OpDef move(std::string_view name, std::string_view summary, void (*infer)(Inference&),
                     std::span<const std::string_view> constraints, Traits traits,
                     OperandList inputs = input_x) {
  return {.name = name,
          .summary = summary,
          .formula = "0: moves elements, computes nothing",
          .kind = traits.kind,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = traits.backward,
          .fusion = Fuse::alone,
          .memory = traits.memory,
          .arithmetic = declaring::real_arithmetic,
          .coverage = Coverage::zero,
          .infer = infer};
}

/// An axis that may count from the end, as an index of strides; always within their capacity.
inline std::size_t axis_in(const Shape& x, std::int64_t axis) noexcept {
  constexpr auto last = static_cast<std::int64_t>(most_dimensions) - 1;
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(axis < 0 ? axis + x.rank() : axis, 0, last));
}

using namespace declaring;

constexpr Traits views(void (*place)(const NodeView&, std::size_t, Layout&)) noexcept {
  return {OpKind::movement, keeps_nothing, view_at(place)};
}
inline constexpr Traits aliases{OpKind::movement, keeps_nothing, alias};
inline constexpr Traits reshapes{OpKind::movement, keeps_nothing, reshaped};
inline constexpr Traits packs{OpKind::movement, keeps_nothing, packed};
inline constexpr Traits copies{OpKind::movement, keeps_nothing, new_memory};
inline constexpr Traits constants{OpKind::constant, keeps_nothing, new_memory};
constexpr Traits updates(Update (*update)(const NodeView&)) noexcept {
  return {OpKind::update, keeps_nothing, may_update(update)};
}
inline constexpr Traits looks_up{OpKind::lookup, keeps(all_but_first), picks_elements};
inline constexpr Traits gathers{OpKind::lookup, keeps(first | second), picks_elements};
inline constexpr Traits looks_up_rows{OpKind::lookup, keeps(second), picks_rows};

/// DimsAttrs: the dimensions of input 0 in their order. Constraint 1: each of them once.
void infer_permute(Inference& in);

}  // namespace zoometer::moving
