#include "import/torch/aten_handlers.hpp"

namespace zoometer::aten {
namespace {

Ints dims_of(AtenCall& call) { return Ints(call.integers("dim")); }

}  // namespace

void apply_reduction(AtenCall& call, const OpDef& op) {
  const Tensor x = call.tensor(0);
  // A scalar may be reduced over its dimension 0 or -1, which it lacks.
  const Ints dims = x.rank() == 0 ? Ints() : dims_of(call);
  call.output(reduce(op, x, dims, call.boolean("keepdim", false)));
}

void apply_extreme(AtenCall& call, const Extreme& ops) {
  if (call.overload() == "other" || call.has_tensor("other")) return apply_binary(call, ops.pair);
  apply_reduction(call, ops.value);
  if (call.has("dim") && call.uses(1)) apply_reduction(call, ops.index);
}

void maximum_of(AtenCall& call) { apply_extreme(call, {amax_op, argmax_op, maximum_op}); }

void minimum_of(AtenCall& call) { apply_extreme(call, {amin_op, argmin_op, minimum_op}); }

void smallest_largest(AtenCall& call) {
  apply_reduction(call, amin_op);
  apply_reduction(call, amax_op);
}

void variance(AtenCall& call) { apply_reduction(call, var_op); }

void deviation(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor squared = reduce(var_op, x, dims_of(call), call.boolean("keepdim", false));
  call.output(zoometer::unary(sqrt_op, squared));
}

void variance_mean(AtenCall& call) {
  if (call.name() == "std_mean") {
    deviation(call);
  } else {
    apply_reduction(call, var_op);
  }
  apply_reduction(call, mean_op);
}

void norm(AtenCall& call) {
  // Another order than 2 takes as many operations but for the power itself.
  apply_reduction(call, norm_op);
}

void running_sum(AtenCall& call) {
  call.output(apply(cumsum_op, CumulativeAttrs{call.integer("dim")}, call.tensor(0)));
}

void running_product(AtenCall& call) {
  call.output(apply(cumprod_op, CumulativeAttrs{call.integer("dim")}, call.tensor(0)));
}

void topk(AtenCall& call) {
  const TopkAttrs attrs{call.integer("k"), call.integer("dim", -1), call.boolean("largest", true)};
  call.outputs(apply(topk_op, attrs, call.tensor(0)), 2);
}

void sort(AtenCall& call) {
  call.outputs(apply(sort_op, CumulativeAttrs{call.integer("dim", -1)}, call.tensor(0)), 2);
}

void argsort(AtenCall& call) {
  call.output(zoometer::sort(call.tensor(0), call.integer("dim", -1)).indices);
}

}  // namespace zoometer::aten
