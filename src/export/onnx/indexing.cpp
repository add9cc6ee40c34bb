#include "op/indexing.hpp"

#include <algorithm>
#include <vector>

#include "export/onnx/export_rule.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

void write_split(OnnxStep& step) {
  const auto& attrs = step.attrs<SplitAttrs>();
  if (step.node().output_count() == 1) return step.make("Identity", {step.in(0)});
  step.make("Split", {step.in(0), step.integers(attrs.sizes.items)},
            {{"axis", step.axis(attrs.dim)}});
}

void write_unbind(OnnxStep& step) {
  const std::int64_t axis = step.axis(step.attrs<AxisAttrs>().dim);
  for (std::size_t i = 0; i < step.node().output_count(); ++i) {
    const std::string index = step.integer(static_cast<std::int64_t>(i));
    step.make_output(i, "Gather", {step.in(0), index}, {{"axis", axis}});
  }
}

void write_triangle(OnnxStep& step, std::int64_t upper) {
  const std::string diagonal = step.integer(step.attrs<TriangleAttrs>().diagonal);
  step.make("Trilu", {step.in(0), diagonal}, {{"upper", upper}});
}
void write_tril(OnnxStep& step) { write_triangle(step, 0); }
void write_triu(OnnxStep& step) { write_triangle(step, 1); }

/// Each slice gets an axis of its own, which is repeated and joined again.
void write_repeat_interleave(OnnxStep& step) {
  const auto& attrs = step.attrs<ChunkAttrs>();
  const std::int64_t axis = step.axis(attrs.dim);
  Ints times = Ints::filled(step.shape(0).size() + 1, 1);
  times[static_cast<std::size_t>(axis + 1)] = attrs.chunks;
  const std::string apart = step.unsqueeze(step.in(0), axis + 1);
  const std::string repeated = step.add("Tile", {apart, step.integers(times)});
  step.make("Reshape", {repeated, step.integers(step.node().out())});
}

/// Index tensors for one axis, or for the first ones.
void write_advanced_index(OnnxStep& step) {
  const Ints& dims = step.attrs<DimsAttrs>().dims;
  if (dims.size() == 1)
    return step.make("Gather", {step.in(0), step.in(1)}, {{"axis", step.axis(dims[0])}});
  if (step.node().input_count() != dims.size() + 1)
    step.fail("lacks an index tensor for some axis");
  Shape common;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (step.axis(dims[i]) != static_cast<std::int64_t>(i))
      step.fail("has index tensors that are not for the first axes");
    Shape next;
    broadcast(common, step.shape(i + 1), next);
    common = next;
  }
  std::vector<std::string> indices;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::string index = step.cast(step.in(i + 1), step.dtype(i + 1), DType::int64);
    const std::string expanded = step.add("Expand", {index, step.integers(common)});
    indices.push_back(step.unsqueeze(expanded, common.rank()));
  }
  const std::string joined = step.add("Concat", indices, {{"axis", common.rank()}});
  step.make("GatherND", {step.in(0), joined});
}

void write_masked_select(OnnxStep& step) {
  if (step.shape(0) != step.shape(1)) step.fail("has a mask that is broadcast");
  const std::string flat = step.reshape(step.in(0), {-1});
  step.make("Compress", {flat, step.reshape(step.in(1), {-1})}, {{"axis", std::int64_t{0}}});
}

void write_nonzero(OnnxStep& step) {
  step.make("Transpose", {step.add("NonZero", {step.in(0)})}, {{"perm", Ints{1, 0}}});
}

void write_copy(OnnxStep& step) {
  const std::string source = step.cast(step.in(1), step.dtype(1), step.dtype(0));
  step.make("Expand", {source, step.integers(step.node().out())});
}

/// x with the source at a range along an axis: what is before, between and after it stays.
void write_slice_scatter(OnnxStep& step) {
  const auto& attrs = step.attrs<SliceAttrs>();
  const std::int64_t axis = step.axis(attrs.dim);
  const std::int64_t length = step.shape(0).dim(axis);
  const auto within = [length](std::int64_t place) {
    return std::clamp<std::int64_t>(place < 0 ? place + length : place, 0, length);
  };
  const std::int64_t start = within(attrs.start);
  const std::int64_t end = within(attrs.end);
  if (step.builder().open_axis(step.node().input(0)) == axis)
    step.fail("within an axis whose size depends on data");
  Ints piece = step.shape(0);
  piece[static_cast<std::size_t>(axis)] = end > start ? ceil_div(end - start, attrs.step) : 0;
  std::string source = step.cast(step.in(1), step.dtype(1), step.dtype(0));
  if (step.shape(1) != Shape(piece)) source = step.add("Expand", {source, step.integers(piece)});
  if (end <= start) return step.make("Identity", {step.in(0)});
  if (attrs.step != 1) {
    std::vector<std::int64_t> places;
    for (std::int64_t at = start; at < end; at += attrs.step) places.push_back(at);
    Ints sizes = Ints::filled(piece.size(), 1);
    sizes[static_cast<std::size_t>(axis)] = std::ssize(places);
    const std::string along = step.reshape(step.integers(places), sizes);
    const std::string indices = step.add("Expand", {along, step.integers(piece)});
    return step.make("ScatterElements", {step.in(0), indices, source}, {{"axis", axis}});
  }
  std::vector<std::string> pieces;
  if (start > 0) pieces.push_back(step.slice(step.in(0), axis, 0, start));
  pieces.push_back(source);
  if (end < length) pieces.push_back(step.slice(step.in(0), axis, end, length));
  step.make("Concat", pieces, {{"axis", axis}});
}

void write_select_scatter(OnnxStep& step) {
  const auto& attrs = step.attrs<SelectAttrs>();
  const std::int64_t axis = step.axis(attrs.dim);
  const std::int64_t length = step.shape(0).dim(axis);
  const std::int64_t place = attrs.index < 0 ? attrs.index + length : attrs.index;
  if (step.builder().open_axis(step.node().input(0)) == axis)
    step.fail("within an axis whose size depends on data");
  std::vector<std::string> pieces;
  if (place > 0) pieces.push_back(step.slice(step.in(0), axis, 0, place));
  pieces.push_back(step.unsqueeze(step.cast(step.in(1), step.dtype(1), step.dtype(0)), axis));
  if (place + 1 < length) pieces.push_back(step.slice(step.in(0), axis, place + 1, length));
  step.make("Concat", pieces, {{"axis", axis}});
}

/// The places of a view's elements in memory: start + the sum of index x stride of each axis.
std::string strided_places(OnnxStep& step, const StridedAttrs& attrs) {
  std::string places =
      step.reshape(step.integer(attrs.offset), Ints::filled(attrs.sizes.size(), 1));
  for (std::size_t i = 0; i < attrs.sizes.size(); ++i) {
    const std::string count = step.integer(attrs.sizes[i]);
    const std::string steps = step.add("Range", {step.integer(0), count, step.integer(1)});
    Ints sizes = Ints::filled(attrs.sizes.size(), 1);
    sizes[i] = attrs.sizes[i];
    const std::string along =
        step.reshape(step.add("Mul", {steps, step.integer(attrs.strides[i])}), sizes);
    places = step.add("Add", {places, along});
  }
  return step.reshape(places, {-1});
}

/// The input is contiguous in PyTorch's memory where the graph says so.
void write_strided_scatter(OnnxStep& step) {
  const std::string places = strided_places(step, step.attrs<StridedAttrs>());
  const std::string source =
      step.reshape(step.cast(step.in(1), step.dtype(1), step.dtype(0)), {-1});
  const std::string flat = step.reshape(step.in(0), {-1});
  const std::string result = step.add("ScatterElements", {flat, places, source});
  step.make("Reshape", {result, step.integers(step.node().out())});
}

void write_as_strided(OnnxStep& step) {
  if (step.builder().graph().value(step.node().input(0)).has(Value::strided))
    step.fail("of a tensor that is not contiguous");
  const std::string flat = step.reshape(step.in(0), {-1});
  const auto& attrs = step.attrs<StridedAttrs>();
  const std::string elements = step.add("Gather", {flat, strided_places(step, attrs)});
  step.make("Reshape", {elements, step.integers(attrs.sizes)});
}

void write_diagonal(OnnxStep& step) {
  const auto& attrs = step.attrs<DiagonalAttrs>();
  const Shape& x = step.shape(0);
  const std::int64_t rows = step.axis(attrs.dim0);
  const std::int64_t columns = step.axis(attrs.dim1);
  if (step.builder().open_axis(step.node().input(0))) step.fail("of sizes that depend on data");
  // Rows and columns last, then one axis, of which the diagonal is every (columns + 1)-th element.
  Ints order;
  Ints sizes;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i == rows || i == columns) continue;
    order.push_back(i);
    sizes.push_back(x.dim(i));
  }
  order.push_back(rows);
  order.push_back(columns);
  sizes.push_back(checked_mul(x.dim(rows), x.dim(columns)));
  const std::string ordered = step.add("Transpose", {step.in(0)}, {{"perm", order}});
  const std::int64_t width = x.dim(columns);
  const std::int64_t start = attrs.offset < 0 ? -attrs.offset * width : attrs.offset;
  const std::int64_t length = step.node().out().dim(-1);
  const std::string flat = step.reshape(ordered, sizes);
  const std::int64_t axis = std::ssize(sizes) - 1;
  const std::int64_t end = length == 0 ? start : start + (length - 1) * (width + 1) + 1;
  const std::string first = step.integers({start});
  const std::string last = step.integers({end});
  const std::string along = step.integers({axis});
  step.make("Slice", {flat, first, last, along, step.integers({width + 1})});
}

/// Index tensors for some axes, as PyTorch's x.index_put(indices, values).
void write_index_put(OnnxStep& step) {
  const auto& attrs = step.attrs<IndexPutAttrs>();
  const Shape& x = step.shape(0);
  const std::size_t count = attrs.dims.size();
  if (step.node().input_count() != count + 2) step.fail("lacks an index tensor for some axis");
  Shape common;
  for (std::size_t i = 0; i < count; ++i) {
    if (attrs.dims[i] != attrs.dims[0] + static_cast<std::int64_t>(i))
      step.fail("has index tensors for axes that are apart");
    if (step.builder().open_axis(step.node().input(i + 2)))
      step.fail("of sizes that depend on data");
    Shape next;
    broadcast(common, step.shape(i + 2), next);
    common = next;
  }
  // The indexed axes first, then the others in order.
  const std::int64_t before = attrs.dims[0];
  Ints order, back, values_order;
  for (std::size_t i = 0; i < count; ++i) order.push_back(before + static_cast<std::int64_t>(i));
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i < before || i >= before + static_cast<std::int64_t>(count)) order.push_back(i);
  }
  back = order;
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  // PyTorch's values have the axes before, the common axes of the indices, and the axes after.
  Ints values_sizes;
  for (std::int64_t i = 0; i < before; ++i) values_sizes.push_back(x.dim(i));
  for (const std::int64_t size : common) values_sizes.push_back(size);
  for (std::int64_t i = before + static_cast<std::int64_t>(count); i < x.rank(); ++i)
    values_sizes.push_back(x.dim(i));
  for (std::int64_t i = 0; i < common.rank(); ++i) values_order.push_back(before + i);
  for (std::int64_t i = 0; i < std::ssize(values_sizes); ++i) {
    if (i < before || i >= before + common.rank()) values_order.push_back(i);
  }
  std::string values = step.cast(step.in(1), step.dtype(1), step.dtype(0));
  values = step.add("Expand", {values, step.integers(values_sizes)});
  if (before > 0) values = step.add("Transpose", {values}, {{"perm", values_order}});
  std::vector<std::string> indices;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string index = step.cast(step.in(i + 2), step.dtype(i + 2), DType::int64);
    const std::string expanded = step.add("Expand", {index, step.integers(common)});
    indices.push_back(step.unsqueeze(expanded, common.rank()));
  }
  const std::string joined = step.add("Concat", indices, {{"axis", common.rank()}});
  const std::string base =
      before > 0 ? step.add("Transpose", {step.in(0)}, {{"perm", order}}) : step.in(0);
  const std::string_view reduction = attrs.accumulate ? "add" : "none";
  if (before == 0)
    return step.make("ScatterND", {base, joined, values}, {{"reduction", reduction}});
  const std::string result =
      step.add("ScatterND", {base, joined, values}, {{"reduction", reduction}});
  step.make("Transpose", {result}, {{"perm", back}});
}

/// Whole slices at indices along an axis.
void write_index_copy(OnnxStep& step) {
  const auto& attrs = step.attrs<ScatterAttrs>();
  const bool adds = attrs.reduce == "sum";
  if (!attrs.reduce.empty() && !adds && attrs.reduce != "prod")
    step.fail("has the reduction " + std::string(attrs.reduce));
  const Shape& x = step.shape(0);
  if (x.rank() == 0) step.fail("of a number has no ONNX equivalent");
  const std::int64_t axis = step.axis(attrs.dim);
  Ints sizes = Ints::filled(x.size(), 1);
  sizes[static_cast<std::size_t>(axis)] = numel(step.shape(1));
  const std::string index = step.cast(step.in(1), step.dtype(1), DType::int64);
  const std::string along = step.reshape(index, sizes);
  Ints wanted = x;
  wanted[static_cast<std::size_t>(axis)] = numel(step.shape(1));
  const std::string places = step.add("Expand", {along, step.integers(wanted)});
  std::string source = step.cast(step.in(2), step.dtype(2), step.dtype(0));
  if (step.shape(2) != Shape(wanted)) source = step.add("Expand", {source, step.integers(wanted)});
  step.make("ScatterElements", {step.in(0), places, source},
            {{"axis", axis},
             {"reduction", std::string_view(adds                   ? "add"
                                            : attrs.reduce.empty() ? "none"
                                                                   : "mul")}});
}

void write_scatter(OnnxStep& step) {
  const auto& attrs = step.attrs<ScatterAttrs>();
  const bool adds = attrs.reduce == "sum";
  const bool multiplies = attrs.reduce == "prod";
  if (!attrs.reduce.empty() && !adds && !multiplies)
    step.fail("has the reduction " + std::string(attrs.reduce));
  if (step.node().input_count() < 3) step.fail("has no source");
  const Shape& indices = step.shape(1);
  std::string source = step.cast(step.in(2), step.dtype(2), step.dtype(0));
  if (step.shape(2).rank() == 0 && indices.rank() > 0) {
    source = step.add("Expand", {source, step.integers(Ints(indices))});
  } else if (step.shape(2) != indices) {
    // PyTorch reads as much of the source as there are indices.
    if (step.shape(2).rank() != indices.rank())
      step.fail("has a source of another rank than its indices");
    std::vector<std::int64_t> axes;
    for (std::int64_t i = 0; i < indices.rank(); ++i) axes.push_back(i);
    const std::vector<std::int64_t> starts(axes.size(), 0);
    const std::string first = step.integers(starts);
    const std::string last = step.integers(Ints(indices));
    source = step.add("Slice", {source, first, last, step.integers(axes)});
  }
  const std::string places = step.cast(step.in(1), step.dtype(1), DType::int64);
  step.make("ScatterElements", {step.in(0), places, source},
            {{"axis", step.axis(attrs.dim)},
             {"reduction", std::string_view(adds         ? "add"
                                            : multiplies ? "mul"
                                                         : "none")}});
}

void write_masked_fill(OnnxStep& step) {
  const std::string value = step.has(2)
                                ? step.cast(step.in(2), step.dtype(2), step.dtype())
                                : step.number(step.attrs<ScalarAttrs>().scalar, step.dtype());
  step.make("Where", {step.in(1), value, step.in(0)});
}

void write_random(OnnxStep& step) {
  const auto& attrs = step.attrs<RandomAttrs>();
  if (attrs.distribution != "uniform" && attrs.distribution != "normal")
    step.fail("has the distribution " + std::string(attrs.distribution));
  step.make(attrs.distribution == "normal" ? "RandomNormal" : "RandomUniform", OnnxNames{},
            {{"shape", attrs.sizes}, {"dtype", attrs.dtype}});
}

/// The opset that is written has no operator for it.
void write_tensor_scatter(OnnxStep& step) {
  if (step.has(2)) step.fail("at places of data has no ONNX equivalent");
  const std::int64_t axis = step.axis(step.attrs<AxisAttrs>().dim);
  const std::int64_t end = step.shape(0).dim(axis);
  const std::string rest = step.slice(step.in(0), axis, step.shape(1).dim(axis), end);
  step.make("Concat", {step.in(1), rest}, {{"axis", axis}});
}

constexpr OnnxExportRule indexing_rules[] = {{&split_op, {}, write_split},
                                             {&unbind_op, {}, write_unbind},
                                             {&tril_op, {}, write_tril},
                                             {&triu_op, {}, write_triu},
                                             {&repeat_interleave_op, {}, write_repeat_interleave},
                                             {&advanced_index_op, {}, write_advanced_index},
                                             {&masked_select_op, {}, write_masked_select},
                                             {&nonzero_op, {}, write_nonzero},
                                             {&copy_op, {}, write_copy},
                                             {&scatter_op, {}, write_scatter},
                                             {&slice_scatter_op, {}, write_slice_scatter},
                                             {&written_slice_op, {}, write_slice_scatter},
                                             {&select_scatter_op, {}, write_select_scatter},
                                             {&as_strided_scatter_op, {}, write_strided_scatter},
                                             {&written_view_op, {}, write_strided_scatter},
                                             {&diagonal_op, {}, write_diagonal},
                                             {&as_strided_op, {}, write_as_strided},
                                             {&index_put_op, {}, write_index_put},
                                             {&index_copy_op, {}, write_index_copy},
                                             {&masked_fill_op, {}, write_masked_fill},
                                             {&tensor_scatter_op, {}, write_tensor_scatter},
                                             {&random_op, {}, write_random}};

}  // namespace

extern constinit const OnnxExportRules indexing_onnx_export_rules = {indexing_rules};

}  // namespace zoometer
