#pragma once

#include "op/op.hpp"

namespace zoometer {

struct ReduceAttrs {
  Ints dims;  ///< empty: all
  bool keepdim = false;
  static constexpr std::tuple fields{field("dims", &ReduceAttrs::dims),
                                     field("keepdim", &ReduceAttrs::keepdim)};
};

struct TopkAttrs {
  std::int64_t k = 1;
  std::int64_t dim = -1;
  bool largest = true;
  static constexpr std::tuple fields{field("k", &TopkAttrs::k), field("dim", &TopkAttrs::dim),
                                     field("largest", &TopkAttrs::largest)};
};

struct CumulativeAttrs {
  std::int64_t dim = 0;
  static constexpr std::tuple fields{field("dim", &CumulativeAttrs::dim)};
};

extern const OpDef mean_op, sum_op, prod_op, amax_op, amin_op, norm_op, var_op, logsumexp_op,
    argmax_op, argmin_op, any_op, all_op, cumsum_op, cumprod_op, topk_op, sort_op;

/// Any of the reductions: `reduce(mean_op, x, {2, 3}, true)`.
Tensor reduce(const OpDef& op, Tensor x, const Ints& dims, bool keepdim = false);
Tensor mean(Tensor x, const Ints& dims, bool keepdim = false);
Tensor sum(Tensor x, const Ints& dims, bool keepdim = false);
/// Running sums along an axis.
Tensor cumsum(Tensor x, std::int64_t dim);

/// Values and their indices (int64).
struct Selection {
  Tensor values;
  Tensor indices;
};
Selection topk(Tensor x, std::int64_t k, std::int64_t dim = -1);
Selection sort(Tensor x, std::int64_t dim = -1);

}  // namespace zoometer
