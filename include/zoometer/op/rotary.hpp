#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of rotary_embedding.
struct RotaryAttrs {
  bool interleaved = false;  ///< pairs are neighbours; otherwise one of each half
  static constexpr std::tuple fields{field("interleaved", &RotaryAttrs::interleaved)};
};

/// Inputs: x, tables of cosines and sines, and optional positions. The output has x's shape.
extern const OpDef rotary_embedding_op;

/// x (..., features) with its pairs of features rotated by an angle per position. `cosines` and
/// `sines` (..., features / 2) have a row for each position; `positions` selects the rows, or is
/// empty.
Tensor rotary_embedding(Tensor x, Tensor cosines, Tensor sines, Tensor positions,
                        const RotaryAttrs& attrs = {});

}  // namespace zoometer
