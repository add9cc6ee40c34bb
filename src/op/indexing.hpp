#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {

/// Any number of sizes; they live as long as the graph.
struct SizeList {
  std::span<const std::int64_t> items;
  /// The sum of the sizes before each: where a piece begins, without adding up 65,535 of them for
  /// each of as many pieces. 2^64 wraps round; `infer_split` refuses such sizes.
  std::span<const std::int64_t> starts;

  static SizeList copied(std::span<const std::int64_t> sizes, Arena& arena);

  operator std::span<const std::int64_t>() const noexcept { return items; }
  friend bool operator==(const SizeList& a, const SizeList& b) noexcept {
    return std::ranges::equal(a.items, b.items);
  }
};

struct SplitAttrs {
  SizeList sizes;
  std::int64_t dim = 0;
  static constexpr std::tuple fields{field("sizes", &SplitAttrs::sizes),
                                     field("dim", &SplitAttrs::dim)};
};

struct StridedAttrs {
  Ints sizes;
  Ints strides;
  std::int64_t offset = 0;
  static constexpr std::tuple fields{field("sizes", &StridedAttrs::sizes),
                                     field("strides", &StridedAttrs::strides),
                                     field("offset", &StridedAttrs::offset)};
};

struct DiagonalAttrs {
  std::int64_t offset = 0;
  std::int64_t dim0 = 0;
  std::int64_t dim1 = 1;
  static constexpr std::tuple fields{field("offset", &DiagonalAttrs::offset),
                                     field("dim0", &DiagonalAttrs::dim0),
                                     field("dim1", &DiagonalAttrs::dim1)};
};

struct TriangleAttrs {
  std::int64_t diagonal = 0;  ///< 0: the main one; larger: above it
  static constexpr std::tuple fields{field("diagonal", &TriangleAttrs::diagonal)};
};

struct WindowAttrs {
  std::int64_t dim = 0;
  std::int64_t size = 1;
  std::int64_t step = 1;
  static constexpr std::tuple fields{field("dim", &WindowAttrs::dim),
                                     field("size", &WindowAttrs::size),
                                     field("step", &WindowAttrs::step)};
};

struct ScatterAttrs {
  std::int64_t dim = 0;
  std::string_view reduce;  ///< "sum", "prod", "mean", "amax", "amin"; empty: the last one stays
  static constexpr std::tuple fields{field("dim", &ScatterAttrs::dim),
                                     field("reduce", &ScatterAttrs::reduce)};
};

struct IndexPutAttrs {
  Ints dims;  ///< the axis of each index tensor
  bool accumulate = false;
  static constexpr std::tuple fields{field("dims", &IndexPutAttrs::dims),
                                     field("accumulate", &IndexPutAttrs::accumulate)};
};

struct RandomAttrs {
  Ints sizes;
  DType dtype = DType::float32;
  std::string_view distribution = "uniform";
  static constexpr std::tuple fields{field("sizes", &RandomAttrs::sizes),
                                     field("dtype", &RandomAttrs::dtype),
                                     field("distribution", &RandomAttrs::distribution)};
};

extern const OpDef split_op, unbind_op, as_strided_op, diagonal_op, sliding_window_op, tril_op,
    triu_op, repeat_interleave_op, advanced_index_op, masked_select_op, nonzero_op;
extern const OpDef copy_op, slice_scatter_op, select_scatter_op, as_strided_scatter_op, scatter_op,
    index_put_op, index_copy_op, masked_fill_op, random_op;
/// x in whose memory a range, or another view of it, was written before: no work of its own.
extern const OpDef written_slice_op, written_view_op;
/// ONNX's TensorScatter.
extern const OpDef tensor_scatter_op;
/// ONNX's BitCast and torch.Tensor.view(dtype).
extern const OpDef bitcast_op;

/// A cache with an update of fewer places along an axis. `places` gives where the update begins in
/// each batch (N,), or is empty: at the start. In place, as ONNX's text means it.
Tensor tensor_scatter(Tensor cache, Tensor update, Tensor places, std::int64_t dim);
/// Pieces of the given sizes, which sum up to the length of the axis.
Chunks split(Tensor x, std::span<const std::int64_t> sizes, std::int64_t dim);
/// Every index along an axis, as tensors without it.
Chunks unbind(Tensor x, std::int64_t dim);
/// x[..., index, ...] with index tensors, which broadcast, for the axes in `dims`. Their shape
/// takes the place of the axes if these are neighbours, else it comes first (as in NumPy).
Tensor advanced_index(Tensor x, std::span<const Tensor> indices, const Ints& dims);
/// x with `values`, which broadcast, at the indices of `advanced_index`.
Tensor index_put(Tensor x, Tensor values, std::span<const Tensor> indices,
                 const IndexPutAttrs& attrs);

}  // namespace zoometer
