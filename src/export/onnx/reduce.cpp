#include "zoometer/op/reduce.hpp"

#include <algorithm>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

Ints axes_of(const OnnxStep& step) {
  Ints axes;
  for (const std::int64_t dim : step.attrs<ReduceAttrs>().dims) axes.push_back(step.axis(dim));
  if (!axes.empty()) return axes;
  for (std::int64_t i = 0; i < step.shape(0).rank(); ++i) axes.push_back(i);
  return axes;
}

void make_reduction(OnnxStep& step, std::string_view op_type) {
  step.make_reduce(op_type, step.in(0), axes_of(step), step.attrs<ReduceAttrs>().keepdim);
}

void write_mean(OnnxStep& step) { make_reduction(step, "ReduceMean"); }
void write_prod(OnnxStep& step) { make_reduction(step, "ReduceProd"); }
/// The largest or smallest of truth values is that of 0 and 1.
void make_extreme(OnnxStep& step, std::string_view op_type) {
  if (step.dtype() != DType::boolean) return make_reduction(step, op_type);
  const std::string number = step.cast(step.in(0), DType::boolean, DType::int32);
  const std::string reduced =
      step.add_reduce(op_type, number, axes_of(step), step.attrs<ReduceAttrs>().keepdim);
  step.make("Cast", {reduced}, {{"to", DType::boolean}});
}
void write_amax(OnnxStep& step) { make_extreme(step, "ReduceMax"); }
void write_amin(OnnxStep& step) { make_extreme(step, "ReduceMin"); }
/// The mean of squared differences from the mean, times n / (n - correction).
void write_var(OnnxStep& step) {
  const auto& attrs = step.attrs<VarAttrs>();
  const Ints axes = axes_of(step);
  double count = 1;
  for (const std::int64_t axis : axes) {
    if (step.builder().open_axis(step.node().input(0)) == axis)
      step.fail("over an axis whose size depends on data");
    count *= static_cast<double>(step.shape(0).dim(axis));
  }
  const std::string mean = step.add_reduce("ReduceMean", step.in(0), axes);
  const std::string apart = step.add("Sub", {step.in(0), mean});
  const std::string squares = step.add("Mul", {apart, apart});
  const std::string result = step.add_reduce("ReduceMean", squares, axes, attrs.keepdim);
  const double factor = count / std::max(0.0, count - attrs.correction);
  step.make("Mul", {result, step.number(factor, step.dtype())});
}

void write_norm(OnnxStep& step) { make_reduction(step, "ReduceL2"); }
void write_logsumexp(OnnxStep& step) { make_reduction(step, "ReduceLogSumExp"); }

/// The one reduction that takes its axes as an input in this opset.
void write_sum(OnnxStep& step) {
  step.make("ReduceSum", {step.in(0), step.integers(axes_of(step))},
            {{"keepdims", std::int64_t{step.attrs<ReduceAttrs>().keepdim}}});
}

void make_truth(OnnxStep& step, std::string_view op_type) {
  const std::string truth = step.cast(step.in(0), step.dtype(), DType::boolean);
  const std::string number = step.cast(truth, DType::boolean, DType::int32);
  const std::string reduced =
      step.add_reduce(op_type, number, axes_of(step), step.attrs<ReduceAttrs>().keepdim);
  step.make("Cast", {reduced}, {{"to", DType::boolean}});
}
void write_any(OnnxStep& step) { make_truth(step, "ReduceMax"); }
void write_all(OnnxStep& step) { make_truth(step, "ReduceMin"); }

void make_index(OnnxStep& step, std::string_view op_type) {
  const auto& attrs = step.attrs<ReduceAttrs>();
  if (attrs.dims.size() > 1) step.fail("has several axes");
  const bool is_flat = attrs.dims.empty();
  // ONNX compares no truth values by size.
  const bool is_truth = step.dtype() == DType::boolean;
  const std::string given =
      is_truth ? step.cast(step.in(0), DType::boolean, DType::int32) : step.in(0);
  const std::string x = is_flat ? step.reshape(given, {-1}) : given;
  const std::int64_t axis = is_flat ? 0 : step.axis(attrs.dims[0]);
  const std::string index =
      step.add(op_type, {x}, {{"axis", axis}, {"keepdims", std::int64_t{attrs.keepdim}}});
  step.make("Reshape", {index, step.integers(step.node().out())});
}
void write_argmax(OnnxStep& step) { make_index(step, "ArgMax"); }
void write_argmin(OnnxStep& step) { make_index(step, "ArgMin"); }

void write_cumsum(OnnxStep& step) {
  const std::int64_t axis = step.axis(step.attrs<CumulativeAttrs>().dim);
  step.make("CumSum", {step.operand(0, step.out_dtype()), step.integer(axis)});
}

void write_topk(OnnxStep& step) {
  const auto& attrs = step.attrs<TopkAttrs>();
  const std::int64_t axis = step.axis(attrs.dim);
  std::string count = step.integers({attrs.k});
  if (step.builder().open_axis(step.node().input(0)) == axis) {
    count = step.add("Min", {count, step.size_of(step.in(0), axis)});
  }
  step.make("TopK", {step.in(0), count},
            {{"axis", axis}, {"largest", std::int64_t{attrs.largest}}});
}

void write_sort(OnnxStep& step) {
  const std::int64_t axis = step.axis(step.attrs<CumulativeAttrs>().dim);
  const std::string all = step.size_of(step.in(0), axis);
  step.make("TopK", {step.in(0), all},
            {{"axis", axis}, {"largest", std::int64_t{step.attrs<SortAttrs>().descending}}});
}

constexpr OnnxExportRule reduce_rules[] = {{&mean_op, {}, write_mean},
                                           {&sum_op, {}, write_sum},
                                           {&prod_op, {}, write_prod},
                                           {&amax_op, {}, write_amax},
                                           {&amin_op, {}, write_amin},
                                           {&norm_op, {}, write_norm},
                                           {&logsumexp_op, {}, write_logsumexp},
                                           {&var_op, {}, write_var},
                                           {&argmax_op, {}, write_argmax},
                                           {&argmin_op, {}, write_argmin},
                                           {&any_op, {}, write_any},
                                           {&all_op, {}, write_all},
                                           {&cumsum_op, {}, write_cumsum},
                                           {&topk_op, {}, write_topk},
                                           {&sort_op, {}, write_sort}};

}  // namespace

extern constinit const OnnxExportRules reduce_onnx_export_rules = {reduce_rules};

}  // namespace zoometer
