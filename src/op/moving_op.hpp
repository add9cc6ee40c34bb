#pragma once

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

using namespace declaring;

inline constexpr Traits views{OpKind::movement, keeps_nothing, view};
inline constexpr Traits aliases{OpKind::movement, keeps_nothing, alias};
inline constexpr Traits reshapes{OpKind::movement, keeps_nothing, reshaped};
inline constexpr Traits copies{OpKind::movement, keeps_nothing, new_memory};
inline constexpr Traits constants{OpKind::constant, keeps_nothing, new_memory};
inline constexpr Traits updates{OpKind::update, keeps_nothing, over_first};
inline constexpr Traits looks_up{OpKind::lookup, keeps(all_but_first), picks_elements};
inline constexpr Traits looks_up_rows{OpKind::lookup, keeps(second), picks_rows};

}  // namespace zoometer::moving
