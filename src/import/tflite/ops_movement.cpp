// Operators that move elements, and those that give sizes.
#include <algorithm>
#include <limits>

#include "import/tflite/call.hpp"
#include "op/indexing.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// As many sizes as a tensor may have.
Shape shape_of(TfliteCall& call, const std::vector<std::int64_t>& sizes) {
  call.require(sizes.size() <= most_dimensions, "at most 16 sizes");
  return Shape(std::span<const std::int64_t>(sizes));
}

std::int64_t rank_of(TfliteCall& call, std::size_t index) {
  const TfliteKnown* known = call.known(index);
  return known != nullptr ? known->shape.rank() : call.in(index).rank();
}

// -- sizes ------------------------------------------------------------------------------------

bool emit_shape(TfliteCall& call) {
  const TfliteKnown* known = call.known(0);
  const Shape shape = known != nullptr ? known->shape : call.in(0).shape();
  return call.out_known({Shape{shape.rank()}, call.output(0).dtype, {shape.begin(), shape.end()}});
}

bool emit_rank(TfliteCall& call) {
  return call.out_known({Shape{}, call.output(0).dtype, {rank_of(call, 0)}});
}

/// The target of a RESHAPE: its operand, its option, or what the file states.
std::vector<std::int64_t> target_of(TfliteCall& call) {
  if (const TfliteKnown* sizes = call.known(1)) return sizes->elements;
  if (call.node().options.has(0)) return call.option_list(0);
  const Shape& declared = call.output(0).shape;
  std::vector<std::int64_t> sizes(declared.begin(), declared.end());
  const auto& unknown = call.output(0).unknown;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if ((unknown >> i & 1U) != 0) sizes[i] = -1;
  if (std::ranges::count(sizes, -1) > 1) return {declared.begin(), declared.end()};
  return sizes;
}

bool emit_reshape(TfliteCall& call) {
  call.option_list(0);
  std::vector<std::int64_t> target = target_of(call);
  const TfliteKnown* known = call.known(0);
  if (known != nullptr && !call.tensor(0).is_constant) {
    Shape shape;
    for (const std::int64_t size : target)
      shape.push_back(size < 0 ? static_cast<std::int64_t>(known->elements.size()) : size);
    if (target.size() <= 1) return call.out_known({shape, known->dtype, known->elements});
  }
  const Tensor x = call.in(0);
  if (grow_with_operand(numel(x.shape()), target))
    call.reader().note("a RESHAPE has fixed sizes: the first one grows with its operand");
  return call.out(reshape(x, shape_of(call, target)));
}

bool emit_squeeze(TfliteCall& call) {
  const std::vector<std::int64_t> dims = call.option_list(0);
  const TfliteKnown* known = call.known(0);
  const Shape from = known != nullptr ? known->shape : call.in(0).shape();
  std::vector<bool> drops(from.size(), dims.empty());
  for (const std::int64_t dim : dims)
    drops[static_cast<std::size_t>(call.axis(dim, from.rank()))] = true;
  Shape sizes;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (!drops[i] || from[i] != 1) sizes.push_back(from[i]);
  if (known != nullptr) return call.out_known({sizes, known->dtype, known->elements});
  return call.out(reshape(call.in(0), sizes));
}

bool emit_expand_dims(TfliteCall& call) {
  const std::optional<std::int64_t> axis = call.integer(1);
  if (!axis) return false;
  const std::int64_t rank = rank_of(call, 0);
  const std::int64_t at = call.axis(*axis, rank + 1);
  if (const TfliteKnown* known = call.known(0)) {
    Shape shape = known->shape;
    shape.insert(static_cast<std::size_t>(at), 1);
    return call.out_known({shape, known->dtype, known->elements});
  }
  return call.out(unsqueeze(call.in(0), at));
}

// -- joining and cutting ----------------------------------------------------------------------

bool emit_concatenation(TfliteCall& call) {
  std::int64_t axis = call.option<std::int32_t>(0);
  std::vector<std::int64_t> all;
  bool is_known = true;
  for (std::size_t i = 0; i < call.input_count() && is_known; ++i) {
    const TfliteKnown* known = call.known(i);
    is_known = known != nullptr && known->shape.rank() == 1;
    if (is_known) all.insert(all.end(), known->elements.begin(), known->elements.end());
  }
  if (is_known)
    return call.out_known(
        {Shape{static_cast<std::int64_t>(all.size())}, call.output(0).dtype, std::move(all)});
  const std::vector<Tensor> operands = call.all_inputs();
  axis = call.axis(axis, operands[0].rank());
  // Pieces before and after a place that a loop's counter says have sizes that are not known.
  const auto fits = [&](const Tensor& each) {
    Shape own = each.shape();
    if (axis < own.rank()) own.set_dim(axis, operands[0].dim(axis));
    return own == operands[0].shape();
  };
  const auto is_guess = [&](const Tensor& each) {
    return call.graph().value(each.id).has(Value::assumed);
  };
  if (!std::ranges::all_of(operands, fits) && std::ranges::any_of(operands, is_guess))
    return call.out_stored();
  return call.out(call.finished(cat(operands, axis), 1, false));
}

/// Scalars that are known, and one at least: sizes. Others among them are sizes that data decides.
std::optional<std::vector<std::int64_t>> packed_sizes(TfliteCall& call) {
  std::vector<std::int64_t> all;
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    if (!call.has(i) || is_floating(call.tensor(i).dtype) || !call.tensor(i).shape.empty())
      return std::nullopt;
    const std::optional<std::int64_t> known = call.integer(i);
    unknown += known ? 0 : 1;
    all.push_back(known.value_or(-1));
  }
  if (unknown == all.size()) return std::nullopt;
  if (unknown > 0) std::ranges::replace(all, -1, call.guess());
  return all;
}

/// Lists of sizes as the rows of a table, such as the padding of a dilated convolution.
bool pack_known_rows(TfliteCall& call) {
  std::vector<std::int64_t> all;
  const TfliteKnown* row = call.input_count() > 0 ? call.known(0) : nullptr;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    const TfliteKnown* known = call.known(i);
    constexpr std::size_t most = 64;
    if (known == nullptr || known->shape.rank() != 1 || !(known->shape == row->shape) ||
        all.size() + known->elements.size() > most)
      return false;
    all.insert(all.end(), known->elements.begin(), known->elements.end());
  }
  if (row == nullptr) return false;
  const auto count = static_cast<std::int64_t>(call.input_count());
  return call.out_known({Shape{count, row->shape[0]}, call.output(0).dtype, std::move(all)});
}

/// The sizes that two lists of sizes broadcast to.
bool emit_broadcast_args(TfliteCall& call) {
  const TfliteKnown* a = call.known(0);
  const TfliteKnown* b = call.known(1);
  if (a == nullptr || b == nullptr) return false;
  const Shape first = shape_of(call, a->elements), second = shape_of(call, b->elements);
  Shape result = first;
  call.require(broadcast(first, second, result), "sizes that broadcast");
  return call.out_known(
      {Shape{result.rank()}, call.output(0).dtype, {result.begin(), result.end()}});
}

bool emit_pack(TfliteCall& call) {
  const std::int64_t axis = call.option<std::int32_t>(1);
  if (axis == 0 && pack_known_rows(call)) return true;
  if (std::optional<std::vector<std::int64_t>> sizes = packed_sizes(call)) {
    return call.out_known(
        {Shape{static_cast<std::int64_t>(sizes->size())}, call.output(0).dtype, *sizes});
  }
  const std::vector<Tensor> operands = call.all_inputs();
  return call.out(stack(operands, call.axis(axis, operands[0].rank() + 1)));
}

bool out_pieces(TfliteCall& call, const Chunks& pieces) {
  call.require(pieces.size() >= call.output_count(), "as many pieces as results");
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out(pieces[i], i);
  return true;
}

bool emit_unpack(TfliteCall& call) {
  const std::int64_t axis = call.option<std::int32_t>(1);
  const Tensor x = call.in(0);
  const std::int64_t at = call.axis(axis, x.rank());
  call.require(x.dim(at) == static_cast<std::int64_t>(call.output_count()),
               "as many results as elements along the axis");
  return out_pieces(call, unbind(x, at));
}

bool emit_split(TfliteCall& call) {
  const std::optional<std::int64_t> axis = call.integer(0);
  if (!axis) return false;
  const Tensor x = call.in(1);
  const std::int64_t at = call.axis(*axis, x.rank());
  const auto count = static_cast<std::int64_t>(call.output_count());
  call.require(count > 0 && x.dim(at) % count == 0, "equal pieces");
  const std::vector<std::int64_t> sizes(call.output_count(), x.dim(at) / count);
  return out_pieces(call, split(x, sizes, at));
}

bool emit_split_v(TfliteCall& call) {
  const TfliteKnown* given = call.known(1);
  const std::optional<std::int64_t> axis = call.integer(2);
  if (given == nullptr || !axis) return false;
  const Tensor x = call.in(0);
  const std::int64_t at = call.axis(*axis, x.rank());
  std::vector<std::int64_t> sizes = given->elements;
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) sum = checked_add(sum, std::max<std::int64_t>(size, 0));
  for (std::int64_t& size : sizes)
    if (size < 0) size = x.dim(at) - sum;
  return out_pieces(call, split(x, sizes, at));
}

bool emit_slice(TfliteCall& call) {
  const TfliteKnown* begin = call.known(1);
  const TfliteKnown* size = call.known(2);
  if (begin == nullptr || size == nullptr) return false;
  if (const TfliteKnown* known = call.known(0); known != nullptr && known->shape.rank() == 1 &&
                                                begin->elements.size() == 1 &&
                                                size->elements.size() == 1) {
    const auto count = static_cast<std::int64_t>(known->elements.size());
    const std::int64_t first = std::clamp<std::int64_t>(begin->elements[0], 0, count);
    const std::int64_t length =
        size->elements[0] < 0 ? count - first : std::min(size->elements[0], count - first);
    return call.out_known(
        {Shape{length},
         known->dtype,
         {known->elements.begin() + first, known->elements.begin() + first + length}});
  }
  Tensor x = call.in(0);
  const std::size_t rank = x.shape().size();
  call.require(begin->elements.size() == rank && size->elements.size() == rank,
               "a begin and a size for each axis");
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t length = x.shape()[i];
    const std::int64_t first = begin->elements[i];
    const std::int64_t count = size->elements[i] < 0 ? length - first : size->elements[i];
    call.require(first >= 0 && count >= 0 && first <= length && count <= length - first,
                 "a part of its operand");
    if (first != 0 || count != length)
      x = slice(x, static_cast<std::int64_t>(i), first, first + count);
  }
  return call.out(x.id == call.in(0).id ? clone(x) : x);
}

/// NumPy's x[begin:end:stride], with bits for each axis that say what is left out.
bool emit_strided_slice(TfliteCall& call) {
  const TfliteKnown* begins = call.known(1);
  const TfliteKnown* ends = call.known(2);
  const TfliteKnown* steps = call.known(3);
  const auto begin_mask = static_cast<std::uint32_t>(call.option<std::int32_t>(0));
  const auto end_mask = static_cast<std::uint32_t>(call.option<std::int32_t>(1));
  const auto ellipsis_mask = static_cast<std::uint32_t>(call.option<std::int32_t>(2));
  const auto new_mask = static_cast<std::uint32_t>(call.option<std::int32_t>(3));
  const auto shrink_mask = static_cast<std::uint32_t>(call.option<std::int32_t>(4));
  if (begins == nullptr || ends == nullptr || steps == nullptr) return false;
  const std::size_t count = begins->elements.size();
  call.require(count == ends->elements.size() && count == steps->elements.size() && count <= 32,
               "as many begins as ends and strides");
  const TfliteKnown* known = call.known(0);
  const Shape from = known != nullptr ? known->shape : call.in(0).shape();
  const auto has = [](std::uint32_t mask, std::size_t i) { return (mask >> i & 1U) != 0; };
  std::size_t named = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (!has(ellipsis_mask, i) && !has(new_mask, i)) ++named;
  call.require(named <= from.size(), "at most as many axes as its operand has");
  Tensor x = known != nullptr ? Tensor{} : call.in(0);
  Shape sizes;
  std::size_t axis = 0;
  bool has_backward = false;
  std::optional<std::vector<std::int64_t>> elements;
  if (known != nullptr && known->shape.rank() == 1) elements = known->elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (has(ellipsis_mask, i)) {
      for (std::size_t rest = from.size() - named; rest > 0; --rest) sizes.push_back(from[axis++]);
      named = from.size();  // a second ellipsis stands for nothing
      continue;
    }
    if (has(new_mask, i)) {
      sizes.push_back(1);
      continue;
    }
    call.require(axis < from.size() && steps->elements[i] != 0, "strides other than 0");
    const std::int64_t length = from[axis];
    const std::int64_t step = steps->elements[i];
    const auto placed = [&](std::int64_t at) {
      if (at < 0) at = at < -length ? -1 : at + length;
      return std::clamp<std::int64_t>(at, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
    };
    const bool is_one = has(shrink_mask, i);
    std::int64_t first =
        has(begin_mask, i) && !is_one ? (step > 0 ? 0 : length - 1) : placed(begins->elements[i]);
    std::int64_t last = has(end_mask, i) ? (step > 0 ? length : -1) : placed(ends->elements[i]);
    if (is_one) {
      call.require(first >= 0 && first < length, "an index of its operand");
      last = first + 1;
    }
    const std::int64_t span = is_one ? 1 : step > 0 ? last - first : first - last;
    const std::int64_t stride = is_one ? 1
                                : step == std::numeric_limits<std::int64_t>::min()
                                    ? std::numeric_limits<std::int64_t>::max()
                                    : std::abs(step);
    const std::int64_t size = span <= 0 ? 0 : (span - 1) / stride + 1;
    if (elements) {
      std::vector<std::int64_t> kept;
      for (std::int64_t k = 0; k < size; ++k)
        kept.push_back((*elements)[static_cast<std::size_t>(first + k * (is_one ? 1 : step))]);
      elements = std::move(kept);
    } else if (known == nullptr && step > 0 && (first != 0 || last != length || stride != 1)) {
      x = slice(x, static_cast<std::int64_t>(axis), first, std::max(first, last), stride);
    }
    has_backward = has_backward || (step < 0 && !is_one);
    if (!is_one) sizes.push_back(size);
    ++axis;
  }
  while (axis < from.size()) sizes.push_back(from[axis++]);
  if (elements) return call.out_known({sizes, known->dtype, std::move(*elements)});
  if (known != nullptr && !has_backward && sizes == from)
    return call.out_known({from, known->dtype, known->elements});
  if (known != nullptr || has_backward) return call.out_moved(sizes);
  if (sizes == x.shape()) return call.out(x.id == call.in(0).id ? clone(x) : x);
  return call.out(reshape(x, sizes));
}

// -- other places -----------------------------------------------------------------------------

bool emit_transpose(TfliteCall& call) {
  const TfliteKnown* order = call.known(1);
  return order != nullptr && call.out(permute(call.in(0), shape_of(call, order->elements)));
}

bool emit_pad(TfliteCall& call) {
  const TfliteKnown* sizes = call.known(1);
  if (sizes == nullptr) return false;
  const Tensor x = call.in(0);
  call.require(sizes->elements.size() == 2 * x.shape().size(), "two sizes for each axis");
  PadAttrs attrs;
  for (std::size_t i = 0; i < x.shape().size(); ++i) {
    attrs.before.push_back(sizes->elements[2 * i]);
    attrs.after.push_back(sizes->elements[2 * i + 1]);
  }
  if (call.name() == "MIRROR_PAD") {
    call.option<std::int8_t>(0);
    attrs.mode = "reflect";
  }
  return call.out(pad(x, attrs));
}

bool emit_tile(TfliteCall& call) {
  const TfliteKnown* times = call.known(1);
  return times != nullptr && call.out(repeat(call.in(0), shape_of(call, times->elements)));
}

bool emit_broadcast_to(TfliteCall& call) {
  const TfliteKnown* sizes = call.known(1);
  if (sizes == nullptr) return false;
  const Tensor x = call.in(0);
  Shape result;
  call.require(broadcast(x.shape(), shape_of(call, sizes->elements), result),
               "sizes that broadcast");
  return call.out(expand(x, result));
}

bool emit_gather(TfliteCall& call) {
  const std::int64_t axis_option = call.option<std::int32_t>(0);
  const std::int64_t batch_dims = call.option<std::int32_t>(1);
  const TfliteKnown* known = call.known(0);
  const TfliteKnown* places = call.known(1);
  if (known != nullptr && places != nullptr && known->shape.rank() == 1) {
    std::vector<std::int64_t> elements;
    for (const std::int64_t place : places->elements) {
      call.require(place >= 0 && place < known->shape[0], "indices of its operand");
      elements.push_back(known->elements[static_cast<std::size_t>(place)]);
    }
    return call.out_known({places->shape, known->dtype, std::move(elements)});
  }
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  const std::int64_t axis = call.axis(axis_option, x.rank());
  if (batch_dims == 0) return call.out(advanced_index(x, std::vector<Tensor>{indices}, {axis}));
  call.require(batch_dims > 0 && batch_dims <= axis && batch_dims <= indices.rank(),
               "as many batches as the indices have");
  Shape sizes;
  for (std::int64_t i = 0; i < axis; ++i) sizes.push_back(x.dim(i));
  for (std::int64_t i = batch_dims; i < indices.rank(); ++i) sizes.push_back(indices.dim(i));
  for (std::int64_t i = axis + 1; i < x.rank(); ++i) sizes.push_back(x.dim(i));
  return call.out_moved(sizes);
}

bool emit_gather_nd(TfliteCall& call) {
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  call.require(indices.rank() >= 1 && indices.dim(-1) <= x.rank(), "an index for each axis");
  Shape sizes;
  for (std::int64_t i = 0; i + 1 < indices.rank(); ++i) sizes.push_back(indices.dim(i));
  for (std::int64_t i = indices.dim(-1); i < x.rank(); ++i) sizes.push_back(x.dim(i));
  return call.out_moved(sizes);
}

bool emit_scatter_nd(TfliteCall& call) {
  const TfliteKnown* sizes = call.known(2);
  if (sizes == nullptr) return false;
  const Tensor operands[] = {call.in(1), call.in(0)};
  return call.out(rearrange(operands, {call.name(), shape_of(call, sizes->elements)}));
}

bool emit_depth_to_space(TfliteCall& call) {
  const std::int64_t block = call.option<std::int32_t>(0);
  const Shape& x = call.in(0).shape();
  const bool grows = call.name() == "DEPTH_TO_SPACE";
  call.require(x.rank() == 4 && block >= 1 && block < 65536, "an image and a block of at least 1");
  if (grows) {
    call.require(x[3] % (block * block) == 0, "channels for each place of a block");
    return call.out_moved(
        {x[0], checked_mul(x[1], block), checked_mul(x[2], block), x[3] / (block * block)});
  }
  call.require(x[1] % block == 0 && x[2] % block == 0, "an image of whole blocks");
  return call.out_moved({x[0], x[1] / block, x[2] / block, checked_mul(x[3], block * block)});
}

bool emit_space_to_batch(TfliteCall& call) {
  const TfliteKnown* block = call.known(1);
  const TfliteKnown* edges = call.known(2);
  if (block == nullptr || edges == nullptr) return false;
  const bool joins = call.name() == "BATCH_TO_SPACE_ND";
  Shape sizes = call.in(0).shape();
  const std::size_t spatial = block->elements.size();
  call.require(sizes.size() > spatial && edges->elements.size() == 2 * spatial,
               "a block and two edges for each spatial axis");
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t step = block->elements[i];
    const std::int64_t edge = checked_add(edges->elements[2 * i], edges->elements[2 * i + 1]);
    call.require(step >= 1 && edge >= 0, "blocks of at least 1");
    if (joins) {
      call.require(sizes[0] % step == 0, "a batch of whole blocks");
      sizes[0] /= step;
      sizes[i + 1] = checked_mul(sizes[i + 1], step) - edge;
    } else {
      const std::int64_t padded = checked_add(sizes[i + 1], edge);
      call.require(padded % step == 0, "an image of whole blocks");
      sizes[0] = checked_mul(sizes[0], step);
      sizes[i + 1] = padded / step;
    }
    call.require(sizes[i + 1] >= 0, "edges within the image");
  }
  return call.out_moved(sizes);
}

bool emit_reverse(TfliteCall& call) {
  const TfliteKnown* axes = call.known(1);
  return axes != nullptr && call.out(flip(call.in(0), shape_of(call, axes->elements)));
}

/// The result is as large as the first operand.
bool emit_same_sizes(TfliteCall& call) { return call.out_moved(call.in(0).shape()); }

bool emit_dilate(TfliteCall& call) {
  const TfliteKnown* factors = call.known(1);
  if (factors == nullptr) return false;
  Shape sizes = call.in(0).shape();
  call.require(factors->elements.size() == sizes.size(), "a factor for each axis");
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    call.require(factors->elements[i] >= 1, "factors of at least 1");
    if (sizes[i] > 0) sizes[i] = checked_add(checked_mul(sizes[i] - 1, factors->elements[i]), 1);
  }
  return call.out_moved(sizes);
}

// -- made and selected ------------------------------------------------------------------------

bool emit_fill(TfliteCall& call) {
  const TfliteKnown* sizes = call.known(0);
  if (sizes == nullptr) return false;
  const Shape shape = shape_of(call, sizes->elements);
  const TfliteKnown* value = call.known(1);
  if (value != nullptr && value->elements.size() == 1 && shape.rank() <= 1 && numel(shape) <= 64) {
    const std::vector<std::int64_t> elements(static_cast<std::size_t>(numel(shape)),
                                             value->elements[0]);
    return call.out_known({shape, call.output(0).dtype, elements});
  }
  return call.out(full(call.graph(), shape, 0, call.output(0).dtype));
}

bool emit_zeros_like(TfliteCall& call) {
  return call.out(full_like(call.in(0), 0, call.output(0).dtype));
}

bool emit_range(TfliteCall& call) {
  const std::optional<std::int64_t> start = call.integer(0);
  const std::optional<std::int64_t> limit = call.integer(1);
  const std::optional<std::int64_t> step = call.integer(2);
  if (!start || !limit || !step || *step == 0) return false;
  return call.out(arange(call.graph(), static_cast<double>(*start), static_cast<double>(*limit),
                         static_cast<double>(*step), call.output(0).dtype));
}

bool emit_one_hot(TfliteCall& call) {
  const std::int64_t axis = call.option<std::int32_t>(0);
  const std::optional<std::int64_t> depth = call.integer(1);
  if (!depth) return false;
  Shape sizes = call.in(0).shape();
  sizes.insert(static_cast<std::size_t>(call.axis(axis, sizes.rank() + 1)), *depth);
  return call.out_moved(sizes);
}

bool emit_topk(TfliteCall& call) {
  const Tensor x = call.in(0);
  call.require(x.rank() >= 1, "an operand of rank 1 or more");
  const std::optional<std::int64_t> k = call.integer(1);
  const Selection found = topk(x, k.value_or(x.dim(-1)));
  call.out(found.values);
  call.out(found.indices, 1);
  if (k) return true;
  call.graph().mark_bounded(found.values.id);
  call.graph().mark_bounded(found.indices.id);
  call.reader().note("TOPK_V2 takes as many elements as data says: at most all of them");
  return true;
}

bool emit_random(TfliteCall& call) {
  const TfliteKnown* sizes = call.known(0);
  if (sizes == nullptr) return false;
  const RandomAttrs attrs{shape_of(call, sizes->elements), call.output(0).dtype,
                          call.name() == "RANDOM_UNIFORM" ? "uniform" : "normal"};
  return call.out(apply_constant(call.graph(), random_op, attrs));
}

bool emit_matrix_diag(TfliteCall& call) {
  Shape sizes = call.in(0).shape();
  call.require(!sizes.empty() && sizes.size() < most_dimensions, "an operand of rank 1 to 15");
  sizes.push_back(sizes.back());
  return call.out_moved(sizes);
}

/// As many samples of each row as an operand says.
bool emit_multinomial(TfliteCall& call) {
  const std::optional<std::int64_t> count = call.integer(1);
  const Tensor x = call.in(0);
  call.require(x.rank() == 2, "an operand of rank 2");
  return count && call.out_moved({x.dim(0), *count});
}

/// The positions of what holds: at most all elements.
bool emit_where(TfliteCall& call) {
  const Tensor x = call.in(0);
  return call.out_moved({numel(x.shape()), x.rank()}, 0, true);
}

bool emit_unique(TfliteCall& call) {
  const Tensor x = call.in(0);
  const Selection sorted = sort(x);
  call.graph().mark_bounded(sorted.values.id);
  call.out(sorted.values);
  return call.out(sorted.indices, 1);
}

constexpr TfliteOperator movement_rows[] = {
    {2, tflite_moved<emit_concatenation>, "axis activation"},
    {5, tflite_moved<emit_depth_to_space>, "block_size"},
    {22, tflite_moved<emit_reshape>, "new_shape"},
    {26, tflite_moved<emit_depth_to_space>, "block_size"},
    {34, tflite_moved<emit_pad>},
    {36, tflite_moved<emit_gather>, "axis batch_dims"},
    {37, tflite_moved<emit_space_to_batch>},
    {38, tflite_moved<emit_space_to_batch>},
    {39, tflite_moved<emit_transpose>},
    {43, tflite_moved<emit_squeeze>, "squeeze_dims"},
    {45, tflite_moved<emit_strided_slice>,
     "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask -offset"},
    {48, tflite_moved<emit_topk>},
    {49, tflite_moved<emit_split>, "-num_splits"},
    {60, tflite_moved<emit_pad>},
    {65, tflite_moved<emit_slice>},
    {69, tflite_moved<emit_tile>},
    {70, tflite_moved<emit_expand_dims>},
    {77, tflite_moved<emit_shape>, "-out_type"},
    {83, tflite_moved<emit_pack>, "-values_count axis"},
    {85, tflite_moved<emit_one_hot>, "axis"},
    {88, tflite_moved<emit_unpack>, "-num axis"},
    {93, tflite_moved<emit_zeros_like>},
    {94, tflite_moved<emit_fill>},
    {96, tflite_moved<emit_range>},
    {100, tflite_moved<emit_pad>, "mode"},
    {102, tflite_moved<emit_split_v>, "-num_splits"},
    {103, tflite_moved<emit_unique>, "-idx_out_type"},
    {105, tflite_moved<emit_reverse>},
    {107, tflite_moved<emit_gather_nd>},
    {109, tflite_moved<emit_where>},
    {110, tflite_moved<emit_rank>},
    {112, tflite_moved<emit_same_sizes>, "-seq_dim -batch_dim"},
    {113, tflite_moved<emit_matrix_diag>},
    {115, tflite_moved<emit_same_sizes>},
    {145, tflite_moved<emit_broadcast_args>},
    {122, tflite_moved<emit_scatter_nd>},
    {124, tflite_moved<emit_same_sizes>},
    {130, tflite_moved<emit_broadcast_to>},
    {133, tflite_moved<emit_same_sizes>},
    {134, tflite_moved<emit_same_sizes>},
    {146, tflite_moved<emit_random>, "-seed -seed2"},
    {148, tflite_moved<emit_random>, "-seed -seed2"},
    {149, tflite_moved<emit_multinomial>, "-seed -seed2"},
    {151, tflite_moved<emit_same_sizes>},
    {203, tflite_moved<emit_dilate>},
};

}  // namespace

extern constinit const TfliteOperators tflite_movement_operators = {movement_rows};

}  // namespace zoometer
