#pragma once

#include "zoometer/ir/tensor.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of loop_state.
struct LoopStateAttrs {
  Ints sizes;  ///< of the value in the iteration that is counted
  static constexpr std::tuple fields{field("sizes", &LoopStateAttrs::sizes)};
};

/// Of collect.
struct CollectAttrs {
  std::int64_t dim = 0;    ///< the new axis, within the rank of the result
  std::int64_t count = 0;  ///< iterations
  static constexpr std::tuple fields{field("dim", &CollectAttrs::dim),
                                     field("count", &CollectAttrs::count)};
};

extern const OpDef loop_state_op;
extern const OpDef collect_op;

/// What a later iteration of a loop takes of the one before it: a value like `x` of other sizes.
Tensor loop_state(Tensor x, const Ints& sizes);

/// The values that all iterations of a loop make, along a new axis; `x` is that of one of them.
Tensor collect(Tensor x, std::int64_t dim, std::int64_t count);

}  // namespace zoometer
