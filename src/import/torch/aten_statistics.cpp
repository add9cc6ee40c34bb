// Orders, searches, counts and statistics.
#include <algorithm>
#include <vector>

#include "import/torch/aten_shared.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/matmul.hpp"

namespace zoometer::aten {
namespace {

/// One position along an axis; keepdim keeps the axis.
Tensor one_of(Tensor x, std::int64_t axis, std::int64_t position, bool keepdim) {
  return keepdim ? zoometer::slice(x, axis, position, position + 1)
                 : zoometer::select(x, axis, position);
}

void output_one_of(AtenCall& call, const Selection& from, std::int64_t axis,
                   std::int64_t position) {
  const bool keepdim = call.boolean("keepdim", false);
  call.output(one_of(from.values, axis, position, keepdim));
  call.output(one_of(from.indices, axis, position, keepdim));
  call.keeps(index_of_result);
}

// -- orders -------------------------------------------------------------------------------------

void median(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (!call.has("dim")) {
    const Tensor all = flat(x);
    if (all.dim(0) < 1) call.refuse("a median of nothing");
    call.keeps(declaring::first, bytes_of(1, x.dtype()));
    return call.output(zoometer::select(zoometer::sort(all, 0).values, 0, (all.dim(0) - 1) / 2));
  }
  if (x.rank() == 0) call.refuse("a median of one number");
  const std::int64_t axis = axis_of(call, "dim", x.rank(), 0);
  const std::int64_t middle = std::max<std::int64_t>(0, x.dim(axis) - 1) / 2;
  output_one_of(call, zoometer::sort(x, axis), axis, middle);
}

/// The most frequent element along an axis: sorts, and compares each element with the next.
void mode(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t axis = axis_of(call, "dim", x.rank(), -1);
  const std::int64_t length = x.dim(axis);
  if (length < 1) call.refuse("an axis of length 0");
  const Selection sorted = zoometer::sort(x, axis);
  const Tensor next = zoometer::slice(sorted.values, axis, 1, length);
  const Tensor same =
      zoometer::binary(eq_op, zoometer::slice(sorted.values, axis, 0, length - 1), next);
  zoometer::cumsum(same, axis);
  output_one_of(call, sorted, axis, 0);
}

void kth_value(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t axis = axis_of(call, "dim", x.rank(), -1);
  const TopkAttrs attrs{call.integer("k"), axis, false};
  if (attrs.k < 1) call.refuse("a place below 1");
  const Tensor values = apply(topk_op, attrs, x);
  output_one_of(call, {values, sibling_output(values, 1)}, axis, attrs.k - 1);
}

void quantile(AtenCall& call) {
  Tensor x = call.tensor(0);
  const bool of_all = !call.has("dim");
  if (of_all) x = flat(x);
  const std::int64_t axis = axis_of(call, "dim", x.rank(), 0);
  const bool keepdim = call.boolean("keepdim", false);
  const Selection selection = zoometer::sort(x, axis);
  const Tensor sorted = selection.values;
  const bool several = call.has_tensor("q") && call.tensor("q").rank() == 1;
  const std::int64_t count = several ? call.tensor("q").dim(0) : 1;
  // Interpolates between both neighbours of each place.
  const std::size_t first_node = call.graph().nodes().size();
  const Tensor places = zoometer::full(call.graph(), {count}, 0, DType::int64);
  const Tensor below = zoometer::index_select(sorted, axis, places);
  const Tensor above = zoometer::index_select(sorted, axis, places);
  Tensor result = below + (above - below) * 0.5;
  // PyTorch gathers both, with two indices and a weight for each.
  const std::int64_t each = 2 * bytes_of(1, DType::int64) + bytes_of(1, x.dtype());
  call.keeps(first_node, {sorted}, checked_mul(each, call.graph().numel(result.id)));
  if (!several) {
    if (!keepdim) result = zoometer::squeeze(result, axis);
  } else if (axis > 0 || keepdim) {
    Ints order{axis};
    for (std::int64_t i = 0; i < result.rank(); ++i) {
      if (i != axis) order.push_back(i);
    }
    result = zoometer::permute(result, order);
    if (keepdim) result = zoometer::unsqueeze(result, axis + 1);
  }
  if (of_all && keepdim) {
    Ints sizes = Ints::filled(call.tensor(0).shape().size(), 1);
    if (several) sizes.insert(0, count);
    result = zoometer::reshape(result, sizes);
  }
  call.output(result);
}

void msort(AtenCall& call) { call.output(zoometer::sort(call.tensor(0), 0).values); }

void running_extreme(AtenCall& call) {
  const OpDef& op = call.name() == "cummax" ? cummax_op : cummin_op;
  call.outputs(apply(op, CumulativeAttrs{call.integer("dim")}, call.tensor(0)), 2);
}

/// log(cumsum(exp(x - m))) + m with the largest element m, which keeps the sums finite.
void running_logsumexp(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (x.rank() == 0) call.refuse("a running sum of one number");
  const std::int64_t axis = axis_of(call, "dim", x.rank(), 0);
  const Tensor largest = reduce(amax_op, x, {axis}, true);
  const Tensor sums = zoometer::cumsum(zoometer::unary(exp_op, x - largest), axis);
  call.output(zoometer::unary(log_op, sums) + largest);
}

void diff(AtenCall& call) {
  Tensor x = call.tensor(0);
  const std::int64_t axis = axis_of(call, "dim", x.rank(), -1);
  const std::int64_t times = call.integer("n", 1);
  constexpr std::int64_t most = 16;
  if (times < 0 || times > most) call.refuse("more than 16 repeated differences");
  std::vector<Tensor> pieces;
  if (call.has_tensor("prepend")) pieces.push_back(call.tensor("prepend"));
  pieces.push_back(x);
  if (call.has_tensor("append")) pieces.push_back(call.tensor("append"));
  if (pieces.size() > 1) x = zoometer::cat(pieces, axis);
  const OpDef& op = x.dtype() == DType::boolean ? logical_xor_op : sub_op;
  for (std::int64_t i = 0; i < times; ++i) {
    const std::int64_t length = x.dim(axis);
    const Tensor later = zoometer::slice(x, axis, std::min<std::int64_t>(1, length), length);
    const Tensor sooner = zoometer::slice(x, axis, 0, std::max<std::int64_t>(0, length - 1));
    x = zoometer::binary(op, later, sooner);
  }
  call.output(x);
}

// -- searches -----------------------------------------------------------------------------------

void bucketize(AtenCall& call) {
  call.output(zoometer::searchsorted(call.tensor(1), operand(call, 0)));
}

void searchsorted(AtenCall& call) {
  call.output(zoometer::searchsorted(call.tensor(0), operand(call, 1)));
}

/// Whether each element is among others: sorts and searches these.
void isin(AtenCall& call) {
  const Tensor elements = operand(call, 0);
  const Tensor others = zoometer::sort(flat(operand(call, 1)), 0).values;
  const Tensor found = zoometer::searchsorted(others, elements);
  const Tensor hit = zoometer::binary(eq_op, zoometer::index(others, found), elements);
  call.output(call.boolean("invert", false) ? zoometer::unary(logical_not_op, hit) : hit);
}

/// Further results of `unique`: the index of each input element among the unique ones, and the
/// count of each. Both come from comparisons of neighbours.
void output_places_and_counts(AtenCall& call, Tensor sorted, const Shape& places,
                              std::int64_t axis) {
  const std::int64_t length = sorted.dim(axis);
  Graph& graph = call.graph();
  const Tensor next = zoometer::slice(sorted, axis, std::min<std::int64_t>(1, length), length);
  const Tensor differs = zoometer::binary(
      ne_op, next, zoometer::slice(sorted, axis, 0, std::max<std::int64_t>(0, length - 1)));
  if (call.uses(1)) {
    zoometer::cumsum(differs, axis);
    call.output(zoometer::full(graph, places, 0, DType::int64));
  } else {
    call.output({&graph, no_id});
  }
  if (!call.uses(2)) return;
  const Tensor counts = zoometer::full(graph, {length}, 0, DType::int64);
  graph.mark_bounded(counts.id);
  call.output(counts);
}

void unique_elements(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const bool consecutive = call.name().ends_with("_consecutive");
  const bool of_all = !call.has("dim");
  const Tensor source = of_all ? flat(x) : x;
  if (source.rank() == 0) call.refuse("the unique slices of a scalar");
  const std::int64_t axis = of_all ? 0 : axis_of(call, "dim", x.rank(), 0);
  const Tensor result =
      consecutive ? zoometer::clone(source) : zoometer::unique(source, axis).values;
  if (consecutive) call.graph().mark_bounded(result.id);
  call.output(result);
  output_places_and_counts(call, result, of_all ? x.shape() : Shape{x.dim(axis)}, axis);
}

// -- counts -------------------------------------------------------------------------------------

/// The sum of ones, or of weights, at each place: (n,) -> (bins,).
Tensor counted(Tensor places, Tensor weights, std::int64_t bins, DType dtype) {
  Graph& graph = *places.graph;
  const Tensor none = zoometer::full(graph, {bins}, 0, dtype);
  const Tensor each = weights ? weights : zoometer::full(graph, {1}, 1, dtype);
  return apply(scatter_op, ScatterAttrs{0, "sum"}, none, places, each);
}

void histogram_counts(AtenCall& call) {
  const Tensor x = flat(call.tensor(0));
  const std::int64_t bins = call.integer("bins", 100);
  if (bins < 1) call.refuse("fewer than one bin");
  const double least = call.number("min", 0);
  const double most = call.number("max", 0);
  if (least == most) {  // the range is that of the elements
    reduce(amin_op, x, {});
    reduce(amax_op, x, {});
  }
  const Tensor places = zoometer::unary(floor_op, (x - least) * static_cast<double>(bins));
  call.output(counted(places, {&call.graph(), no_id}, bins, x.dtype()));
}

/// The number of bins depends on data; the program declares it.
void bin_count(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const OutputType type = call.declared(0);
  if (x.rank() != 1 || type.shape.rank() != 1)
    call.refuse("counts of other than a list of integers");
  const Tensor counts = counted(x, call.optional_tensor("weights"), type.shape[0], type.dtype);
  if (type.bounded) call.graph().mark_bounded(counts.id);
  call.output(counts);
}

void one_hot_of(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t classes = call.integer("num_classes", -1);
  if (classes < 1) call.refuse("a number of classes that depends on data");
  call.output(zoometer::to(zoometer::one_hot(x, x.rank(), classes), DType::int64));
}

// -- statistics ---------------------------------------------------------------------------------

void nan_mean(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Ints dims(call.integers("dim"));
  const bool keepdim = call.boolean("keepdim", false);
  const std::size_t first_node = call.graph().nodes().size();
  const Tensor sums = zoometer::sum(x, dims, keepdim);
  call.keeps(first_node, {x});
  const Tensor is_number = zoometer::unary(logical_not_op, zoometer::unary(isnan_op, x));
  const Tensor counts = zoometer::sum(zoometer::to(is_number, DType::int64), dims, keepdim);
  call.output(sums / counts);
}

void covariance(AtenCall& call) {
  Tensor x = call.tensor(0);
  if (call.has_tensor("fweights") || call.has_tensor("aweights") || x.rank() > 2)
    call.refuse("a covariance with weights, or of more than a matrix");
  const bool single = x.rank() < 2;
  if (single) x = zoometer::reshape(x, {1, -1});
  const Tensor centred = x - zoometer::mean(x, {1}, true);
  const double counted =
      static_cast<double>(x.dim(1)) - static_cast<double>(call.integer("correction", 1));
  const Tensor products = zoometer::matmul(centred, zoometer::transpose(centred, 0, 1));
  const Tensor result = products / std::max(1.0, counted);
  call.output(single ? zoometer::reshape(result, {}) : result);
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect quantile_no_effect[] = {
    {"interpolation=linear", "the default"},
};

constexpr NoEffect search_no_effect[] = {
    {"out_int32", "the program declares the element type"},
    {"right=False", "the default"},
    {"right", "both sides cost the same", true},
    {"side=left", "the default"},
    {"side", "both sides cost the same", true},
};

constexpr NoEffect isin_no_effect[] = {
    {"assume_unique", "the search costs the same"},
};

constexpr NoEffect unique_no_effect[] = {
    {"sorted", "the order of the results"},
    {"return_inverse", "unused results are not counted"},
    {"return_counts", "unused results are not counted"},
};

constexpr NoEffect bin_count_no_effect[] = {
    {"minlength", "the program declares how many bins there are"},
};

constexpr AtenOperator statistics_rows[] = {
    {"median", median, same_values},
    {"nanmedian", median, same_cost},
    {"mode", mode, same_cost},
    {"kthvalue", kth_value, same_values},
    {"nanquantile quantile", quantile, same_cost, quantile_no_effect},
    {"msort", msort, same_values},
    {"cummax cummin", running_extreme, same_values},
    {"_logcumsumexp logcumsumexp",
     running_logsumexp,
     same_values,
     {},
     declaring::first | declaring::result},
    {"diff", diff, same_values},
    {"bucketize", bucketize, same_values, search_no_effect},
    {"searchsorted", searchsorted, same_values, search_no_effect},
    {"isin", isin, same_cost, isin_no_effect},
    {"_unique _unique2 unique_consecutive unique_dim unique_dim_consecutive", unique_elements,
     same_cost, unique_no_effect},
    {"histc", histogram_counts, same_cost},
    {"bincount", bin_count, same_cost, bin_count_no_effect},
    {"one_hot", one_hot_of, same_values},
    {"nanmean", nan_mean, same_cost},
    {"cov", covariance, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_statistics_operators = {
    aten_names<aten::statistics_rows>};

}  // namespace zoometer
