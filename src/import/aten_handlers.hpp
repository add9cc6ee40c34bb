#pragma once

#include "import/aten.hpp"
#include "op/elementwise.hpp"
#include "op/reduce.hpp"

// The translations that the table in aten.cpp names: one per group of operators that differ in the
// operator alone, or in the overload.

namespace zoometer::aten {

/// The tensor at a position, or the number there as a tensor without dimensions.
Tensor operand(AtenCall& call, std::size_t position);
/// A number as a tensor without dimensions.
Tensor constant(AtenCall& call, double value);

/// One tensor in, one out, no attributes.
template <const OpDef& op>
void unary(AtenCall& call) {
  call.output(zoometer::unary(op, call.tensor(0)));
}

/// Two operands, of which one may be a number.
void apply_binary(AtenCall& call, const OpDef& op);
template <const OpDef& op>
void binary(AtenCall& call) {
  apply_binary(call, op);
}

/// Reduction over `dim`, or over everything.
void apply_reduction(AtenCall& call, const OpDef& op);
template <const OpDef& op>
void reduction(AtenCall& call) {
  apply_reduction(call, op);
}

/// `max` and `min`: of all elements, over an axis with indices, or of two tensors.
struct Extreme {
  const OpDef& value;
  const OpDef& index;
  const OpDef& pair;
};
void apply_extreme(AtenCall& call, const Extreme& ops);

// -- aten_elementwise.cpp -----------------------------------------------------------------------

AtenTranslation add, sub, rsub, div, clamp, clamp_min, clamp_max, hardtanh, leaky_relu, elu, celu,
    softplus, gelu, glu, threshold, prelu, softmax, log_softmax, where, masked_fill, dropout, cast,
    cast_like, lerp, addcmul, addcdiv, square, exp2;

// -- aten_movement.cpp --------------------------------------------------------------------------

AtenTranslation same, copy_of, contiguous, reshape, reshape_as, flatten, unflatten, squeeze,
    unsqueeze, permute, transpose_2d, transpose, matrix_transpose, movedim, expand, expand_as,
    slice, select, narrow, split, chunk, unbind, cat, stack, pad, reflection_pad, replication_pad,
    roll, repeat, tile, repeat_interleave, flip, index_select, gather, take_along_dim, embedding,
    index, index_put, index_copy, index_add, scatter, scatter_add, scatter_reduce, select_scatter,
    slice_scatter, as_strided, as_strided_scatter, diagonal, tril, triu, full, zeros, ones,
    full_like, zeros_like, ones_like, scalar_tensor, arange, linspace, random, random_like,
    pixel_shuffle, pixel_unshuffle, sliding_window, im2col, nonzero, masked_select, copy_into;

// -- aten_reduce.cpp ----------------------------------------------------------------------------

AtenTranslation maximum_of, minimum_of, variance, deviation, variance_mean, norm, running_sum,
    running_product, topk, sort, argsort, smallest_largest;

// -- aten_layers.cpp ----------------------------------------------------------------------------

AtenTranslation convolution, conv, conv_transpose, linear, addmm, matmul, bmm, baddbmm, addmv,
    outer, einsum, attention, batch_norm, layer_norm, native_group_norm, group_norm, instance_norm,
    rms_norm, max_pool, avg_pool, adaptive_avg_pool, adaptive_max_pool, upsample_nearest,
    upsample_linear, upsample_bicubic, grid_sampler;

// -- aten_vision.cpp ----------------------------------------------------------------------------

AtenTranslation quantize_per_tensor, quantize_per_channel, dequantize, nms, roi_align,
    deform_conv2d;

}  // namespace zoometer::aten
