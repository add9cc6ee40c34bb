#include "zoometer/op/pool.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr std::string_view window_constraints[] = {
    "x with a leading channel dimension and the window's spatial dimensions, batched or not",
    "kernel sizes, strides and dilations of at least 1 for each spatial dimension",
    "paddings of 0 to half of the kernel size on either side",
    "a window that fits into the padded input",
};
constexpr std::string_view adaptive_constraints[] = {
    "x with a leading channel dimension and the output's spatial dimensions, batched or not",
    "output sizes of at least 0",
};

/// PyTorch's rule: in ceil mode the last window must still begin inside the input or its padding.
std::int64_t pooled_size(const Inference& in, std::size_t i, std::int64_t size) {
  const auto& attrs = in.attrs<PoolAttrs>();
  const std::int64_t extent =
      checked_add(checked_mul(attrs.dilation[i], attrs.kernel_size[i] - 1), 1);
  const std::int64_t room = checked_add(size, attrs.padding[i] + attrs.padding_end[i]) - extent;
  in.require(room >= 0 || (attrs.ceil_mode && room + attrs.stride[i] > 0), 4);
  if (!attrs.ceil_mode) return room / attrs.stride[i] + 1;
  const std::int64_t rounded = ceil_div(room, attrs.stride[i]) + 1;
  return (rounded - 1) * attrs.stride[i] >= size + attrs.padding[i] ? rounded - 1 : rounded;
}

template <std::int64_t SpatialRank>
void infer_window(Inference& in) {
  const auto& attrs = in.attrs<PoolAttrs>();
  const Shape& x = in.shape(0);
  constexpr auto spatial = static_cast<std::size_t>(SpatialRank);
  in.require(x.rank() == SpatialRank + 2 || x.rank() == SpatialRank + 1, 1);
  in.require(attrs.kernel_size.size() == spatial && attrs.stride.size() == spatial &&
                 attrs.dilation.size() == spatial,
             2);
  in.require(attrs.padding.size() == spatial && attrs.padding_end.size() == spatial, 3);
  const std::size_t leading = x.size() - spatial;
  Shape out = x;
  for (std::size_t i = 0; i < spatial; ++i) {
    in.require(attrs.kernel_size[i] >= 1 && attrs.stride[i] >= 1 && attrs.dilation[i] >= 1, 2);
    in.require(attrs.padding[i] >= 0 && attrs.padding_end[i] >= 0, 3);
    out[leading + i] = pooled_size(in, i, x[leading + i]);
  }
  in.output(out, in.dtype(0));
}

template <std::int64_t SpatialRank>
void infer_adaptive(Inference& in) {
  const auto& attrs = in.attrs<AdaptivePoolAttrs>();
  const Shape& x = in.shape(0);
  constexpr auto spatial = static_cast<std::size_t>(SpatialRank);
  in.require(x.rank() == SpatialRank + 2 || x.rank() == SpatialRank + 1, 1);
  in.require(attrs.output_size.size() == spatial, 2);
  const std::size_t leading = x.size() - spatial;
  Shape out = x;
  for (std::size_t i = 0; i < spatial; ++i) {
    in.require(attrs.output_size[i] >= 0, 2);
    if (attrs.output_size[i] > 0) out[leading + i] = attrs.output_size[i];
  }
  in.output(out, in.dtype(0));
}

std::int64_t window_elements(const NodeView& node) {
  std::int64_t elements = 1;
  for (const std::int64_t size : node.attrs<PoolAttrs>().kernel_size)
    elements = checked_mul(elements, size);
  return elements;
}

Cost cost_max(const NodeView& node) {
  return {0, checked_mul(node.out_numel(), window_elements(node) - 1)};
}

Cost cost_avg(const NodeView& node) {
  return {0, checked_mul(node.out_numel(), window_elements(node))};
}

Cost cost_adaptive_avg(const NodeView& node) { return {0, node.in_numel(0) + node.out_numel()}; }

constexpr OpDef window(std::string_view name, std::string_view summary, void (*infer)(Inference&),
                       bool average) {
  return {.name = name,
          .summary = summary,
          .formula = average ? "window elements per output element (sums and one division)"
                             : "(window elements - 1) per output element (comparisons)",
          .kind = OpKind::pooling,
          .inputs = input_x,
          .constraints = window_constraints,
          .attrs = AttrType::of<PoolAttrs>(),
          .backward = average ? keeps(first) : keeps(first).with(index_of_each),
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = average ? additions : real_arithmetic,
          .infer = infer,
          .cost = average ? cost_avg : cost_max};
}

/// PyTorch computes one element for each channel as a mean, whose backward needs no input.
bool has_many_windows(const NodeView& node) {
  const AdaptivePoolAttrs& attrs = node.attrs<AdaptivePoolAttrs>();
  const Shape& out = node.out();
  for (std::size_t i = 1; i <= attrs.output_size.size(); ++i) {
    if (out[out.rank() - i] != 1) return true;
  }
  return false;
}

constexpr Condition many_windows{"with more than one result for each channel", has_many_windows};
constexpr Backward averages_many{.keeps = first, .when = &many_windows};

constexpr OpDef adaptive(std::string_view name, std::string_view summary, void (*infer)(Inference&),
                         bool average) {
  return {.name = name,
          .summary = summary,
          .formula = average ? "1 per input element (sums) + 1 per output element (division)"
                             : "1 per input element (comparisons)",
          .kind = OpKind::pooling,
          .inputs = input_x,
          .constraints = adaptive_constraints,
          .attrs = AttrType::of<AdaptivePoolAttrs>(),
          .backward = average ? averages_many : keeps(first).with(index_of_each),
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = average ? additions : real_arithmetic,
          .infer = infer,
          .cost = average ? cost_adaptive_avg : per_input<1>};
}

constexpr std::string_view max_summary = "Largest element of each window.";
constexpr std::string_view avg_summary = "Mean of each window.";
constexpr std::string_view adaptive_avg_summary =
    "Mean over windows chosen to give the output size.";
constexpr std::string_view adaptive_max_summary =
    "Largest element of windows chosen to give the output size.";

}  // namespace

constinit const OpDef max_pool1d_op = window("max_pool1d", max_summary, infer_window<1>, false);
constinit const OpDef max_pool2d_op = window("max_pool2d", max_summary, infer_window<2>, false);
constinit const OpDef max_pool3d_op = window("max_pool3d", max_summary, infer_window<3>, false);
constinit const OpDef avg_pool1d_op = window("avg_pool1d", avg_summary, infer_window<1>, true);
constinit const OpDef avg_pool2d_op = window("avg_pool2d", avg_summary, infer_window<2>, true);
constinit const OpDef avg_pool3d_op = window("avg_pool3d", avg_summary, infer_window<3>, true);
constinit const OpDef adaptive_avg_pool1d_op =
    adaptive("adaptive_avg_pool1d", adaptive_avg_summary, infer_adaptive<1>, true);
constinit const OpDef adaptive_avg_pool2d_op =
    adaptive("adaptive_avg_pool2d", adaptive_avg_summary, infer_adaptive<2>, true);
constinit const OpDef adaptive_avg_pool3d_op =
    adaptive("adaptive_avg_pool3d", adaptive_avg_summary, infer_adaptive<3>, true);
constinit const OpDef adaptive_max_pool1d_op =
    adaptive("adaptive_max_pool1d", adaptive_max_summary, infer_adaptive<1>, false);
constinit const OpDef adaptive_max_pool2d_op =
    adaptive("adaptive_max_pool2d", adaptive_max_summary, infer_adaptive<2>, false);
constinit const OpDef adaptive_max_pool3d_op =
    adaptive("adaptive_max_pool3d", adaptive_max_summary, infer_adaptive<3>, false);

namespace {

constexpr const OpDef* ops[] = {
    &max_pool1d_op,          &max_pool2d_op,          &max_pool3d_op,
    &avg_pool1d_op,          &avg_pool2d_op,          &avg_pool3d_op,
    &adaptive_avg_pool1d_op, &adaptive_avg_pool2d_op, &adaptive_avg_pool3d_op,
    &adaptive_max_pool1d_op, &adaptive_max_pool2d_op, &adaptive_max_pool3d_op};

template <class Attrs>
Tensor apply_by_rank(std::size_t first, const Spatial& sizes, Tensor x, const Attrs& attrs) {
  const std::size_t spatial = std::clamp<std::size_t>(sizes.size(), 1, 3);
  return apply(*ops[first + spatial - 1], attrs, x);
}

}  // namespace

extern constinit const OpGroup pool_ops = {"pooling", "Windows reduced to one element each.", ops};

Tensor max_pool(Tensor x, const PoolAttrs& attrs) {
  return apply_by_rank(0, attrs.kernel_size, x, attrs);
}

Tensor avg_pool(Tensor x, const PoolAttrs& attrs) {
  return apply_by_rank(3, attrs.kernel_size, x, attrs);
}

Tensor adaptive_avg_pool(Tensor x, const AdaptivePoolAttrs& attrs) {
  return apply_by_rank(6, attrs.output_size, x, attrs);
}

Tensor adaptive_max_pool(Tensor x, const AdaptivePoolAttrs& attrs) {
  return apply_by_rank(9, attrs.output_size, x, attrs);
}

}  // namespace zoometer
