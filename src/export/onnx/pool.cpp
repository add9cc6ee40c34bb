#include "zoometer/op/pool.hpp"

#include <algorithm>
#include <vector>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

/// The padding after the last element with which rounding down gives the output's size: ONNX's own
/// rounding up differs from PyTorch's, and between versions of its runtimes.
Spatial exact_padding_end(const OnnxStep& step) {
  const auto& attrs = step.attrs<PoolAttrs>();
  Spatial result = attrs.padding_end;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto from_end = static_cast<std::int64_t>(i) - static_cast<std::int64_t>(result.size());
    const std::int64_t extent = attrs.dilation[i] * (attrs.kernel_size[i] - 1) + 1;
    const std::int64_t reach = (step.node().out().dim(from_end) - 1) * attrs.stride[i] + extent;
    const std::int64_t needed = reach - step.shape(0).dim(from_end) - attrs.padding[i];
    result[i] = std::max(result[i], needed);
  }
  return result;
}

Ints pads_of(const OnnxStep& step) {
  Ints pads{std::span<const std::int64_t>(step.attrs<PoolAttrs>().padding)};
  for (const std::int64_t pad : exact_padding_end(step)) pads.push_back(pad);
  return pads;
}

Ints ints(const Spatial& values) { return Ints(std::span<const std::int64_t>(values)); }

/// ONNX pools batches only.
struct Batched {
  std::string x;
  bool is_added = false;
};

Batched batched(OnnxStep& step, std::size_t spatial) {
  const bool is_batched = step.shape(0).size() == spatial + 2;
  return is_batched ? Batched{step.in(0), false} : Batched{step.unsqueeze(step.in(0), 0), true};
}

void make_unbatched(OnnxStep& step, const Batched& input, std::string_view op_type,
                    OnnxArguments arguments) {
  if (!input.is_added) return step.make(op_type, {input.x}, arguments);
  const std::string y = step.add(op_type, {input.x}, arguments);
  step.make("Squeeze", {y, step.integers({0})});
}

/// PyTorch's indices are within a plane, ONNX's within the whole tensor.
void make_max_with_indices(OnnxStep& step, std::size_t spatial, OnnxArguments arguments) {
  if (step.node().output_count() != 2) step.fail("has more results than indices");
  const Batched input = batched(step, spatial);
  std::int64_t plane = 1;
  for (std::size_t i = 0; i < spatial; ++i)
    plane *= step.shape(0).dim(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(spatial));
  const std::vector<std::string> made = step.add_several("MaxPool", {input.x}, 2, arguments);
  const std::string within = step.add("Mod", {made[1], step.integer(plane)});
  if (!input.is_added) {
    step.make_output(0, "Identity", {made[0]});
    return step.make_output(1, "Identity", {within});
  }
  step.make_output(0, "Squeeze", {made[0], step.integers({0})});
  step.make_output(1, "Squeeze", {within, step.integers({0})});
}

void write_max(OnnxStep& step) {
  const auto& attrs = step.attrs<PoolAttrs>();
  if (step.node().output_count() > 1)
    return make_max_with_indices(step, attrs.kernel_size.size(),
                                 {{"kernel_shape", ints(attrs.kernel_size)},
                                  {"strides", ints(attrs.stride)},
                                  {"pads", pads_of(step)},
                                  {"dilations", ints(attrs.dilation)}});
  make_unbatched(step, batched(step, attrs.kernel_size.size()), "MaxPool",
                 {{"kernel_shape", ints(attrs.kernel_size)},
                  {"strides", ints(attrs.stride)},
                  {"pads", pads_of(step)},
                  {"dilations", ints(attrs.dilation)}});
}

void write_average(OnnxStep& step) {
  const auto& attrs = step.attrs<PoolAttrs>();
  const auto is_zero = [](std::int64_t pad) { return pad == 0; };
  const auto is_one = [](std::int64_t dilation) { return dilation == 1; };
  if (!std::all_of(attrs.dilation.begin(), attrs.dilation.end(), is_one))
    step.fail("has a window with a dilation");
  const bool no_padding = std::all_of(attrs.padding.begin(), attrs.padding.end(), is_zero) &&
                          std::all_of(attrs.padding_end.begin(), attrs.padding_end.end(), is_zero);
  // Padding from rounding up is never counted, the user's padding may be.
  const bool counts_padding = attrs.count_include_pad && !no_padding;
  if (counts_padding && exact_padding_end(step) != attrs.padding_end)
    step.fail("rounds up and counts its padding");
  make_unbatched(step, batched(step, attrs.kernel_size.size()), "AveragePool",
                 {{"kernel_shape", ints(attrs.kernel_size)},
                  {"strides", ints(attrs.stride)},
                  {"pads", pads_of(step)},
                  {"count_include_pad", std::int64_t{counts_padding}}});
}

// -- adaptive -----------------------------------------------------------------------------------

struct Reduction {
  std::string_view global;  ///< over all positions
  std::string_view window;
  std::string_view along_axes;
};

std::int64_t output_size(const OnnxStep& step, std::size_t spatial, std::size_t i) {
  return step.node().out().dim(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(spatial));
}

std::int64_t input_size(const OnnxStep& step, std::size_t spatial, std::size_t i) {
  return step.shape(0).dim(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(spatial));
}

/// Windows of different lengths: axis by axis, each output position from its own slice. The
/// elements of a window are a product of ranges, so that means of means are the window's mean.
void write_uneven(OnnxStep& step, std::size_t spatial, const Reduction& reduction) {
  std::string x = step.in(0);
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t from = input_size(step, spatial, i);
    const std::int64_t to = output_size(step, spatial, i);
    const std::int64_t axis = step.shape(0).rank() - static_cast<std::int64_t>(spatial - i);
    if (from == to) continue;
    std::vector<std::string> pieces;
    for (std::int64_t k = 0; k < to; ++k) {
      const std::string window = step.slice(x, axis, k * from / to, ((k + 1) * from + to - 1) / to);
      pieces.push_back(step.add_reduce(reduction.along_axes, window, {axis}));
    }
    x = step.add("Concat", pieces, {{"axis", axis}});
  }
  step.make("Identity", {x});
}

void write_adaptive(OnnxStep& step, const Reduction& reduction) {
  const std::size_t spatial = step.attrs<AdaptivePoolAttrs>().output_size.size();
  bool is_global = step.shape(0).size() == spatial + 2;
  bool is_even = true;
  Ints kernel;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t from = input_size(step, spatial, i);
    const std::int64_t to = output_size(step, spatial, i);
    is_global = is_global && to == 1;
    is_even = is_even && to > 0 && from % to == 0;
    kernel.push_back(is_even ? from / to : 0);
  }
  if (step.node().output_count() > 1) {
    if (!is_even) step.fail("with indices has windows of different sizes");
    return make_max_with_indices(step, spatial, {{"kernel_shape", kernel}, {"strides", kernel}});
  }
  if (is_global) return step.make(reduction.global, {step.in(0)});
  if (!is_even) return write_uneven(step, spatial, reduction);
  make_unbatched(step, batched(step, spatial), reduction.window,
                 {{"kernel_shape", kernel}, {"strides", kernel}});
}

void write_adaptive_average(OnnxStep& step) {
  write_adaptive(step, {"GlobalAveragePool", "AveragePool", "ReduceMean"});
}

void write_adaptive_max(OnnxStep& step) {
  write_adaptive(step, {"GlobalMaxPool", "MaxPool", "ReduceMax"});
}

constexpr OnnxExportRule pool_rules[] = {{&max_pool1d_op, {}, write_max, on_integers},
                                         {&max_pool2d_op, {}, write_max, on_integers},
                                         {&max_pool3d_op, {}, write_max, on_integers},
                                         {&avg_pool1d_op, {}, write_average},
                                         {&avg_pool2d_op, {}, write_average},
                                         {&avg_pool3d_op, {}, write_average},
                                         {&adaptive_avg_pool1d_op, {}, write_adaptive_average},
                                         {&adaptive_avg_pool2d_op, {}, write_adaptive_average},
                                         {&adaptive_avg_pool3d_op, {}, write_adaptive_average},
                                         {&adaptive_max_pool1d_op, {}, write_adaptive_max},
                                         {&adaptive_max_pool2d_op, {}, write_adaptive_max},
                                         {&adaptive_max_pool3d_op, {}, write_adaptive_max}};

}  // namespace

extern constinit const OnnxExportRules pool_onnx_export_rules = {pool_rules};

}  // namespace zoometer
