#include "import/torch/aten_shared.hpp"

namespace zoometer::aten {
namespace {

/// `max` and `min`: of all elements, over an axis with indices, or of two tensors.
struct Extreme {
  const OpDef& value;
  const OpDef& index;
  const OpDef& pair;
};

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

void deviation(AtenCall& call) { call.output(zoometer::unary(sqrt_op, reduced_by(call, var_op))); }

void variance_mean(AtenCall& call) {
  if (call.name() == "std_mean") {
    deviation(call);
  } else {
    apply_reduction(call, var_op);
  }
  apply_reduction(call, mean_op);
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

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect variance_no_effect[] = {
    {"unbiased", "any divisor costs the same"},
    {"correction", "any divisor costs the same"},
};

constexpr NoEffect norm_no_effect[] = {
    {"ord=2", "the default"},
    {"p=2", "the default"},
};

constexpr NoEffect topk_no_effect[] = {
    {"sorted", "the order of the results"},
};

constexpr NoEffect sort_no_effect[] = {
    {"descending", "both directions cost the same"},
    {"stable", "the order of equal elements"},
};

constexpr AtenOperator reduce_rows[] = {
    {"max", maximum_of, same_values},
    {"min", minimum_of, same_values},
    {"aminmax", smallest_largest, same_values},
    {"var", variance, same_values, variance_no_effect},
    {"std", deviation, same_values, variance_no_effect},
    {"std_mean var_mean", variance_mean, same_values, variance_no_effect},
    {"frobenius_norm linalg_vector_norm norm", reduction<norm_op>, same_values, norm_no_effect},
    {"cumsum", running_sum, same_values},
    {"cumprod", running_product, same_values},
    {"topk", topk, same_values, topk_no_effect},
    {"sort", sort, same_values, sort_no_effect},
    {"argsort", argsort, same_values, sort_no_effect},
    {"all", reduction<all_op>, same_values},
    {"amax", reduction<amax_op>, same_values},
    {"amin", reduction<amin_op>, same_values},
    {"any", reduction<any_op>, same_values},
    {"argmax", reduction<argmax_op>, same_values},
    {"argmin", reduction<argmin_op>, same_values},
    {"logsumexp special_logsumexp", reduction<logsumexp_op>, same_values},
    {"mean", reduction<mean_op>, same_values},
    {"prod", reduction<prod_op>, same_values},
    {"count_nonzero nansum", reduction<sum_op>, same_cost},
    {"sum", reduction<sum_op>, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_reduction_operators = {aten_names<aten::reduce_rows>};

}  // namespace zoometer
