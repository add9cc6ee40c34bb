#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of the reductions.
struct ReduceAttrs {
  Ints dims;             ///< the axes that go away; empty: all
  bool keepdim = false;  ///< they stay, with size 1
  static constexpr std::tuple fields{field("dims", &ReduceAttrs::dims),
                                     field("keepdim", &ReduceAttrs::keepdim)};
};

/// Of var.
struct VarAttrs : ReduceAttrs {
  double correction = 1;  ///< the divisor is the number of elements without it
  static constexpr std::tuple fields{field("dims", &VarAttrs::dims),
                                     field("keepdim", &VarAttrs::keepdim),
                                     field("correction", &VarAttrs::correction)};
};

/// Of topk.
struct TopkAttrs {
  std::int64_t k = 1;     ///< how many
  std::int64_t dim = -1;  ///< the axis
  bool largest = true;    ///< or the smallest
  static constexpr std::tuple fields{field("k", &TopkAttrs::k), field("dim", &TopkAttrs::dim),
                                     field("largest", &TopkAttrs::largest)};
};

/// Of cumsum, cumprod, cummax and cummin.
struct CumulativeAttrs {
  std::int64_t dim = 0;  ///< the axis
  static constexpr std::tuple fields{field("dim", &CumulativeAttrs::dim)};
};

/// Of sort.
struct SortAttrs : CumulativeAttrs {
  bool descending = false;  ///< the largest elements come first
  static constexpr std::tuple fields{field("dim", &SortAttrs::dim),
                                     field("descending", &SortAttrs::descending)};
};

/// @{
/// Operators along axes, each PyTorch's function of that name.
extern const OpDef mean_op, sum_op, prod_op, amax_op, amin_op, norm_op, var_op, logsumexp_op,
    argmax_op, argmin_op, any_op, all_op, cumsum_op, cumprod_op, cummax_op, cummin_op, topk_op,
    sort_op, searchsorted_op;
/// @}

/// Any of the reductions: `reduce(mean_op, x, {2, 3}, true)`.
Tensor reduce(const OpDef& op, Tensor x, const Ints& dims, bool keepdim = false);
/// The mean along axes.
Tensor mean(Tensor x, const Ints& dims, bool keepdim = false);
/// The sum along axes.
Tensor sum(Tensor x, const Ints& dims, bool keepdim = false);
/// Running sums along an axis.
Tensor cumsum(Tensor x, std::int64_t dim);

/// Values and their indices (int64).
struct Selection {
  Tensor values;   ///< elements of x
  Tensor indices;  ///< where along the axis each of them stood
};
/// The k largest elements along an axis, in falling order.
Selection topk(Tensor x, std::int64_t k, std::int64_t dim = -1);
/// The variance along axes.
Tensor variance(Tensor x, const VarAttrs& attrs);
/// Every element along an axis, in rising order unless it is to be descending.
Selection sort(Tensor x, std::int64_t dim = -1, bool descending = false);
/// Where each value would be inserted into numbers that rise along their last axis (int64):
/// sorted (n,), or (..., n) with as many leading sizes as values (..., m) -> like values.
Tensor searchsorted(Tensor sorted, Tensor values);

}  // namespace zoometer
