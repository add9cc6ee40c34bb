// Shapes, pieces, copies and constants.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "import/onnx/fold.hpp"
#include "import/onnx/ranges.hpp"
#include "import/onnx/reader.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t far = std::int64_t{1} << 60;  // beyond every end of an axis

std::int64_t near_enough(std::int64_t index) { return std::clamp(index, -far, far); }

/// The end of a slice. The largest integers stand for the last element in the direction of the
/// step, as ONNX Runtime reads them.
std::int64_t slice_end(std::int64_t end, std::int64_t step) {
  const bool is_open = end == INT32_MAX || end == INT64_MAX;
  return step < 0 && is_open ? -far : near_enough(end);
}

/// An alias of a weight under a name of its own stays a weight: exporters merge equal weights so.
OnnxOutcome emit_identity(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  const bool is_weight = value.stored != nullptr && !value.stored->is_constant &&
                         is_floating(value.stored->dtype) && context.reader().is_learnt(value);
  if (is_weight && context.wants(0)) {
    return context.out_value(0, context.reader().alias(value, context.node().outputs[0]));
  }
  return context.out_value(0, value);
}

OnnxOutcome emit_reshape(OnnxContext& context) {
  const OnnxList sizes = context.list("shape", 1, 5);
  const bool keeps_zeros = context.integer("allowzero", 0) != 0;
  if (sizes.depends_on_data) return OnnxOutcome::depends_on_data;
  context.require(sizes.has_value(), "a shape");
  Ints shape = context.short_list(*sizes);
  const Shape& x = context.shape(0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !keeps_zeros) {
      context.require(i < x.size(), "a 0 only where the input has a dimension");
      shape[i] = x[i];
    }
  }
  return context.out(reshape(context.in(0), shape));
}

OnnxList squeezed_axes(const OnnxContext& context) { return context.list("axes", 1, 13); }

/// The shape without the named axes, or where there are none (an empty list of axes too, as ONNX
/// Runtime reads it) without all sizes of 1. Nothing where a named axis has another size.
std::optional<Shape> squeezed(const Shape& x, const Ints& axes) {
  Shape shape;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const bool is_named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (is_named && x.dim(i) != 1) return std::nullopt;
    if (axes.empty() ? x.dim(i) != 1 : !is_named) shape.push_back(x.dim(i));
  }
  return shape;
}

OnnxOutcome emit_squeeze(OnnxContext& context) {
  const Shape x = context.shape(0);
  const OnnxList wanted = squeezed_axes(context);
  if (wanted.depends_on_data) return OnnxOutcome::depends_on_data;
  const Ints axes = wanted ? context.axes(*wanted, x.rank()) : Ints{};
  for (std::int64_t i = 0; i < x.rank(); ++i) {  // which sizes are 1 decides the rank
    if (axes.empty() && !context.is_exact(0, i)) return OnnxOutcome::depends_on_data;
  }
  const std::optional<Shape> shape = squeezed(x, axes);
  context.require(shape.has_value(), "a size of 1 where it is squeezed");
  if (axes.size() == 1) return context.out(squeeze(context.in(0), axes[0]));
  return context.out(reshape(context.in(0), *shape));
}

OnnxOutcome emit_unsqueeze(OnnxContext& context) {
  const OnnxList wanted = squeezed_axes(context);
  if (wanted.depends_on_data) return OnnxOutcome::depends_on_data;
  context.require(wanted.has_value(), "axes");
  Shape shape = context.shape(0);
  const std::int64_t rank = shape.rank() + static_cast<std::int64_t>(wanted->size());
  const Ints axes = context.axes(*wanted, rank);
  if (axes.size() == 1) return context.out(unsqueeze(context.in(0), axes[0]));
  std::vector<std::int64_t> ordered(axes.begin(), axes.end());
  std::sort(ordered.begin(), ordered.end());
  for (const std::int64_t axis : ordered) {
    context.require(axis <= shape.rank(), "axes that are all different");
    shape.insert(static_cast<std::size_t>(axis), 1);
  }
  return context.out(reshape(context.in(0), shape));
}

OnnxOutcome emit_flatten(OnnxContext& context) {
  const Shape& x = context.shape(0);
  const std::int64_t axis = context.integer("axis", 1);
  context.require(axis >= -x.rank() && axis <= x.rank(), "an axis within the rank");
  const std::int64_t split = axis < 0 ? axis + x.rank() : axis;
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < split; ++i) rows *= x.dim(i);
  const std::int64_t columns =
      rows == 0
          ? numel(Shape(std::span<const std::int64_t>(x).subspan(static_cast<std::size_t>(split))))
          : numel(x) / rows;
  if (split == 1 && x.rank() >= 2) return context.out(flatten(context.in(0), 1, -1));
  return context.out(reshape(context.in(0), {rows, columns}));
}

OnnxOutcome emit_transpose(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const auto order = context.integers("perm");
  Ints dims;
  if (order) {
    dims = context.axes(*order, rank);
  } else {
    for (std::int64_t i = rank; i-- > 0;) dims.push_back(i);
  }
  return context.out(permute(context.in(0), dims));
}

OnnxOutcome emit_expand(OnnxContext& context) {
  const auto sizes = context.integers(1);
  if (!sizes) return OnnxOutcome::depends_on_data;
  Shape shape;
  context.require(broadcast(context.shape(0), Shape(context.short_list(*sizes)), shape),
                  "a shape that broadcasts");
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  const Tensor x = context.in(0);
  if (shape == x.shape()) return context.out_value(0, context.value(0));
  return context.out(expand(x, shape));
}

OnnxOutcome emit_concat(OnnxContext& context) {
  const std::vector<Tensor> tensors = context.all_inputs();
  context.require(!tensors.empty(), "at least one input");
  const std::int64_t axis = context.integer("axis", 1);
  return context.out(cat(tensors, context.axis(axis, tensors[0].rank())));
}

/// Pieces of sizes that data decides have at most all.
OnnxOutcome split_at_most(OnnxContext& context, Tensor x, std::int64_t axis) {
  for (std::size_t i = 0; i < context.output_count(); ++i) {
    if (context.is_declared(i, x.rank())) return OnnxOutcome::depends_on_data;
  }
  for (std::size_t i = 0; i < context.output_count(); ++i)
    context.at_most(i, slice(x, axis, 0, x.dim(axis)), axis);
  return OnnxOutcome::done;
}

OnnxOutcome emit_split(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  OnnxList sizes = context.list("split", 1);
  if (sizes.depends_on_data) return split_at_most(context, x, axis);
  const auto count = static_cast<std::int64_t>(context.output_count());
  context.require(count >= 1, "at least one output");
  if (!sizes && count > 1 && !context.is_exact(0, axis)) {
    for (std::size_t i = 0; i < context.output_count(); ++i)  // of fewer elements the last has more
      context.at_most(i, slice(x, axis, 0, ceil_div(x.dim(axis), count)), axis);
    return OnnxOutcome::done;
  }
  if (!sizes) {
    const std::int64_t length = x.dim(axis);
    const std::int64_t piece = ceil_div(length, count);
    sizes.emplace();
    for (std::int64_t i = 0; i < count; ++i) {
      sizes->push_back(std::clamp<std::int64_t>(length - i * piece, 0, piece));
    }
  }
  context.require(static_cast<std::int64_t>(sizes->size()) == count, "as many sizes as outputs");
  const Chunks pieces = split(x, *sizes, axis);
  for (std::size_t i = 0; i < pieces.size(); ++i) context.out(i, pieces[i]);
  return OnnxOutcome::done;
}

/// Whether the start is counted from one end and the end from the other one, so that what lies
/// between may grow where the axis gets shorter.
bool meets_in_the_middle(std::int64_t start, std::int64_t end, std::int64_t step,
                         std::int64_t length) {
  return step > 0 ? start < 0 && end >= 0 && end < length : start >= 0 && end < 0 && end > -length;
}

/// A slice whose place data decides has at most all that there is along its axes.
OnnxOutcome slice_at_most(OnnxContext& context, Tensor x, const OnnxList& starts,
                          const OnnxList& axes) {
  if (context.is_declared(0, x.rank()) || context.has_ranges()) return OnnxOutcome::depends_on_data;
  std::size_t count = x.shape().size();  // of the axes that are cut
  if (context.has(1)) {
    const Shape& places = context.shape(1);
    if (places.rank() == 1) count = static_cast<std::size_t>(places[0]);
  } else if (starts) {
    count = starts->size();
  }
  const Tensor result = slice(x, 0, 0, x.dim(0));
  for (std::size_t i = 0; i < (axes.depends_on_data ? x.shape().size() : count); ++i) {
    const std::int64_t axis = axes ? (*axes)[i] : static_cast<std::int64_t>(i);
    context.at_most(0, result, context.axis(axis, x.rank()));
  }
  return context.out(result);
}

/// Starts, ends, axes and steps: attributes first, inputs since version 10; those of the former
/// DynamicSlice always were.
OnnxOutcome emit_slice(OnnxContext& context) {
  Tensor x = context.in(0);
  const std::int64_t since = context.node().op_type == "Slice" ? 10 : 0;
  const OnnxList starts = context.list("starts", 1, since);
  const OnnxList ends = context.list("ends", 2, since);
  const OnnxList axes = context.list("axes", 3, since);
  const OnnxList steps = context.list("steps", 4, since);
  if (starts.depends_on_data || ends.depends_on_data || axes.depends_on_data ||
      steps.depends_on_data) {
    return slice_at_most(context, x, starts, axes);
  }
  context.require(starts && ends && starts->size() == ends->size(), "as many starts as ends");
  context.require(!axes || axes->size() == starts->size(), "as many axes as starts");
  context.require(!steps || steps->size() == starts->size(), "as many steps as starts");
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::int64_t axis =
        context.axis(axes ? (*axes)[i] : static_cast<std::int64_t>(i), x.rank());
    const std::int64_t step = steps ? near_enough((*steps)[i]) : 1;
    std::int64_t start = near_enough((*starts)[i]);
    if (step < 0) start = std::max(start, -x.dim(axis));
    const std::int64_t end = slice_end((*ends)[i], step);
    if (!context.is_exact(0, axis) && meets_in_the_middle(start, end, step, x.dim(axis))) {
      // Of a shorter axis it may take more: at most as many as lie on either side.
      const std::int64_t most = step > 0 ? std::min(-start, end) : x.dim(axis);
      x = slice(x, axis, 0, most, std::abs(step));
      context.at_most(0, x, axis);
      continue;
    }
    const bool is_whole = step == 1 && start == 0 && end >= x.dim(axis);
    if (!is_whole) x = slice(x, axis, start, end, step);
  }
  return context.out(x);
}

OnnxOutcome emit_tile(OnnxContext& context) {
  if (context.opset() < 6) {  // tiles along one axis
    const auto along = context.integer(2), count = context.integer(1);
    if (!along || !count) return OnnxOutcome::depends_on_data;
    Ints times = Ints::filled(context.shape(0).size(), 1);
    times[static_cast<std::size_t>(context.axis(*along, context.rank(0)))] = *count;
    return context.out(repeat(context.in(0), times));
  }
  const auto repeats = context.integers(1);
  if (!repeats) return OnnxOutcome::depends_on_data;
  const Ints times = context.short_list(*repeats);
  context.require(times.size() == context.shape(0).size(), "as many repeats as dimensions");
  return context.out(repeat(context.in(0), times));
}

OnnxOutcome emit_pad(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const OnnxList pads = context.list(context.opset() < 2 ? "paddings" : "pads", 1, 11);
  const OnnxList listed = context.opset() < 18 ? OnnxList{} : context.list("axes", 3);
  const std::string_view mode = context.text("mode", "constant");
  const double value =
      context.opset() < 11 ? context.real("value", 0) : context.constant_number(2).value_or(0);
  if (pads.depends_on_data || listed.depends_on_data) return OnnxOutcome::depends_on_data;
  Ints axes;
  for (std::int64_t i = 0; i < rank; ++i) axes.push_back(i);
  if (listed) axes = context.axes(*listed, rank);
  context.require(pads && pads->size() == 2 * axes.size(), "two paddings per axis");
  PadAttrs attrs;
  attrs.before = attrs.after = Ints::filled(static_cast<std::size_t>(rank), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    attrs.before[static_cast<std::size_t>(axes[i])] = near_enough((*pads)[i]);
    attrs.after[static_cast<std::size_t>(axes[i])] = near_enough((*pads)[i + axes.size()]);
  }
  attrs.mode = mode == "edge"      ? "replicate"
               : mode == "reflect" ? "reflect"
               : mode == "wrap"    ? "circular"
                                   : "constant";
  attrs.value = value;
  return context.out(pad(context.in(0), attrs));
}

OnnxOutcome emit_center_crop_pad(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const auto listed = context.integers("axes");
  const auto sizes = context.integers(1);
  if (!sizes) return OnnxOutcome::depends_on_data;
  PadAttrs attrs;
  attrs.before = attrs.after = Ints::filled(static_cast<std::size_t>(rank), 0);
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    const std::int64_t wanted =
        listed && i < listed->size() ? (*listed)[i] : static_cast<std::int64_t>(i);
    const auto axis = static_cast<std::size_t>(context.axis(wanted, rank));
    const std::int64_t more = near_enough((*sizes)[i]) - context.shape(0)[axis];
    attrs.before[axis] = more / 2;
    attrs.after[axis] = more - more / 2;
  }
  return context.out(pad(context.in(0), attrs));
}

/// Blocks of channels into space. `DCR` splits the channels as (block, block, C), `CRD` as
/// (C, block, block), which is PyTorch's pixel_shuffle.
OnnxOutcome emit_depth_to_space(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t block = context.integer("blocksize", 0);
  context.require(x.rank() == 4 && block >= 1 && block < far &&
                      x.dim(1) % checked_mul(block, block) == 0,
                  "rank 4 and channels that the squared block size divides");
  if (context.text("mode", "DCR") == "CRD") return context.out(pixel_shuffle(x, block));
  const std::int64_t batch = x.dim(0), channels = x.dim(1) / (block * block);
  const std::int64_t height = x.dim(2), width = x.dim(3);
  const Tensor parts = reshape(x, {batch, block, block, channels, height, width});
  return context.out(
      reshape(permute(parts, {0, 3, 4, 1, 5, 2}),
              {batch, channels, checked_mul(height, block), checked_mul(width, block)}));
}

OnnxOutcome emit_space_to_depth(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t block = context.integer("blocksize", 0);
  context.require(x.rank() == 4 && block >= 1 && x.dim(2) % block == 0 && x.dim(3) % block == 0,
                  "rank 4 and a height and a width that the block size divides");
  const std::int64_t batch = x.dim(0), channels = x.dim(1);
  const std::int64_t height = x.dim(2) / block, width = x.dim(3) / block;
  const Tensor parts = reshape(x, {batch, channels, height, block, width, block});
  return context.out(reshape(permute(parts, {0, 3, 5, 1, 2, 4}),
                             {batch, checked_mul(channels, block * block), height, width}));
}

OnnxOutcome emit_trilu(OnnxContext& context) {
  // Which diagonal it is changes no figure.
  const std::int64_t diagonal = context.known(1) != nullptr ? context.integer(1).value_or(0) : 0;
  const bool upper = context.integer("upper", 1) != 0;
  return context.out(apply(upper ? triu_op : tril_op, TriangleAttrs{diagonal}, context.in(0)));
}

/// Each row's beginning reversed; as a gather along the time axis.
OnnxOutcome emit_reverse_sequence(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 2, "an input of rank 2 or more");
  return context.out(flip(x, {context.axis(context.integer("time_axis", 0), x.rank())}));
}

// -- where data decides, and the output is declared -------------------------------------------

bool declare_reshape(OnnxContext& context, const DeclaredType& type) {
  Ints shape = type.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {  // one size follows from the others
    if (type.unknown == UnknownSizes{1} << i) shape[i] = -1;
  }
  if (shape == type.shape && numel(type.shape) != numel(context.shape(0))) return false;
  context.out(reshape(context.in(0), shape));
  return true;
}

bool declare_expand(OnnxContext& context, const DeclaredType& type) {
  Shape shape;
  if (!broadcast(context.shape(0), type.shape, shape) || shape != type.shape) return false;
  context.out(expand(context.in(0), shape));
  return true;
}

/// Which elements a slice takes is not known, only how many.
bool declare_slice(OnnxContext& context, const DeclaredType& type) {
  const Shape& x = context.shape(0);
  if (x.rank() != type.shape.rank()) return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (type.shape[i] > x[i]) return false;
  }
  Tensor result = context.in(0);
  for (std::int64_t i = 0; i < type.shape.rank(); ++i) {
    if (type.shape.dim(i) < result.dim(i)) result = slice(result, i, 0, type.shape.dim(i));
  }
  context.out(result);
  return true;
}

bool declare_pad(OnnxContext& context, const DeclaredType& type) {
  const Shape& x = context.shape(0);
  if (x.rank() != type.shape.rank()) return false;
  PadAttrs attrs;
  attrs.before = attrs.after = Ints::filled(x.size(), 0);
  for (std::size_t i = 0; i < x.size(); ++i) attrs.after[i] = type.shape[i] - x[i];
  context.out(pad(context.in(0), attrs));
  return true;
}

bool declare_tile(OnnxContext& context, const DeclaredType& type) {
  const Shape& x = context.shape(0);
  if (x.rank() != type.shape.rank()) return false;
  Ints times;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0 || type.shape[i] % x[i] != 0) return false;
    times.push_back(type.shape[i] / x[i]);
  }
  context.out(repeat(context.in(0), times));
  return true;
}

bool declare_split(OnnxContext& context, const DeclaredType&) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  std::vector<std::int64_t> sizes;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < context.output_count(); ++i) {
    const std::optional<DeclaredType> type = context.declared(i);
    if (!type || !type->is_known() || type->shape.rank() != x.rank()) return false;
    sizes.push_back(type->shape.dim(axis));
    sum = checked_add(sum, sizes.back());
  }
  if (sum != x.dim(axis)) return false;
  const Chunks pieces = split(x, sizes, axis);
  for (std::size_t i = 0; i < pieces.size(); ++i) context.out(i, pieces[i]);
  return true;
}

/// The result is always known, or the input's shape is not.
OnnxOutcome emit_nothing(OnnxContext&) { return OnnxOutcome::depends_on_data; }

// -- folds --------------------------------------------------------------------------------------

bool fold_shape(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  if (!value.is_tensor() || value.shapeless) return false;
  const Shape& shape = context.shape(0);
  const std::int64_t rank = shape.rank();
  const auto bound = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = bound(context.integer("start", 0));
  const std::int64_t end = bound(context.integer("end", rank));
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = start; i < end; ++i) sizes.push_back(shape.dim(i));
  const KnownTensor result{.dtype = DType::int64,
                           .shape = {static_cast<std::int64_t>(sizes.size())}};
  context.out(0, context.reader().keep(result, sizes, {}));
  return true;
}

bool fold_size(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  if (!value.is_tensor() || value.shapeless) return false;
  const KnownTensor result{.dtype = DType::int64};
  const std::int64_t count[] = {numel(context.shape(0))};
  context.out(0, context.reader().keep(result, count, {}));
  return true;
}

bool fold_identity(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  const bool is_initializer = value.stored != nullptr && !value.stored->is_constant;
  if (is_initializer && context.reader().is_learnt(value)) return false;
  context.out_value(0, value);
  return true;
}

/// The same elements in another shape.
bool finish_reshaped(OnnxContext& context, const Shape& shape) {
  const KnownTensor& x = fold_input(context, 0);
  if (numel(shape) != numel(x.shape)) return false;
  KnownTensor result = x;
  result.shape = shape;
  result.id = no_id;
  result.skipped = nullptr;
  context.out(0, context.graph().keep(result));
  return true;
}

bool fold_reshape(OnnxContext& context) {
  if (context.opset() < 5) return false;
  const KnownTensor& x = fold_input(context, 0);
  const auto sizes = context.integers(1);
  const bool keeps_zeros = context.integer("allowzero", 0) != 0;
  if (!sizes) return false;
  Shape shape(context.short_list(*sizes));
  std::int64_t known = 1;
  std::int64_t open = -1;
  for (std::int64_t i = 0; i < shape.rank(); ++i) {
    if (shape.dim(i) == 0 && !keeps_zeros && i < x.shape.rank()) {
      shape.set_dim(i, x.shape.dim(i));
    }
    if (shape.dim(i) < -1 || (shape.dim(i) == -1 && open != -1)) return false;
    if (shape.dim(i) == -1) {
      open = i;
    } else {
      known = checked_mul(known, shape.dim(i));
    }
  }
  if (open >= 0) {
    if (known == 0) return false;
    shape.set_dim(open, numel(x.shape) / known);
  }
  return finish_reshaped(context, shape);
}

bool fold_squeeze(OnnxContext& context) {
  const Shape& x = fold_input(context, 0).shape;
  const OnnxList wanted = squeezed_axes(context);
  if (wanted.depends_on_data) return false;
  const std::optional<Shape> shape = squeezed(x, wanted ? context.axes(*wanted, x.rank()) : Ints{});
  return shape && finish_reshaped(context, *shape);
}

bool fold_unsqueeze(OnnxContext& context) {
  Shape shape = fold_input(context, 0).shape;
  const OnnxList wanted = squeezed_axes(context);
  if (!wanted) return false;
  const std::int64_t rank = shape.rank() + static_cast<std::int64_t>(wanted->size());
  Ints axes = context.axes(*wanted, rank);
  std::vector<std::int64_t> ordered(axes.begin(), axes.end());
  std::sort(ordered.begin(), ordered.end());
  for (const std::int64_t axis : ordered) {
    if (axis > shape.rank()) return false;
    shape.insert(static_cast<std::size_t>(axis), 1);
  }
  return finish_reshaped(context, shape);
}

bool fold_slice(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (!is_small(x.shape)) return false;
  const OnnxList starts = context.list("starts", 1, 10);
  const OnnxList ends = context.list("ends", 2, 10);
  const OnnxList axes = context.list("axes", 3, 10);
  const OnnxList steps = context.list("steps", 4, 10);
  if (axes.depends_on_data || steps.depends_on_data) return false;
  // More than one axis is rare in shape arithmetic.
  if (!starts || !ends || starts->size() != 1 || ends->size() != 1) return false;
  if ((axes && axes->size() != 1) || (steps && steps->size() != 1)) return false;
  if (x.shape.rank() == 0) return false;
  const std::int64_t axis = context.axis(axes ? (*axes)[0] : 0, x.shape.rank());
  const std::int64_t step = steps ? (*steps)[0] : 1;
  const std::int64_t length = x.shape.dim(axis);
  context.require(step != 0 && step > -length - 2, "a step other than 0");
  const std::int64_t least = step > 0 ? 0 : -1;
  const std::int64_t most = step > 0 ? length : length - 1;
  const auto bound = [&](std::int64_t at) {
    return std::clamp(at < 0 ? at + length : at, least, most);
  };
  std::vector<std::int64_t> range;
  const std::int64_t end = bound(slice_end((*ends)[0], step));
  std::int64_t start = bound((*starts)[0]);
  if (length > 0) start = std::max<std::int64_t>(start, 0);
  for (std::int64_t at = start; step > 0 ? at < end : at > end;) {
    range.push_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  Shape shape = x.shape;
  shape.set_dim(axis, static_cast<std::int64_t>(range.size()));
  return finish_picked(context, shape, range_positions(x.shape, axis, range));
}

bool fold_split(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (x.shape.rank() == 0 || !is_small(x.shape)) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.shape.rank());
  const OnnxList sizes = context.list("split", 1, 13);
  if (sizes.depends_on_data) return false;
  const auto count = static_cast<std::int64_t>(context.output_count());
  const std::int64_t length = x.shape.dim(axis);
  if (count == 0 || (sizes && static_cast<std::int64_t>(sizes->size()) != count)) return false;
  std::int64_t start = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t piece = ceil_div(length, count);
    const std::int64_t size =
        sizes ? (*sizes)[static_cast<std::size_t>(k)] : std::min(piece, length - start);
    if (size < 0 || size > length - start) return false;
    std::vector<std::int64_t> range(static_cast<std::size_t>(size));
    std::iota(range.begin(), range.end(), start);
    start += size;
    Shape shape = x.shape;
    shape.set_dim(axis, size);
    finish_picked(context, shape, range_positions(x.shape, axis, range),
                  static_cast<std::size_t>(k));
  }
  return true;
}

bool fold_concat(OnnxContext& context) {
  const KnownTensor& first = fold_input(context, 0);
  if (first.shape.rank() == 0) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 1), first.shape.rank());
  Shape shape = first.shape;
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has(i)) return false;
    const KnownTensor& next = fold_input(context, i);
    Shape same = next.shape;
    if (next.dtype != first.dtype || same.rank() != shape.rank()) return false;
    const std::int64_t total = checked_add(shape.dim(axis), same.dim(axis));
    same.set_dim(axis, shape.dim(axis));
    if (!(same == shape)) return false;
    shape.set_dim(axis, total);
  }
  if (!is_small(shape)) return false;
  FoldElements elements;
  const std::int64_t outer = Split3(shape, axis).outer;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::size_t k = 0; k < context.input_count(); ++k) {
      const KnownTensor& part = fold_input(context, k);
      const Split3 parts(part.shape, axis);
      for (std::int64_t i = 0; i < parts.length * parts.inner; ++i) {
        elements.append(part, static_cast<std::size_t>(o * parts.length * parts.inner + i));
      }
    }
  }
  return finish_fold(context, first.dtype, shape, elements);
}

bool fold_expand(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  const auto sizes = context.integers(1);
  Shape shape;
  if (!sizes || !broadcast(x.shape, Shape(context.short_list(*sizes)), shape)) return false;
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  if (x.uniform || x.count() == 1) {
    FoldElements elements;
    elements.append(x, 0);
    numel(shape);
    return finish_fold(context, x.dtype, shape, elements, true);
  }
  if (!is_small(shape)) return false;
  FoldElements elements;
  for (std::size_t i = 0; i < static_cast<std::size_t>(numel(shape)); ++i) {
    elements.append(x, broadcast_position(i, shape, x.shape));
  }
  return finish_fold(context, x.dtype, shape, elements);
}

bool fold_tile(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  const auto repeats = context.integers(1);
  if (context.opset() < 6 || x.shape.rank() != 1 || !repeats || repeats->size() != 1) return false;
  if ((*repeats)[0] < 0) return false;
  const std::int64_t total = checked_mul(x.shape[0], (*repeats)[0]);
  if (total > most_folded) return false;
  FoldElements elements;
  for (std::int64_t i = 0; i < total; ++i) {
    elements.append(x, static_cast<std::size_t>(i % x.shape[0]));
  }
  return finish_fold(context, x.dtype, {total}, elements);
}

bool fold_transpose(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (x.shape.rank() > 2 || !is_small(x.shape)) return false;
  const auto order = context.integers("perm");
  const bool swaps = x.shape.rank() == 2 && (!order || (order->size() == 2 && (*order)[0] == 1));
  if (!swaps) return fold_identity(context);
  std::vector<std::int64_t> positions;
  for (std::int64_t j = 0; j < x.shape[1]; ++j) {
    for (std::int64_t i = 0; i < x.shape[0]; ++i) positions.push_back(i * x.shape[1] + j);
  }
  return finish_picked(context, {x.shape[1], x.shape[0]}, positions);
}

using enum Meaning;

constexpr NoEffect pad_no_effect[] = {{"input 2", "which number is written"}};

constexpr NoEffect reverse_no_effect[] = {
    {"batch_axis", "each element moves once, wherever it goes"},
    {"input 1", "each element moves once, wherever it goes"},
};

constexpr NoEffect split_no_effect[] = {{"num_outputs", "the node has as many outputs"}};

constexpr NoEffect trilu_no_effect[] = {{"input 1", "every element is written, some as 0"}};

constexpr OnnxOperator movement_rows[] = {
    {"CenterCropPad",
     same_values,
     emit_center_crop_pad,
     {.settings = {1}, .emit_declared = declare_pad}},
    {"Concat",
     same_values,
     emit_concat,
     {.fold = fold_concat, .range = range_of_all, .fit = OnnxFit::concat}},
    {"DepthToSpace", same_values, emit_depth_to_space},
    {"DynamicSlice",
     same_values,
     emit_slice,
     {.settings = {1, 2, 3}, .emit_declared = declare_slice}},
    {"Expand",
     same_values,
     emit_expand,
     {.fold = fold_expand,
      .range = range_of_first,
      .fit = OnnxFit::expand,
      .settings = {1},
      .emit_declared = declare_expand}},
    {"Flatten", same_values, emit_flatten, {.range = range_of_first}},
    {"Identity", same_values, emit_identity, {.fold = fold_identity, .takes_anything = true}},
    {"Pad", same_values, emit_pad, {.emit_declared = declare_pad, .no_effect = pad_no_effect}},
    {"Reshape",
     same_values,
     emit_reshape,
     {.fold = fold_reshape,
      .range = range_of_first,
      .fit = OnnxFit::elements,
      .settings = {1},
      .emit_declared = declare_reshape}},
    {"ReverseSequence", same_cost, emit_reverse_sequence, {.no_effect = reverse_no_effect}},
    {"Shape", same_values, emit_nothing, {.fold = fold_shape, .folds_shapes = true}},
    {"Size", same_values, emit_nothing, {.fold = fold_size, .folds_shapes = true}},
    {"Slice",
     same_values,
     emit_slice,
     {.fold = fold_slice,
      .fold_is_exact = {1, 2, 3, 4},
      .range = range_of_first,
      .settings = {1, 2, 3, 4},
      .emit_declared = declare_slice}},
    {"SpaceToDepth", same_values, emit_space_to_depth},
    {"Split",
     same_values,
     emit_split,
     {.fold = fold_split,
      .fold_is_exact = {1},
      .range = range_of_first,
      .emit_declared = declare_split,
      .no_effect = split_no_effect}},
    {"Squeeze",
     same_values,
     emit_squeeze,
     {.fold = fold_squeeze,
      .range = range_of_first,
      .fit = OnnxFit::squeeze,
      .emit_declared = declare_reshape}},
    {"Tile",
     same_values,
     emit_tile,
     {.fold = fold_tile,
      .range = range_of_first,
      .settings = {1, 2},
      .emit_declared = declare_tile}},
    {"Transpose", same_values, emit_transpose, {.fold = fold_transpose, .range = range_of_first}},
    {"Trilu", same_values, emit_trilu, {.no_effect = trilu_no_effect}},
    {"Unsqueeze",
     same_values,
     emit_unsqueeze,
     {.fold = fold_unsqueeze, .range = range_of_first, .emit_declared = declare_reshape}},
};

}  // namespace

extern constinit const OnnxOperators onnx_movement_operators = {"", movement_rows};

}  // namespace zoometer
