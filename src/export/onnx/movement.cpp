#include "zoometer/op/movement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "export/onnx/export_rule.hpp"
#include "op/mobile.hpp"

namespace zoometer {
namespace {

/// The sizes of the output for Reshape: -1 where the size depends on data.
Ints target_sizes(OnnxStep& step) {
  Ints sizes = step.node().out();
  const auto open = step.builder().open_axis(step.node().input(0));
  if (!open) return sizes;
  std::int64_t before = 1;
  for (std::int64_t i = 0; i < *open; ++i) before *= step.shape(0).dim(i);
  std::int64_t found = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    // The axis with as many elements before it; a size of 1 there is a new axis, not that one.
    if (found == before && (sizes[i] != 1 || step.shape(0).dim(*open) == 1)) {
      sizes[i] = -1;
      return sizes;
    }
    found *= sizes[i];
  }
  step.fail("moves an axis whose size depends on data");
}

void write_reshape(OnnxStep& step) {
  const Ints sizes = target_sizes(step);
  const bool has_zero = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  const std::string wanted = step.integers(sizes);
  if (has_zero) return step.make("Reshape", {step.in(0), wanted}, {{"allowzero", std::int64_t{1}}});
  step.make("Reshape", {step.in(0), wanted});
}

void write_flatten(OnnxStep& step) {
  const auto& attrs = step.attrs<FlattenAttrs>();
  const std::int64_t rank = step.shape(0).rank();
  const bool to_matrix =
      rank >= 2 && step.axis(attrs.start_dim) == 1 && step.axis(attrs.end_dim) == rank - 1;
  if (to_matrix) return step.make("Flatten", {step.in(0)}, {{"axis", std::int64_t{1}}});
  write_reshape(step);
}

void write_squeeze(OnnxStep& step) {
  if (step.node().out().rank() == step.shape(0).rank()) return step.make("Identity", {step.in(0)});
  step.make("Squeeze", {step.in(0), step.integers({step.axis(step.attrs<AxisAttrs>().dim)})});
}

void write_unsqueeze(OnnxStep& step) {
  step.make("Unsqueeze", {step.in(0), step.integers({step.attrs<AxisAttrs>().dim})});
}

void write_permute(OnnxStep& step) {
  Ints order;
  for (const std::int64_t dim : step.attrs<DimsAttrs>().dims) order.push_back(step.axis(dim));
  step.make("Transpose", {step.in(0)}, {{"perm", order}});
}

void write_transpose(OnnxStep& step) {
  const auto& attrs = step.attrs<TransposeAttrs>();
  Ints order;
  for (std::int64_t i = 0; i < step.shape(0).rank(); ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(step.axis(attrs.dim0))],
            order[static_cast<std::size_t>(step.axis(attrs.dim1))]);
  step.make("Transpose", {step.in(0)}, {{"perm", order}});
}

void write_expand(OnnxStep& step) {
  Ints sizes = step.node().out();
  if (const auto open = step.builder().open_axis(step.node().input(0))) {
    // 1 keeps the input's size.
    const std::int64_t added = step.node().out().rank() - step.shape(0).rank();
    sizes[static_cast<std::size_t>(*open + added)] = 1;
  }
  step.make("Expand", {step.in(0), step.integers(sizes)});
}

void write_slice(OnnxStep& step) {
  const auto& attrs = step.attrs<SliceAttrs>();
  const std::int64_t length = step.shape(0).dim(attrs.dim);
  // A start that was traced from the bound is elsewhere in the real data.
  const bool is_open = step.builder().open_axis(step.node().input(0)) == step.axis(attrs.dim);
  if (is_open && attrs.start > 0) step.fail("starts within an axis whose size depends on data");
  // Backwards, the least number is the end before the first element, because -1 is the last one.
  const bool to_first = attrs.step < 0 && attrs.end < -length;
  const std::int64_t end = to_first ? std::numeric_limits<std::int64_t>::min() : attrs.end;
  const std::string first = step.integers({attrs.start});
  const std::string last = step.integers({end});
  const std::string axes = step.integers({step.axis(attrs.dim)});
  step.make("Slice", {step.in(0), first, last, axes, step.integers({attrs.step})});
}

void write_select(OnnxStep& step) {
  const auto& attrs = step.attrs<SelectAttrs>();
  step.make("Gather", {step.in(0), step.integer(attrs.index)}, {{"axis", step.axis(attrs.dim)}});
}

void write_chunk(OnnxStep& step) {
  if (step.node().output_count() == 1) return step.make("Identity", {step.in(0)});
  const std::int64_t axis = step.axis(step.attrs<ChunkAttrs>().dim);
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < step.node().output_count(); ++i)
    sizes.push_back(step.node().out(i).dim(axis));
  step.make("Split", {step.in(0), step.integers(sizes)}, {{"axis", axis}});
}

void write_cat(OnnxStep& step) {
  const std::int64_t axis = step.axis(step.attrs<AxisAttrs>().dim);
  bool joins_open_axis = false;
  for (std::size_t i = 0; i < step.node().input_count(); ++i)
    joins_open_axis |= step.builder().open_axis(step.node().input(i)) == axis;
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < step.node().input_count(); ++i) {
    inputs.push_back(joins_open_axis ? step.cast(step.in(i), step.dtype(i), step.out_dtype())
                                     : step.operand(i, step.out_dtype()));
  }
  step.make("Concat", inputs, {{"axis", axis}});
}

void write_stack(OnnxStep& step) {
  const std::int64_t rank = step.shape(0).rank() + 1;
  const std::int64_t dim = step.attrs<AxisAttrs>().dim;
  const std::int64_t axis = dim < 0 ? dim + rank : dim;
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < step.node().input_count(); ++i)
    inputs.push_back(step.unsqueeze(step.operand(i, step.out_dtype()), axis));
  step.make("Concat", inputs, {{"axis", axis}});
}

void write_pad(OnnxStep& step) {
  const auto& attrs = step.attrs<PadAttrs>();
  const std::string_view mode = attrs.mode == "replicate" ? "edge" : attrs.mode;
  if (mode != "constant" && mode != "reflect" && mode != "edge")
    step.fail("has the mode " + std::string(attrs.mode));
  std::vector<std::int64_t> pads(attrs.before.begin(), attrs.before.end());
  pads.insert(pads.end(), attrs.after.begin(), attrs.after.end());
  const std::string amounts = step.integers(pads);
  if (mode != "constant") return step.make("Pad", {step.in(0), amounts}, {{"mode", mode}});
  step.make("Pad", {step.in(0), amounts, step.number(attrs.value, step.dtype())}, {{"mode", mode}});
}

/// Each axis: its last elements, then the others.
void write_roll(OnnxStep& step) {
  const auto& attrs = step.attrs<RollAttrs>();
  std::string x = step.in(0);
  if (attrs.dims.empty()) x = step.reshape(x, {-1});
  for (std::size_t i = 0; i < attrs.shifts.size(); ++i) {
    const std::int64_t axis = attrs.dims.empty() ? 0 : step.axis(attrs.dims[i]);
    const std::int64_t length = attrs.dims.empty() ? numel(step.shape(0)) : step.shape(0).dim(axis);
    if (length == 0) continue;
    const std::int64_t shift = (attrs.shifts[i] % length + length) % length;
    if (shift == 0) continue;
    const std::string last = step.slice(x, axis, length - shift, length);
    const std::string first = step.slice(x, axis, 0, length - shift);
    x = step.add("Concat", {last, first}, {{"axis", axis}});
  }
  if (attrs.dims.empty()) x = step.reshape(x, step.shape(0));
  step.make("Identity", {x});
}

void write_repeat(OnnxStep& step) {
  const Ints& times = step.attrs<SizesAttrs>().sizes;
  std::string x = step.in(0);
  const std::size_t added = times.size() - step.shape(0).size();
  if (added > 0) {
    std::vector<std::int64_t> axes;
    for (std::size_t i = 0; i < added; ++i) axes.push_back(static_cast<std::int64_t>(i));
    x = step.add("Unsqueeze", {x, step.integers(axes)});
  }
  step.make("Tile", {x, step.integers(times)});
}

void write_index_select(OnnxStep& step) {
  const std::string indices =
      step.shape(1).rank() == 0 ? step.reshape(step.in(1), {1}) : step.in(1);
  step.make("Gather", {step.in(0), indices}, {{"axis", step.axis(step.attrs<AxisAttrs>().dim)}});
}

void write_gather(OnnxStep& step) {
  step.make("GatherElements", {step.in(0), step.in(1)},
            {{"axis", step.axis(step.attrs<AxisAttrs>().dim)}});
}

void write_rows(OnnxStep& step) {
  step.make("Gather", {step.in(0), step.in(1)}, {{"axis", std::int64_t{0}}});
}

void write_flip(OnnxStep& step) {
  std::vector<std::int64_t> axes;
  for (const std::int64_t dim : step.attrs<DimsAttrs>().dims) axes.push_back(step.axis(dim));
  const std::vector<std::int64_t> starts(axes.size(), -1);
  const std::vector<std::int64_t> ends(axes.size(), std::numeric_limits<std::int64_t>::min());
  const std::string first = step.integers(starts);
  const std::string last = step.integers(ends);
  const std::string along = step.integers(axes);
  step.make("Slice", {step.in(0), first, last, along, step.integers(starts)});
}

void write_full(OnnxStep& step) {
  const auto& attrs = step.attrs<FullAttrs>();
  const std::string value = step.number(attrs.value, step.out_dtype());
  step.make("Expand", {value, step.integers(attrs.sizes)});
}

void write_full_like(OnnxStep& step) {
  const auto& attrs = step.attrs<FullLikeAttrs>();
  const std::string value = step.number(attrs.value, step.out_dtype());
  step.make("Expand", {value, step.add("Shape", {step.in(0)})});
}

void write_arange(OnnxStep& step) {
  const auto& attrs = step.attrs<ArangeAttrs>();
  const DType dtype = step.out_dtype();
  const bool is_whole = attrs.start == std::floor(attrs.start) &&
                        attrs.end == std::floor(attrs.end) && attrs.step == std::floor(attrs.step);
  const bool has_kernel = dtype == DType::int64 || dtype == DType::int32 ||
                          dtype == DType::float32 || dtype == DType::float64;
  const DType computed = has_kernel && (is_whole || is_floating(dtype)) ? dtype : DType::float64;
  const std::string start = step.number(attrs.start, computed);
  const std::string end = step.number(attrs.end, computed);
  const std::string stride = step.number(attrs.step, computed);
  if (computed == dtype) return step.make("Range", {start, end, stride});
  step.make("Cast", {step.add("Range", {start, end, stride})}, {{"to", dtype}});
}

void write_pixel_shuffle(OnnxStep& step) {
  step.make("DepthToSpace", {step.in(0)},
            {{"blocksize", step.attrs<ChunkAttrs>().chunks}, {"mode", std::string_view("CRD")}});
}

/// One slice of the padded input for each position within the window.
void write_unfold(OnnxStep& step) {
  const auto& attrs = step.attrs<UnfoldAttrs>();
  const Shape& x = step.shape(0);
  const Spatial& pad = attrs.padding;
  const std::string amounts = step.integers({0, 0, pad[0], pad[1], 0, 0, pad[0], pad[1]});
  const std::string padded = step.add("Pad", {step.in(0), amounts});
  Spatial reach;  // from the first element of the first window to that of the last, and one more
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t extent = attrs.dilation[i] * (attrs.kernel_size[i] - 1) + 1;
    const std::int64_t windows = (x[i + 2] + 2 * pad[i] - extent) / attrs.stride[i] + 1;
    reach.push_back((windows - 1) * attrs.stride[i] + 1);
  }
  std::vector<std::string> pieces;
  for (std::int64_t row = 0; row < attrs.kernel_size[0]; ++row) {
    for (std::int64_t column = 0; column < attrs.kernel_size[1]; ++column) {
      const std::int64_t top = row * attrs.dilation[0];
      const std::int64_t left = column * attrs.dilation[1];
      const std::string starts = step.integers({top, left});
      const std::string ends = step.integers({top + reach[0], left + reach[1]});
      const std::string axes = step.integers({2, 3});
      const std::string strides = step.integers({attrs.stride[0], attrs.stride[1]});
      const std::string piece = step.add("Slice", {padded, starts, ends, axes, strides});
      pieces.push_back(step.unsqueeze(piece, 2));
    }
  }
  const std::string windows = step.add("Concat", pieces, {{"axis", std::int64_t{2}}});
  step.make("Reshape", {windows, step.integers(step.node().out())});
}

constexpr OnnxExportRule movement_rules[] = {{&reshape_op, {}, write_reshape, on_integers},
                                             {&flatten_op, {}, write_flatten, on_integers},
                                             {&squeeze_op, {}, write_squeeze, on_integers},
                                             {&unsqueeze_op, {}, write_unsqueeze, on_integers},
                                             {&permute_op, {}, write_permute, on_integers},
                                             {&name_axes_op, {}, write_permute, on_integers},
                                             {&transpose_op, {}, write_transpose, on_integers},
                                             {&expand_op, {}, write_expand, on_integers},
                                             {&slice_op, {}, write_slice, on_integers},
                                             {&select_op, {}, write_select, on_integers},
                                             {&chunk_op, {}, write_chunk, on_integers},
                                             {&cat_op, {}, write_cat},
                                             {&stack_op, {}, write_stack},
                                             {&pad_op, {}, write_pad},
                                             {&roll_op, {}, write_roll},
                                             {&repeat_op, {}, write_repeat, on_integers},
                                             {&index_select_op, {}, write_index_select},
                                             {&gather_op, {}, write_gather},
                                             {&embedding_op, {}, write_rows},
                                             {&index_op, {}, write_rows},
                                             {&contiguous_op, "Identity", nullptr, on_integers},
                                             {&clone_op, "Identity", nullptr, on_integers},
                                             {&flip_op, {}, write_flip},
                                             {&full_op, {}, write_full},
                                             {&full_like_op, {}, write_full_like},
                                             {&arange_op, {}, write_arange},
                                             {&pixel_shuffle_op, {}, write_pixel_shuffle},
                                             {&unfold_op, {}, write_unfold}};

}  // namespace

extern constinit const OnnxExportRules movement_onnx_export_rules = {movement_rules};

}  // namespace zoometer
