#pragma once

#include <span>

#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of reshape, expand and repeat.
struct SizesAttrs {
  Ints sizes;  ///< one per axis of the result; repeat: how often
  static constexpr std::tuple fields{field("sizes", &SizesAttrs::sizes)};
};

/// Of permute, flip and advanced_index.
struct DimsAttrs {
  Ints dims;  ///< axes
  static constexpr std::tuple fields{field("dims", &DimsAttrs::dims)};
};

/// Of flatten.
struct FlattenAttrs {
  std::int64_t start_dim = 1;  ///< the first axis that is joined
  std::int64_t end_dim = -1;   ///< the last one
  static constexpr std::tuple fields{field("start_dim", &FlattenAttrs::start_dim),
                                     field("end_dim", &FlattenAttrs::end_dim)};
};

/// Of transpose.
struct TransposeAttrs {
  std::int64_t dim0 = 0;  ///< this axis is swapped
  std::int64_t dim1 = 1;  ///< with this one
  static constexpr std::tuple fields{field("dim0", &TransposeAttrs::dim0),
                                     field("dim1", &TransposeAttrs::dim1)};
};

/// Of slice: `x[start:end:step]` along an axis.
struct SliceAttrs {
  std::int64_t dim = 0;    ///< the axis
  std::int64_t start = 0;  ///< the first index; negative ones count from the end
  std::int64_t end =
      0;  ///< after the last one; clamped to the length; negative ones count from the end
  std::int64_t step = 1;  ///< from index to index
  static constexpr std::tuple fields{
      field("dim", &SliceAttrs::dim), field("start", &SliceAttrs::start),
      field("end", &SliceAttrs::end), field("step", &SliceAttrs::step)};
};

/// Of select.
struct SelectAttrs {
  std::int64_t dim = 0;    ///< the axis that goes away
  std::int64_t index = 0;  ///< where along it; negative ones count from the end
  static constexpr std::tuple fields{field("dim", &SelectAttrs::dim),
                                     field("index", &SelectAttrs::index)};
};

/// Of chunk.
struct ChunkAttrs {
  std::int64_t chunks = 1;  ///< how many pieces
  std::int64_t dim = 0;     ///< the axis that is cut
  static constexpr std::tuple fields{field("chunks", &ChunkAttrs::chunks),
                                     field("dim", &ChunkAttrs::dim)};
};

/// Of pad.
struct PadAttrs {
  Ints before;                         ///< elements per axis; negative ones crop
  Ints after;                          ///< the same after the last element
  std::string_view mode = "constant";  ///< or "reflect", "replicate", "circular"
  double value = 0;                    ///< of the new elements, where constant
  static constexpr std::tuple fields{
      field("before", &PadAttrs::before), field("after", &PadAttrs::after),
      field("mode", &PadAttrs::mode), field("value", &PadAttrs::value)};
};

/// Of roll.
struct RollAttrs {
  Ints shifts;  ///< elements, for each of `dims`
  Ints dims;    ///< the axes
  static constexpr std::tuple fields{field("shifts", &RollAttrs::shifts),
                                     field("dims", &RollAttrs::dims)};
};

/// Of full.
struct FullAttrs {
  Ints sizes;                    ///< the result's
  DType dtype = DType::float32;  ///< of its elements
  double value = 0;              ///< of each of them
  static constexpr std::tuple fields{field("sizes", &FullAttrs::sizes),
                                     field("dtype", &FullAttrs::dtype),
                                     field("value", &FullAttrs::value)};
};

/// Of full_like.
struct FullLikeAttrs {
  DType dtype = DType::float32;  ///< of the result's elements
  double value = 0;              ///< of each of them
  static constexpr std::tuple fields{field("dtype", &FullLikeAttrs::dtype),
                                     field("value", &FullLikeAttrs::value)};
};

/// Of arange.
struct ArangeAttrs {
  double start = 0;            ///< the first number
  double end = 0;              ///< no number reaches this
  double step = 1;             ///< from number to number
  DType dtype = DType::int64;  ///< of the result's elements
  static constexpr std::tuple fields{
      field("start", &ArangeAttrs::start), field("end", &ArangeAttrs::end),
      field("step", &ArangeAttrs::step), field("dtype", &ArangeAttrs::dtype)};
};

/// Windows over the last two dimensions, each of these height and width.
struct UnfoldAttrs {
  Spatial kernel_size;  ///< elements of a window
  Spatial stride;       ///< from window to window
  Spatial padding;      ///< zeros at each end
  Spatial dilation;     ///< from element to element of a window
  static constexpr std::tuple fields{
      field("kernel_size", &UnfoldAttrs::kernel_size), field("stride", &UnfoldAttrs::stride),
      field("padding", &UnfoldAttrs::padding), field("dilation", &UnfoldAttrs::dilation)};
};

/// @{
/// Operators that move elements and compute nothing, each PyTorch's function of that name.
extern const OpDef reshape_op, flatten_op, squeeze_op, unsqueeze_op, permute_op, transpose_op,
    expand_op, slice_op, select_op, chunk_op, cat_op, stack_op, pad_op, roll_op, repeat_op,
    index_select_op, gather_op, embedding_op, index_op, contiguous_op, clone_op, flip_op, full_op,
    full_like_op, arange_op, pixel_shuffle_op, unfold_op;
/// @}

/// The same elements in other sizes; one may be -1: what is left.
Tensor reshape(Tensor x, const Ints& sizes);
/// Joins the axes from `start_dim` to `end_dim` into one.
Tensor flatten(Tensor x, std::int64_t start_dim = 1, std::int64_t end_dim = -1);
/// Removes the dimension if its size is 1.
Tensor squeeze(Tensor x, std::int64_t dim);
/// Inserts a dimension of size 1.
Tensor unsqueeze(Tensor x, std::int64_t dim);
/// Reorders the axes: axis i of the result is axis `dims[i]` of x.
Tensor permute(Tensor x, const Ints& dims);
/// Swaps two axes.
Tensor transpose(Tensor x, std::int64_t dim0, std::int64_t dim1);
/// Repeats dimensions of size 1 without copying; -1 keeps a size.
Tensor expand(Tensor x, const Ints& sizes);
/// x[start:end:step] along an axis.
Tensor slice(Tensor x, std::int64_t dim, std::int64_t start, std::int64_t end,
             std::int64_t step = 1);
/// x[..., index, ...]: removes the dimension.
Tensor select(Tensor x, std::int64_t dim, std::int64_t index);

/// The pieces of a tensor along an axis.
struct Chunks {
  Tensor first;           ///< the others are the next outputs of the same node
  std::size_t count = 0;  ///< how many there are
  /// The piece at a position.
  Tensor operator[](std::size_t index) const { return sibling_output(first, index); }
  /// How many there are.
  std::size_t size() const noexcept { return count; }
};
/// `chunks` pieces of equal size, the last one smaller (PyTorch's `chunk`).
Chunks chunk(Tensor x, std::int64_t chunks, std::int64_t dim);

/// Joins tensors along an axis; all their other sizes are equal.
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim);
/// The same for a list in braces.
inline Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim) {
  return cat(std::span(tensors.begin(), tensors.size()), dim);
}
/// Tensors of one shape along a new axis.
Tensor stack(std::span<const Tensor> tensors, std::int64_t dim);
/// The same for a list in braces.
inline Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim) {
  return stack(std::span(tensors.begin(), tensors.size()), dim);
}
/// New elements at the ends of each axis, from the first axis on.
Tensor pad(Tensor x, const PadAttrs& attrs);
/// The same with zeros and in PyTorch's order: pairs of (before, after), from the last dimension.
Tensor pad_last(Tensor x, const Ints& pairs);
/// Elements move along axes; what leaves at one end comes in at the other.
Tensor roll(Tensor x, const Ints& shifts, const Ints& dims);
/// Copies the tensor `times` per dimension; more times than dimensions add leading ones.
Tensor repeat(Tensor x, const Ints& times);
/// The order of elements reversed along axes.
Tensor flip(Tensor x, const Ints& dims);
/// x's slices at `indices` (n,) along an axis.
Tensor index_select(Tensor x, std::int64_t dim, Tensor indices);
/// Elements at `indices`, of x's rank, along an axis; the result has the shape of `indices`.
Tensor gather(Tensor x, std::int64_t dim, Tensor indices);
/// Rows of table (rows, features) at indices (...): (..., features).
Tensor embedding(Tensor table, Tensor indices);
/// x[indices]: slices along dimension 0, (indices..., rest of x).
Tensor index(Tensor x, Tensor indices);
/// A copy, unless x is contiguous.
Tensor contiguous(Tensor x);
/// A copy.
Tensor clone(Tensor x);
/// (N, C r r, H, W) -> (N, C, H r, W r).
Tensor pixel_shuffle(Tensor x, std::int64_t factor);
/// (N, C, H, W) -> (N, C x window elements, windows): each window as a column.
Tensor unfold(Tensor x, const UnfoldAttrs& attrs);
/// A constant tensor.
Tensor full(Graph& graph, const Ints& sizes, double value, DType dtype = DType::float32);
/// A constant tensor with the sizes of x, also where these depend on data.
Tensor full_like(Tensor x, double value, DType dtype);
/// start, start + step, ... below end.
Tensor arange(Graph& graph, double start, double end, double step = 1, DType dtype = DType::int64);

}  // namespace zoometer
