#include "zoometer/op/reduce.hpp"

#include <array>

namespace zoometer {
namespace {

using namespace declaring;

constexpr std::string_view reduce_constraints[] = {"axes within the rank of x, none twice"};
constexpr std::string_view topk_constraints[] = {"an axis within the rank of x",
                                                 "k between 0 and the length of the axis"};
constexpr std::string_view axis_constraints[] = {"an axis within the rank of x"};
constexpr Operand search_inputs[] = {{"sorted", Role::data}, {"values", Role::data}};
constexpr std::string_view search_constraints[] = {
    "sorted numbers of rank 1, or with the leading sizes of values"};

Shape reduced_shape(const Inference& in) {
  const auto& attrs = in.attrs<ReduceAttrs>();
  const Shape& x = in.shape(0);
  std::array<bool, most_dimensions> gone{};
  for (const std::int64_t dim : attrs.dims) {
    const auto axis = static_cast<std::size_t>(in.axis(dim, x.rank(), 1));
    in.require(!gone[axis], 1);
    gone[axis] = true;
  }
  if (attrs.dims.empty()) gone.fill(true);
  Shape out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!gone[i]) {
      out.push_back(x[i]);
    } else if (attrs.keepdim) {
      out.push_back(1);
    }
  }
  return out;
}

void infer_reduce(Inference& in) { in.output(reduced_shape(in), in.dtype(0)); }

void infer_index(Inference& in) { in.output(reduced_shape(in), DType::int64); }

void infer_truth(Inference& in) { in.output(reduced_shape(in), DType::boolean); }

void infer_topk(Inference& in) {
  const auto& attrs = in.attrs<TopkAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.k >= 0 && attrs.k <= out.dim(axis), 2);
  out.set_dim(axis, attrs.k);
  in.output(out, in.dtype(0));
  in.output(out, DType::int64);
}

void infer_sort(Inference& in) {
  in.axis(in.attrs<CumulativeAttrs>().dim, in.shape(0).rank(), 1);
  in.output(in.shape(0), in.dtype(0));
  in.output(in.shape(0), DType::int64);
}

void infer_cumulative(Inference& in) {
  in.axis(in.attrs<CumulativeAttrs>().dim, in.shape(0).rank(), 1);
  infer_same(in);
}

void infer_searchsorted(Inference& in) {
  const Shape& sorted = in.shape(0);
  const Shape& values = in.shape(1);
  in.require(sorted.rank() == 1 || (sorted.rank() > 1 && sorted.rank() == values.rank()), 1);
  for (std::int64_t i = 0; i + 1 < sorted.rank(); ++i)
    in.require(sorted.dim(i) == values.dim(i), 1);
  in.output(values, DType::int64);
}

Cost cost_searchsorted(const NodeView& node) {
  return {0, checked_mul(node.out_numel(), log2_ceil(checked_add(node.in(0).dim(-1), 1)))};
}

Cost cost_mean(const NodeView& node) { return {0, node.in_numel(0) + node.out_numel()}; }

Cost cost_topk(const NodeView& node) {
  return {0, checked_mul(node.in_numel(0),
                         std::max<std::int64_t>(1, log2_ceil(node.attrs<TopkAttrs>().k)))};
}

Cost cost_sort(const NodeView& node) {
  const std::int64_t length =
      node.in(0).rank() == 0 ? 1 : node.in(0).dim(node.attrs<CumulativeAttrs>().dim);
  return {0, checked_mul(node.in_numel(0), log2_ceil(length))};
}

template <class Attrs = ReduceAttrs>
constexpr OpDef reduction(std::string_view name, std::string_view summary, std::string_view formula,
                          Cost (*cost)(const NodeView&), const Backward& backward,
                          Arithmetic arithmetic = real_arithmetic,
                          void (*infer)(Inference&) = infer_reduce) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::reduction,
          .inputs = input_x,
          .constraints = reduce_constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = arithmetic,
          .infer = infer,
          .cost = cost};
}

constexpr OpDef running(std::string_view name, std::string_view summary, const Backward& backward,
                        Arithmetic arithmetic, void (*infer)(Inference&)) {
  return {.name = name,
          .summary = summary,
          .formula = "1 per input element",
          .kind = OpKind::scan,
          .inputs = input_x,
          .constraints = axis_constraints,
          .attrs = AttrType::of<CumulativeAttrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = arithmetic,
          .infer = infer,
          .cost = per_input<1>};
}

constexpr std::string_view one = "1 per input element";
constexpr std::string_view two = "2 per input element";

}  // namespace

constinit const OpDef mean_op =
    reduction("mean", "Mean over axes.", "1 per input element + 1 per output element", cost_mean,
              keeps_nothing, additions);
constinit const OpDef sum_op =
    reduction("sum", "Sum over axes.", one, per_input<1>, keeps_nothing, additions);
constinit const OpDef prod_op = reduction("prod", "Product over axes.", one, per_input<1>,
                                          keeps(first | result), multiplications);
constinit const OpDef amax_op =
    reduction("amax", "Largest element over axes.", one, per_input<1>, keeps(first | result));
constinit const OpDef amin_op =
    reduction("amin", "Smallest element over axes.", one, per_input<1>, keeps(first | result));
constinit const OpDef norm_op = reduction("norm", "Root of the sum of squares over axes.", two,
                                          per_input<2>, keeps(first | result), additions);
constinit const OpDef var_op = reduction<VarAttrs>(
    "var", "Variance over axes.", "4 per input element", per_input<4>, keeps(first), additions);
constinit const OpDef logsumexp_op = reduction("logsumexp", "Logarithm of the sum of exponentials.",
                                               two, per_input<2>, keeps(first | result));
constinit const OpDef argmax_op =
    reduction("argmax", "Index of the largest element.", one, per_input<1>, keeps_nothing,
              real_arithmetic, infer_index);
constinit const OpDef argmin_op =
    reduction("argmin", "Index of the smallest element.", one, per_input<1>, keeps_nothing,
              real_arithmetic, infer_index);
constinit const OpDef any_op = reduction("any", "Whether any element holds.", one, per_input<1>,
                                         keeps_nothing, real_arithmetic, infer_truth);
constinit const OpDef all_op = reduction("all", "Whether all elements hold.", one, per_input<1>,
                                         keeps_nothing, real_arithmetic, infer_truth);
constinit const OpDef cumsum_op =
    running("cumsum", "Running sums along an axis.", keeps_nothing, additions, infer_cumulative);
constinit const OpDef cumprod_op =
    running("cumprod", "Running products along an axis.", keeps(first | result), multiplications,
            infer_cumulative);
constinit const OpDef cummax_op =
    running("cummax", "The largest element so far along an axis, with its index.",
            keeps(first).with(index_of_each), real_arithmetic, infer_sort);
constinit const OpDef cummin_op =
    running("cummin", "The smallest element so far along an axis, with its index.",
            keeps(first).with(index_of_each), real_arithmetic, infer_sort);
constinit const OpDef topk_op = {
    .name = "topk",
    .summary = "The k largest elements along an axis, with their indices.",
    .formula = "max(1, ceil(log2 k)) comparisons per input element: a heap of k",
    .kind = OpKind::ordering,
    .inputs = input_x,
    .constraints = topk_constraints,
    .attrs = AttrType::of<TopkAttrs>(),
    .backward = keeps_nothing.with(index_of_each),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_topk,
    .cost = cost_topk};
constinit const OpDef sort_op = {.name = "sort",
                                 .summary = "Sorted elements along an axis, with their indices.",
                                 .formula =
                                     "ceil(log2 n) comparisons per element, n the axis's length",
                                 .kind = OpKind::ordering,
                                 .inputs = input_x,
                                 .constraints = axis_constraints,
                                 .attrs = AttrType::of<SortAttrs>(),
                                 .backward = keeps_nothing.with(index_of_each),
                                 .fusion = Fuse::alone,
                                 .memory = new_memory,
                                 .arithmetic = real_arithmetic,
                                 .infer = infer_sort,
                                 .cost = cost_sort};
constinit const OpDef searchsorted_op = {
    .name = "searchsorted",
    .summary = "Where values would be inserted into sorted numbers.",
    .formula = "ceil(log2(n + 1)) comparisons per value among n numbers: a binary search",
    .kind = OpKind::ordering,
    .inputs = search_inputs,
    .constraints = search_constraints,
    .attrs = AttrType::of<NoAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_searchsorted,
    .cost = cost_searchsorted};

namespace {

constexpr const OpDef* ops[] = {&mean_op,   &sum_op,  &prod_op,      &amax_op,        &amin_op,
                                &norm_op,   &var_op,  &logsumexp_op, &argmax_op,      &argmin_op,
                                &any_op,    &all_op,  &cumsum_op,    &cumprod_op,     &cummax_op,
                                &cummin_op, &topk_op, &sort_op,      &searchsorted_op};

Selection selection(Tensor first) { return {first, sibling_output(first, 1)}; }

}  // namespace

extern constinit const OpGroup reduce_ops = {"reductions", "Many elements into one, and sorting.",
                                             ops};

Tensor reduce(const OpDef& op, Tensor x, const Ints& dims, bool keepdim) {
  if (&op == &var_op) return variance(x, {{dims, keepdim}});
  return apply(op, ReduceAttrs{dims, keepdim}, x);
}

Tensor variance(Tensor x, const VarAttrs& attrs) { return apply(var_op, attrs, x); }

Tensor mean(Tensor x, const Ints& dims, bool keepdim) { return reduce(mean_op, x, dims, keepdim); }

Tensor sum(Tensor x, const Ints& dims, bool keepdim) { return reduce(sum_op, x, dims, keepdim); }

Tensor cumsum(Tensor x, std::int64_t dim) { return apply(cumsum_op, CumulativeAttrs{dim}, x); }

Selection topk(Tensor x, std::int64_t k, std::int64_t dim) {
  return selection(apply(topk_op, TopkAttrs{k, dim, true}, x));
}

Selection sort(Tensor x, std::int64_t dim, bool descending) {
  return selection(apply(sort_op, SortAttrs{{dim}, descending}, x));
}

Tensor searchsorted(Tensor sorted, Tensor values) {
  return apply(searchsorted_op, NoAttrs{}, sorted, values);
}

}  // namespace zoometer
