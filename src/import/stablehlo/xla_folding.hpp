#pragma once

#include <limits>
#include <span>

#include "import/stablehlo/program.hpp"

namespace zoometer {

/// What XLA's front end knows of a value when it folds constants.
struct XlaConstant {
  bool is_constant = false;
  /// What every element is; not a number where they differ, or are not followed.
  double number = std::numeric_limits<double>::quiet_NaN();
};

/// What the front end (MHLO's folders, xla/mlir_hlo/mhlo/IR/hlo_ops.cc) leaves of an operation,
/// before costs are counted.
struct XlaFolding {
  bool is_folded = false;  ///< nothing is left that costs
  XlaConstant result;
};

/// `operands` and `numbers` are the values and what is known of each; `elements` those of the
/// result.
XlaFolding fold_for_xla(const HloProgram& program, const HloOperation& operation,
                        std::span<const XlaConstant> operands, std::int64_t elements);

}  // namespace zoometer
