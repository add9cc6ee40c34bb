#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <vector>

#include "import/torch/aten_shared.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer::aten {
namespace {

constexpr std::int64_t to_the_end = std::numeric_limits<std::int64_t>::max();

Ints sizes_of(const Shape& shape) { return shape; }

DType dtype_or(AtenCall& call, DType missing) { return call.dtype("dtype").value_or(missing); }

void output_full(AtenCall& call, const Ints& sizes, double value, DType dtype) {
  call.output(zoometer::full(call.graph(), sizes, value, dtype));
}

// -- copies and views ---------------------------------------------------------------------------

void same(AtenCall& call) { call.output(call.tensor(0)); }

/// The same memory, through which no gradient flows. What has none anyway needs no node.
void detach(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Value& value = call.graph().value(x.id);
  const bool has_gradient =
      is_floating(value.dtype) && !value.has(Value::is_input) && !value.has(Value::detached);
  if (!has_gradient) return call.output(x);
  const Ints sizes(x.shape());
  const Tensor result =
      value.has(Value::strided) ? zoometer::expand(x, sizes) : zoometer::reshape(x, sizes);
  call.graph().mark_detached(result.id);
  call.output(result);
}

void copy_of(AtenCall& call) { call.output(zoometer::clone(call.tensor(0))); }

void contiguous(AtenCall& call) { call.output(zoometer::contiguous(call.tensor(0))); }

void copy_into(AtenCall& call) {
  call.output(apply(copy_op, NoAttrs{}, call.tensor(0), call.tensor(1)));
}

/// A reshape. PyTorch refuses a `view` that would have to copy, so none of them does.
void output_view(AtenCall& call, Tensor reshaped) {
  if (call.name().find("reshape") != 0) call.graph().mark_view(reshaped.id);
  call.output(reshaped);
}

void reshape(AtenCall& call) {
  if (call.has("dtype")) call.refuse("a view as another element type");
  const Argument* sizes = call.at(1);
  if (sizes == nullptr) call.refuse("a view without sizes");
  output_view(call, zoometer::reshape(call.tensor(0), Ints(call.integers(sizes->name))));
}

void reshape_as(AtenCall& call) {
  output_view(call, zoometer::reshape(call.tensor(0), sizes_of(call.tensor(1).shape())));
}

void flatten(AtenCall& call) {
  call.output(
      zoometer::flatten(call.tensor(0), call.integer("start_dim", 0), call.integer("end_dim", -1)));
}

void unflatten(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t axis = axis_of(call, "dim", x.rank());
  Ints sizes;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i != axis) {
      sizes.push_back(x.dim(i));
      continue;
    }
    for (const std::int64_t size : call.integers("sizes")) sizes.push_back(size);
  }
  call.output(zoometer::reshape(x, sizes));
}

void squeeze(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const auto dims = call.integers("dim");
  if (dims.size() == 1 && x.rank() > 0) return call.output(zoometer::squeeze(x, dims[0]));
  const bool all = !call.has("dim");
  Ints sizes;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const bool named = all || std::any_of(dims.begin(), dims.end(), [&](std::int64_t dim) {
                         return dim == i || dim + x.rank() == i;
                       });
    if (!named || x.dim(i) != 1) sizes.push_back(x.dim(i));
  }
  call.output(zoometer::reshape(x, sizes));
}

void unsqueeze(AtenCall& call) {
  call.output(zoometer::unsqueeze(call.tensor(0), call.integer("dim")));
}

void permute(AtenCall& call) {
  call.output(zoometer::permute(call.tensor(0), Ints(call.integers("dims"))));
}

void transpose_2d(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(x.rank() < 2 ? x : zoometer::transpose(x, 0, 1));
}

void transpose(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Argument* first = call.at(1);
  const Argument* second = call.at(2);
  if (first == nullptr || second == nullptr) call.refuse("a transposition without axes");
  if (x.rank() == 0) return call.output(x);
  call.output(zoometer::transpose(x, call.integer(first->name), call.integer(second->name)));
}

void matrix_transpose(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (x.rank() < 2) return call.output(x);
  if (call.name() != "numpy_T") return call.output(zoometer::transpose(x, -2, -1));
  Ints dims;
  for (std::int64_t i = x.rank(); i-- > 0;) dims.push_back(i);
  call.output(zoometer::permute(x, dims));
}

void movedim(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const auto from = call.integers("source");
  const auto to = call.integers("destination");
  std::array<std::int64_t, most_dimensions> order{};
  order.fill(-1);
  std::array<bool, most_dimensions> moved{};
  if (from.size() != to.size()) call.refuse("different numbers of sources and destinations");
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t source = axis_within(call, from[i], x.rank());
    const std::int64_t target = axis_within(call, to[i], x.rank());
    order[static_cast<std::size_t>(target)] = source;
    moved[static_cast<std::size_t>(source)] = true;
  }
  Ints dims;
  std::int64_t next = 0;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (order[static_cast<std::size_t>(i)] >= 0) {
      dims.push_back(order[static_cast<std::size_t>(i)]);
      continue;
    }
    while (next < x.rank() && moved[static_cast<std::size_t>(next)]) ++next;
    dims.push_back(next++);
  }
  call.output(zoometer::permute(x, dims));
}

void expand(AtenCall& call) {
  call.output(zoometer::expand(call.tensor(0), Ints(call.integers("size"))));
}

void expand_as(AtenCall& call) {
  call.output(zoometer::expand(call.tensor(0), sizes_of(call.tensor(1).shape())));
}

void as_strided(AtenCall& call) {
  const StridedAttrs attrs{Ints(call.integers("size")), Ints(call.integers("stride")),
                           call.integer("storage_offset", 0)};
  call.output(apply(as_strided_op, attrs, call.tensor(0)));
}

// -- pieces -------------------------------------------------------------------------------------

void slice(AtenCall& call) {
  call.output(zoometer::slice(call.tensor(0), call.integer("dim", 0), call.integer("start", 0),
                              call.integer("end", to_the_end), call.integer("step", 1)));
}

void select(AtenCall& call) {
  call.output(zoometer::select(call.tensor(0), call.integer("dim"), call.integer("index")));
}

void narrow(AtenCall& call) {
  const std::int64_t start = call.integer("start");
  const std::int64_t end = checked_add(start, call.integer("length"));
  call.output(zoometer::slice(call.tensor(0), call.integer("dim"), start, end));
}

void split(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t axis = axis_of(call, "dim", x.rank(), 0);
  const bool equal =
      call.has("split_size") && call.find("split_size")->kind == Argument::Kind::integer;
  if (!equal) {
    const auto sizes = call.integers(call.has("split_sizes") ? "split_sizes" : "split_size");
    call.expect_outputs(std::ssize(sizes));
    const Chunks pieces = zoometer::split(x, sizes, axis);
    return call.outputs(pieces.first, pieces.size());
  }
  const std::int64_t size = call.integer("split_size");
  const std::int64_t length = x.dim(axis);
  if (size < 1) call.refuse("a split into pieces without elements");
  call.expect_outputs(length / size);
  std::vector<std::int64_t> sizes;
  for (std::int64_t start = 0; start < length || start == 0; start += size)
    sizes.push_back(std::min(size, length - start));
  const Chunks pieces = zoometer::split(x, sizes, axis);
  call.outputs(pieces.first, pieces.size());
}

void chunk(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t chunks = call.integer("chunks");
  const std::int64_t length = x.dim(axis_of(call, "dim", x.rank(), 0));
  if (chunks < 1) call.refuse("a split into no pieces");
  call.expect_outputs(ceil_div(length, std::max<std::int64_t>(1, ceil_div(length, chunks))));
  const Chunks pieces = zoometer::chunk(x, chunks, call.integer("dim", 0));
  call.outputs(pieces.first, pieces.size());
}

void unbind(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.expect_outputs(x.dim(axis_of(call, "dim", x.rank(), 0)));
  const Chunks pieces = zoometer::unbind(x, call.integer("dim", 0));
  call.outputs(pieces.first, pieces.size());
}

void sliding_window(AtenCall& call) {
  const WindowAttrs attrs{call.integer("dimension"), call.integer("size"), call.integer("step")};
  call.output(apply(sliding_window_op, attrs, call.tensor(0)));
}

void index_select(AtenCall& call) {
  call.output(zoometer::index_select(call.tensor(0), call.integer("dim"), call.tensor("index")));
}

void gather(AtenCall& call) {
  call.output(zoometer::gather(call.tensor(0), call.integer("dim"), call.tensor("index")));
}

void take_along_dim(AtenCall& call) {
  if (!call.has("dim")) {
    return call.output(zoometer::gather(flat(call.tensor(0)), 0, flat(call.tensor("indices"))));
  }
  // Both broadcast along the other axes.
  Tensor x = call.tensor(0);
  Tensor indices = call.tensor("indices");
  const std::int64_t axis = axis_of(call, "dim", x.rank());
  if (indices.rank() != x.rank()) call.refuse("indices of another rank");
  Ints sizes(x.shape()), places(indices.shape());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (static_cast<std::int64_t>(i) == axis) continue;
    sizes[i] = places[i] = sizes[i] == 1 ? places[i] : sizes[i];
  }
  if (x.shape() != Shape(sizes)) x = zoometer::expand(x, sizes);
  if (indices.shape() != Shape(places)) indices = zoometer::expand(indices, places);
  call.output(zoometer::gather(x, axis, indices));
}

void embedding(AtenCall& call) {
  call.output(zoometer::embedding(call.tensor("weight"), call.tensor("indices")));
}

/// The index tensors of x[i, :, j], and the axes that they index.
struct Indices {
  std::vector<Tensor> tensors;
  Ints dims;
};

/// Adds what a mask selects, at most all elements: for each of its axes the places along it.
void add_places(AtenCall& call, Tensor mask, std::int64_t axis, Indices& indices) {
  if (mask.rank() == 0) call.refuse("one truth value as an index");
  const Tensor places = zoometer::unary(nonzero_op, mask);
  for (std::int64_t i = 0; i < mask.rank(); ++i) {
    indices.tensors.push_back(zoometer::select(places, 1, i));
    indices.dims.push_back(axis + i);
  }
}

Indices indices_of(AtenCall& call) {
  Indices indices;
  std::int64_t axis = 0;
  for (const Tensor& each : call.tensors("indices")) {
    const bool is_mask = each && (each.dtype() == DType::boolean || each.dtype() == DType::uint8);
    if (is_mask) {
      add_places(call, each, axis, indices);
    } else if (each) {
      indices.tensors.push_back(each);
      indices.dims.push_back(axis);
    }
    axis += is_mask ? each.rank() : 1;
  }
  return indices;
}

void index(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Indices indices = indices_of(call);
  if (indices.tensors.empty()) return call.output(x);
  const bool first_axis = indices.tensors.size() == 1 && indices.dims[0] == 0;
  call.output(first_axis ? zoometer::index(x, indices.tensors[0])
                         : zoometer::advanced_index(x, indices.tensors, indices.dims));
}

void index_put(AtenCall& call) {
  const Indices indices = indices_of(call);
  const IndexPutAttrs attrs{indices.dims, call.boolean("accumulate", false)};
  const Tensor x = call.tensor(0);
  const Tensor result = zoometer::index_put(x, call.tensor("values"), indices.tensors, attrs);
  // Its sizes are those of x, however many elements a mask selects.
  const Graph& graph = call.graph();
  const bool is_exact =
      !graph.value(x.id).has(Value::bounded) && !graph.value(x.id).has(Value::assumed);
  if (is_exact) call.graph().mark_exact(result.id);
  call.output(result);
}

void nonzero(AtenCall& call) { call.output(zoometer::unary(nonzero_op, call.tensor(0))); }

void masked_select(AtenCall& call) {
  call.output(apply(masked_select_op, NoAttrs{}, call.tensor(0), call.tensor(1)));
}

// -- pieces put into place ----------------------------------------------------------------------

/// The axis and reduction of a scatter, for all names that PyTorch has for reductions.
ScatterAttrs scatter_attrs(AtenCall& call, std::string_view reduce) {
  if (reduce == "add") reduce = "sum";
  if (reduce == "multiply") reduce = "prod";
  for (const std::string_view known : {"", "sum", "prod", "mean", "amax", "amin"}) {
    if (reduce == known) return {call.integer("dim"), known};
  }
  call.refuse("an unknown reduction");
}

void put_source(AtenCall& call, const OpDef& op, std::string_view reduce) {
  const ScatterAttrs attrs = scatter_attrs(call, reduce);
  const std::string_view name = call.has("source") ? "source" : "src";
  const Tensor x = call.tensor(0);
  const Tensor indices = call.tensor("index");
  const Tensor source = call.has(name) ? call.tensor(name) : constant(call, call.number("value"));
  call.output(apply(op, attrs, x, indices, scaled(source, call.number("alpha", 1))));
}

void scatter(AtenCall& call) { put_source(call, scatter_op, call.text("reduce", "")); }

void scatter_add(AtenCall& call) { put_source(call, scatter_op, "sum"); }

void scatter_reduce(AtenCall& call) { put_source(call, scatter_op, call.text("reduce", "sum")); }

void index_copy(AtenCall& call) { put_source(call, index_copy_op, ""); }

void index_add(AtenCall& call) { put_source(call, index_copy_op, "sum"); }

void select_scatter(AtenCall& call) {
  const SelectAttrs attrs{call.integer("dim"), call.integer("index")};
  call.output(apply(select_scatter_op, attrs, call.tensor(0), call.tensor(1)));
}

void slice_scatter(AtenCall& call) {
  const SliceAttrs attrs{call.integer("dim", 0), call.integer("start", 0),
                         call.integer("end", to_the_end), call.integer("step", 1)};
  call.output(apply(slice_scatter_op, attrs, call.tensor(0), call.tensor(1)));
}

void as_strided_scatter(AtenCall& call) {
  const StridedAttrs attrs{Ints(call.integers("size")), Ints(call.integers("stride")),
                           call.integer("storage_offset", 0)};
  call.output(apply(as_strided_scatter_op, attrs, call.tensor(0), call.tensor(1)));
}

// -- joins and repetitions ----------------------------------------------------------------------

void cat(AtenCall& call) {
  std::vector<Tensor> tensors = whole_list(call, "tensors");
  // PyTorch ignores empty tensors of rank 1 among tensors of other ranks.
  const bool mixed =
      std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.rank() != 1; });
  if (mixed) {
    std::erase_if(tensors, [](const Tensor& t) { return t.rank() == 1 && t.dim(0) == 0; });
  }
  call.output(zoometer::cat(tensors, call.integer("dim", 0)));
}

void stack(AtenCall& call) {
  call.output(zoometer::stack(whole_list(call, "tensors"), call.integer("dim", 0)));
}

void pad_with(AtenCall& call, std::string_view sizes, std::string_view mode, double value) {
  const Tensor x = call.tensor(0);
  const auto pairs = call.integers(sizes);
  if (pairs.size() % 2 != 0 || pairs.size() / 2 > x.shape().size())
    call.refuse("a padding beyond the rank");
  PadAttrs attrs;
  attrs.before = Ints::filled(x.shape().size(), 0);
  attrs.after = attrs.before;
  attrs.mode = mode;
  attrs.value = value;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const std::size_t dim = x.shape().size() - 1 - i / 2;
    attrs.before[dim] = pairs[i];
    attrs.after[dim] = pairs[i + 1];
  }
  call.output(zoometer::pad(x, attrs));
}

void pad(AtenCall& call) {
  const std::string_view asked = call.text("mode", "constant");
  for (const std::string_view mode : {"constant", "reflect", "replicate", "circular"}) {
    if (asked == mode) return pad_with(call, "pad", mode, call.number("value", 0));
  }
  call.refuse("an unknown padding");
}

void reflection_pad(AtenCall& call) { pad_with(call, "padding", "reflect", 0); }

void circular_pad(AtenCall& call) { pad_with(call, "pad", "circular", 0); }

void replication_pad(AtenCall& call) { pad_with(call, "padding", "replicate", 0); }

void roll(AtenCall& call) {
  call.output(
      zoometer::roll(call.tensor(0), Ints(call.integers("shifts")), Ints(call.integers("dims"))));
}

void repeat(AtenCall& call) {
  call.output(zoometer::repeat(call.tensor(0), Ints(call.integers("repeats"))));
}

void tile(AtenCall& call) {
  const Tensor x = call.tensor(0);
  Ints times(call.integers("dims"));
  while (times.size() < x.shape().size()) times.insert(0, 1);
  call.output(zoometer::repeat(x, times));
}

void repeat_interleave(AtenCall& call) {
  const bool known = call.has("self") && !call.has_tensor("repeats");
  if (!known) call.refuse("repetitions whose number depends on data");
  const Tensor x = call.tensor(0);
  const ChunkAttrs attrs{call.integer("repeats"), call.integer("dim", 0)};
  call.output(apply(repeat_interleave_op, attrs, call.has("dim") ? x : zoometer::reshape(x, {-1})));
}

void flip(AtenCall& call) {
  call.output(zoometer::flip(call.tensor(0), Ints(call.integers("dims"))));
}

void tril(AtenCall& call) {
  call.output(apply(tril_op, TriangleAttrs{call.integer("diagonal", 0)}, call.tensor(0)));
}

void triu(AtenCall& call) {
  call.output(apply(triu_op, TriangleAttrs{call.integer("diagonal", 0)}, call.tensor(0)));
}

void pixel_shuffle(AtenCall& call) {
  call.output(zoometer::pixel_shuffle(call.tensor(0), call.integer("upscale_factor")));
}

void pixel_unshuffle(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t factor = call.integer("downscale_factor");
  if (x.rank() != 4 || factor < 1) call.refuse("a tensor of a rank other than 4");
  const std::int64_t height = x.dim(2) / factor;
  const std::int64_t width = x.dim(3) / factor;
  const Tensor blocks = zoometer::reshape(x, {x.dim(0), x.dim(1), height, factor, width, factor});
  const Tensor ordered = zoometer::permute(blocks, {0, 1, 3, 5, 2, 4});
  call.output(zoometer::reshape(ordered, {x.dim(0), -1, height, width}));
}

void im2col(AtenCall& call) {
  const UnfoldAttrs attrs{Spatial(call.integers("kernel_size")), Spatial(call.integers("stride")),
                          Spatial(call.integers("padding")), Spatial(call.integers("dilation"))};
  call.output(zoometer::unfold(call.tensor(0), attrs));
}

// -- constants ----------------------------------------------------------------------------------

void full(AtenCall& call) {
  output_full(call, Ints(call.integers("size")), call.number("fill_value"),
              dtype_or(call, DType::float32));
}

void zeros(AtenCall& call) {
  output_full(call, Ints(call.integers("size")), 0, dtype_or(call, DType::float32));
}

void ones(AtenCall& call) {
  output_full(call, Ints(call.integers("size")), 1, dtype_or(call, DType::float32));
}

/// A constant of the given size (new_zeros), or of the first tensor's (zeros_like).
void output_like(AtenCall& call, double value) {
  const Tensor x = call.tensor(0);
  const Ints sizes = call.has("size") ? Ints(call.integers("size")) : sizes_of(x.shape());
  output_full(call, sizes, value, dtype_or(call, x.dtype()));
}

void full_like(AtenCall& call) {
  const std::string_view name = call.has("fill_value") ? "fill_value" : "value";
  output_like(call, call.has_tensor(name) ? 0 : call.number(name));
}

void zeros_like(AtenCall& call) { output_like(call, 0); }

void ones_like(AtenCall& call) { output_like(call, 1); }

void scalar_tensor(AtenCall& call) {
  output_full(call, {}, call.number("s"), dtype_or(call, DType::float32));
}

void arange(AtenCall& call) {
  const ArangeAttrs attrs{call.number("start", 0), call.number("end"), call.number("step", 1),
                          dtype_or(call, DType::int64)};
  call.output(zoometer::arange(call.graph(), attrs.start, attrs.end, attrs.step, attrs.dtype));
}

void linspace(AtenCall& call) {
  if (call.has_tensor("start") || call.has_tensor("end")) call.refuse("ends that are tensors");
  const double start = call.number("start");
  const double end = call.number("end");
  const std::int64_t steps = call.integer("steps");
  if (steps < 0) call.refuse("a negative number of steps");
  if (steps < 2 || start == end)
    return output_full(call, {steps}, start, dtype_or(call, DType::float32));
  const double step = (end - start) / static_cast<double>(steps - 1);
  // Half a step after the last number, so that rounding does not change the count.
  call.output(
      zoometer::arange(call.graph(), start, end + step / 2, step, dtype_or(call, DType::float32)));
}

void logspace(AtenCall& call) {
  const double start = call.number("start");
  const double end = call.number("end");
  const std::int64_t steps = call.integer("steps");
  if (steps < 2 || start == end) call.refuse("fewer than two different numbers");
  const double step = (end - start) / static_cast<double>(steps - 1);
  const Tensor powers =
      zoometer::arange(call.graph(), start, end + step / 2, step, dtype_or(call, DType::float32));
  call.output(zoometer::binary(pow_op, constant(call, call.number("base", 10)), powers));
}

void random(AtenCall& call) {
  const Ints sizes = call.has("n") ? Ints{call.integer("n")} : Ints(call.integers("size"));
  const RandomAttrs attrs{sizes, dtype_or(call, DType::float32),
                          call.name() == "randn" ? "normal" : "uniform"};
  call.output(apply_constant(call.graph(), random_op, attrs));
}

void random_like(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const RandomAttrs attrs{sizes_of(x.shape()), dtype_or(call, x.dtype()),
                          call.name() == "randn_like" ? "normal" : "uniform"};
  call.output(apply_constant(call.graph(), random_op, attrs));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect reshape_no_effect[] = {
    {"stride", "a view costs nothing"},
};

constexpr NoEffect expand_no_effect[] = {
    {"implicit", "who asked for it"},
};

constexpr NoEffect gather_no_effect[] = {
    {"sparse_grad", "used by gradients alone"},
};

constexpr NoEffect embedding_no_effect[] = {
    {"padding_idx", "used by gradients alone"},
    {"scale_grad_by_freq", "used by gradients alone"},
    {"sparse", "used by gradients alone"},
};

constexpr NoEffect scatter_reduce_no_effect[] = {
    {"include_self=True", "the default"},
    {"include_self", "the old element is read or replaced", true},
};

constexpr NoEffect repeat_interleave_no_effect[] = {
    {"output_size", "the sum of the repetitions"},
};

constexpr NoEffect zeros_no_effect[] = {
    {"stride", "an order in memory"},
    {"physical_layout", "an order in memory"},
};

constexpr NoEffect zeros_like_no_effect[] = {
    {"stride", "an order in memory"},
};

constexpr NoEffect random_no_effect[] = {
    {"low", "of the distribution: each number costs the same"},
    {"high", "of the distribution: each number costs the same"},
    {"from", "of the distribution: each number costs the same"},
    {"to", "of the distribution: each number costs the same"},
    {"p", "of the distribution: each number costs the same"},
    {"mean", "of the distribution: each number costs the same"},
    {"std", "of the distribution: each number costs the same"},
    {"median", "of the distribution: each number costs the same"},
    {"sigma", "of the distribution: each number costs the same"},
    {"lambd", "of the distribution: each number costs the same"},
};

constexpr AtenOperator movement_rows[] = {
    {"_conj _neg_view", same, same_cost},
    {"detach", detach, same_values},
    {"alias lift lift_fresh positive prims::view_of resolve_conj resolve_neg", same, same_values},
    {"clone lift_fresh_copy", copy_of, same_values},
    {"contiguous", contiguous, same_values},
    {"copy", copy_into, same_values},
    {"_reshape_alias _unsafe_view reshape view", reshape, same_values, reshape_no_effect},
    {"reshape_as view_as", reshape_as, same_values},
    {"flatten ravel", flatten, same_values},
    {"unflatten", unflatten, same_values},
    {"squeeze", squeeze, same_values},
    {"unsqueeze", unsqueeze, same_values},
    {"permute", permute, same_values},
    {"t", transpose_2d, same_values},
    {"swapaxes swapdims transpose", transpose, same_values},
    {"H adjoint mH mT matrix_H numpy_T", matrix_transpose, same_values},
    {"moveaxis movedim", movedim, same_values},
    {"broadcast_to expand", expand, same_values, expand_no_effect},
    {"expand_as", expand_as, same_values},
    {"as_strided", as_strided, same_values},
    {"slice", slice, same_values},
    {"select", select, same_values},
    {"narrow", narrow, same_values},
    {"split split_with_sizes unsafe_split unsafe_split_with_sizes", split, same_values},
    {"chunk unsafe_chunk", chunk, same_values},
    {"unbind", unbind, same_values},
    {"unfold", sliding_window, same_values},
    {"index_select", index_select, same_values},
    {"gather", gather, same_values, gather_no_effect},
    {"take_along_dim", take_along_dim, same_values},
    {"embedding", embedding, same_values, embedding_no_effect},
    {"_unsafe_index index", index, same_values},
    {"_unsafe_index_put index_put", index_put, same_values},
    {"argwhere nonzero", nonzero, same_values},
    {"masked_select", masked_select, same_values},
    {"scatter", scatter, same_values},
    {"scatter_add", scatter_add, same_values},
    {"scatter_reduce", scatter_reduce, same_values, scatter_reduce_no_effect,
     declaring::all_operands | declaring::result},
    {"index_copy", index_copy, same_values},
    {"index_add", index_add, same_values},
    {"select_scatter", select_scatter, same_values},
    {"slice_scatter", slice_scatter, same_values},
    {"as_strided_scatter", as_strided_scatter, same_values},
    {"cat concat concatenate", cat, same_values},
    {"stack", stack, same_values},
    {"constant_pad_nd pad", pad, same_values},
    {"reflection_pad1d reflection_pad2d reflection_pad3d", reflection_pad, same_values},
    {"_pad_circular", circular_pad, same_values},
    {"replication_pad1d replication_pad2d replication_pad3d", replication_pad, same_values},
    {"roll", roll, same_values},
    {"repeat", repeat, same_values},
    {"tile", tile, same_values},
    {"repeat_interleave", repeat_interleave, same_values, repeat_interleave_no_effect},
    {"flip", flip, same_values},
    {"tril", tril, same_values},
    {"triu", triu, same_values},
    {"pixel_shuffle", pixel_shuffle, same_values},
    {"pixel_unshuffle", pixel_unshuffle, same_values},
    {"im2col", im2col, same_values},
    {"full", full, same_values},
    {"empty empty_permuted empty_strided zeros", zeros, same_values, zeros_no_effect},
    {"ones", ones, same_values},
    {"fill", full_like, same_cost},
    {"full_like new_full", full_like, same_values},
    {"empty_like new_empty new_empty_strided new_zeros zero zeros_like", zeros_like, same_values,
     zeros_like_no_effect},
    {"new_ones ones_like", ones_like, same_values},
    {"scalar_tensor", scalar_tensor, same_values},
    {"arange", arange, same_values},
    {"linspace", linspace, same_values},
    {"logspace", logspace, same_values},
    {"rand randn", random, same_values, random_no_effect},
    {"randint randperm", random, same_cost, random_no_effect},
    {"bernoulli cauchy exponential geometric log_normal poisson randint_like uniform", random_like,
     same_cost, random_no_effect},
    {"rand_like randn_like", random_like, same_values, random_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_movement_operators = {aten_names<aten::movement_rows>};

}  // namespace zoometer
