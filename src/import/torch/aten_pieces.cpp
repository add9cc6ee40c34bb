// Pieces, joins and constants that consist of several operators of src/op.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "import/torch/aten_shared.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

std::vector<Tensor> all_of(AtenCall& call, std::string_view name) {
  std::vector<Tensor> tensors = whole_list(call, name);
  if (tensors.empty()) call.refuse("an empty list of tensors");
  return tensors;
}

void output_pieces(AtenCall& call, Tensor x, const std::vector<std::int64_t>& sizes,
                   std::int64_t axis) {
  const Chunks pieces = zoometer::split(x, sizes, axis);
  call.outputs(pieces.first, pieces.size());
}

// -- pieces -------------------------------------------------------------------------------------

void tensor_split(AtenCall& call) {
  const Tensor x = call.tensor(0);
  // hsplit works along the second axis (of a vector the first), vsplit the first, dsplit the third.
  std::int64_t axis = call.integer("dim", 0);
  if (call.name() == "hsplit" && x.rank() > 1) axis = 1;
  if (call.name() == "dsplit") axis = 2;
  axis = axis_within(call, axis, x.rank());
  const std::int64_t length = x.dim(axis);
  std::vector<std::int64_t> sizes;
  const Argument* sections = call.at(1);
  if (sections != nullptr && sections->kind == Argument::Kind::integer) {
    const std::int64_t count = sections->integer;
    if (count < 1) call.refuse("a split into no pieces");
    call.expect_outputs(count);
    for (std::int64_t i = 0; i < count; ++i)
      sizes.push_back(length / count + (i < length % count ? 1 : 0));
    return output_pieces(call, x, sizes, axis);
  }
  if (!call.has("indices")) call.refuse("a split at places that depend on data");
  const auto places = call.integers("indices");
  call.expect_outputs(static_cast<std::int64_t>(places.size()) + 1);
  std::int64_t start = 0;
  for (const std::int64_t place : places) {
    const std::int64_t end =
        std::clamp<std::int64_t>(place < 0 ? place + length : place, 0, length);
    // A smaller place than the one before would give an empty piece.
    if (end < start) call.refuse("places in descending order");
    sizes.push_back(end - start);
    start = end;
  }
  sizes.push_back(length - start);
  output_pieces(call, x, sizes, axis);
}

void take(AtenCall& call) {
  call.output(zoometer::index(zoometer::reshape(call.tensor(0), {-1}), call.tensor(1)));
}

void rot90(AtenCall& call) {
  const Tensor x = call.tensor(0);
  Ints dims(call.integers("dims"));
  if (dims.empty()) dims = {0, 1};
  if (dims.size() != 2) call.refuse("a rotation of other than two axes");
  switch ((call.integer("k", 1) % 4 + 4) % 4) {
  case 0: return call.output(zoometer::clone(x));
  case 1: return call.output(zoometer::transpose(zoometer::flip(x, {dims[1]}), dims[0], dims[1]));
  case 2: return call.output(zoometer::flip(x, dims));
  default: return call.output(zoometer::flip(zoometer::transpose(x, dims[0], dims[1]), {dims[1]}));
  }
}

void channel_shuffle(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const std::int64_t groups = call.integer("groups");
  if (x.rank() < 3 || x.rank() >= static_cast<std::int64_t>(most_dimensions) || groups < 1 ||
      x.dim(1) % groups != 0)
    call.refuse("groups that do not divide the channels");
  Ints sizes(x.shape());
  sizes[1] = x.dim(1) / groups;
  sizes.insert(1, groups);
  const Tensor grouped = zoometer::reshape(x, sizes);
  call.output(zoometer::reshape(zoometer::transpose(grouped, 1, 2), x.shape()));
}

void trace(AtenCall& call) {
  call.output(zoometer::sum(apply(diagonal_op, DiagonalAttrs{}, call.tensor(0)), {}));
}

// -- joins --------------------------------------------------------------------------------------

void meshgrid(AtenCall& call) {
  std::vector<Tensor> tensors = all_of(call, "tensors");
  if (tensors.size() > most_dimensions) call.refuse("a grid of more than 16 axes");
  const bool swapped = call.text("indexing", "ij") == "xy" && tensors.size() > 1;
  if (swapped) std::swap(tensors[0], tensors[1]);
  Ints sizes;
  for (const Tensor& tensor : tensors) {
    if (tensor.rank() > 1) call.refuse("a grid of other than lists of numbers");
    sizes.push_back(tensor.rank() == 0 ? 1 : tensor.dim(0));
  }
  std::vector<Tensor> grids;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Ints own = Ints::filled(tensors.size(), 1);
    own[i] = sizes[i];
    grids.push_back(zoometer::expand(zoometer::reshape(tensors[i], own), sizes));
  }
  if (swapped) std::swap(grids[0], grids[1]);
  for (const Tensor& grid : grids) call.output(grid);
}

void broadcast_tensors(AtenCall& call) {
  const std::vector<Tensor> tensors = all_of(call, "tensors");
  Shape shape;
  for (const Tensor& tensor : tensors) {
    Shape both;
    if (!broadcast(shape, tensor.shape(), both)) call.refuse("shapes that do not broadcast");
    shape = both;
  }
  for (const Tensor& tensor : tensors) call.output(zoometer::expand(tensor, shape));
}

/// The tensor with new axes of size 1 up to that rank, as atleast_1d, _2d and _3d add them.
Tensor at_least(Tensor x, std::int64_t rank) {
  if (x.rank() >= rank) return x;
  if (x.rank() == 0) return zoometer::reshape(x, Ints::filled(static_cast<std::size_t>(rank), 1));
  if (rank == 2) return zoometer::unsqueeze(x, 0);
  return zoometer::unsqueeze(x.rank() == 1 ? zoometer::unsqueeze(x, 0) : x, -1);
}

void join_at_least(AtenCall& call, std::int64_t rank, std::int64_t axis) {
  std::vector<Tensor> tensors = all_of(call, "tensors");
  for (Tensor& tensor : tensors) tensor = at_least(tensor, rank);
  // Vectors are joined along their only axis.
  const bool vectors = rank == 1 && tensors[0].rank() == 1;
  call.output(zoometer::cat(tensors, vectors ? 0 : axis));
}

void output_at_least(AtenCall& call, std::int64_t rank) {
  if (!call.has("tensors")) return call.output(at_least(call.tensor(0), rank));
  for (const Tensor& tensor : all_of(call, "tensors")) call.output(at_least(tensor, rank));
}

void hstack(AtenCall& call) { join_at_least(call, 1, 1); }

void vstack(AtenCall& call) { join_at_least(call, 2, 0); }

void dstack(AtenCall& call) { join_at_least(call, 3, 2); }

void column_stack(AtenCall& call) {
  std::vector<Tensor> tensors = all_of(call, "tensors");
  for (Tensor& tensor : tensors) {
    if (tensor.rank() < 2) tensor = zoometer::reshape(tensor, {-1, 1});
  }
  call.output(zoometer::cat(tensors, 1));
}

void at_least_1d(AtenCall& call) { output_at_least(call, 1); }

void at_least_2d(AtenCall& call) { output_at_least(call, 2); }

void at_least_3d(AtenCall& call) { output_at_least(call, 3); }

void block_diag(AtenCall& call) {
  std::vector<Tensor> rows = all_of(call, "tensors");
  std::int64_t width = 0;
  for (Tensor& block : rows) {
    block = at_least(block, 2);
    if (block.rank() != 2) call.refuse("blocks of more than two axes");
    width = checked_add(width, block.dim(1));
  }
  std::int64_t before = 0;
  for (Tensor& row : rows) {
    const std::int64_t own = row.dim(1);
    row = zoometer::pad_last(row, {before, width - before - own});
    before += own;
  }
  call.output(zoometer::cat(rows, 0));
}

void pad_sequence(AtenCall& call) {
  std::vector<Tensor> sequences = all_of(call, "sequences");
  std::int64_t longest = 0;
  for (const Tensor& sequence : sequences) {
    if (sequence.rank() < 1) call.refuse("a sequence without a length");
    longest = std::max(longest, sequence.dim(0));
  }
  for (Tensor& sequence : sequences) {
    PadAttrs attrs;
    attrs.before = attrs.after = Ints::filled(sequence.shape().size(), 0);
    const bool at_start = call.text("padding_side", "right") == "left";
    (at_start ? attrs.before : attrs.after)[0] = longest - sequence.dim(0);
    attrs.value = call.number("padding_value", 0);
    if (sequence.dim(0) < longest) sequence = zoometer::pad(sequence, attrs);
  }
  call.output(zoometer::stack(sequences, call.boolean("batch_first", false) ? 0 : 1));
}

// -- diagonals ----------------------------------------------------------------------------------

/// The diagonal that a call asks for; `first` and `second` are the default axes.
DiagonalAttrs diagonal_attrs(AtenCall& call, std::int64_t first, std::int64_t second) {
  return {call.integer("offset", 0), call.integer("dim1", first), call.integer("dim2", second)};
}

/// The memory of a diagonal of that length in a contiguous tensor: its axis comes last.
StridedAttrs memory_of_diagonal(AtenCall& call, const Ints& sizes, const DiagonalAttrs& attrs,
                                std::int64_t length) {
  const auto rank = static_cast<std::int64_t>(sizes.size());
  const std::int64_t first = axis_within(call, attrs.dim0, rank);
  const std::int64_t second = axis_within(call, attrs.dim1, rank);
  if (first == second) call.refuse("a diagonal of one axis");
  StridedAttrs view;
  std::int64_t down = 0, right = 0, stride = 1;
  for (std::int64_t axis = rank; axis-- > 0;) {
    const std::int64_t size = sizes[static_cast<std::size_t>(axis)];
    if (axis == first) down = stride;
    if (axis == second) right = stride;
    if (axis != first && axis != second) {
      view.sizes.insert(0, size);
      view.strides.insert(0, stride);
    }
    if (axis > 0) stride = checked_mul(stride, size);
  }
  view.sizes.push_back(length);
  view.strides.push_back(checked_add(down, right));
  view.offset = attrs.offset < 0 ? checked_mul(checked_mul(attrs.offset, -1), down)
                                 : checked_mul(attrs.offset, right);
  return view;
}

/// A vector, or a batch of them in the last axis, on a diagonal of two new axes.
Tensor on_diagonal(AtenCall& call, Tensor x, const DiagonalAttrs& attrs) {
  const std::int64_t rank = x.rank() + 1;
  if (x.rank() < 1 || rank > static_cast<std::int64_t>(most_dimensions))
    call.refuse("a tensor of a rank other than 1 to 15");
  const std::int64_t first = axis_within(call, attrs.dim0, rank);
  const std::int64_t second = axis_within(call, attrs.dim1, rank);
  constexpr std::int64_t farthest = std::int64_t{1} << 40;
  if (attrs.offset < -farthest || attrs.offset > farthest)
    call.refuse("a diagonal that is too far away");
  const std::int64_t side = checked_add(x.dim(-1), std::abs(attrs.offset));
  Ints sizes(std::span<const std::int64_t>(x.shape()).first(x.shape().size() - 1));
  sizes.insert(static_cast<std::size_t>(std::min(first, second)), side);
  sizes.insert(static_cast<std::size_t>(std::max(first, second)), side);
  const StridedAttrs place = memory_of_diagonal(call, sizes, attrs, x.dim(-1));
  const Tensor empty = zoometer::full(call.graph(), sizes, 0, x.dtype());
  return apply(as_strided_scatter_op, place, empty, x);
}

void diag_embed(AtenCall& call) {
  call.output(on_diagonal(call, call.tensor(0), diagonal_attrs(call, -2, -1)));
}

void diag(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const DiagonalAttrs attrs{call.integer("diagonal", 0), 0, 1};
  if (x.rank() == 1) return call.output(on_diagonal(call, x, attrs));
  call.output(apply(diagonal_op, attrs, x));
}

void diagonal(AtenCall& call) {
  call.output(apply(diagonal_op, diagonal_attrs(call, 0, 1), call.tensor(0)));
}

void linalg_diagonal(AtenCall& call) {
  call.output(apply(diagonal_op, diagonal_attrs(call, -2, -1), call.tensor(0)));
}

/// x with its diagonal, a view of its memory, replaced.
void diagonal_scatter(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const DiagonalAttrs attrs = diagonal_attrs(call, 0, 1);
  const std::int64_t length = apply(diagonal_op, attrs, x).dim(-1);
  const StridedAttrs place = memory_of_diagonal(call, x.shape(), attrs, length);
  call.output(apply(as_strided_scatter_op, place, x, call.tensor(1)));
}

// -- pieces put into place ----------------------------------------------------------------------

void index_fill(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor index = call.tensor("index");
  const std::int64_t axis = axis_within(call, call.integer("dim"), x.rank());
  if (index.rank() > 1) call.refuse("indices of a rank other than 1");
  Ints sizes(x.shape());
  sizes[static_cast<std::size_t>(axis)] = index.rank() == 0 ? 1 : index.dim(0);
  const Tensor value =
      call.has_tensor("value") ? call.tensor("value") : constant(call, call.number("value"));
  const Tensor source = zoometer::expand(value, sizes);
  call.output(apply(index_copy_op, ScatterAttrs{axis, {}}, x, index, source));
}

void index_reduce(AtenCall& call) {
  const std::string_view asked = call.text("reduce", "");
  for (const std::string_view known : {"prod", "mean", "amax", "amin"}) {
    if (asked != known) continue;
    const ScatterAttrs attrs{call.integer("dim"), known};
    return call.output(
        apply(index_copy_op, attrs, call.tensor(0), call.tensor("index"), call.tensor("source")));
  }
  call.refuse("an unknown reduction");
}

void put(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const ScatterAttrs attrs{0, call.boolean("accumulate", false) ? "sum" : ""};
  const Tensor result =
      apply(scatter_op, attrs, flat(x), flat(call.tensor("index")), flat(call.tensor("source")));
  call.output(zoometer::reshape(result, x.shape()));
}

/// The n-th place of the mask gets the n-th element of the source: a running count of the mask
/// indexes the source.
void masked_scatter(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor mask = zoometer::expand(call.tensor("mask"), x.shape());
  const Tensor order = zoometer::cumsum(flat(mask), 0);
  const Tensor chosen = zoometer::index(flat(call.tensor("source")), order);
  call.output(zoometer::where(mask, zoometer::reshape(chosen, x.shape()), x));
}

/// Adds the window of each column at its place in an image, and removes the padding.
void col2im(AtenCall& call) {
  Tensor x = call.tensor(0);
  const auto output = call.integers("output_size");
  const auto kernel = call.integers("kernel_size");
  const auto padding = call.integers("padding");
  if (output.size() != 2 || kernel.size() != 2 || padding.size() != 2)
    call.refuse("an image of other than two axes");
  if (x.rank() != 2 && x.rank() != 3) call.refuse("columns of a rank other than 2 or 3");
  const bool single = x.rank() == 2;
  if (single) x = zoometer::unsqueeze(x, 0);
  const std::int64_t window = checked_mul(kernel[0], kernel[1]);
  if (window < 1 || x.dim(1) % window != 0 || padding[0] < 0 || padding[1] < 0)
    call.refuse("columns without whole windows");
  const std::int64_t channels = x.dim(1) / window;
  const std::int64_t height = checked_add(output[0], checked_mul(2, padding[0]));
  const std::int64_t width = checked_add(output[1], checked_mul(2, padding[1]));
  Graph& graph = call.graph();
  const Tensor pieces = zoometer::reshape(x, {x.dim(0), channels, checked_mul(window, x.dim(2))});
  const Tensor empty =
      zoometer::full(graph, {x.dim(0), channels, checked_mul(height, width)}, 0, x.dtype());
  const Tensor places = zoometer::full(graph, pieces.shape(), 0, DType::int64);
  const Tensor sums = apply(scatter_op, ScatterAttrs{2, "sum"}, empty, places, pieces);
  Tensor image = zoometer::reshape(sums, {x.dim(0), channels, height, width});
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t end = checked_add(padding[i], output[i]);
    if (padding[i] > 0)
      image = zoometer::slice(image, static_cast<std::int64_t>(i) + 2, padding[i], end);
  }
  call.output(single ? zoometer::squeeze(image, 0) : image);
}

/// Puts values back to the places from which a pooling took them.
void max_unpool(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const auto output = call.integers("output_size");
  const auto spatial = static_cast<std::int64_t>(output.size());
  const std::int64_t leading = x.rank() - spatial;
  if (spatial < 2 || spatial > 3 || leading < 1 || leading > 2)
    call.refuse("an output of other than two or three axes");
  Ints planes, sizes;
  for (std::int64_t i = 0; i < leading; ++i) planes.push_back(x.dim(i));
  sizes = planes;
  std::int64_t elements = 1;
  for (const std::int64_t size : output) {
    sizes.push_back(size);
    elements = checked_mul(elements, size);
  }
  planes.push_back(elements);
  const Tensor empty = zoometer::full(call.graph(), planes, 0, x.dtype());
  const Tensor places = zoometer::flatten(call.tensor("indices"), leading, -1);
  const Tensor put = apply(scatter_op, ScatterAttrs{leading, {}}, empty, places,
                           zoometer::flatten(x, leading, -1));
  call.output(zoometer::reshape(put, sizes));
}

/// The largest element of windows at random places: gathers them, and reduces.
void fractional_max_pool(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const auto kernel = call.integers("kernel_size");
  const auto output = call.integers("output_size");
  const auto spatial = static_cast<std::int64_t>(kernel.size());
  const std::int64_t leading = x.rank() - spatial;
  if (spatial < 2 || spatial > 3 || output.size() != kernel.size() || leading < 1 || leading > 2)
    call.refuse("windows of other than two or three axes");
  Ints gathered, sizes;
  std::int64_t places = 1;
  std::int64_t window = 1;
  for (std::int64_t i = 0; i < leading; ++i) gathered.push_back(x.dim(i));
  sizes = gathered;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    sizes.push_back(output[i]);
    places = checked_mul(places, output[i]);
    window = checked_mul(window, kernel[i]);
  }
  sizes.push_back(window);
  gathered.push_back(checked_mul(places, window));
  const Tensor which = zoometer::full(call.graph(), gathered, 0, DType::int64);
  const Tensor elements = zoometer::gather(zoometer::flatten(x, leading, -1), leading, which);
  const Tensor windows = zoometer::reshape(elements, sizes);
  const Tensor result = reduce(amax_op, windows, {-1});
  call.output(result);
  call.further_outputs(result);
}

// -- bags of embeddings -------------------------------------------------------------------------

void embedding_bag(AtenCall& call) {
  const Tensor table = call.tensor("weight");
  const Tensor indices = call.tensor("indices");
  const Tensor offsets = call.tensor("offsets");
  if (table.rank() != 2 || indices.rank() != 1 || offsets.rank() != 1)
    call.refuse("a table of a rank other than 2, or indices of a rank other than 1");
  const std::int64_t bags = offsets.dim(0) - (call.boolean("include_last_offset", false) ? 1 : 0);
  const std::int64_t mode = call.integer("mode", 0);
  if (bags < 0 || mode < 0 || mode > 2) call.refuse("an unknown mode");
  Graph& graph = call.graph();
  // The bag of an index is the number of bags that begin before it.
  const Tensor none = zoometer::full(graph, {indices.dim(0)}, 0, DType::int64);
  const Tensor one = zoometer::full(graph, {1}, 1, DType::int64);
  const Tensor begins = apply(scatter_op, ScatterAttrs{0, "sum"}, none, offsets, one);
  const Tensor bag = zoometer::cumsum(begins, 0) - 1;

  Tensor rows = zoometer::embedding(table, indices);
  if (call.has_tensor("per_sample_weights"))
    rows = rows * zoometer::unsqueeze(call.tensor("per_sample_weights"), 1);
  constexpr std::string_view reductions[] = {"sum", "mean", "amax"};
  const Tensor empty = zoometer::full(graph, {bags, table.dim(1)}, 0, table.dtype());
  const ScatterAttrs attrs{0, mode == 2 ? reductions[2] : reductions[0]};
  Tensor result = apply(index_copy_op, attrs, empty, bag, rows);
  Tensor counts{&graph, no_id};
  if (mode == 1 || call.uses(2)) {
    const Tensor empty_counts = zoometer::full(graph, {bags}, 0, DType::int64);
    counts = apply(scatter_op, ScatterAttrs{0, "sum"}, empty_counts, bag, one);
  }
  if (mode == 1) {
    const Tensor divisors = zoometer::to(counts, table.dtype());
    result = result / zoometer::unsqueeze(divisors, 1);
  }
  call.output(result);
  call.output(bag);
  call.output(counts);
  // Besides indices, offsets and weights of samples: each index's bag, each bag's size and largest.
  const std::int64_t numbers = checked_add(indices.dim(0), checked_mul(2, bags));
  constexpr OperandSet sample_weights{1U << 6};
  call.keeps(declaring::second | declaring::third | sample_weights,
             bytes_of(numbers, DType::int64));
}

// -- constants ----------------------------------------------------------------------------------

void eye(AtenCall& call) {
  const std::int64_t rows = call.integer("n");
  const std::int64_t columns = call.integer("m", rows);
  if (rows < 0 || columns < 0) call.refuse("a matrix of negative sizes");
  call.output(zoometer::identity_matrix(call.graph(), {rows, columns}, 0,
                                        call.dtype("dtype").value_or(DType::float32)));
}

/// How many elements of a matrix lie on or below a diagonal.
std::int64_t below_diagonal(std::int64_t rows, std::int64_t columns, std::int64_t diagonal) {
  // Rows before the first whole one get 1, 2, 3, ... elements.
  const std::int64_t first = std::clamp<std::int64_t>(checked_add(diagonal, 1), 0, columns);
  const std::int64_t empty = std::clamp<std::int64_t>(checked_mul(diagonal, -1), 0, rows);
  const std::int64_t growing = std::min(rows - empty, columns - first + 1);
  if (rows == empty || columns == 0) return 0;
  const std::int64_t start = diagonal < 0 ? 1 : first;
  const std::int64_t steps = diagonal < 0 ? std::min(rows - empty, columns) : growing;
  const std::int64_t triangle =
      checked_mul(steps, checked_add(checked_mul(2, start), steps - 1)) / 2;
  return checked_add(triangle, checked_mul(rows - empty - steps, columns));
}

void output_triangle(AtenCall& call, bool lower) {
  const std::int64_t rows = call.integer("row");
  const std::int64_t columns = call.integer("col");
  const std::int64_t offset = call.integer("offset", 0);
  if (rows < 0 || columns < 0) call.refuse("a matrix of negative sizes");
  const std::int64_t below =
      below_diagonal(rows, columns, lower ? offset : checked_add(offset, -1));
  const std::int64_t count = lower ? below : checked_mul(rows, columns) - below;
  call.output(
      zoometer::full(call.graph(), {2, count}, 0, call.dtype("dtype").value_or(DType::int64)));
}

void tril_indices(AtenCall& call) { output_triangle(call, true); }

void triu_indices(AtenCall& call) { output_triangle(call, false); }

/// An empty tensor that keeps assertions in order.
void token(AtenCall& call) { call.output(zoometer::full(call.graph(), {}, 0, DType::float32)); }

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect index_reduce_no_effect[] = {
    {"include_self", "the old element is read or replaced"},
};

constexpr NoEffect col2im_no_effect[] = {
    {"dilation", "the places of the pieces cost the same"},
    {"stride", "the places of the pieces cost the same"},
};

constexpr NoEffect max_unpool_no_effect[] = {
    {"stride", "the output size is given"},
    {"padding", "the output size is given"},
};

constexpr NoEffect fractional_no_effect[] = {
    {"random_samples", "the places of the windows cost the same"},
};

constexpr NoEffect bag_no_effect[] = {
    {"scale_grad_by_freq", "used by gradients alone"},
    {"sparse", "used by gradients alone"},
    {"padding_idx", "rows that are left out cost the same"},
};

constexpr NoEffect token_no_effect[] = {
    {"self", "of an assertion, which computes nothing"},
    {"assert_msg", "of an assertion, which computes nothing"},
    {"dep_token", "of an assertion, which computes nothing"},
    {"size", "of an assertion, which computes nothing"},
    {"min", "of an assertion, which computes nothing"},
    {"max", "of an assertion, which computes nothing"},
};

constexpr AtenOperator pieces_rows[] = {
    {"dsplit hsplit tensor_split vsplit", tensor_split, same_values},
    {"take", take, same_values, {}, declaring::first | declaring::second},
    {"rot90", rot90, same_values},
    {"channel_shuffle native_channel_shuffle", channel_shuffle, same_values},
    {"trace", trace, same_values},
    {"meshgrid", meshgrid, same_values},
    {"broadcast_tensors", broadcast_tensors, same_values},
    {"hstack", hstack, same_values},
    {"row_stack vstack", vstack, same_values},
    {"dstack", dstack, same_values},
    {"column_stack", column_stack, same_values},
    {"atleast_1d", at_least_1d, same_values},
    {"atleast_2d", at_least_2d, same_values},
    {"atleast_3d", at_least_3d, same_values},
    {"block_diag", block_diag, same_values},
    {"pad_sequence", pad_sequence, same_values},
    {"diag_embed", diag_embed, same_values},
    {"diag", diag, same_values},
    {"diagonal", diagonal, same_values},
    {"linalg_diagonal", linalg_diagonal, same_values},
    {"diagonal_scatter", diagonal_scatter, same_values},
    {"index_fill", index_fill, same_values, {}, declaring::third},
    {"index_reduce", index_reduce, same_values, index_reduce_no_effect},
    {"put", put, same_values},
    {"masked_scatter", masked_scatter, same_cost},
    {"col2im", col2im, same_cost, col2im_no_effect, OperandSet{}},
    {"max_unpool2d max_unpool3d", max_unpool, same_values, max_unpool_no_effect, declaring::second},
    {"fractional_max_pool2d fractional_max_pool3d", fractional_max_pool, same_cost,
     fractional_no_effect, declaring::first | index_of_result},
    {"_embedding_bag _embedding_bag_forward_only embedding_bag", embedding_bag, same_cost,
     bag_no_effect},
    {"eye", eye, same_values},
    {"tril_indices", tril_indices, same_cost},
    {"triu_indices", triu_indices, same_cost},
    {"_functional_assert_async _functional_sym_constrain_range "
     "_functional_sym_constrain_range_for_size _make_dep_token",
     token, same_values, token_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_piece_operators = {aten_names<aten::pieces_rows>};

}  // namespace zoometer
