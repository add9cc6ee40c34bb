#pragma once

#include "import/torch/aten.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/reduce.hpp"

// The translations that the table in aten.cpp names: one per group of operators that differ in the
// operator alone, or in the overload.

namespace zoometer::aten {

/// The tensor at a position, or the number there as a tensor without dimensions.
Tensor operand(AtenCall& call, std::size_t position);
/// A number as a tensor without dimensions.
Tensor constant(AtenCall& call, double value);

/// x times a factor, which is no operation where it is 1.
Tensor scaled(Tensor x, double factor);
/// alpha x product + beta x the first argument, which is not read where beta is 0.
Tensor biased(AtenCall& call, Tensor product);
/// The products of all pairs: a (n,), b (m,) -> (n, m).
Tensor outer_product(Tensor a, Tensor b);
/// An axis counted from the start, or Error{unsupported}.
std::int64_t axis_within(AtenCall& call, std::int64_t axis, std::int64_t rank);
/// The tensors of a list, all of which must be there.
std::vector<Tensor> whole_list(AtenCall& call, std::string_view name);
/// A result, and beside it what the same node makes on its way: statistics, indices, factors.
void output_and_more(AtenCall& call, Tensor result);

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
    cast_like, lerp, addcmul, addcdiv, square, exp2, rrelu, hardshrink, softshrink, tanhshrink,
    logit, logaddexp, logaddexp2, nan_to_num, hypot, heaviside, copysign, sinc, degrees_and_radians,
    frac, signbit, is_infinity, isclose, xlogy, entropy, normal_share, ldexp, normal, multinomial;

// -- aten_movement.cpp --------------------------------------------------------------------------

AtenTranslation same, copy_of, contiguous, reshape, reshape_as, flatten, unflatten, squeeze,
    unsqueeze, permute, transpose_2d, transpose, matrix_transpose, movedim, expand, expand_as,
    slice, select, narrow, split, chunk, unbind, cat, stack, pad, reflection_pad, replication_pad,
    roll, repeat, tile, repeat_interleave, flip, index_select, gather, take_along_dim, embedding,
    index, index_put, index_copy, index_add, scatter, scatter_add, scatter_reduce, select_scatter,
    slice_scatter, as_strided, as_strided_scatter, diagonal, tril, triu, full, zeros, ones,
    full_like, zeros_like, ones_like, scalar_tensor, arange, linspace, random, random_like,
    pixel_shuffle, pixel_unshuffle, sliding_window, im2col, nonzero, masked_select, copy_into,
    circular_pad, logspace;

// -- aten_pieces.cpp ----------------------------------------------------------------------------

AtenTranslation tensor_split, take, rot90, channel_shuffle, trace, meshgrid, broadcast_tensors,
    hstack, vstack, dstack, column_stack, at_least_1d, at_least_2d, at_least_3d, block_diag,
    pad_sequence, diag_embed, diag, linalg_diagonal, diagonal_scatter, index_fill, index_reduce,
    put, masked_scatter, col2im, max_unpool, fractional_max_pool, embedding_bag, eye, tril_indices,
    triu_indices, token;

// -- aten_reduce.cpp ----------------------------------------------------------------------------

AtenTranslation maximum_of, minimum_of, variance, deviation, variance_mean, norm, running_sum,
    running_product, topk, sort, argsort, smallest_largest;

// -- aten_statistics.cpp ------------------------------------------------------------------------

AtenTranslation median, mode, kth_value, quantile, msort, running_extreme, running_logsumexp, diff,
    bucketize, searchsorted, isin, unique_elements, histogram_counts, bin_count, one_hot_of,
    nan_mean, covariance;

// -- aten_layers.cpp ----------------------------------------------------------------------------

AtenTranslation convolution, conv, conv_transpose, linear, addmm, matmul, bmm, baddbmm, addmv,
    outer, einsum, attention, batch_norm, layer_norm, native_group_norm, group_norm, instance_norm,
    rms_norm, max_pool, avg_pool, adaptive_avg_pool, adaptive_max_pool, upsample_nearest,
    upsample_linear, upsample_bicubic, grid_sampler;

// -- aten_recurrent.cpp -------------------------------------------------------------------------

AtenTranslation lstm, gru, rnn, lstm_cell, gru_cell, rnn_cell;

// -- aten_signal.cpp ----------------------------------------------------------------------------

AtenTranslation fft_complex, fft_of_real, fft_to_real, fft_shift, fft_frequencies, stft, istft,
    hann_window, hamming_window, blackman_window, bartlett_window, kaiser_window, view_as_real,
    view_as_complex, real_part, imaginary_part, complex_from_parts, complex_from_polar, angle,
    conjugate;

// -- aten_loss.cpp ------------------------------------------------------------------------------

AtenTranslation mse_loss, l1_loss, smooth_l1_loss, huber_loss, soft_margin_loss,
    margin_ranking_loss, hinge_embedding_loss, poisson_nll_loss, binary_cross_entropy,
    binary_cross_entropy_with_logits, kl_div, nll_loss, cross_entropy_loss, cdist, euclidean_dist,
    pdist, pairwise_distance, dist, cosine_similarity, cosine_embedding_loss, triplet_margin_loss;

// -- aten_linalg.cpp ----------------------------------------------------------------------------

AtenTranslation addbmm, addr, addmm_activation, inner, vecdot, tensordot, kron, cross, bilinear,
    grouped_mm, multi_dot, matrix_power, matrix_norm, linalg_norm, norm_except_dim, weight_norm,
    inverse, determinant, cholesky, log_determinant, linalg_solve, linalg_solve_triangular,
    triangular_solve, cholesky_solve;

// -- aten_vision.cpp ----------------------------------------------------------------------------

AtenTranslation quantize_per_tensor, quantize_per_channel, dequantize, nms, roi_align, ps_roi_align,
    affine_grid, deform_conv2d;

}  // namespace zoometer::aten
