// Shapes, pieces, copies and constants.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "import/onnx/ops.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t far = std::int64_t{1} << 60;  // beyond every end of an axis

std::int64_t near_enough(std::int64_t index) { return std::clamp(index, -far, far); }

/// An alias of a weight under a name of its own stays a weight: exporters merge equal weights so.
void emit_identity(OnnxContext& context) {
  const OnnxValue& value = context.value(0);
  const bool is_weight = value.stored != nullptr && !value.stored->is_constant;
  if (is_weight && context.wants(0)) {
    return context.out_value(0, context.reader().alias(value, context.node().outputs[0]));
  }
  context.out_value(0, value);
}

void emit_reshape(OnnxContext& context) {
  const auto sizes = context.opset() < 5 ? context.integers("shape") : context.integers("shape", 1);
  context.require(sizes.has_value(), "a shape");
  Ints shape = context.short_list(*sizes);
  const Shape& x = context.shape(0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && context.integer("allowzero", 0) == 0) {
      context.require(i < x.size(), "a 0 only where the input has a dimension");
      shape[i] = x[i];
    }
  }
  Tensor result = reshape(context.in(0), shape);
  const KnownTensor* known = context.known(1);
  if (known != nullptr && known->bounded) context.graph().mark_bounded(result.id);
  context.out(result);
}

std::optional<std::vector<std::int64_t>> axes_of(const OnnxContext& context) {
  return context.opset() < 13 ? context.integers("axes") : context.integers("axes", 1);
}

void emit_squeeze(OnnxContext& context) {
  const Shape x = context.shape(0);
  const auto wanted = axes_of(context);
  const Ints axes = wanted ? context.axes(*wanted, x.rank()) : Ints{};
  Shape shape;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const bool is_named = std::find(axes.begin(), axes.end(), i) != axes.end();
    context.require(!is_named || x.dim(i) == 1, "a size of 1 where it is squeezed");
    if (wanted ? !is_named : x.dim(i) != 1) shape.push_back(x.dim(i));
  }
  if (x.rank() - shape.rank() == 1 && axes.size() == 1) {
    return context.out(squeeze(context.in(0), axes[0]));
  }
  context.out(reshape(context.in(0), shape));
}

void emit_unsqueeze(OnnxContext& context) {
  const auto wanted = axes_of(context);
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
  context.out(reshape(context.in(0), shape));
}

void emit_flatten(OnnxContext& context) {
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
  context.out(reshape(context.in(0), {rows, columns}));
}

void emit_transpose(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const auto order = context.integers("perm");
  Ints dims;
  if (order) {
    dims = context.axes(*order, rank);
  } else {
    for (std::int64_t i = rank; i-- > 0;) dims.push_back(i);
  }
  context.out(permute(context.in(0), dims));
}

void emit_expand(OnnxContext& context) {
  const Shape wanted(context.short_list(context.integers(1)));
  Shape shape;
  context.require(broadcast(context.shape(0), wanted, shape), "a shape that broadcasts");
  for (const std::int64_t size : shape) context.require(size >= 0, "sizes of at least 0");
  const Tensor x = context.in(0);
  if (shape == x.shape()) return context.out_value(0, context.value(0));
  context.out(expand(x, shape));
}

void emit_concat(OnnxContext& context) {
  const std::vector<Tensor> tensors = context.all_inputs();
  context.require(!tensors.empty(), "at least one input");
  const std::int64_t axis = context.integer("axis", 1);
  context.out(cat(tensors, context.axis(axis, tensors[0].rank())));
}

void emit_split(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  auto sizes = context.opset() < 13 && !context.has(1) ? context.integers("split")
                                                       : context.integers("split", 1);
  const auto count = static_cast<std::int64_t>(context.output_count());
  context.require(count >= 1, "at least one output");
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
}

/// Starts, ends, axes and steps: attributes first, inputs since version 10.
void emit_slice(OnnxContext& context) {
  const bool by_input = context.opset() >= 10;
  const auto list = [&](std::string_view name, std::size_t input) {
    return by_input ? context.integers(name, input) : context.integers(name);
  };
  Tensor x = context.in(0);
  const auto starts = list("starts", 1);
  const auto ends = list("ends", 2);
  const auto axes = list("axes", 3);
  const auto steps = list("steps", 4);
  context.require(starts && ends && starts->size() == ends->size(), "as many starts as ends");
  context.require(!axes || axes->size() == starts->size(), "as many axes as starts");
  context.require(!steps || steps->size() == starts->size(), "as many steps as starts");
  bool is_bounded = false;
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    const KnownTensor* known = context.known(i);
    is_bounded |= by_input && known != nullptr && known->bounded;
  }
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::int64_t axis =
        context.axis(axes ? (*axes)[i] : static_cast<std::int64_t>(i), x.rank());
    const std::int64_t step = steps ? near_enough((*steps)[i]) : 1;
    const std::int64_t start = near_enough((*starts)[i]);
    const std::int64_t end = near_enough((*ends)[i]);
    const bool is_whole = step == 1 && start == 0 && end >= x.dim(axis);
    if (!is_whole) x = slice(x, axis, start, end, step);
  }
  if (is_bounded && context.value(0).id != x.id) context.graph().mark_bounded(x.id);
  context.out(x);
}

void emit_gather(OnnxContext& context) {
  const Shape x = context.shape(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  const KnownTensor* known = context.known(1);
  if (known != nullptr && known->shape.rank() == 0) {
    const std::int64_t index = context.integer(1);
    return context.out(select(context.in(0), axis, index));
  }
  const Tensor table = context.in(0);
  const Tensor indices = context.in(1);
  if (axis == 0 && x.rank() == 2) return context.out(embedding(table, indices));
  if (axis == 0) return context.out(index(table, indices));
  if (indices.rank() == 1) return context.out(index_select(table, axis, indices));
  context.out(advanced_index(table, {{indices}}, {axis}));
}

void emit_gather_elements(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.out(gather(x, context.integer("axis", 0), context.in(1)));
}

/// The columns of (..., n) as n index tensors, which are views.
std::vector<Tensor> index_columns(const OnnxContext& context, Tensor indices) {
  context.require(indices.rank() >= 1 && indices.dim(-1) >= 1 && indices.dim(-1) <= 8,
                  "a last dimension of 1 to 8 in the indices");
  std::vector<Tensor> columns;
  for (std::int64_t i = 0; i < indices.dim(-1); ++i) columns.push_back(select(indices, -1, i));
  return columns;
}

Ints first_axes(std::size_t count) {
  Ints dims;
  for (std::size_t i = 0; i < count; ++i) dims.push_back(static_cast<std::int64_t>(i));
  return dims;
}

void emit_gather_nd(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor indices = context.in(1);
  const std::int64_t batch = context.integer("batch_dims", 0);
  if (batch == 0) {
    const std::vector<Tensor> columns = index_columns(context, indices);
    context.require(static_cast<std::int64_t>(columns.size()) <= x.rank(),
                    "indices within the rank");
    return context.out(advanced_index(x, columns, first_axes(columns.size())));
  }
  context.require(batch > 0 && batch < indices.rank() && batch < x.rank(),
                  "batch_dims within the ranks");
  const std::int64_t depth = indices.dim(-1);
  context.require(batch + depth <= x.rank(), "indices within the rank");
  OutputType type;
  for (std::int64_t i = 0; i + 1 < indices.rank(); ++i) type.shape.push_back(indices.dim(i));
  for (std::int64_t i = batch + depth; i < x.rank(); ++i) type.shape.push_back(x.dim(i));
  type.dtype = x.dtype();
  const ValueId inputs[] = {x.id, indices.id};
  Graph& graph = context.graph();
  const DimsAttrs attrs{first_axes(static_cast<std::size_t>(batch + depth))};
  const NodeId node =
      graph.append_declared(advanced_index_op, graph.keep(attrs), inputs, std::span(&type, 1));
  context.out({&graph, graph.nodes()[node].first_output});
}

std::string_view reduction_name(const OnnxContext& context) {
  const std::string_view name = context.text("reduction", "none");
  if (name == "add") return "sum";
  if (name == "mul") return "prod";
  if (name == "min") return "amin";
  if (name == "max") return "amax";
  return {};
}

void emit_scatter_elements(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor indices = context.in(1);
  const Tensor updates = context.in(2);
  const ScatterAttrs attrs{context.integer("axis", 0), reduction_name(context)};
  context.out(apply(scatter_op, attrs, x, indices, updates));
}

void emit_scatter_nd(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::vector<Tensor> columns = index_columns(context, context.in(1));
  context.require(static_cast<std::int64_t>(columns.size()) <= x.rank(), "indices within the rank");
  const Tensor updates = context.in(2);
  context.out(index_put(x, updates, columns,
                        {first_axes(columns.size()), !reduction_name(context).empty()}));
}

void emit_tile(OnnxContext& context) {
  if (context.opset() < 6) {  // tiles along one axis
    Ints times = Ints::filled(context.shape(0).size(), 1);
    const std::int64_t axis = context.axis(context.integer(2), context.rank(0));
    times[static_cast<std::size_t>(axis)] = context.integer(1);
    return context.out(repeat(context.in(0), times));
  }
  const Ints times = context.short_list(context.integers(1));
  context.require(times.size() == context.shape(0).size(), "as many repeats as dimensions");
  context.out(repeat(context.in(0), times));
}

void emit_pad(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const auto pads = context.opset() < 2    ? context.integers("paddings")
                    : context.opset() < 11 ? context.integers("pads")
                                           : context.integers("pads", 1);
  const auto listed = context.opset() < 18 ? std::nullopt : context.integers("axes", 3);
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
  const std::string_view mode = context.text("mode", "constant");
  attrs.mode = mode == "edge"      ? "replicate"
               : mode == "reflect" ? "reflect"
               : mode == "wrap"    ? "circular"
                                   : "constant";
  attrs.value =
      context.opset() < 11 ? context.real("value", 0) : context.constant_number(2).value_or(0);
  context.out(pad(context.in(0), attrs));
}

void emit_center_crop_pad(OnnxContext& context) {
  const std::int64_t rank = context.rank(0);
  const auto listed = context.integers("axes");
  const std::vector<std::int64_t> sizes = context.integers(1);
  PadAttrs attrs;
  attrs.before = attrs.after = Ints::filled(static_cast<std::size_t>(rank), 0);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::int64_t wanted =
        listed && i < listed->size() ? (*listed)[i] : static_cast<std::int64_t>(i);
    const auto axis = static_cast<std::size_t>(context.axis(wanted, rank));
    const std::int64_t more = near_enough(sizes[i]) - context.shape(0)[axis];
    attrs.before[axis] = more / 2;
    attrs.after[axis] = more - more / 2;
  }
  context.out(pad(context.in(0), attrs));
}

/// Blocks of channels into space. `DCR` splits the channels as (block, block, C), `CRD` as
/// (C, block, block), which is PyTorch's pixel_shuffle.
void emit_depth_to_space(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t block = context.integer("blocksize", 0);
  context.require(x.rank() == 4 && block >= 1 && block < far &&
                      x.dim(1) % checked_mul(block, block) == 0,
                  "rank 4 and channels that the squared block size divides");
  if (context.text("mode", "DCR") == "CRD") return context.out(pixel_shuffle(x, block));
  const std::int64_t batch = x.dim(0), channels = x.dim(1) / (block * block);
  const std::int64_t height = x.dim(2), width = x.dim(3);
  const Tensor parts = reshape(x, {batch, block, block, channels, height, width});
  context.out(reshape(permute(parts, {0, 3, 4, 1, 5, 2}),
                      {batch, channels, checked_mul(height, block), checked_mul(width, block)}));
}

void emit_space_to_depth(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t block = context.integer("blocksize", 0);
  context.require(x.rank() == 4 && block >= 1 && x.dim(2) % block == 0 && x.dim(3) % block == 0,
                  "rank 4 and a height and a width that the block size divides");
  const std::int64_t batch = x.dim(0), channels = x.dim(1);
  const std::int64_t height = x.dim(2) / block, width = x.dim(3) / block;
  const Tensor parts = reshape(x, {batch, channels, height, block, width, block});
  context.out(reshape(permute(parts, {0, 3, 5, 1, 2, 4}),
                      {batch, checked_mul(channels, block * block), height, width}));
}

void emit_trilu(OnnxContext& context) {
  // Which diagonal it is changes no figure.
  const std::int64_t diagonal = context.known(1) != nullptr ? context.integer(1) : 0;
  const bool upper = context.integer("upper", 1) != 0;
  context.out(apply(upper ? triu_op : tril_op, TriangleAttrs{diagonal}, context.in(0)));
}

void emit_nonzero(OnnxContext& context) {
  context.out(transpose(unary(nonzero_op, context.in(0)), 0, 1));
}

void emit_compress(OnnxContext& context) {
  const Tensor x = context.in(0);
  const KnownTensor* mask = context.known(1);
  const OnnxAttribute* axis = context.attribute("axis");
  const Tensor source = axis == nullptr ? flatten(x, 0, -1) : x;
  const std::int64_t along = axis == nullptr ? 0 : context.axis(axis->integer, x.rank());
  if (mask != nullptr) {  // then it is known how many there are
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < mask->count(); ++i) {
      if (mask->integer(i) != 0) chosen.push_back(static_cast<std::int64_t>(i));
    }
    const Shape shape{static_cast<std::int64_t>(chosen.size())};
    OnnxValue indices;
    indices.kind = OnnxValue::Kind::tensor;
    indices.known = context.make_integers(DType::int64, shape, chosen);
    const ValueId id =
        context.reader().enter(indices, OnnxReader::Role::data, context.node().inputs[1]);
    return context.out(index_select(source, along, {&context.graph(), id}));
  }
  const Tensor found = flatten(unary(nonzero_op, context.in(1)), 0, -1);
  context.out(index_select(source, along, found));
}

/// Fill values are the inputs (depth, values); 1 where the index is, else 0, and then scaled.
void out_one_hot(OnnxContext& context, std::int64_t axis, std::int64_t depth) {
  const Tensor indices = context.in(0);
  const Tensor hit = one_hot(indices, axis, depth);
  const Tensor values = context.in(2);
  context.out(where(hit, select(values, 0, 1), select(values, 0, 0)));
}

void emit_one_hot(OnnxContext& context) {
  const std::int64_t depth = context.integer(1);
  context.require(depth >= 0, "a depth of at least 0");
  out_one_hot(context, context.axis(context.integer("axis", -1), context.rank(0) + 1), depth);
}

void emit_range(OnnxContext& context) {
  double bounds[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    const KnownTensor& number = context.elements(i);
    context.require(number.count() == 1, "three single numbers");
    bounds[i] = number.real(0);
  }
  context.require(bounds[2] != 0, "a step other than 0");
  const double end = (bounds[1] - bounds[0]) / bounds[2] > 0 ? bounds[1] : bounds[0];
  context.out(arange(context.graph(), bounds[0], end, bounds[2], context.dtype(0)));
}

void emit_constant_of_shape(OnnxContext&) { throw OnnxDataDependent{}; }

void emit_eye_like(OnnxContext& context) {
  const Shape shape = context.shape(0);
  context.require(shape.rank() == 2, "an input of rank 2");
  const OnnxAttribute* dtype = context.attribute("dtype");
  const DType type = dtype != nullptr ? onnx_dtype(dtype->integer) : context.dtype(0);
  const std::int64_t offset = context.integer("k", 0);
  context.out(identity_matrix(context.graph(), shape, offset, type));
}

void emit_random(OnnxContext& context, const Shape& shape, DType otherwise) {
  const OnnxAttribute* dtype = context.attribute("dtype");
  const bool is_normal = context.node().op_type.starts_with("RandomNormal");
  const RandomAttrs attrs{shape, dtype != nullptr ? onnx_dtype(dtype->integer) : otherwise,
                          is_normal ? "normal" : "uniform"};
  context.out(context.append(random_op, attrs, {}));
}

void emit_random_of_shape(OnnxContext& context) {
  const auto sizes = context.integers("shape");
  context.require(sizes.has_value(), "a shape");
  emit_random(context, Shape(context.short_list(*sizes)), DType::float32);
}

void emit_random_like(OnnxContext& context) {
  emit_random(context, context.shape(0), context.dtype(0));
}

void emit_multinomial(OnnxContext& context) {
  const Shape& x = context.shape(0);
  context.require(x.rank() == 2, "an input of rank 2");
  const RandomAttrs attrs{{x.dim(0), context.integer("sample_size", 1)},
                          onnx_dtype(context.integer("dtype", 6)),
                          "multinomial"};
  context.out(context.append(random_op, attrs, {}));
}

/// Each row's beginning reversed; as a gather along the time axis.
void emit_reverse_sequence(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 2, "an input of rank 2 or more");
  context.out(flip(x, {context.axis(context.integer("time_axis", 0), x.rank())}));
}

void emit_unique(OnnxContext& context) {
  const Tensor x = context.in(0);
  const OnnxAttribute* axis = context.attribute("axis");
  const Tensor source = axis == nullptr ? flatten(x, 0, -1) : x;
  const std::int64_t along = axis == nullptr ? 0 : context.axis(axis->integer, x.rank());
  const std::int64_t length = source.dim(along);
  context.out(0, unique(source, along).values);
  const Tensor positions = arange(context.graph(), 0, static_cast<double>(length));
  context.graph().mark_bounded(positions.id);
  for (std::size_t i = 1; i < context.output_count(); ++i) context.out(i, positions);
}

// -- where data decides, and the output is declared -------------------------------------------

bool declare_reshape(OnnxContext& context, const OutputType& type) {
  if (numel(type.shape) != numel(context.shape(0))) return false;
  context.out(reshape(context.in(0), type.shape));
  return true;
}

bool declare_expand(OnnxContext& context, const OutputType& type) {
  Shape shape;
  if (!broadcast(context.shape(0), type.shape, shape) || shape != type.shape) return false;
  context.out(expand(context.in(0), shape));
  return true;
}

/// Which elements a slice takes is not known, only how many.
bool declare_slice(OnnxContext& context, const OutputType& type) {
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

bool declare_pad(OnnxContext& context, const OutputType& type) {
  const Shape& x = context.shape(0);
  if (x.rank() != type.shape.rank()) return false;
  PadAttrs attrs;
  attrs.before = attrs.after = Ints::filled(x.size(), 0);
  for (std::size_t i = 0; i < x.size(); ++i) attrs.after[i] = type.shape[i] - x[i];
  context.out(pad(context.in(0), attrs));
  return true;
}

bool declare_tile(OnnxContext& context, const OutputType& type) {
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

bool declare_split(OnnxContext& context, const OutputType&) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  std::vector<std::int64_t> sizes;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < context.output_count(); ++i) {
    const std::optional<OutputType> type = context.declared(i);
    if (!type || type->shape.rank() != x.rank()) return false;
    sizes.push_back(type->shape.dim(axis));
    sum = checked_add(sum, sizes.back());
  }
  if (sum != x.dim(axis)) return false;
  const Chunks pieces = split(x, sizes, axis);
  for (std::size_t i = 0; i < pieces.size(); ++i) context.out(i, pieces[i]);
  return true;
}

bool declare_range(OnnxContext& context, const OutputType& type) {
  if (type.shape.rank() != 1) return false;
  const auto length = static_cast<double>(type.shape[0]);
  context.out(arange(context.graph(), 0, length, 1, context.dtype(0)));
  return true;
}

bool declare_constant(OnnxContext& context, const OutputType& type) {
  context.out(full(context.graph(), type.shape, 0, type.dtype));
  return true;
}

bool declare_one_hot(OnnxContext& context, const OutputType& type) {
  const std::int64_t rank = context.rank(0) + 1;
  if (type.shape.rank() != rank) return false;
  const std::int64_t axis = context.axis(context.integer("axis", -1), rank);
  out_one_hot(context, axis, type.shape.dim(axis));
  return true;
}

constexpr OnnxOperator rows[] = {
    {"CenterCropPad", emit_center_crop_pad},
    {"Compress", emit_compress},
    {"Concat", emit_concat},
    {"ConstantOfShape", emit_constant_of_shape, false, declare_constant},
    {"DepthToSpace", emit_depth_to_space},
    {"Expand", emit_expand, false, declare_expand},
    {"EyeLike", emit_eye_like},
    {"Flatten", emit_flatten},
    {"Gather", emit_gather},
    {"GatherElements", emit_gather_elements},
    {"GatherND", emit_gather_nd},
    {"Identity", emit_identity, true},
    {"Multinomial", emit_multinomial},
    {"NonZero", emit_nonzero},
    {"OneHot", emit_one_hot, false, declare_one_hot},
    {"Pad", emit_pad, false, declare_pad},
    {"RandomNormal", emit_random_of_shape},
    {"RandomNormalLike", emit_random_like},
    {"RandomUniform", emit_random_of_shape},
    {"RandomUniformLike", emit_random_like},
    {"Range", emit_range, false, declare_range},
    {"Reshape", emit_reshape, false, declare_reshape},
    {"ReverseSequence", emit_reverse_sequence},
    {"Scatter", emit_scatter_elements},
    {"ScatterElements", emit_scatter_elements},
    {"ScatterND", emit_scatter_nd},
    {"Slice", emit_slice, false, declare_slice},
    {"SpaceToDepth", emit_space_to_depth},
    {"Split", emit_split, false, declare_split},
    {"Squeeze", emit_squeeze, false, declare_reshape},
    {"Tile", emit_tile, false, declare_tile},
    {"Transpose", emit_transpose},
    {"Trilu", emit_trilu},
    {"Unique", emit_unique},
    {"Unsqueeze", emit_unsqueeze, false, declare_reshape},
};

}  // namespace

extern constinit const OnnxOperators onnx_movement_operators = {"", rows};

}  // namespace zoometer
