// Many elements into one, and orders.
#include <algorithm>

#include "import/onnx/fold.hpp"
#include "import/onnx/ranges.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

/// What a reduction reduces; `nothing` where an empty list of axes means that.
struct ReducedAxes {
  Ints axes;
  bool keeps = true;
  bool nothing = false;
};

/// The axes that turn x into a declared shape; nothing where there are none.
std::optional<Ints> axes_between(const Shape& x, const Shape& result, bool keeps) {
  const unsigned subsets = 1U << x.size();
  for (unsigned chosen = 0; chosen < subsets; ++chosen) {
    Shape left;
    Ints axes;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool is_reduced = (chosen >> i & 1U) != 0;
      if (is_reduced) axes.push_back(static_cast<std::int64_t>(i));
      if (!is_reduced || keeps) left.push_back(is_reduced ? 1 : x[i]);
    }
    if (left == result) return axes;
  }
  return std::nullopt;
}

/// Axes are an input since version 18, those of ReduceSum since 13.
OnnxList reduced_axes(const OnnxContext& context) {
  return context.list("axes", 1, context.node().op_type == "ReduceSum" ? 13 : 18);
}

/// Nothing where the axes are not known.
std::optional<ReducedAxes> reduction_of(OnnxContext& context) {
  ReducedAxes reduction;
  reduction.keeps = context.integer("keepdims", 1) != 0;
  const bool may_do_nothing = context.integer("noop_with_empty_axes", 0) != 0;
  const OnnxList listed = reduced_axes(context);
  const std::int64_t rank = context.rank(0);
  if (listed.depends_on_data) {
    const std::optional<DeclaredType> type = context.declared(0);
    if (!type || !type->is_known()) return std::nullopt;
    const auto axes = axes_between(context.shape(0), type->shape, reduction.keeps);
    if (!axes) return std::nullopt;
    reduction.axes = *axes;
    reduction.nothing = axes->empty();
  } else if (listed && !listed->empty()) {
    reduction.axes = context.axes(*listed, rank);
  } else {
    reduction.nothing = may_do_nothing || rank == 0;
    for (std::int64_t i = 0; i < rank; ++i) reduction.axes.push_back(i);
  }
  return reduction;
}

template <const OpDef& Op>
OnnxOutcome emit_reduce(OnnxContext& context) {
  const std::optional<ReducedAxes> reduction = reduction_of(context);
  if (!reduction) return OnnxOutcome::depends_on_data;
  if (reduction->nothing) return context.out_value(0, context.value(0));
  return context.out(reduce(Op, context.in(0), reduction->axes, reduction->keeps));
}

/// A reduction of |x|, x^2 or log(sum(x)).
template <class Before, class After>
OnnxOutcome emit_composed(OnnxContext& context, Before before, After after) {
  const std::optional<ReducedAxes> reduction = reduction_of(context);
  if (!reduction) return OnnxOutcome::depends_on_data;
  const Tensor x = before(context.in(0));
  return context.out(after(reduction->nothing ? x : sum(x, reduction->axes, reduction->keeps)));
}

Tensor same(Tensor x) { return x; }

OnnxOutcome emit_reduce_l1(OnnxContext& context) {
  return emit_composed(
      context, [](Tensor x) { return unary(abs_op, x); }, same);
}

OnnxOutcome emit_reduce_sum_square(OnnxContext& context) {
  return emit_composed(
      context, [](Tensor x) { return x * x; }, same);
}

OnnxOutcome emit_reduce_log_sum(OnnxContext& context) {
  return emit_composed(context, same, [](Tensor x) { return unary(log_op, x); });
}

template <const OpDef& Op>
OnnxOutcome emit_index(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  return context.out(reduce(Op, x, {axis}, context.integer("keepdims", 1) != 0));
}

OnnxOutcome emit_top_k(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", -1), x.rank());
  std::int64_t k = context.integer("k", 0);
  bool is_bounded = false;
  if (context.opset() >= 10) {
    // An unknown k is what the output is declared with, or at most the length of the axis.
    const std::optional<std::int64_t> given = context.integer(1);
    context.take_unknown(1);
    if (given) {
      k = context.is_exact(0, axis) ? *given : std::min(*given, x.dim(axis));
    } else if (context.is_declared(0, x.rank())) {
      k = context.declared(0)->shape.dim(axis);
    } else if (context.has_ranges()) {
      return OnnxOutcome::depends_on_data;
    } else {
      k = x.dim(axis);
      is_bounded = true;
      context.note("TopK with a k that depends on data is taken to keep all");
    }
  }
  if (context.is_inexact()) k = std::min(k, x.dim(axis));
  const TopkAttrs attrs{k, axis, context.integer("largest", 1) != 0};
  const Tensor values = apply(topk_op, attrs, x);
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor output = sibling_output(values, i);
    if (is_bounded) {
      context.at_most(i, output, axis);
    } else {
      context.out(i, output);
    }
  }
  return OnnxOutcome::done;
}

template <const OpDef& op>
OnnxOutcome emit_running(OnnxContext& context) {
  const Tensor x = context.in(0);
  // Which axis it is changes no figure.
  const auto axis = x.rank() > 0 && context.known(1) != nullptr ? context.integer(1) : std::nullopt;
  return context.out(apply(op, AxisAttrs{axis ? context.axis(*axis, x.rank()) : 0}, x));
}

// -- folds --------------------------------------------------------------------------------------

template <class Function>
bool fold_reduction(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (x.shape.rank() > 1 || !is_small(x.shape) || x.count() == 0) return false;
  const bool keeps = context.integer("keepdims", 1) != 0;
  const OnnxList axes = reduced_axes(context);
  const bool may_do_nothing = context.integer("noop_with_empty_axes", 0) != 0;
  if (axes.depends_on_data || (may_do_nothing && (!axes || axes->empty()))) return false;
  bool good = true;
  FoldElements elements;
  if (x.is_real()) {
    double total = x.real(0);
    for (std::size_t i = 1; i < x.count(); ++i) total = Function{}(total, x.real(i), good);
    elements.reals.push_back(rounded(total, x.dtype));
  } else {
    std::int64_t total = x.integer(0);
    for (std::size_t i = 1; i < x.count() && good; ++i) {
      total = Function{}(total, x.integer(i), good);
    }
    elements.integers.push_back(total);
  }
  const Shape shape = keeps && x.shape.rank() == 1 ? Shape{1} : Shape{};
  return good && finish_fold(context, x.dtype, shape, elements);
}

bool fold_cumsum(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (x.shape.rank() != 1 || x.is_real() || !is_small(x.shape)) return false;
  if (context.integer("exclusive", 0) != 0 || context.integer("reverse", 0) != 0) return false;
  FoldElements elements;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (__builtin_add_overflow(total, x.integer(i), &total)) return false;
    elements.integers.push_back(total);
  }
  return finish_fold(context, x.dtype, x.shape, elements);
}

using enum Meaning;

constexpr NoEffect index_no_effect[] = {
    {"select_last_index", "which of several equal elements is taken"},
};

constexpr NoEffect cumsum_no_effect[] = {
    {"exclusive", "which sums are written"},
    {"reverse", "from which end sums are taken"},
    {"input 1", "each element is taken once, along any axis"},
};

constexpr NoEffect top_k_no_effect[] = {{"sorted", "counted as sorted in any case"}};

constexpr OnnxOperator reduce_rows[] = {
    {"ArgMax",
     same_values,
     emit_index<argmax_op>,
     {.range = range_of_position, .no_effect = index_no_effect}},
    {"ArgMin",
     same_values,
     emit_index<argmin_op>,
     {.range = range_of_position, .no_effect = index_no_effect}},
    {"CumProd",
     same_values,
     emit_running<cumprod_op>,
     {.settings = {1}, .no_effect = cumsum_no_effect}},
    {"CumSum",
     same_values,
     emit_running<cumsum_op>,
     {.fold = fold_cumsum, .range = range_of_sum, .no_effect = cumsum_no_effect}},
    {"ReduceL1", same_values, emit_reduce_l1},
    {"ReduceL2", same_values, emit_reduce<norm_op>},
    {"ReduceLogSum", same_values, emit_reduce_log_sum},
    {"ReduceLogSumExp", same_values, emit_reduce<logsumexp_op>},
    {"ReduceMax",
     same_values,
     emit_reduce<amax_op>,
     {.fold = fold_reduction<Larger>, .range = range_of_first}},
    {"ReduceMean", same_values, emit_reduce<mean_op>},
    {"ReduceMin",
     same_values,
     emit_reduce<amin_op>,
     {.fold = fold_reduction<Smaller>, .range = range_of_first}},
    {"ReduceProd", same_values, emit_reduce<prod_op>, {.fold = fold_reduction<Times>}},
    {"ReduceSum",
     same_values,
     emit_reduce<sum_op>,
     {.fold = fold_reduction<Plus>, .range = range_of_sum}},
    {"ReduceSumSquare", same_values, emit_reduce_sum_square},
    {"TopK", same_values, emit_top_k, {.no_effect = top_k_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_reduction_operators = {"", reduce_rows};

}  // namespace zoometer
