#include "zoometer/op/movement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "op/moving_op.hpp"

namespace zoometer {

void moving::infer_permute(Inference& in) {
  const Ints& dims = in.attrs<DimsAttrs>().dims;
  const Shape& x = in.shape(0);
  in.require(dims.size() == x.size(), 1);
  std::array<bool, most_dimensions> taken{};
  Shape out;
  for (const std::int64_t dim : dims) {
    const auto axis = static_cast<std::size_t>(in.axis(dim, x.rank(), 1));
    in.require(!taken[axis], 1);
    taken[axis] = true;
    out.push_back(x[axis]);
  }
  in.output(out, in.dtype(0));
}
namespace {

constexpr std::string_view reshape_constraints[] = {"as many elements as x has",
                                                    "sizes of at least 0, at most one of them -1"};
constexpr std::string_view axis_constraints[] = {"axes within the rank of x"};
constexpr std::string_view permute_constraints[] = {"each axis of x once"};
constexpr std::string_view expand_constraints[] = {
    "sizes equal to those of x, or x of size 1 there",
    "at least as many sizes as x has dimensions"};
constexpr std::string_view slice_constraints[] = {"an axis within the rank of x",
                                                  "a step other than 0"};
constexpr std::string_view select_constraints[] = {"an axis within the rank of x",
                                                   "an index below the length of the axis"};
constexpr std::string_view chunk_constraints[] = {"an axis within the rank of x",
                                                  "at least one chunk"};
constexpr Operand cat_inputs[] = {{"tensors...", Role::data}};
constexpr std::string_view cat_constraints[] = {"an axis within the rank of the tensors",
                                                "tensors of equal shape but for that axis"};
constexpr std::string_view stack_constraints[] = {"an axis within the rank of the result",
                                                  "tensors of equal shape"};
constexpr std::string_view pad_constraints[] = {"a padding on both sides for each dimension",
                                                "sizes of at least 0 after cropping"};
constexpr std::string_view repeat_constraints[] = {
    "at least as many counts as x has dimensions, none negative"};
constexpr Operand indexed_inputs[] = {{"x", Role::data}, {"indices", Role::indices}};
constexpr std::string_view gather_constraints[] = {"an axis within the rank of x",
                                                   "indices of the rank of x"};
constexpr std::string_view index_select_constraints[] = {"an axis within the rank of x",
                                                         "indices of rank 1 or 0"};
constexpr Operand embedding_inputs[] = {{"table", Role::weight}, {"indices", Role::indices}};
constexpr std::string_view embedding_constraints[] = {"a table of rank 2"};
constexpr std::string_view index_constraints[] = {"x of rank 1 or more"};
constexpr std::string_view shuffle_constraints[] = {
    "x of rank 4 with channels that the squared factor divides", "a factor of at least 1"};
constexpr std::string_view unfold_constraints[] = {
    "x of rank 4",
    "a kernel size, stride, padding and dilation for height and width, of at least 1 (paddings 0)",
    "a window that fits into the padded x"};
constexpr std::string_view constant_constraints[] = {"sizes of at least 0",
                                                     "a step towards the end"};

void infer_reshape(Inference& in) {
  Shape out(in.attrs<SizesAttrs>().sizes);
  std::int64_t known = 1;
  std::int64_t open = -1;
  for (std::int64_t i = 0; i < out.rank(); ++i) {
    const std::int64_t size = out.dim(i);
    in.require(size >= -1 && (size != -1 || open == -1), 2);
    if (size == -1) {
      open = i;
    } else {
      known = checked_mul(known, size);
    }
  }
  if (open >= 0) {
    in.require(known > 0 && in.numel(0) % known == 0, 1);
    out.set_dim(open, in.numel(0) / known);
  } else {
    in.require(known == in.numel(0), 1);
  }
  in.output(out, in.dtype(0));
}

void infer_flatten(Inference& in) {
  const auto& attrs = in.attrs<FlattenAttrs>();
  const Shape& x = in.shape(0);
  if (x.rank() == 0) return in.output({1}, in.dtype(0));
  const std::int64_t start = in.axis(attrs.start_dim, x.rank(), 1);
  const std::int64_t end = in.axis(attrs.end_dim, x.rank(), 1);
  in.require(start <= end, 1);
  Shape out;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i > start && i <= end) {
      out.back() *= x.dim(i);
    } else {
      out.push_back(x.dim(i));
    }
  }
  in.output(out, in.dtype(0));
}

void infer_squeeze(Inference& in) {
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank(), 1);
  if (out.dim(axis) == 1) out.erase(static_cast<std::size_t>(axis));
  in.output(out, in.dtype(0));
}

void infer_unsqueeze(Inference& in) {
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank() + 1, 1);
  out.insert(static_cast<std::size_t>(axis), 1);
  in.output(out, in.dtype(0));
}

void infer_transpose(Inference& in) {
  const auto& attrs = in.attrs<TransposeAttrs>();
  Shape out = in.shape(0);
  const auto a = static_cast<std::size_t>(in.axis(attrs.dim0, out.rank(), 1));
  const auto b = static_cast<std::size_t>(in.axis(attrs.dim1, out.rank(), 1));
  std::swap(out[a], out[b]);
  in.output(out, in.dtype(0));
}

void infer_expand(Inference& in) {
  Shape out(in.attrs<SizesAttrs>().sizes);
  const Shape& x = in.shape(0);
  in.require(out.rank() >= x.rank(), 2);
  for (std::int64_t i = 1; i <= out.rank(); ++i) {
    const std::int64_t have = i <= x.rank() ? x.dim(-i) : 1;
    if (out.dim(-i) == -1) out.set_dim(-i, have);
    in.require(out.dim(-i) == have || have == 1, 1);
  }
  in.output(out, in.dtype(0));
}

// -- where a view's elements are ------------------------------------------------------------------

void place_permute(const NodeView& node, std::size_t, Layout& layout) {
  const Ints before = layout.strides;
  const Ints& dims = node.attrs<DimsAttrs>().dims;
  for (std::size_t i = 0; i < dims.size(); ++i)
    layout.strides[i] = before[moving::axis_in(node.in(0), dims[i])];
}

void place_transpose(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<TransposeAttrs>();
  std::swap(layout.strides[moving::axis_in(node.in(0), attrs.dim0)],
            layout.strides[moving::axis_in(node.in(0), attrs.dim1)]);
}

void place_expand(const NodeView& node, std::size_t, Layout& layout) {
  const Shape& x = node.in(0);
  const Shape& out = node.out();
  if (out.size() < x.size()) return;
  const std::size_t more = out.size() - x.size();
  Ints strides = Ints::filled(out.size(), 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == out[i + more]) strides[i + more] = layout.strides[i];
  }
  layout.strides = strides;
  layout.overlaps = true;
}

std::int64_t clamp_index(std::int64_t index, std::int64_t length, std::int64_t least,
                         std::int64_t most) {
  return std::clamp(index < 0 ? index + length : index, least, most);
}

void infer_slice(Inference& in) {
  const auto& attrs = in.attrs<SliceAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.step != 0, 2);
  const std::int64_t length = out.dim(axis);
  std::int64_t count = 0;
  if (attrs.step > 0) {
    const std::int64_t start = clamp_index(attrs.start, length, 0, length);
    const std::int64_t end = clamp_index(attrs.end, length, 0, length);
    count = end > start ? (end - start - 1) / attrs.step + 1 : 0;
  } else {
    const std::int64_t start = clamp_index(attrs.start, length, -1, length - 1);
    const std::int64_t end =
        attrs.end < -length ? -1 : clamp_index(attrs.end, length, -1, length - 1);
    count = start > end ? (start - end - attrs.step - 1) / -attrs.step : 0;
  }
  out.set_dim(axis, count);
  in.output(out, in.dtype(0));
}

void place_slice(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<SliceAttrs>();
  const std::size_t axis = moving::axis_in(node.in(0), attrs.dim);
  const std::int64_t length = node.in(0)[axis];
  const bool forwards = attrs.step > 0;
  layout.skip(axis,
              clamp_index(attrs.start, length, forwards ? 0 : -1, forwards ? length : length - 1));
  layout.strides[axis] = layout.times(layout.strides[axis], attrs.step);
}

void place_select(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<SelectAttrs>();
  const std::size_t axis = moving::axis_in(node.in(0), attrs.dim);
  layout.skip(axis, attrs.index < 0 ? attrs.index + node.in(0)[axis] : attrs.index);
  layout.strides.erase(axis);
}

void place_chunk(const NodeView& node, std::size_t output, Layout& layout) {
  const std::size_t axis = moving::axis_in(node.in(0), node.attrs<ChunkAttrs>().dim);
  layout.skip(axis, node.out()[axis] * static_cast<std::int64_t>(output));
}

void infer_select(Inference& in) {
  const auto& attrs = in.attrs<SelectAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.index >= -out.dim(axis) && attrs.index < out.dim(axis), 2);
  out.erase(static_cast<std::size_t>(axis));
  in.output(out, in.dtype(0));
}

void infer_chunk(Inference& in) {
  const auto& attrs = in.attrs<ChunkAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.chunks >= 1, 2);
  const std::int64_t length = out.dim(axis);
  const std::int64_t piece = std::max<std::int64_t>(1, ceil_div(length, attrs.chunks));
  for (std::int64_t start = 0; start < length; start += piece) {
    out.set_dim(axis, std::min(piece, length - start));
    in.output(out, in.dtype(0));
  }
}

void infer_cat(Inference& in) {
  in.require(in.input_count() >= 1, 2);
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank(), 1);
  DType dtype = in.dtype(0);
  for (std::size_t i = 1; i < in.input_count(); ++i) {
    Shape next = in.shape(i);
    in.require(next.rank() == out.rank(), 2);
    const std::int64_t total = checked_add(out.dim(axis), next.dim(axis));
    next.set_dim(axis, out.dim(axis));
    in.require(next == out, 2);
    out.set_dim(axis, total);
    dtype = promote(dtype, in.dtype(i));
  }
  in.output(out, dtype);
}

void infer_stack(Inference& in) {
  in.require(in.input_count() >= 1, 2);
  Shape out = in.shape(0);
  for (std::size_t i = 1; i < in.input_count(); ++i) in.require(in.shape(i) == out, 2);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank() + 1, 1);
  out.insert(static_cast<std::size_t>(axis), static_cast<std::int64_t>(in.input_count()));
  in.output(out, in.dtype(0));
}

void infer_pad(Inference& in) {
  const auto& attrs = in.attrs<PadAttrs>();
  Shape out = in.shape(0);
  in.require(attrs.before.size() == out.size() && attrs.after.size() == out.size(), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = checked_add(out[i], checked_add(attrs.before[i], attrs.after[i]));
    in.require(out[i] >= 0, 2);
  }
  in.output(out, in.dtype(0));
}

void infer_dims(Inference& in) {
  for (const std::int64_t dim : in.attrs<DimsAttrs>().dims) in.axis(dim, in.shape(0).rank(), 1);
  infer_same(in);
}

void infer_roll(Inference& in) {
  for (const std::int64_t dim : in.attrs<RollAttrs>().dims) in.axis(dim, in.shape(0).rank(), 1);
  infer_same(in);
}

void infer_repeat(Inference& in) {
  Shape out(in.attrs<SizesAttrs>().sizes);
  const Shape& x = in.shape(0);
  in.require(out.rank() >= x.rank(), 1);
  for (std::int64_t i = 1; i <= out.rank(); ++i) {
    in.require(out.dim(-i) >= 0, 1);
    if (i <= x.rank()) out.set_dim(-i, checked_mul(out.dim(-i), x.dim(-i)));
  }
  in.output(out, in.dtype(0));
}

void infer_index_select(Inference& in) {
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank(), 1);
  in.require(in.shape(1).rank() <= 1, 2);
  out.set_dim(axis, in.numel(1));
  in.output(out, in.dtype(0));
}

void infer_gather(Inference& in) {
  in.axis(in.attrs<AxisAttrs>().dim, in.shape(0).rank(), 1);
  in.require(in.shape(1).rank() == in.shape(0).rank(), 2);
  in.output(in.shape(1), in.dtype(0));
}

void infer_embedding(Inference& in) {
  in.require(in.shape(0).rank() == 2, 1);
  Shape out = in.shape(1);
  out.push_back(in.shape(0).dim(1));
  in.output(out, in.dtype(0));
}

void infer_index(Inference& in) {
  const Shape& x = in.shape(0);
  in.require(x.rank() >= 1, 1);
  Shape out = in.shape(1);
  for (std::int64_t i = 1; i < x.rank(); ++i) out.push_back(x.dim(i));
  in.output(out, in.dtype(0));
}

void infer_pixel_shuffle(Inference& in) {
  const std::int64_t factor = in.attrs<ChunkAttrs>().chunks;
  const Shape& x = in.shape(0);
  in.require(factor >= 1, 2);
  const std::int64_t squared = checked_mul(factor, factor);
  in.require(x.rank() == 4 && x.dim(1) % squared == 0, 1);
  in.output(
      {x.dim(0), x.dim(1) / squared, checked_mul(x.dim(2), factor), checked_mul(x.dim(3), factor)},
      in.dtype(0));
}

void infer_unfold(Inference& in) {
  const auto& attrs = in.attrs<UnfoldAttrs>();
  const Shape& x = in.shape(0);
  in.require(x.rank() == 4, 1);
  in.require(attrs.kernel_size.size() == 2 && attrs.stride.size() == 2 &&
                 attrs.padding.size() == 2 && attrs.dilation.size() == 2,
             2);
  Shape out{x.dim(0), x.dim(1), 1};
  for (std::size_t i = 0; i < 2; ++i) {
    in.require(attrs.kernel_size[i] >= 1 && attrs.stride[i] >= 1 && attrs.padding[i] >= 0 &&
                   attrs.dilation[i] >= 1,
               2);
    const std::int64_t extent =
        checked_add(checked_mul(attrs.dilation[i], attrs.kernel_size[i] - 1), 1);
    const std::int64_t padded = checked_add(x[i + 2], checked_mul(2, attrs.padding[i]));
    in.require(padded >= extent, 3);
    out[1] = checked_mul(out[1], attrs.kernel_size[i]);
    out[2] = checked_mul(out[2], (padded - extent) / attrs.stride[i] + 1);
  }
  in.output(out, in.dtype(0));
}

void infer_full(Inference& in) {
  const auto& attrs = in.attrs<FullAttrs>();
  for (const std::int64_t size : attrs.sizes) in.require(size >= 0, 1);
  in.output(Shape(attrs.sizes), attrs.dtype);
}

void infer_full_like(Inference& in) { in.output(in.shape(0), in.attrs<FullLikeAttrs>().dtype); }

void infer_arange(Inference& in) {
  const auto& attrs = in.attrs<ArangeAttrs>();
  const double count = std::ceil((attrs.end - attrs.start) / attrs.step);
  in.require(count >= 0 && count < 0x1p53, 2);
  in.output({static_cast<std::int64_t>(count)}, attrs.dtype);
}

using namespace moving;

bool repeats_elements(const NodeView& node) {
  return node.attrs<PadAttrs>().mode == "reflect" || node.attrs<PadAttrs>().mode == "replicate";
}

constexpr Condition repeated{"where it is reflected or replicated", repeats_elements};
constexpr Traits pads{OpKind::movement, keeps(first).only(repeated), new_memory};

}  // namespace

constinit const OpDef reshape_op = move<SizesAttrs>(
    "reshape", "The same elements in another shape.", infer_reshape, reshape_constraints, reshapes);
constinit const OpDef flatten_op = move<FlattenAttrs>("flatten", "Joins a run of dimensions.",
                                                      infer_flatten, axis_constraints, reshapes);
constinit const OpDef squeeze_op = move<AxisAttrs>("squeeze", "Removes a dimension of size 1.",
                                                   infer_squeeze, axis_constraints, aliases);
constinit const OpDef unsqueeze_op = move<AxisAttrs>("unsqueeze", "Inserts a dimension of size 1.",
                                                     infer_unsqueeze, axis_constraints, aliases);
constinit const OpDef permute_op =
    move<DimsAttrs>("permute", "Reorders the dimensions.", moving::infer_permute,
                    permute_constraints, views(place_permute));
constinit const OpDef transpose_op =
    move<TransposeAttrs>("transpose", "Swaps two dimensions.", infer_transpose, axis_constraints,
                         views(place_transpose));
constinit const OpDef expand_op =
    move<SizesAttrs>("expand", "Repeats dimensions of size 1 without copying.", infer_expand,
                     expand_constraints, views(place_expand));
constinit const OpDef slice_op = move<SliceAttrs>("slice", "A range along an axis.", infer_slice,
                                                  slice_constraints, views(place_slice));
constinit const OpDef select_op = move<SelectAttrs>(
    "select", "One index along an axis.", infer_select, select_constraints, views(place_select));
constinit const OpDef chunk_op =
    move<ChunkAttrs>("chunk", "Splits an axis into equal pieces.", infer_chunk, chunk_constraints,
                     views(place_chunk));
constinit const OpDef cat_op = move<AxisAttrs>("cat", "Joins tensors along an axis.", infer_cat,
                                               cat_constraints, copies, cat_inputs);
constinit const OpDef stack_op = move<AxisAttrs>(
    "stack", "Joins tensors along a new axis.", infer_stack, stack_constraints, copies, cat_inputs);
constinit const OpDef pad_op =
    move<PadAttrs>("pad", "Adds elements around, or crops.", infer_pad, pad_constraints, pads);
constinit const OpDef roll_op = move<RollAttrs>("roll", "Shifts along axes, around the end.",
                                                infer_roll, axis_constraints, copies);
constinit const OpDef repeat_op = move<SizesAttrs>("repeat", "Copies the tensor along its axes.",
                                                   infer_repeat, repeat_constraints, copies);
constinit const OpDef flip_op =
    move<DimsAttrs>("flip", "Reverses axes.", infer_dims, axis_constraints, copies);
constinit const OpDef index_select_op =
    move<AxisAttrs>("index_select", "Slices along an axis.", infer_index_select,
                    index_select_constraints, looks_up_rows, indexed_inputs);
constinit const OpDef gather_op = move<AxisAttrs>("gather", "Elements along an axis.", infer_gather,
                                                  gather_constraints, gathers, indexed_inputs);
constinit const OpDef embedding_op =
    move<NoAttrs>("embedding", "Rows of a table.", infer_embedding, embedding_constraints,
                  looks_up_rows, embedding_inputs);
constinit const OpDef index_op = move<NoAttrs>("index", "Slices along the first axis.", infer_index,
                                               index_constraints, looks_up_rows, indexed_inputs);
constinit const OpDef contiguous_op = move<NoAttrs>("contiguous", "A copy, unless x is contiguous.",
                                                    infer_same, no_constraints, packs);
constinit const OpDef clone_op =
    move<NoAttrs>("clone", "A copy.", infer_same, no_constraints, copies);
constinit const OpDef pixel_shuffle_op = move<ChunkAttrs>(
    "pixel_shuffle", "Channels into space.", infer_pixel_shuffle, shuffle_constraints, copies);
constinit const OpDef unfold_op =
    move<UnfoldAttrs>("unfold", "Windows as columns.", infer_unfold, unfold_constraints, copies);
constinit const OpDef full_op =
    move<FullAttrs>("full", "A constant.", infer_full, constant_constraints, constants, no_inputs);
constinit const OpDef full_like_op = move<FullLikeAttrs>(
    "full_like", "A constant with the sizes of x.", infer_full_like, no_constraints, constants);
constinit const OpDef arange_op = move<ArangeAttrs>(
    "arange", "Numbers in equal steps.", infer_arange, constant_constraints, constants, no_inputs);

namespace {

constexpr const OpDef* ops[] = {
    &reshape_op,   &flatten_op,   &squeeze_op,    &unsqueeze_op, &permute_op,       &transpose_op,
    &expand_op,    &slice_op,     &select_op,     &chunk_op,     &cat_op,           &stack_op,
    &pad_op,       &roll_op,      &repeat_op,     &flip_op,      &index_select_op,  &gather_op,
    &embedding_op, &index_op,     &contiguous_op, &clone_op,     &pixel_shuffle_op, &unfold_op,
    &full_op,      &full_like_op, &arange_op};

Tensor apply_all(const OpDef& op, const AxisAttrs& attrs, std::span<const Tensor> tensors) {
  constexpr std::size_t few = 16;
  std::array<ValueId, few> some;
  std::vector<ValueId> many;
  if (tensors.size() > few) many.resize(tensors.size());
  const std::span<ValueId> ids =
      tensors.size() > few ? std::span(many) : std::span(some).first(tensors.size());
  std::transform(tensors.begin(), tensors.end(), ids.begin(),
                 [](Tensor tensor) { return tensor.id; });
  if (tensors.empty()) throw Error(ErrorCode::shape, std::string(op.name) + " of no tensors");
  Graph& graph = *tensors.front().graph;
  const NodeId node = graph.append(op, attrs, ids);
  return {&graph, graph.nodes()[node].first_output};
}

}  // namespace

extern constinit const OpGroup movement_ops = {"movement", "Shapes, pieces, copies and constants.",
                                               ops};

Tensor reshape(Tensor x, const Ints& sizes) { return apply(reshape_op, SizesAttrs{sizes}, x); }

Tensor flatten(Tensor x, std::int64_t start_dim, std::int64_t end_dim) {
  return apply(flatten_op, FlattenAttrs{start_dim, end_dim}, x);
}

Tensor squeeze(Tensor x, std::int64_t dim) { return apply(squeeze_op, AxisAttrs{dim}, x); }

Tensor unsqueeze(Tensor x, std::int64_t dim) { return apply(unsqueeze_op, AxisAttrs{dim}, x); }

Tensor permute(Tensor x, const Ints& dims) { return apply(permute_op, DimsAttrs{dims}, x); }

Tensor transpose(Tensor x, std::int64_t dim0, std::int64_t dim1) {
  return apply(transpose_op, TransposeAttrs{dim0, dim1}, x);
}

Tensor expand(Tensor x, const Ints& sizes) { return apply(expand_op, SizesAttrs{sizes}, x); }

Tensor slice(Tensor x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  return apply(slice_op, SliceAttrs{dim, start, end, step}, x);
}

Tensor select(Tensor x, std::int64_t dim, std::int64_t index) {
  return apply(select_op, SelectAttrs{dim, index}, x);
}

Chunks chunk(Tensor x, std::int64_t chunks, std::int64_t dim) {
  const Tensor first = apply(chunk_op, ChunkAttrs{chunks, dim}, x);
  return {first, first.graph->nodes().back().output_count};
}

Tensor cat(std::span<const Tensor> tensors, std::int64_t dim) {
  return apply_all(cat_op, {dim}, tensors);
}

Tensor stack(std::span<const Tensor> tensors, std::int64_t dim) {
  return apply_all(stack_op, {dim}, tensors);
}

Tensor pad(Tensor x, const PadAttrs& attrs) { return apply(pad_op, attrs, x); }

Tensor pad_last(Tensor x, const Ints& pairs) {
  PadAttrs attrs;
  attrs.before = Ints::filled(x.shape().size(), 0);
  attrs.after = attrs.before;
  for (std::size_t i = 0; i + 1 < pairs.size() && i / 2 < x.shape().size(); i += 2) {
    const std::size_t dim = x.shape().size() - 1 - i / 2;
    attrs.before[dim] = pairs[i];
    attrs.after[dim] = pairs[i + 1];
  }
  return pad(x, attrs);
}

Tensor roll(Tensor x, const Ints& shifts, const Ints& dims) {
  return apply(roll_op, RollAttrs{shifts, dims}, x);
}

Tensor repeat(Tensor x, const Ints& times) { return apply(repeat_op, SizesAttrs{times}, x); }

Tensor flip(Tensor x, const Ints& dims) { return apply(flip_op, DimsAttrs{dims}, x); }

Tensor index_select(Tensor x, std::int64_t dim, Tensor indices) {
  return apply(index_select_op, AxisAttrs{dim}, x, indices);
}

Tensor gather(Tensor x, std::int64_t dim, Tensor indices) {
  return apply(gather_op, AxisAttrs{dim}, x, indices);
}

Tensor embedding(Tensor table, Tensor indices) {
  return apply(embedding_op, NoAttrs{}, table, indices);
}

Tensor index(Tensor x, Tensor indices) { return apply(index_op, NoAttrs{}, x, indices); }

Tensor contiguous(Tensor x) { return apply(contiguous_op, NoAttrs{}, x); }

Tensor clone(Tensor x) { return apply(clone_op, NoAttrs{}, x); }

Tensor pixel_shuffle(Tensor x, std::int64_t factor) {
  return apply(pixel_shuffle_op, ChunkAttrs{factor, 1}, x);
}

Tensor unfold(Tensor x, const UnfoldAttrs& attrs) { return apply(unfold_op, attrs, x); }

Tensor full(Graph& graph, const Ints& sizes, double value, DType dtype) {
  return apply_constant(graph, full_op, FullAttrs{sizes, dtype, value});
}

Tensor full_like(Tensor x, double value, DType dtype) {
  return apply(full_like_op, FullLikeAttrs{dtype, value}, x);
}

Tensor arange(Graph& graph, double start, double end, double step, DType dtype) {
  return apply_constant(graph, arange_op, ArangeAttrs{start, end, step, dtype});
}

}  // namespace zoometer
