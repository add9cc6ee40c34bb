#include <cmath>

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
  if (!call.has("dim")) return;
  if (call.uses(1)) apply_reduction(call, ops.index);
  call.keeps(index_of_result);
}

void maximum_of(AtenCall& call) { apply_extreme(call, {amax_op, argmax_op, maximum_op}); }

void minimum_of(AtenCall& call) { apply_extreme(call, {amin_op, argmin_op, minimum_op}); }

void smallest_largest(AtenCall& call) {
  const Tensor smallest = reduced_by(call, amin_op);
  call.output(smallest);
  apply_reduction(call, amax_op);
  call.keeps(declaring::first | declaring::result, call.graph().bytes(smallest.id));
}

Tensor variance_of(AtenCall& call) {
  const Tensor x = call.tensor(0);
  VarAttrs attrs{{Ints(call.integers("dim")), call.boolean("keepdim", false)}};
  if (x.rank() == 0) attrs.dims = {};
  attrs.correction = call.number("correction", call.boolean("unbiased", true) ? 1 : 0);
  return zoometer::variance(x, attrs);
}

void variance(AtenCall& call) { call.output(variance_of(call)); }

void deviation(AtenCall& call) { call.output(zoometer::unary(sqrt_op, variance_of(call))); }

/// The sum of powers of absolute values to the order, and its root; the largest or smallest for
/// infinite orders, the number of elements other than 0 for order 0.
void vector_norm(AtenCall& call) {
  const std::string_view name = call.has("ord") ? "ord" : "p";
  const Argument* given = call.find(name);
  const bool is_text = given != nullptr && given->kind == Argument::Kind::text;
  if (is_text && given->text != "fro") call.refuse("a norm of singular values");
  const double order = given == nullptr || is_text ? 2 : call.number(name);
  if (order == 2) return apply_reduction(call, norm_op);
  const Tensor x = call.tensor(0);
  const Ints dims = x.rank() == 0 ? Ints() : Ints(call.integers("dim"));
  const bool keepdim = call.boolean("keepdim", false);
  if (order == 0)
    return call.output(
        zoometer::sum(zoometer::to(zoometer::binary(ne_op, x, 0.0), x.dtype()), dims, keepdim));
  const Tensor sizes = zoometer::unary(abs_op, x);
  if (std::isinf(order))
    return call.output(reduce(order > 0 ? amax_op : amin_op, sizes, dims, keepdim));
  if (order == 1) return call.output(zoometer::sum(sizes, dims, keepdim));
  const Tensor powers = zoometer::sum(zoometer::binary(pow_op, sizes, order), dims, keepdim);
  call.output(zoometer::binary(pow_op, powers, 1 / order));
}

void variance_mean(AtenCall& call) {
  if (call.name() == "std_mean") {
    deviation(call);
  } else {
    variance(call);
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
  const Selection sorted =
      zoometer::sort(call.tensor(0), call.integer("dim", -1), call.boolean("descending", false));
  call.output(sorted.values);
  call.output(sorted.indices);
}

void argsort(AtenCall& call) {
  const bool descending = call.boolean("descending", false);
  call.output(zoometer::sort(call.tensor(0), call.integer("dim", -1), descending).indices);
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect topk_no_effect[] = {
    {"sorted", "the order of the results"},
};

constexpr NoEffect sort_no_effect[] = {
    {"stable", "the order of equal elements"},
};

constexpr AtenOperator reduce_rows[] = {
    {"max", maximum_of, same_values},
    {"min", minimum_of, same_values},
    {"aminmax", smallest_largest, same_values},
    {"var", variance, same_values},
    {"std", deviation, same_values},
    {"std_mean var_mean", variance_mean, same_values},
    {"frobenius_norm linalg_vector_norm norm",
     vector_norm,
     same_values,
     {},
     declaring::first | declaring::result},
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
    {"count_nonzero", reduction<sum_op>, same_cost},
    {"nansum", reduction<sum_op>, same_cost, {}, declaring::first},
    {"sum", reduction<sum_op>, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_reduction_operators = {aten_names<aten::reduce_rows>};

}  // namespace zoometer
