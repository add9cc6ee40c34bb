#pragma once

#include "zoometer/op/op.hpp"

// Fourier transforms in ONNX's form: complex numbers are pairs in a last dimension of 2, real ones
// have a last dimension of 1.

namespace zoometer {

/// Of dft.
struct DftAttrs {
  std::int64_t dim = 1;     ///< the axis that is transformed
  std::int64_t length = 0;  ///< of the transform, to which x is cut or padded; 0: the axis's size
  bool onesided = false;    ///< frequencies of real numbers: without the conjugate half
  bool inverse = false;     ///< from frequencies; from one side of them to real numbers
  static constexpr std::tuple fields{
      field("dim", &DftAttrs::dim), field("length", &DftAttrs::length),
      field("onesided", &DftAttrs::onesided), field("inverse", &DftAttrs::inverse)};
};

/// Of stft.
struct StftAttrs {
  std::int64_t frame_length = 1;  ///< elements of a frame
  std::int64_t frame_step = 1;    ///< elements from one frame's start to the next one's
  bool onesided = true;           ///< of real numbers: without the conjugate half
  static constexpr std::tuple fields{field("frame_length", &StftAttrs::frame_length),
                                     field("frame_step", &StftAttrs::frame_step),
                                     field("onesided", &StftAttrs::onesided)};
};

/// ONNX's DFT and STFT; torch.view_as_complex and torch.view_as_real.
extern const OpDef dft_op, stft_op, view_as_complex_op, view_as_real_op;

/// x (..., n, ..., 1 or 2) -> (..., length or length / 2 + 1, ..., 2); onesided and inverse
/// (..., length / 2 + 1, ..., 2) -> (..., length, ..., 1).
Tensor dft(Tensor x, const DftAttrs& attrs);
/// x (N, L, 1 or 2), window (frame_length,) or empty -> (N, frames, frequencies, 2).
Tensor stft(Tensor x, Tensor window, const StftAttrs& attrs);
/// x (..., 2) of real numbers -> (...) of complex ones.
Tensor view_as_complex(Tensor x);
/// The other way.
Tensor view_as_real(Tensor x);

}  // namespace zoometer
