#pragma once

#include "zoometer/op/op.hpp"

// How the operators that move elements are declared.

namespace zoometer::moving {

/// What an operator does to the memory of its input.
struct Traits {
  Storage storage = Storage::fresh;
  Reads reads = Reads::inputs;
};

/// An operator that moves elements and computes nothing.
template <class Attrs>
constexpr OpDef move(std::string_view name, std::string_view summary, void (*infer)(Inference&),
                     std::span<const std::string_view> constraints, Traits traits,
                     std::span<const std::string_view> inputs = input_x) {
  return {.name = name,
          .summary = summary,
          .formula = "0: moves elements, computes nothing",
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<Attrs>(),
          .coverage = Coverage::zero,
          .storage = traits.storage,
          .reads = traits.reads,
          .infer = infer};
}

inline constexpr Traits view{Storage::view, Reads::inputs};
inline constexpr Traits alias{Storage::alias, Reads::inputs};
inline constexpr Traits reshaped{Storage::reshaped, Reads::inputs};
inline constexpr Traits copy{};
inline constexpr Traits picks{Storage::fresh, Reads::outputs};

}  // namespace zoometer::moving
