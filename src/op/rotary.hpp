#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

struct RotaryAttrs {
  bool interleaved = false;  ///< pairs are neighbours, not halves
  static constexpr std::tuple fields{field("interleaved", &RotaryAttrs::interleaved)};
};

/// Inputs: x, tables of cosines and sines, and positions or nothing; the output is like x.
extern const OpDef rotary_embedding_op;

/// x with its pairs of features rotated by an angle per position; cosines and sines hold a row of
/// features per position, positions say which row, or are empty.
Tensor rotary_embedding(Tensor x, Tensor cosines, Tensor sines, Tensor positions,
                        const RotaryAttrs& attrs = {});

}  // namespace zoometer
