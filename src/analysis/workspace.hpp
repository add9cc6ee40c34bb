#pragma once

#include <cstdint>

#include "zoometer/ir/op_def.hpp"

namespace zoometer {

/// Bytes that an operator's plain algorithm needs beside its inputs and outputs, while it runs:
///
/// - convolution: the columns (im2col) of one group for the whole batch, output positions x
///   (channels / groups) x kernel elements; none for a kernel of one element without stride and
///   padding, whose columns are the input itself. What PyTorch takes without oneDNN or cuDNN
///   (aten/src/ATen/native/ConvolutionMM2d.cpp).
/// - transposed convolution: the columns of one group for one sample, input positions x
///   (output channels / groups) x kernel elements
///   (aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp).
/// - scaled_dot_product_attention: the scores, query rows x keys. A fused kernel needs none.
/// - all others: none. Attention that is written out in products has its scores as a tensor.
std::int64_t workspace_bytes(const NodeView& node);

}  // namespace zoometer
