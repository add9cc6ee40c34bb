#include "op/indexing.hpp"

#include <array>
#include <utility>
#include <vector>

#include "op/moving_op.hpp"

namespace zoometer {
namespace {

constexpr std::string_view split_constraints[] = {
    "an axis within the rank of x", "sizes of at least 0 that sum up to the length of the axis"};
constexpr std::string_view unbind_constraints[] = {"an axis within the rank of x",
                                                   "an axis of at least 1 and at most 65535"};
constexpr std::string_view strided_constraints[] = {
    "as many strides as sizes, none of them negative"};
constexpr std::string_view strided_scatter_constraints[] = {
    "as many strides as sizes, none of them negative", "a source of these sizes"};
constexpr std::string_view diagonal_constraints[] = {"two different axes within the rank of x"};
constexpr std::string_view window_constraints[] = {
    "an axis within the rank of x", "a size of 0 to the length of the axis, a step of at least 1"};
constexpr std::string_view triangle_constraints[] = {"x of rank 2 or more"};
constexpr std::string_view times_constraints[] = {"an axis within the rank of x",
                                                  "a count of at least 1"};
constexpr Operand indices_inputs[] = {{"x", Role::data}, {"indices...", Role::indices}};
constexpr std::string_view indices_constraints[] = {
    "one axis per index tensor, within the rank of x, none twice", "index tensors that broadcast"};
constexpr Operand masked_inputs[] = {{"x", Role::data}, {"mask", Role::mask}};
constexpr std::string_view masked_constraints[] = {"a mask that broadcasts with x"};
constexpr Operand source_inputs[] = {{"x", Role::data}, {"source", Role::data}};
constexpr std::string_view copy_constraints[] = {"a source that broadcasts to the shape of x"};
constexpr std::string_view piece_constraints[] = {"an axis within the rank of x",
                                                  "a source of the shape of the piece"};
constexpr Operand scatter_inputs[] = {
    {"x", Role::data}, {"indices", Role::indices}, {"source", Role::data}};
constexpr std::string_view scatter_constraints[] = {"an axis within the rank of x",
                                                    "indices of the rank of x, or of rank 0"};
constexpr Operand put_inputs[] = {
    {"x", Role::data}, {"values", Role::data}, {"indices...", Role::indices}};
constexpr std::string_view index_copy_constraints[] = {
    "an axis within the rank of x", "as many slices in the source as there are indices"};
constexpr Operand cache_inputs[] = {
    {"cache", Role::data}, {"update", Role::data}, {"places", Role::indices}};
constexpr std::string_view cache_constraints[] = {
    "an axis within the rank of the cache, after the batch",
    "an update of the cache's other sizes and at most as long along the axis",
    "a place for each batch"};
constexpr std::string_view bitcast_constraints[] = {"a type of as many bits"};
constexpr Operand fill_inputs[] = {{"x", Role::data}, {"mask", Role::mask}, {"value", Role::data}};
constexpr std::string_view constant_constraints[] = {"sizes of at least 0"};

void infer_split(Inference& in) {
  const auto& attrs = in.attrs<SplitAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  std::int64_t total = 0;
  for (const std::int64_t size : attrs.sizes.items) {
    in.require(size >= 0, 2);
    total = checked_add(total, size);
  }
  in.require(total == out.dim(axis), 2);
  for (const std::int64_t size : attrs.sizes.items) {
    out.set_dim(axis, size);
    in.output(out, in.dtype(0));
  }
}

void infer_unbind(Inference& in) {
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, out.rank(), 1);
  const std::int64_t length = out.dim(axis);
  in.require(length >= 1 && length <= 0xFFFF, 2);
  out.erase(static_cast<std::size_t>(axis));
  for (std::int64_t i = 0; i < length; ++i) in.output(out, in.dtype(0));
}

void require_strides(const Inference& in, const StridedAttrs& attrs) {
  in.require(attrs.sizes.size() == attrs.strides.size() && attrs.offset >= 0, 1);
  for (std::size_t i = 0; i < attrs.sizes.size(); ++i) {
    in.require(attrs.sizes[i] >= 0 && attrs.strides[i] >= 0, 1);
  }
}

void infer_as_strided(Inference& in) {
  const auto& attrs = in.attrs<StridedAttrs>();
  require_strides(in, attrs);
  in.output(Shape(attrs.sizes), in.dtype(0));
}

void infer_as_strided_scatter(Inference& in) {
  const auto& attrs = in.attrs<StridedAttrs>();
  require_strides(in, attrs);
  in.require(in.shape(1) == Shape(attrs.sizes), 2);
  infer_same(in);
}

void infer_diagonal(Inference& in) {
  const auto& attrs = in.attrs<DiagonalAttrs>();
  const Shape& x = in.shape(0);
  const std::int64_t first = in.axis(attrs.dim0, x.rank(), 1);
  const std::int64_t second = in.axis(attrs.dim1, x.rank(), 1);
  in.require(first != second, 1);
  const std::int64_t rows = x.dim(first) + std::min<std::int64_t>(0, attrs.offset);
  const std::int64_t columns = x.dim(second) - std::max<std::int64_t>(0, attrs.offset);
  Shape out;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i != first && i != second) out.push_back(x.dim(i));
  }
  out.push_back(std::max<std::int64_t>(0, std::min(rows, columns)));
  in.output(out, in.dtype(0));
}

void infer_sliding_window(Inference& in) {
  const auto& attrs = in.attrs<WindowAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.size >= 0 && attrs.size <= out.dim(axis) && attrs.step >= 1, 2);
  out.set_dim(axis, (out.dim(axis) - attrs.size) / attrs.step + 1);
  out.push_back(attrs.size);
  in.output(out, in.dtype(0));
}

void infer_triangle(Inference& in) {
  in.require(in.shape(0).rank() >= 2, 1);
  infer_same(in);
}

void infer_repeat_interleave(Inference& in) {
  const auto& attrs = in.attrs<ChunkAttrs>();
  Shape out = in.shape(0);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 1);
  in.require(attrs.chunks >= 1, 2);
  out.set_dim(axis, checked_mul(out.dim(axis), attrs.chunks));
  in.output(out, in.dtype(0));
}

/// The shape of x[..., index, ...], with the index tensors from input `first` on.
Shape indexed_shape(const Inference& in, const Ints& dims, std::size_t first) {
  const Shape& x = in.shape(0);
  in.require(!dims.empty() && in.input_count() == first + dims.size(), 1);
  std::array<bool, most_dimensions> indexed{};
  std::array<std::int64_t, most_dimensions> axes{};
  Shape index;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    axes[i] = in.axis(dims[i], x.rank(), 1);
    in.require(!indexed[static_cast<std::size_t>(axes[i])], 1);
    indexed[static_cast<std::size_t>(axes[i])] = true;
    Shape both;
    in.require(broadcast(index, in.shape(first + i), both), 2);
    index = both;
  }
  bool neighbours = true;
  for (std::size_t i = 1; i < dims.size(); ++i) neighbours &= axes[i] == axes[i - 1] + 1;
  const std::int64_t place = neighbours ? axes[0] : 0;
  Shape out;
  for (std::int64_t i = 0; i <= x.rank(); ++i) {
    if (i == place) {
      for (const std::int64_t size : index) out.push_back(size);
    }
    if (i < x.rank() && !indexed[static_cast<std::size_t>(i)]) out.push_back(x.dim(i));
  }
  return out;
}

void infer_advanced_index(Inference& in) {
  in.output(indexed_shape(in, in.attrs<DimsAttrs>().dims, 1), in.dtype(0));
}

void infer_index_put(Inference& in) {
  indexed_shape(in, in.attrs<IndexPutAttrs>().dims, 2);
  infer_same(in);
}

void infer_masked_select(Inference& in) {
  Shape both;
  in.require(broadcast(in.shape(0), in.shape(1), both), 1);
  in.output({numel(std::as_const(both))}, in.dtype(0), true);
}

void infer_nonzero(Inference& in) {
  in.output({in.numel(0), in.shape(0).rank()}, DType::int64, true);
}

void infer_copy(Inference& in) {
  Shape both;
  in.require(broadcast(in.shape(0), in.shape(1), both) && both == in.shape(0), 1);
  infer_same(in);
}

void infer_slice_scatter(Inference& in) {
  in.axis(in.attrs<SliceAttrs>().dim, in.shape(0).rank(), 1);
  in.require(in.shape(1).rank() == in.shape(0).rank(), 2);
  infer_same(in);
}

void infer_select_scatter(Inference& in) {
  in.axis(in.attrs<SelectAttrs>().dim, in.shape(0).rank(), 1);
  in.require(in.shape(1).rank() + 1 == in.shape(0).rank(), 2);
  infer_same(in);
}

void infer_scatter(Inference& in) {
  const Shape& x = in.shape(0);
  if (x.rank() > 0) in.axis(in.attrs<ScatterAttrs>().dim, x.rank(), 1);
  in.require(in.shape(1).rank() == x.rank() || in.shape(1).rank() == 0, 2);
  infer_same(in);
}

void infer_index_copy(Inference& in) {
  const Shape& x = in.shape(0);
  if (x.rank() > 0) {
    const std::int64_t axis = in.axis(in.attrs<ScatterAttrs>().dim, x.rank(), 1);
    in.require(in.shape(2).rank() == x.rank() && in.shape(2).dim(axis) == in.numel(1), 2);
  }
  infer_same(in);
}

void infer_bitcast(Inference& in) {
  const DType dtype = in.attrs<CastAttrs>().dtype;
  in.require(bits_of(dtype) == bits_of(in.dtype(0)), 1);
  in.output(in.shape(0), dtype);
}

void infer_tensor_scatter(Inference& in) {
  const Shape& cache = in.shape(0);
  Shape update = in.shape(1);
  const std::int64_t axis = in.axis(in.attrs<AxisAttrs>().dim, cache.rank(), 1);
  in.require(axis > 0, 1);
  in.require(update.rank() == cache.rank() && update.dim(axis) <= cache.dim(axis), 2);
  update.set_dim(axis, cache.dim(axis));
  in.require(update == cache, 2);
  if (in.has(2)) in.require(in.shape(2) == Shape{cache.dim(0)}, 3);
  infer_same(in);
}

void infer_masked_fill(Inference& in) {
  Shape both;
  in.require(broadcast(in.shape(0), in.shape(1), both), 1);
  in.output(both, in.dtype(0));
}

void infer_random(Inference& in) {
  const auto& attrs = in.attrs<RandomAttrs>();
  for (const std::int64_t size : attrs.sizes) in.require(size >= 0, 1);
  in.output(Shape(attrs.sizes), attrs.dtype);
}

// -- where a view's elements are ------------------------------------------------------------------

void place_split(const NodeView& node, std::size_t output, Layout& layout) {
  const auto& attrs = node.attrs<SplitAttrs>();
  layout.skip(moving::axis_in(node.in(0), attrs.dim), attrs.sizes.starts[output]);
}

void place_unbind(const NodeView& node, std::size_t output, Layout& layout) {
  const std::size_t axis = moving::axis_in(node.in(0), node.attrs<AxisAttrs>().dim);
  layout.skip(axis, static_cast<std::int64_t>(output));
  layout.strides.erase(axis);
}

/// Its places are those in the whole memory.
void place_as_strided(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<StridedAttrs>();
  layout.offset = attrs.offset;
  layout.strides = attrs.strides;
  layout.overlaps = true;
}

void place_diagonal(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<DiagonalAttrs>();
  const std::size_t rows = moving::axis_in(node.in(0), attrs.dim0);
  const std::size_t columns = moving::axis_in(node.in(0), attrs.dim1);
  const bool is_below = attrs.offset < 0;
  layout.skip(is_below ? rows : columns, is_below ? -attrs.offset : attrs.offset);
  std::int64_t both = 0;
  if (__builtin_add_overflow(layout.strides[rows], layout.strides[columns], &both))
    layout.is_known = false;
  layout.strides.erase(std::max(rows, columns));
  layout.strides.erase(std::min(rows, columns));
  layout.strides.push_back(both);
}

void place_windows(const NodeView& node, std::size_t, Layout& layout) {
  const auto& attrs = node.attrs<WindowAttrs>();
  const std::size_t axis = moving::axis_in(node.in(0), attrs.dim);
  const std::int64_t stride = layout.strides[axis];
  layout.strides[axis] = layout.times(stride, attrs.step);
  layout.strides.push_back(stride);
  layout.overlaps = true;
}

// -- what an update touches -----------------------------------------------------------------------

Update update_all(const NodeView& node) { return {node.out_numel(), 0}; }

Update update_piece(const NodeView& node) { return {node.in_numel(1), 0}; }

Update update_scatter(const NodeView& node) {
  const std::int64_t written = node.in_numel(1);
  return {written, node.attrs<ScatterAttrs>().reduce.empty() ? 0 : written};
}

Update update_slices(const NodeView& node) {
  const Shape& x = node.in(0);
  const auto& attrs = node.attrs<ScatterAttrs>();
  std::int64_t written = x.rank() > 0 ? node.in_numel(1) : 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i != moving::axis_in(x, attrs.dim)) written = checked_mul(written, x[i]);
  }
  return {written, attrs.reduce.empty() ? 0 : written};
}

Update update_indexed(const NodeView& node) {
  const auto& attrs = node.attrs<IndexPutAttrs>();
  const Shape& x = node.in(0);
  std::array<bool, most_dimensions> is_indexed{};
  Shape index;
  for (std::size_t i = 0; i < attrs.dims.size(); ++i) {
    is_indexed[moving::axis_in(x, attrs.dims[i])] = true;
    Shape both;
    broadcast(index, node.in(i + 2), both);
    index = both;
  }
  std::int64_t written = numel(std::as_const(index));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!is_indexed[i]) written = checked_mul(written, x[i]);
  }
  return {written, attrs.accumulate ? written : 0};
}

Cost cost_scatter(const NodeView& node) {
  return {0, node.attrs<ScatterAttrs>().reduce.empty() ? 0 : node.in_numel(1)};
}

Cost cost_index_copy(const NodeView& node) {
  return {0, node.attrs<ScatterAttrs>().reduce.empty() ? 0 : node.in_numel(2)};
}

Cost cost_index_put(const NodeView& node) {
  return {0, node.attrs<IndexPutAttrs>().accumulate ? node.in_numel(1) : 0};
}

using namespace moving;

constexpr Traits selects{OpKind::selection, keeps(first | second), new_memory};
constexpr Traits caches{OpKind::update, keeps_nothing, updated(update_piece)};
constexpr Traits randoms{OpKind::random, keeps_nothing, new_memory};

template <class Attrs>
constexpr OpDef put(std::string_view name, std::string_view summary, std::string_view formula,
                    void (*infer)(Inference&), Cost (*cost)(const NodeView&),
                    std::span<const std::string_view> constraints, OperandList inputs,
                    const Backward& backward, Update (*update)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::update,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = may_update(update),
          .arithmetic = real_arithmetic,
          .infer = infer,
          .cost = cost};
}

}  // namespace

constinit const OpDef split_op =
    move<SplitAttrs>("split", "Pieces of given sizes along an axis.", infer_split,
                     split_constraints, views(place_split));
constinit const OpDef unbind_op =
    move<AxisAttrs>("unbind", "Every index along an axis as a tensor of its own.", infer_unbind,
                    unbind_constraints, views(place_unbind));
constinit const OpDef as_strided_op =
    move<StridedAttrs>("as_strided", "Another view of the memory of x.", infer_as_strided,
                       strided_constraints, views(place_as_strided));
constinit const OpDef diagonal_op =
    move<DiagonalAttrs>("diagonal", "The diagonal of two axes, as the last one.", infer_diagonal,
                        diagonal_constraints, views(place_diagonal));
constinit const OpDef sliding_window_op =
    move<WindowAttrs>("sliding_window", "Windows along an axis, which may overlap, as a last axis.",
                      infer_sliding_window, window_constraints, views(place_windows));
constinit const OpDef tril_op = move<TriangleAttrs>("tril", "Zero above a diagonal.",
                                                    infer_triangle, triangle_constraints, copies);
constinit const OpDef triu_op = move<TriangleAttrs>("triu", "Zero below a diagonal.",
                                                    infer_triangle, triangle_constraints, copies);
constinit const OpDef repeat_interleave_op =
    move<ChunkAttrs>("repeat_interleave", "Each slice along an axis `chunks` times in a row.",
                     infer_repeat_interleave, times_constraints, copies);
constinit const OpDef advanced_index_op =
    move<DimsAttrs>("advanced_index", "Elements at index tensors for some of the axes.",
                    infer_advanced_index, indices_constraints, looks_up, indices_inputs);
constinit const OpDef masked_select_op =
    move<NoAttrs>("masked_select", "The elements where a mask holds; at most all.",
                  infer_masked_select, masked_constraints, selects, masked_inputs);
constinit const OpDef nonzero_op = {.name = "nonzero",
                                    .summary =
                                        "The indices of the elements other than zero; at most all.",
                                    .formula = "1 comparison per input element",
                                    .kind = OpKind::selection,
                                    .inputs = input_x,
                                    .constraints = no_constraints,
                                    .attrs = AttrType::of<NoAttrs>(),
                                    .backward = keeps_nothing,
                                    .fusion = Fuse::alone,
                                    .memory = new_memory,
                                    .arithmetic = real_arithmetic,
                                    .infer = infer_nonzero,
                                    .cost = per_input<1>};
constinit const OpDef copy_op =
    move<NoAttrs>("copy", "The source in the shape and type of x.", infer_copy, copy_constraints,
                  updates(update_all), source_inputs);
constinit const OpDef slice_scatter_op =
    move<SliceAttrs>("slice_scatter", "x with a source instead of a range along an axis.",
                     infer_slice_scatter, piece_constraints, updates(update_piece), source_inputs);
constinit const OpDef select_scatter_op = move<SelectAttrs>(
    "select_scatter", "x with a source instead of one index along an axis.", infer_select_scatter,
    piece_constraints, updates(update_piece), source_inputs);
constinit const OpDef as_strided_scatter_op = move<StridedAttrs>(
    "as_strided_scatter", "x with a source instead of a view of its memory.",
    infer_as_strided_scatter, strided_scatter_constraints, updates(update_piece), source_inputs);
constinit const OpDef written_slice_op = move<SliceAttrs>(
    "written_slice", "x after a range along an axis was written in its memory, by the source.",
    infer_slice_scatter, piece_constraints, aliases, source_inputs);
constinit const OpDef written_view_op = move<StridedAttrs>(
    "written_view", "x after a view of its memory was written, by the source.",
    infer_as_strided_scatter, strided_scatter_constraints, aliases, source_inputs);
constinit const OpDef scatter_op =
    put<ScatterAttrs>("scatter", "x with the source's elements at indices along an axis.",
                      "1 per index with a reduction, else 0", infer_scatter, cost_scatter,
                      scatter_constraints, scatter_inputs, keeps(second), update_scatter);
constinit const OpDef index_copy_op = put<ScatterAttrs>(
    "index_copy", "x with the source's slices at indices along an axis.",
    "1 per element of the source with a reduction, else 0", infer_index_copy, cost_index_copy,
    index_copy_constraints, scatter_inputs, keeps(second | third), update_slices);
constinit const OpDef index_put_op =
    put<IndexPutAttrs>("index_put", "x with values at index tensors for some of the axes.",
                       "1 per value where they are added, else 0", infer_index_put, cost_index_put,
                       indices_constraints, put_inputs, keeps(all_but_first_two), update_indexed);
constinit const OpDef tensor_scatter_op = move<AxisAttrs>(
    "tensor_scatter", "A cache of keys or values with an update of some places, in its memory.",
    infer_tensor_scatter, cache_constraints, caches, cache_inputs);
constinit const OpDef bitcast_op =
    move<CastAttrs>("bitcast", "The same bits as numbers of another type.", infer_bitcast,
                    bitcast_constraints, aliases);
constinit const OpDef masked_fill_op = {.name = "masked_fill",
                                        .summary = "x with a value where a mask holds.",
                                        .formula = "1 per output element",
                                        .kind = OpKind::pointwise,
                                        .inputs = fill_inputs,
                                        .constraints = masked_constraints,
                                        .attrs = AttrType::of<ScalarAttrs>(),
                                        .backward = keeps(second),
                                        .fusion = Fuse::follows,
                                        .memory = over_first,
                                        .arithmetic = real_arithmetic,
                                        .infer = infer_masked_fill,
                                        .cost = per_output<1>};
constinit const OpDef random_op = move<RandomAttrs>("random", "Random numbers.", infer_random,
                                                    constant_constraints, randoms, no_inputs);

namespace {

constexpr const OpDef* ops[] = {
    &split_op,   &unbind_op,     &as_strided_op,        &diagonal_op,       &sliding_window_op,
    &tril_op,    &triu_op,       &repeat_interleave_op, &advanced_index_op, &masked_select_op,
    &nonzero_op, &copy_op,       &slice_scatter_op,     &select_scatter_op, &as_strided_scatter_op,
    &scatter_op, &index_copy_op, &index_put_op,         &masked_fill_op,    &tensor_scatter_op,
    &bitcast_op, &random_op,     &written_slice_op,     &written_view_op};

Chunks chunks_of(Tensor first) {
  const Node& node = first.graph->nodes().back();
  return {first, node.output_count};
}

}  // namespace

extern constinit const OpGroup indexing_ops = {"indexing",
                                               "Pieces taken by index, and pieces replaced.", ops};

SizeList SizeList::copied(std::span<const std::int64_t> sizes, Arena& arena) {
  std::vector<std::int64_t> starts;
  starts.reserve(sizes.size());
  std::uint64_t sum = 0;
  for (const std::int64_t size : sizes) {
    starts.push_back(static_cast<std::int64_t>(sum));
    sum += static_cast<std::uint64_t>(size);
  }
  return {arena.copy(sizes), arena.copy(std::span<const std::int64_t>(starts))};
}

Chunks split(Tensor x, std::span<const std::int64_t> sizes, std::int64_t dim) {
  return chunks_of(apply(split_op, SplitAttrs{SizeList::copied(sizes, x.graph->arena()), dim}, x));
}

Chunks unbind(Tensor x, std::int64_t dim) { return chunks_of(apply(unbind_op, AxisAttrs{dim}, x)); }

Tensor advanced_index(Tensor x, std::span<const Tensor> indices, const Ints& dims) {
  std::vector<ValueId> inputs{x.id};
  for (const Tensor index : indices) inputs.push_back(index.id);
  Graph& graph = *x.graph;
  const NodeId node = graph.append(advanced_index_op, DimsAttrs{dims}, inputs);
  return {&graph, graph.nodes()[node].first_output};
}

Tensor tensor_scatter(Tensor cache, Tensor update, Tensor places, std::int64_t dim) {
  const AxisAttrs attrs{dim};
  return places ? apply(tensor_scatter_op, attrs, cache, update, places)
                : apply(tensor_scatter_op, attrs, cache, update);
}

Tensor index_put(Tensor x, Tensor values, std::span<const Tensor> indices,
                 const IndexPutAttrs& attrs) {
  std::vector<ValueId> inputs{x.id, values.id};
  for (const Tensor index : indices) inputs.push_back(index.id);
  Graph& graph = *x.graph;
  const NodeId node = graph.append(index_put_op, attrs, inputs);
  return {&graph, graph.nodes()[node].first_output};
}

}  // namespace zoometer
