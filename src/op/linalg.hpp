#pragma once

#include <string_view>

#include "zoometer/op/op.hpp"

// Dense linear algebra on matrices in the last two dimensions, by LAPACK's operation counts.

namespace zoometer {

/// @{
/// The functions of torch.linalg that are called inv, det, cholesky, solve and solve_triangular.
extern const OpDef inverse_op, determinant_op, cholesky_op, solve_op, solve_triangular_op;
/// @}

/// Of qr.
struct QrAttrs {
  std::string_view mode = "reduced";  ///< or "complete", "r"
  static constexpr std::tuple fields{field("mode", &QrAttrs::mode)};
};

/// The factors Q and R of a (..., m, n) with orthonormal columns and zeros below the diagonal.
extern const OpDef qr_op;

/// The unknowns X of A X = B: a (..., n, n), b (..., n, k) -> (..., n, k).
Tensor solve(const OpDef& op, Tensor a, Tensor b);

}  // namespace zoometer
