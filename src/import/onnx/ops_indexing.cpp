// Elements chosen by indices, and indices of elements.
#include <algorithm>

#include "import/onnx/fold.hpp"
#include "import/onnx/ranges.hpp"
#include "import/onnx/reader.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_gather(OnnxContext& context) {
  const Shape x = context.shape(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  const KnownTensor* known = context.known(1);
  if (known != nullptr && known->shape.rank() == 0) {
    const std::optional<std::int64_t> index = context.integer(1);
    if (!index) return OnnxOutcome::depends_on_data;
    return context.out(select(context.in(0), axis, *index));
  }
  const Tensor table = context.in(0);
  const Tensor indices = context.in(1);
  if (axis == 0 && x.rank() == 2) return context.out(embedding(table, indices));
  if (axis == 0) return context.out(index(table, indices));
  if (indices.rank() == 1) return context.out(index_select(table, axis, indices));
  return context.out(advanced_index(table, {{indices}}, {axis}));
}

OnnxOutcome emit_gather_elements(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.out(gather(x, context.integer("axis", 0), context.in(1)));
}

/// The columns of (..., n) as n index tensors, which are views.
std::vector<Tensor> index_columns(const OnnxContext& context, Tensor indices) {
  context.require(indices.rank() >= 1 && indices.dim(-1) >= 1 &&
                      indices.dim(-1) <= static_cast<std::int64_t>(most_dimensions),
                  "a last dimension of 1 to 16 in the indices");
  std::vector<Tensor> columns;
  for (std::int64_t i = 0; i < indices.dim(-1); ++i) columns.push_back(select(indices, -1, i));
  return columns;
}

Ints first_axes(std::size_t count) {
  Ints dims;
  for (std::size_t i = 0; i < count; ++i) dims.push_back(static_cast<std::int64_t>(i));
  return dims;
}

OnnxOutcome emit_gather_nd(OnnxContext& context) {
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
  return context.out({&graph, graph.nodes()[node].first_output});
}

std::string_view reduction_name(const OnnxContext& context) {
  const std::string_view name = context.text("reduction", "none");
  if (name == "add") return "sum";
  if (name == "mul") return "prod";
  if (name == "min") return "amin";
  if (name == "max") return "amax";
  return {};
}

OnnxOutcome emit_scatter_elements(OnnxContext& context) {
  const Tensor x = context.in(0);
  const Tensor indices = context.in(1);
  const Tensor updates = context.in(2);
  const ScatterAttrs attrs{context.integer("axis", 0), reduction_name(context)};
  return context.out(apply(scatter_op, attrs, x, indices, updates));
}

OnnxOutcome emit_scatter_nd(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::vector<Tensor> columns = index_columns(context, context.in(1));
  context.require(static_cast<std::int64_t>(columns.size()) <= x.rank(), "indices within the rank");
  const Tensor updates = context.in(2);
  return context.out(index_put(x, updates, columns,
                               {first_axes(columns.size()), !reduction_name(context).empty()}));
}

OnnxOutcome emit_nonzero(OnnxContext& context) {
  context.at_most(0, transpose(unary(nonzero_op, context.in(0)), 0, 1), 1);
  return OnnxOutcome::done;
}

OnnxOutcome emit_compress(OnnxContext& context) {
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
  context.at_most(0, index_select(source, along, found), along);
  return OnnxOutcome::done;
}

/// Fill values are the inputs (depth, values); 1 where the index is, else 0, and then scaled.
OnnxOutcome out_one_hot(OnnxContext& context, std::int64_t axis, std::int64_t depth) {
  const Tensor indices = context.in(0);
  const Tensor hit = one_hot(indices, axis, depth);
  const Tensor values = context.in(2);
  return context.out(where(hit, select(values, 0, 1), select(values, 0, 0)));
}

OnnxOutcome emit_one_hot(OnnxContext& context) {
  const std::optional<std::int64_t> depth = context.integer(1);
  if (!depth) return OnnxOutcome::depends_on_data;
  context.require(*depth >= 0, "a depth of at least 0");
  const std::int64_t axis = context.axis(context.integer("axis", -1), context.rank(0) + 1);
  return out_one_hot(context, axis, *depth);
}

OnnxOutcome emit_unique(OnnxContext& context) {
  const Tensor x = context.in(0);
  const OnnxAttribute* axis = context.attribute("axis");
  const Tensor source = axis == nullptr ? flatten(x, 0, -1) : x;
  const std::int64_t along = axis == nullptr ? 0 : context.axis(axis->integer, x.rank());
  const std::int64_t length = source.dim(along);
  context.at_most(0, unique(source, along).values, along);
  for (std::size_t i = 1; i < context.output_count(); ++i) {
    const Tensor positions = arange(context.graph(), 0, static_cast<double>(length));
    if (i == 2) {  // the inverse: where each element is among the unique ones
      context.out(i, positions);
    } else {
      context.at_most(i, positions, 0);
    }
  }
  return OnnxOutcome::done;
}

bool declare_one_hot(OnnxContext& context, const DeclaredType& type) {
  const std::int64_t rank = context.rank(0) + 1;
  if (type.shape.rank() != rank) return false;
  const std::int64_t axis = context.axis(context.integer("axis", -1), rank);
  out_one_hot(context, axis, type.shape.dim(axis));
  return true;
}

// -- folds --------------------------------------------------------------------------------------

bool fold_gather(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  const KnownTensor& indices = fold_input(context, 1);
  if (x.shape.rank() == 0 || indices.is_real()) return false;
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.shape.rank());
  Shape shape;
  for (std::int64_t i = 0; i < x.shape.rank(); ++i) {
    if (i != axis) shape.push_back(x.shape.dim(i));
    if (i == axis) {
      for (const std::int64_t size : indices.shape) shape.push_back(size);
    }
  }
  if (!is_small(shape)) return false;
  const Split3 parts(x.shape, axis);
  std::vector<std::int64_t> positions;
  for (std::int64_t o = 0; o < parts.outer; ++o) {
    for (std::size_t k = 0; k < indices.count(); ++k) {
      const std::int64_t index = indices.integer(k);
      context.require(index >= -parts.length && index < parts.length,
                      "indices below the length of the axis");
      const std::int64_t at = index < 0 ? index + parts.length : index;
      for (std::int64_t i = 0; i < parts.inner; ++i) positions.push_back(parts.position(o, at, i));
    }
  }
  return finish_picked(context, shape, positions);
}

bool fold_nonzero(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  if (!is_small(x.shape)) return false;
  const Shape& shape = x.shape;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (x.is_real() ? x.real(i) != 0 : x.integer(i) != 0) found.push_back(i);
  }
  FoldElements elements;
  for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
    const Split3 parts(shape, axis);
    for (const std::size_t i : found) {
      elements.integers.push_back(static_cast<std::int64_t>(i) / parts.inner % parts.length);
    }
  }
  return finish_fold(context, DType::int64, {shape.rank(), static_cast<std::int64_t>(found.size())},
                     elements);
}

/// A vector with some elements replaced: how exporters write `shape[i] = n`.
bool fold_scatter(OnnxContext& context) {
  const KnownTensor& x = fold_input(context, 0);
  const KnownTensor& indices = fold_input(context, 1);
  const KnownTensor& updates = fold_input(context, 2);
  if (x.shape.rank() != 1 || x.dtype != updates.dtype || !is_small(x.shape)) return false;
  context.axis(context.integer("axis", 0), 1);
  if (indices.count() != updates.count() || context.text("reduction", "none") != "none")
    return false;
  std::vector<std::size_t> from(x.count(), x.count());
  for (std::size_t i = 0; i < indices.count(); ++i) {
    const std::int64_t index = indices.integer(i);
    const std::int64_t at = index < 0 ? index + x.shape[0] : index;
    context.require(at >= 0 && at < x.shape[0], "indices below the length of the axis");
    from[static_cast<std::size_t>(at)] = i;
  }
  FoldElements elements;
  for (std::size_t i = 0; i < x.count(); ++i) {
    if (from[i] == x.count()) {
      elements.append(x, i);
    } else {
      elements.append(updates, from[i]);
    }
  }
  return finish_fold(context, x.dtype, x.shape, elements);
}

using enum Meaning;

constexpr NoEffect unique_no_effect[] = {{"sorted", "counted as a sort in any case"}};

constexpr OnnxOperator indexing_rows[] = {
    {"Compress", same_values, emit_compress},
    {"Gather",
     same_values,
     emit_gather,
     {.fold = fold_gather, .fold_is_exact = {1}, .range = range_of_first, .settings = {1}}},
    {"GatherElements", same_values, emit_gather_elements, {.range = range_of_first}},
    {"GatherND", same_cost, emit_gather_nd},
    {"NonZero",
     same_values,
     emit_nonzero,
     {.fold = fold_nonzero, .fold_is_exact = {0}, .range = range_of_position}},
    {"OneHot", same_values, emit_one_hot, {.emit_declared = declare_one_hot}},
    {"Scatter", same_values, emit_scatter_elements, {.keeps_shape = true}},
    {"ScatterElements",
     same_values,
     emit_scatter_elements,
     {.fold = fold_scatter, .fold_is_exact = {1}, .keeps_shape = true}},
    {"ScatterND",
     same_cost,
     emit_scatter_nd,
     {.fold = fold_scatter, .fold_is_exact = {1}, .keeps_shape = true}},
    {"Unique", same_cost, emit_unique, {.no_effect = unique_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_indexing_operators = {"", indexing_rows};

}  // namespace zoometer
