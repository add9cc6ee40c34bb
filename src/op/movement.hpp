#pragma once

#include <span>

#include "op/elementwise.hpp"
#include "op/op.hpp"

namespace zoometer {

struct SizesAttrs {
  Ints sizes;
  static constexpr std::tuple fields{field("sizes", &SizesAttrs::sizes)};
};

struct DimsAttrs {
  Ints dims;
  static constexpr std::tuple fields{field("dims", &DimsAttrs::dims)};
};

struct FlattenAttrs {
  std::int64_t start_dim = 1;
  std::int64_t end_dim = -1;
  static constexpr std::tuple fields{field("start_dim", &FlattenAttrs::start_dim),
                                     field("end_dim", &FlattenAttrs::end_dim)};
};

struct TransposeAttrs {
  std::int64_t dim0 = 0;
  std::int64_t dim1 = 1;
  static constexpr std::tuple fields{field("dim0", &TransposeAttrs::dim0),
                                     field("dim1", &TransposeAttrs::dim1)};
};

struct SliceAttrs {
  std::int64_t dim = 0;
  std::int64_t start = 0;
  std::int64_t end = 0;  ///< clamped to the length; negative ones count from the end
  std::int64_t step = 1;
  static constexpr std::tuple fields{
      field("dim", &SliceAttrs::dim), field("start", &SliceAttrs::start),
      field("end", &SliceAttrs::end), field("step", &SliceAttrs::step)};
};

struct SelectAttrs {
  std::int64_t dim = 0;
  std::int64_t index = 0;
  static constexpr std::tuple fields{field("dim", &SelectAttrs::dim),
                                     field("index", &SelectAttrs::index)};
};

struct ChunkAttrs {
  std::int64_t chunks = 1;
  std::int64_t dim = 0;
  static constexpr std::tuple fields{field("chunks", &ChunkAttrs::chunks),
                                     field("dim", &ChunkAttrs::dim)};
};

struct PadAttrs {
  Ints before;  ///< per dimension; negative ones crop
  Ints after;
  std::string_view mode = "constant";
  double value = 0;
  static constexpr std::tuple fields{
      field("before", &PadAttrs::before), field("after", &PadAttrs::after),
      field("mode", &PadAttrs::mode), field("value", &PadAttrs::value)};
};

struct RollAttrs {
  Ints shifts;
  Ints dims;
  static constexpr std::tuple fields{field("shifts", &RollAttrs::shifts),
                                     field("dims", &RollAttrs::dims)};
};

struct FullAttrs {
  Ints sizes;
  DType dtype = DType::float32;
  double value = 0;
  static constexpr std::tuple fields{field("sizes", &FullAttrs::sizes),
                                     field("dtype", &FullAttrs::dtype),
                                     field("value", &FullAttrs::value)};
};

struct FullLikeAttrs {
  DType dtype = DType::float32;
  double value = 0;
  static constexpr std::tuple fields{field("dtype", &FullLikeAttrs::dtype),
                                     field("value", &FullLikeAttrs::value)};
};

struct ArangeAttrs {
  double start = 0;
  double end = 0;
  double step = 1;
  DType dtype = DType::int64;
  static constexpr std::tuple fields{
      field("start", &ArangeAttrs::start), field("end", &ArangeAttrs::end),
      field("step", &ArangeAttrs::step), field("dtype", &ArangeAttrs::dtype)};
};

/// Windows over the last two dimensions, each of these height and width.
struct UnfoldAttrs {
  Spatial kernel_size;
  Spatial stride;
  Spatial padding;
  Spatial dilation;
  static constexpr std::tuple fields{
      field("kernel_size", &UnfoldAttrs::kernel_size), field("stride", &UnfoldAttrs::stride),
      field("padding", &UnfoldAttrs::padding), field("dilation", &UnfoldAttrs::dilation)};
};

extern const OpDef reshape_op, flatten_op, squeeze_op, unsqueeze_op, permute_op, transpose_op,
    expand_op, slice_op, select_op, chunk_op, cat_op, stack_op, pad_op, roll_op, repeat_op,
    index_select_op, gather_op, embedding_op, index_op, contiguous_op, clone_op, flip_op, full_op,
    full_like_op, arange_op, pixel_shuffle_op, unfold_op;

/// One size may be -1: what is left.
Tensor reshape(Tensor x, const Ints& sizes);
Tensor flatten(Tensor x, std::int64_t start_dim = 1, std::int64_t end_dim = -1);
/// Removes the dimension if its size is 1.
Tensor squeeze(Tensor x, std::int64_t dim);
/// Inserts a dimension of size 1.
Tensor unsqueeze(Tensor x, std::int64_t dim);
Tensor permute(Tensor x, const Ints& dims);
Tensor transpose(Tensor x, std::int64_t dim0, std::int64_t dim1);
/// Repeats dimensions of size 1 without copying; -1 keeps a size.
Tensor expand(Tensor x, const Ints& sizes);
Tensor slice(Tensor x, std::int64_t dim, std::int64_t start, std::int64_t end,
             std::int64_t step = 1);
/// x[..., index, ...]: removes the dimension.
Tensor select(Tensor x, std::int64_t dim, std::int64_t index);

/// The pieces of a tensor along an axis.
struct Chunks {
  Tensor first;
  std::size_t count = 0;
  Tensor operator[](std::size_t index) const { return sibling_output(first, index); }
  std::size_t size() const noexcept { return count; }
};
/// `chunks` pieces of equal size, the last one smaller (PyTorch's `chunk`).
Chunks chunk(Tensor x, std::int64_t chunks, std::int64_t dim);

Tensor cat(std::span<const Tensor> tensors, std::int64_t dim);
inline Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim) {
  return cat(std::span(tensors.begin(), tensors.size()), dim);
}
Tensor stack(std::span<const Tensor> tensors, std::int64_t dim);
inline Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim) {
  return stack(std::span(tensors.begin(), tensors.size()), dim);
}
/// Per dimension, from the first.
Tensor pad(Tensor x, const PadAttrs& attrs);
/// PyTorch's order: pairs of (before, after), from the last dimension.
Tensor pad_last(Tensor x, const Ints& pairs);
Tensor roll(Tensor x, const Ints& shifts, const Ints& dims);
/// Copies the tensor `times` per dimension; more times than dimensions add leading ones.
Tensor repeat(Tensor x, const Ints& times);
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
