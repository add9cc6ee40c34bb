// Many elements into one, and orders.
#include "import/onnx/ops.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

/// What a reduction reduces; `nothing` where an empty list of axes means that.
struct Reduction {
  Ints axes;
  bool keeps = true;
  bool nothing = false;
};

/// The axes that turn x into a declared shape. Throws OnnxDataDependent where there are none.
Ints axes_between(const Shape& x, const Shape& result, bool keeps) {
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
  throw OnnxDataDependent{};
}

Reduction reduction_of(OnnxContext& context) {
  const std::int64_t version = context.node().op_type == "ReduceSum" ? 13 : 18;
  if (context.opset() >= version && context.has(1) && context.known(1) == nullptr) {
    const std::optional<OutputType> type = context.declared(0);
    if (!type) throw OnnxDataDependent{};
    const bool keeps = context.integer("keepdims", 1) != 0;
    const Ints axes = axes_between(context.shape(0), type->shape, keeps);
    return {axes, keeps, axes.empty()};
  }
  const auto listed =
      context.opset() < version ? context.integers("axes") : context.integers("axes", 1);
  Reduction reduction;
  reduction.keeps = context.integer("keepdims", 1) != 0;
  const std::int64_t rank = context.rank(0);
  if (listed && !listed->empty()) {
    reduction.axes = context.axes(*listed, rank);
  } else {
    reduction.nothing = context.integer("noop_with_empty_axes", 0) != 0 || rank == 0;
    for (std::int64_t i = 0; i < rank; ++i) reduction.axes.push_back(i);
  }
  return reduction;
}

template <const OpDef& Op>
void emit_reduce(OnnxContext& context) {
  const Reduction reduction = reduction_of(context);
  if (reduction.nothing) return context.out_value(0, context.value(0));
  context.out(reduce(Op, context.in(0), reduction.axes, reduction.keeps));
}

/// A reduction of |x|, x^2 or log(sum(x)).
template <class Before, class After>
void emit_composed(OnnxContext& context, Before before, After after) {
  const Reduction reduction = reduction_of(context);
  const Tensor x = before(context.in(0));
  context.out(after(reduction.nothing ? x : sum(x, reduction.axes, reduction.keeps)));
}

Tensor same(Tensor x) { return x; }

void emit_reduce_l1(OnnxContext& context) {
  emit_composed(
      context, [](Tensor x) { return unary(abs_op, x); }, same);
}

void emit_reduce_sum_square(OnnxContext& context) {
  emit_composed(
      context, [](Tensor x) { return x * x; }, same);
}

void emit_reduce_log_sum(OnnxContext& context) {
  emit_composed(context, same, [](Tensor x) { return unary(log_op, x); });
}

template <const OpDef& Op>
void emit_index(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  context.out(reduce(Op, x, {axis}, context.integer("keepdims", 1) != 0));
}

void emit_top_k(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", -1), x.rank());
  bool is_bounded = false;
  std::int64_t k = context.integer("k", 0);
  if (context.opset() >= 10) {
    // An unknown k is what the output is declared with, or at most the length of the axis.
    const KnownTensor* known = context.known(1);
    const std::optional<OutputType> type = context.declared(0);
    if (known != nullptr) {
      k = context.integer(1);
      is_bounded = known->bounded;
    } else if (type && type->shape.rank() == x.rank() && !type->bounded) {
      k = type->shape.dim(axis);
    } else {
      k = x.dim(axis);
      is_bounded = true;
      context.note("TopK with a k that depends on data is taken to keep all");
    }
  }
  const TopkAttrs attrs{k, axis, context.integer("largest", 1) != 0};
  const Tensor values = apply(topk_op, attrs, x);
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor output = sibling_output(values, i);
    if (is_bounded) context.graph().mark_bounded(output.id);
    context.out(i, output);
  }
}

void emit_cumsum(OnnxContext& context) {
  const Tensor x = context.in(0);
  // Which axis it is changes no figure.
  const bool is_known = x.rank() > 0 && context.known(1) != nullptr;
  context.out(cumsum(x, is_known ? context.axis(context.integer(1), x.rank()) : 0));
}

constexpr OnnxOperator rows[] = {
    {"ArgMax", emit_index<argmax_op>},
    {"ArgMin", emit_index<argmin_op>},
    {"CumSum", emit_cumsum},
    {"ReduceL1", emit_reduce_l1},
    {"ReduceL2", emit_reduce<norm_op>},
    {"ReduceLogSum", emit_reduce_log_sum},
    {"ReduceLogSumExp", emit_reduce<logsumexp_op>},
    {"ReduceMax", emit_reduce<amax_op>},
    {"ReduceMean", emit_reduce<mean_op>},
    {"ReduceMin", emit_reduce<amin_op>},
    {"ReduceProd", emit_reduce<prod_op>},
    {"ReduceSum", emit_reduce<sum_op>},
    {"ReduceSumSquare", emit_reduce_sum_square},
    {"TopK", emit_top_k},
};

}  // namespace

extern constinit const OnnxOperators onnx_reduction_operators = {"", rows};

}  // namespace zoometer
