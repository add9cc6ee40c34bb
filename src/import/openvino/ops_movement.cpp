// Layers that move elements, and those that give sizes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "import/openvino/call.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// As many sizes as a tensor may have.
Shape shape_of(OpenvinoCall& call, const std::vector<std::int64_t>& sizes) {
  call.require(sizes.size() <= most_dimensions, "at most 16 sizes");
  return Shape(std::span<const std::int64_t>(sizes));
}

/// A value that was computed of sizes and has one axis at most; constants, and real numbers that
/// are computed of them, are none.
const OpenvinoKnown* computed_list(OpenvinoCall& call, std::size_t index) {
  const OpenvinoKnown* known = call.value(index).known;
  const bool is_list = known != nullptr && known->shape.rank() <= 1 &&
                       call.source(index).type != "Const" &&
                       !(is_floating(known->dtype) && call.is_constant(index));
  return is_list ? call.known(index) : nullptr;
}

// -- sizes ------------------------------------------------------------------------------------

bool emit_shape_of(OpenvinoCall& call) {
  const Shape shape = call.shape(0);
  call.take_sizes_of(0);
  return call.out_known({Shape{shape.rank()}, DType::int64, {shape.begin(), shape.end()}});
}

bool emit_reshape(OpenvinoCall& call) {
  const bool keeps_zeros = call.flag("special_zero", false);
  std::optional<std::vector<std::int64_t>> target = call.integers(1);
  if (!target || !call.reader().has_data()) {
    const std::optional<Shape> sizes = call.stated();
    if (sizes) target.emplace(sizes->begin(), sizes->end());
  }
  if (!target) {
    // One size alone follows from the number of elements.
    if (call.reader().has_data() || std::popcount(call.output().unknown) != 1) return false;
    const Shape& sizes = call.output().shape;
    target.emplace(sizes.begin(), sizes.end());
    (*target)[static_cast<std::size_t>(std::countr_zero(call.output().unknown))] = -1;
  }
  if (const OpenvinoKnown* known = computed_list(call, 0);
      known != nullptr && target->size() <= 1) {
    Shape shape;
    for (std::size_t i = 0; i < target->size(); ++i)
      shape.push_back(static_cast<std::int64_t>(known->elements.size()));
    return call.out_known({shape, known->dtype, known->elements});
  }
  const Tensor x = call.in(0);
  for (std::size_t i = 0; keeps_zeros && i < target->size(); ++i)
    if ((*target)[i] == 0 && i < x.shape().size()) (*target)[i] = x.shape()[i];
  if (grow_with_operand(numel(x.shape()), *target))
    call.reader().note("a Reshape has fixed sizes: the first one grows with its operand");
  return call.out(reshape(x, shape_of(call, *target)));
}

bool emit_squeeze(OpenvinoCall& call) {
  call.flag("allow_axis_skip", false);
  const Shape from = call.shape(0);
  std::vector<bool> drops(from.size(), !call.has(1));
  if (call.has(1)) {
    const std::optional<Ints> axes = call.axes(1, from.rank());
    if (!axes) {
      const std::optional<Shape> sizes = call.stated();
      return sizes && call.out(reshape(call.in(0), *sizes));
    }
    for (const std::int64_t axis : *axes) drops[static_cast<std::size_t>(axis)] = true;
    if (axes->empty()) drops.assign(from.size(), true);
  }
  Shape sizes;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (!drops[i] || from[i] != 1) sizes.push_back(from[i]);
  if (const OpenvinoKnown* known = computed_list(call, 0))
    return call.out_known({sizes, known->dtype, known->elements});
  return call.out(reshape(call.in(0), sizes));
}

bool emit_unsqueeze(OpenvinoCall& call) {
  const Shape from = call.shape(0);
  const auto listed = call.integers(1);
  if (!listed) {
    const std::optional<Shape> sizes = call.stated();
    return sizes && call.out(reshape(call.in(0), *sizes));
  }
  call.require(from.size() + listed->size() <= most_dimensions, "at most 16 sizes");
  const std::int64_t rank = from.rank() + static_cast<std::int64_t>(listed->size());
  std::vector<std::int64_t> axes;
  for (const std::int64_t each : *listed) axes.push_back(call.axis(each, rank));
  std::ranges::sort(axes);
  Shape sizes = from;
  for (const std::int64_t axis : axes) {
    call.require(axis <= sizes.rank(), "each axis once");
    sizes.insert(static_cast<std::size_t>(axis), 1);
  }
  if (const OpenvinoKnown* known = computed_list(call, 0))
    return call.out_known({sizes, known->dtype, known->elements});
  return call.out(reshape(call.in(0), sizes));
}

bool emit_range(OpenvinoCall& call) {
  const OpenvinoKnown* bounds[] = {call.known(0), call.known(1), call.known(2)};
  for (const OpenvinoKnown* bound : bounds)
    if (bound == nullptr || bound->elements.size() != 1) return false;
  const double first = bounds[0]->elements[0], last = bounds[1]->elements[0],
               step = bounds[2]->elements[0];
  constexpr double most = 64, far = 0x1p53;
  const double count = std::ceil((last - first) / step);
  call.require(step != 0 && std::abs(first) <= far && std::abs(last) <= far &&
                   std::abs(count) <= far,
               "a step other than 0 and bounds of at most 2^53");
  if (count >= 0 && count <= most) {
    OpenvinoKnown known{Shape{static_cast<std::int64_t>(count)}, DType::int64, {}};
    for (double i = 0; i < count; ++i) known.elements.push_back(first + i * step);
    return call.out_known(std::move(known));
  }
  return call.out(arange(call.graph(), first, last, step, call.output().dtype));
}

// -- joining and cutting ----------------------------------------------------------------------

/// Lists of sizes, of which one at least is known; a size that data decides is a guess.
bool fold_concat(OpenvinoCall& call) {
  std::vector<double> all;
  std::size_t known_count = 0;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    if (is_floating(call.dtype(i)) || call.shape(i).rank() != 1) return false;
    const OpenvinoKnown* known = call.known(i);
    known_count += known != nullptr && call.source(i).type != "Const" ? 1 : 0;
    if (known == nullptr && call.shape(i) != Shape{1}) return false;
  }
  bool is_all = true;
  for (std::size_t i = 0; i < call.input_count(); ++i) is_all = is_all && call.known(i) != nullptr;
  if (known_count == 0 && !is_all) return false;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    const OpenvinoKnown* known = call.known(i);
    if (known == nullptr) {
      all.push_back(call.guess());
    } else {
      all.insert(all.end(), known->elements.begin(), known->elements.end());
    }
  }
  return call.out_known(
      {Shape{static_cast<std::int64_t>(all.size())}, DType::int64, std::move(all)});
}

bool emit_concat(OpenvinoCall& call) {
  const std::int64_t axis = call.option("axis", 0);
  if (fold_concat(call)) return true;
  const std::vector<Tensor> operands = call.all_inputs();
  return call.out(cat(operands, call.axis(axis, operands[0].rank())));
}

bool out_pieces(OpenvinoCall& call, const Chunks& pieces) {
  call.require(pieces.size() >= call.output_count(), "as many pieces as results");
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out(pieces[i], i);
  return true;
}

/// A list of sizes in pieces.
bool fold_pieces(OpenvinoCall& call, const std::vector<std::int64_t>& sizes) {
  const OpenvinoKnown* known = computed_list(call, 0);
  if (known == nullptr || known->shape.rank() != 1) return false;
  std::size_t at = 0;
  for (std::size_t i = 0; i < std::min(sizes.size(), call.output_count()); ++i) {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(sizes[i], 0));
    call.require(size <= known->elements.size() - at, "pieces of its operand");
    const auto first = known->elements.begin() + static_cast<std::ptrdiff_t>(at);
    call.out_known(
        {Shape{sizes[i]}, known->dtype, {first, first + static_cast<std::ptrdiff_t>(size)}}, i);
    at += size;
  }
  return true;
}

bool emit_split(OpenvinoCall& call) {
  call.option("num_splits", 1);
  const std::optional<std::int64_t> axis = call.integer(1);
  if (!axis) return false;
  const Shape from = call.shape(0);
  const std::int64_t at = call.axis(*axis, from.rank());
  const auto count = static_cast<std::int64_t>(call.output_count());
  call.require(count > 0 && from.dim(at) % count == 0, "equal pieces");
  const std::vector<std::int64_t> sizes(call.output_count(), from.dim(at) / count);
  return fold_pieces(call, sizes) || out_pieces(call, split(call.in(0), sizes, at));
}

bool emit_variadic_split(OpenvinoCall& call) {
  const std::optional<std::int64_t> axis = call.integer(1);
  auto sizes = call.integers(2);
  if (!axis || !sizes) return false;
  const Shape from = call.shape(0);
  const std::int64_t at = call.axis(*axis, from.rank());
  std::int64_t sum = 0;
  for (const std::int64_t size : *sizes) sum = checked_add(sum, std::max<std::int64_t>(size, 0));
  for (std::int64_t& size : *sizes)
    if (size < 0) size = from.dim(at) - sum;
  call.require(sum <= from.dim(at), "pieces of its operand");
  return fold_pieces(call, *sizes) || out_pieces(call, split(call.in(0), *sizes, at));
}

/// One axis of a slice: `count` elements from `first` on, each `step` after the one before.
struct Cut {
  std::int64_t first = 0, count = 0, step = 1;
};

/// NumPy's begin:end:step along an axis of that length.
Cut cut_of(std::int64_t length, std::int64_t begin, std::int64_t end, std::int64_t step) {
  const auto placed = [&](std::int64_t at) {
    if (at < 0) at = at < -length ? -1 : at + length;
    return std::clamp<std::int64_t>(at, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
  };
  const std::int64_t first = placed(begin), last = placed(end);
  const std::int64_t span = step > 0 ? last - first : first - last;
  const std::int64_t stride = step == std::numeric_limits<std::int64_t>::min()
                                  ? std::numeric_limits<std::int64_t>::max()
                                  : std::abs(step);
  return {first, span <= 0 ? 0 : (span - 1) / stride + 1, step};
}

/// The parts of each axis; `sizes` are those of the result, which may have more or fewer axes.
bool out_cut(OpenvinoCall& call, const std::vector<Cut>& cuts, const Shape& sizes) {
  if (const OpenvinoKnown* known = computed_list(call, 0);
      known != nullptr && known->shape.rank() == 1 && cuts.size() == 1) {
    std::vector<double> kept;
    for (std::int64_t k = 0; k < cuts[0].count; ++k)
      kept.push_back(known->elements[static_cast<std::size_t>(cuts[0].first + k * cuts[0].step)]);
    return call.out_known({sizes, known->dtype, std::move(kept)});
  }
  Tensor x = call.in(0);
  const Shape from = x.shape();
  const bool goes_back = std::ranges::any_of(cuts, [](const Cut& cut) { return cut.step < 0; });
  if (goes_back) return call.out_moved(sizes);
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    if (cuts[i].count == from[i]) continue;
    const std::int64_t span =
        cuts[i].count == 0 ? 0 : checked_add(checked_mul(cuts[i].count - 1, cuts[i].step), 1);
    x = slice(x, static_cast<std::int64_t>(i), cuts[i].first, cuts[i].first + span, cuts[i].step);
  }
  return call.out(sizes == x.shape() ? x : reshape(x, sizes));
}

/// Whether a mask, one number for each item, has an item.
bool is_set(const Ints& mask, std::size_t i) { return i < mask.size() && mask[i] != 0; }

bool emit_strided_slice(OpenvinoCall& call) {
  const Ints begin_mask = call.list("begin_mask"), end_mask = call.list("end_mask"),
             new_mask = call.list("new_axis_mask"), shrink_mask = call.list("shrink_axis_mask"),
             ellipsis_mask = call.list("ellipsis_mask");
  const auto begins = call.integers(1), ends = call.integers(2);
  const auto steps = call.has(3) ? call.integers(3) : std::vector<std::int64_t>{};
  if (!begins || !ends || !steps) return false;
  const std::size_t count = begins->size();
  call.require(count == ends->size() && (!call.has(3) || count == steps->size()) &&
                   count <= most_dimensions,
               "as many begins as ends and strides");
  const Shape from = call.shape(0);
  std::size_t named = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (!is_set(ellipsis_mask, i) && !is_set(new_mask, i)) ++named;
  call.require(named <= from.size(), "at most as many axes as its operand has");
  std::vector<Cut> cuts;
  Shape sizes;
  const auto keep = [&] {
    sizes.push_back(from[cuts.size()]);
    cuts.push_back({0, from[cuts.size()], 1});
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (is_set(ellipsis_mask, i)) {
      for (std::size_t rest = from.size() - named; rest > 0; --rest) keep();
      named = from.size();  // a second one stands for nothing
      continue;
    }
    if (is_set(new_mask, i)) {
      sizes.push_back(1);
      continue;
    }
    call.require(cuts.size() < from.size(), "at most as many axes as its operand has");
    const std::int64_t length = from[cuts.size()];
    const std::int64_t step = steps->empty() ? 1 : (*steps)[i];
    call.require(step != 0, "strides other than 0");
    if (is_set(shrink_mask, i)) {
      const std::int64_t at = (*begins)[i];
      call.require(at >= -length && at < length, "an index of its operand");
      cuts.push_back({at < 0 ? at + length : at, 1, 1});
      continue;
    }
    constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();
    const std::int64_t begin = is_set(begin_mask, i) ? (step > 0 ? 0 : far) : (*begins)[i];
    const std::int64_t end = is_set(end_mask, i) ? (step > 0 ? far : -far) : (*ends)[i];
    cuts.push_back(cut_of(length, begin, end, step));
    sizes.push_back(cuts.back().count);
  }
  while (cuts.size() < from.size()) keep();
  return out_cut(call, cuts, sizes);
}

bool emit_slice(OpenvinoCall& call) {
  const auto begins = call.integers(1), ends = call.integers(2), steps = call.integers(3);
  if (!begins || !ends || !steps) return false;
  const Shape from = call.shape(0);
  call.require(begins->size() == ends->size() && begins->size() == steps->size(),
               "as many starts as stops and steps");
  std::vector<std::int64_t> axes;
  if (call.has(4)) {
    const auto listed = call.integers(4);
    if (!listed) return false;
    axes = *listed;
  } else {
    for (std::size_t i = 0; i < begins->size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  call.require(axes.size() == begins->size(), "an axis for each start");
  std::vector<Cut> cuts;
  for (const std::int64_t length : from) cuts.push_back({0, length, 1});
  Shape sizes = from;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto at = static_cast<std::size_t>(call.axis(axes[i], from.rank()));
    call.require((*steps)[i] != 0, "steps other than 0");
    cuts[at] = cut_of(from[at], (*begins)[i], (*ends)[i], (*steps)[i]);
    sizes[at] = cuts[at].count;
  }
  return out_cut(call, cuts, sizes);
}

// -- other places -----------------------------------------------------------------------------

/// The axes of the operand in the stated sizes of the result, where their order is not there. Equal
/// sizes keep their order.
std::optional<Ints> order_between(OpenvinoCall& call, const Shape& from) {
  const std::optional<Shape> sizes = call.stated();
  if (!sizes || sizes->size() != from.size()) return std::nullopt;
  const OpenvinoPort& declared = call.source(0).outputs[call.layer().sources[0].port];
  Ints dims;
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    for (std::size_t k = 0; k < from.size(); ++k) {
      const bool is_alike = from[k] == (*sizes)[i] &&
                            (declared.unknown >> k & 1U) == (call.output().unknown >> i & 1U);
      if (!is_alike || std::ranges::count(dims, static_cast<std::int64_t>(k)) > 0) continue;
      dims.push_back(static_cast<std::int64_t>(k));
      break;
    }
  }
  return dims.size() == from.size() ? std::optional(dims) : std::nullopt;
}

bool emit_transpose(OpenvinoCall& call) {
  const auto order = call.integers(1);
  const Tensor x = call.in(0);
  if (!order) {
    const std::optional<Ints> dims = order_between(call, x.shape());
    return dims && call.out(permute(x, *dims));
  }
  Ints dims = shape_of(call, *order);
  for (std::int64_t i = x.rank(); dims.empty() && i > 0;) dims.push_back(--i);
  return call.out(permute(x, dims));
}

bool emit_pad(OpenvinoCall& call) {
  const std::string_view mode = call.text("pad_mode", "constant");
  const auto begins = call.integers(1), ends = call.integers(2);
  if (!begins || !ends) return false;
  const Tensor x = call.in(0);
  PadAttrs attrs;
  attrs.before = shape_of(call, *begins);
  attrs.after = shape_of(call, *ends);
  call.require(attrs.before.size() == x.shape().size() && attrs.after.size() == x.shape().size(),
               "two sizes for each axis");
  if (mode == "reflect" || mode == "symmetric") attrs.mode = "reflect";
  if (mode == "edge") attrs.mode = "replicate";
  return call.out(pad(x, attrs));
}

bool emit_tile(OpenvinoCall& call) {
  const auto times = call.integers(1);
  if (!times) return false;
  Tensor x = call.in(0);
  std::vector<std::int64_t> all = *times;
  while (all.size() < x.shape().size()) all.insert(all.begin(), 1);
  return call.out(repeat(x, shape_of(call, all)));
}

/// Of the modes, `explicit` names the axis of the result that each of the operand's has.
bool emit_broadcast(OpenvinoCall& call) {
  const std::string_view mode = call.text("mode", "numpy");
  const auto given = call.integers(1);
  if (!given) return false;
  const Shape wanted = shape_of(call, *given);
  constexpr std::int64_t most_filled = 64;
  if (const OpenvinoKnown* known = call.known(0);
      known != nullptr && known->elements.size() == 1 && !is_floating(known->dtype) &&
      wanted.rank() <= 1 && numel(wanted) <= most_filled) {
    const std::vector<double> elements(static_cast<std::size_t>(numel(wanted)), known->elements[0]);
    return call.out_known({wanted, known->dtype, elements});
  }
  Tensor x = call.in(0);
  if (mode == "explicit" && call.has(2)) {
    const std::optional<Ints> axes = call.axes(2, wanted.rank());
    if (!axes) return false;
    call.require(axes->size() == x.shape().size(), "an axis for each of its operand's");
    Ints sizes = Ints::filled(wanted.size(), 1);
    for (std::size_t i = 0; i < axes->size(); ++i)
      sizes[static_cast<std::size_t>((*axes)[i])] = x.shape()[i];
    x = reshape(x, sizes);
  }
  Shape result = wanted;
  call.require(broadcast(x.shape(), wanted, result), "sizes that broadcast");
  return call.out(expand(x, result));
}

/// The axis whose size gives way to those of the indices in the stated result, where it is not
/// there.
std::optional<std::int64_t> gathered_axis(OpenvinoCall& call) {
  if (computed_list(call, 0) != nullptr) return std::nullopt;
  const Shape from = call.shape(0), indices = call.shape(1);
  for (const std::size_t source : {1, 0}) {
    const std::optional<Shape> sizes = call.stated(source);
    for (std::int64_t axis = 0; sizes && axis < from.rank(); ++axis) {
      Shape own;
      for (std::int64_t i = 0; i < axis; ++i) own.push_back(from.dim(i));
      for (const std::int64_t size : indices) own.push_back(size);
      for (std::int64_t i = axis + 1; i < from.rank(); ++i) own.push_back(from.dim(i));
      if (own == *sizes) return axis;
    }
  }
  return std::nullopt;
}

bool emit_gather(OpenvinoCall& call) {
  const std::int64_t batch_option = call.option("batch_dims", 0);
  std::optional<std::int64_t> axis_given = call.integer(2);
  if (!axis_given) axis_given = gathered_axis(call);
  if (!axis_given) return false;
  const OpenvinoKnown* known = computed_list(call, 0);
  const auto places = call.integers(1);
  if (known != nullptr && places && known->shape.rank() == 1) {
    std::vector<double> elements;
    const std::int64_t length = known->shape[0];
    for (const std::int64_t place : *places) {
      call.require(place >= -length && place < length, "indices of its operand");
      elements.push_back(
          known->elements[static_cast<std::size_t>(place < 0 ? place + length : place)]);
    }
    return call.out_known({call.shape(1), known->dtype, std::move(elements)});
  }
  const Tensor x = call.in(0);
  const std::int64_t axis = call.axis(*axis_given, x.rank());
  if (batch_option == 0) {
    if (places && places->size() == 1 && call.shape(1).rank() == 0)
      return call.out(select(x, axis, (*places)[0]));
    const Tensor indices = call.in(1);
    if (axis == 0 && x.rank() == 2) return call.out(embedding(x, indices));
    if (axis == 0) return call.out(index(x, indices));
    if (indices.rank() == 1) return call.out(index_select(x, axis, indices));
    return call.out(advanced_index(x, std::vector<Tensor>{indices}, {axis}));
  }
  const Tensor indices = call.in(1);
  const std::int64_t batch = call.axis(batch_option, indices.rank() + 1);
  call.require(batch <= axis && batch <= indices.rank(), "as many batches as the indices have");
  Shape sizes;
  for (std::int64_t i = 0; i < axis; ++i) sizes.push_back(x.dim(i));
  for (std::int64_t i = batch; i < indices.rank(); ++i) sizes.push_back(indices.dim(i));
  for (std::int64_t i = axis + 1; i < x.rank(); ++i) sizes.push_back(x.dim(i));
  return call.out_moved(sizes);
}

bool emit_gather_elements(OpenvinoCall& call) {
  const std::int64_t axis = call.option("axis", 0);
  const Tensor x = call.in(0);
  return call.out(gather(x, axis, call.in(1)));
}

bool emit_gather_nd(OpenvinoCall& call) {
  const std::int64_t batch = call.option("batch_dims", 0);
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  call.require(batch >= 0 && batch < indices.rank() && indices.dim(-1) <= x.rank() - batch,
               "an index for each axis");
  Shape sizes;
  for (std::int64_t i = 0; i + 1 < indices.rank(); ++i) sizes.push_back(indices.dim(i));
  for (std::int64_t i = batch + indices.dim(-1); i < x.rank(); ++i) sizes.push_back(x.dim(i));
  return call.out_moved(sizes);
}

bool emit_scatter_elements(OpenvinoCall& call) {
  const std::string_view reduction = call.text("reduction", "none");
  const std::optional<std::int64_t> axis = call.integer(3);
  if (!axis) return false;
  const std::string_view name = reduction == "sum"    ? "sum"
                                : reduction == "prod" ? "prod"
                                : reduction == "mean" ? "mean"
                                : reduction == "max"  ? "amax"
                                : reduction == "min"  ? "amin"
                                                      : "";
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  const ScatterAttrs attrs{call.axis(*axis, x.rank()), name};
  return call.out(apply(scatter_op, attrs, x, indices, call.in(2)));
}

bool emit_scatter(OpenvinoCall& call) {
  const std::optional<std::int64_t> axis = call.integer(3);
  if (!axis) return false;
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  const IndexPutAttrs attrs{{call.axis(*axis, x.rank())}, false};
  return call.out(index_put(x, call.in(2), std::vector<Tensor>{indices}, attrs));
}

bool emit_scatter_nd(OpenvinoCall& call) {
  const bool adds = call.text("reduction", "none") != "none";
  const Tensor x = call.in(0);
  const Tensor indices = call.in(1);
  call.require(indices.rank() >= 1 && indices.dim(-1) >= 1 && indices.dim(-1) <= x.rank(),
               "an index for each axis");
  std::vector<Tensor> columns;
  Ints dims;
  for (std::int64_t i = 0; i < indices.dim(-1); ++i) {
    columns.push_back(select(indices, -1, i));
    dims.push_back(i);
  }
  return call.out(index_put(x, call.in(2), columns, {dims, adds}));
}

/// The result is as large as the first operand.
bool emit_same_sizes(OpenvinoCall& call) { return call.out_moved(call.in(0).shape()); }

/// Channels become places of a block of each spatial axis, or the other way.
bool emit_depth_to_space(OpenvinoCall& call) {
  const std::int64_t block = call.option("block_size", 1);
  const bool grows = call.type() == "DepthToSpace";
  Shape sizes = call.in(0).shape();
  call.require(sizes.rank() >= 3 && block >= 1 && block < 65536, "an image and a block");
  std::int64_t places = 1;
  for (std::size_t i = 2; i < sizes.size(); ++i) {
    places = checked_mul(places, block);
    call.require(grows || sizes[i] % block == 0, "an image of whole blocks");
    sizes[i] = grows ? checked_mul(sizes[i], block) : sizes[i] / block;
  }
  call.require(!grows || sizes[1] % places == 0, "channels for each place of a block");
  sizes[1] = grows ? sizes[1] / places : checked_mul(sizes[1], places);
  return call.out_moved(sizes);
}

bool emit_space_to_batch(OpenvinoCall& call) {
  const auto block = call.integers(1), begins = call.integers(2), ends = call.integers(3);
  if (!block || !begins || !ends) return false;
  const bool joins = call.type() == "BatchToSpace";
  Shape sizes = call.in(0).shape();
  call.require(!sizes.empty() && block->size() == sizes.size() && begins->size() == sizes.size() &&
                   ends->size() == sizes.size(),
               "a block and two edges for each axis");
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::int64_t step = (*block)[i];
    const std::int64_t edge = checked_add((*begins)[i], (*ends)[i]);
    call.require(step >= 1 && edge >= 0, "blocks of at least 1");
    if (joins) {
      call.require(sizes[0] % step == 0, "a batch of whole blocks");
      sizes[0] /= step;
      sizes[i] = checked_mul(sizes[i], step) - edge;
    } else {
      const std::int64_t padded = checked_add(sizes[i], edge);
      call.require(padded % step == 0, "an image of whole blocks");
      sizes[0] = checked_mul(sizes[0], step);
      sizes[i] = padded / step;
    }
    call.require(sizes[i] >= 0, "edges within the image");
  }
  return call.out_moved(sizes);
}

/// Windows of an image as channels.
bool emit_patches(OpenvinoCall& call) {
  const Ints kernel = call.list("sizes"), strides = call.list("strides"),
             rates = call.list("rates");
  const bool is_same = call.text("auto_pad", "valid").starts_with("same");
  Shape sizes = call.in(0).shape();
  call.require(sizes.rank() == 4 && kernel.size() == 2 && strides.size() == 2 && rates.size() == 2,
               "an image, and two sizes, strides and rates");
  for (std::size_t i = 0; i < 2; ++i) {
    for (const Ints& each : {kernel, strides, rates})
      call.require(each[i] >= 1 && is_modest(each[i]), "numbers of at least 1, of 32 bits");
    const std::int64_t extent = checked_add(checked_mul(rates[i], kernel[i] - 1), 1);
    const std::int64_t free = std::max<std::int64_t>(checked_add(sizes[i + 2], -extent), -1);
    sizes[i + 2] = is_same    ? ceil_div(sizes[i + 2], strides[i])
                   : free < 0 ? 0
                              : free / strides[i] + 1;
  }
  sizes[1] = checked_mul(sizes[1], checked_mul(kernel[0], kernel[1]));
  return call.out_moved(sizes);
}

/// Blocks of a stride by a stride as channels.
bool emit_reorg(OpenvinoCall& call) {
  const Ints strides = call.list("stride");
  Shape sizes = call.in(0).shape();
  const std::int64_t stride = strides.empty() ? 1 : strides[0];
  call.require(sizes.rank() == 4 && stride >= 1 && stride < 65536 && sizes[2] % stride == 0 &&
                   sizes[3] % stride == 0,
               "an image of whole blocks");
  return call.out_moved(
      {sizes[0], checked_mul(sizes[1], stride * stride), sizes[2] / stride, sizes[3] / stride});
}

// -- made and selected ------------------------------------------------------------------------

bool emit_one_hot(OpenvinoCall& call) {
  const std::int64_t axis = call.option("axis", -1);
  const std::optional<std::int64_t> depth = call.integer(1);
  if (!depth) return false;
  Shape sizes = call.in(0).shape();
  call.require(*depth >= 0 && sizes.size() < most_dimensions, "a depth of at least 0");
  sizes.insert(static_cast<std::size_t>(call.axis(axis, sizes.rank() + 1)), *depth);
  return call.out_moved(sizes);
}

bool emit_eye(OpenvinoCall& call) {
  const std::optional<std::int64_t> rows = call.integer(0), columns = call.integer(1);
  const std::optional<std::int64_t> diagonal = call.integer(2);
  if (!rows || !columns || !diagonal || call.has(3)) return false;
  call.require(*rows >= 0 && *columns >= 0, "sizes of at least 0");
  return call.out(
      identity_matrix(call.graph(), Shape{*rows, *columns}, *diagonal, call.output().dtype));
}

bool emit_random(OpenvinoCall& call) {
  const auto sizes = call.integers(0);
  if (!sizes) return false;
  const RandomAttrs attrs{shape_of(call, *sizes), call.output().dtype, "uniform"};
  return call.out(apply_constant(call.graph(), random_op, attrs));
}

/// The largest or smallest along an axis, and where they are.
bool emit_topk(OpenvinoCall& call) {
  const bool is_largest = call.text("mode", "max") != "min";
  const Tensor x = call.in(0);
  call.require(x.rank() >= 1, "an operand of rank 1 or more");
  const std::int64_t axis = call.axis(call.option("axis", -1), x.rank());
  const std::optional<std::int64_t> k = call.integer(1);
  const Shape& declared = call.output().shape;
  const bool is_stated = call.stated() && declared.rank() == x.rank();
  const std::int64_t count = std::min(k           ? *k
                                      : is_stated ? declared.dim(axis)
                                                  : x.dim(axis),
                                      x.dim(axis));
  const Tensor values = apply(topk_op, TopkAttrs{count, axis, is_largest}, x);
  const Tensor indices = sibling_output(values, 1);
  call.out(values);
  call.out(indices, 1);
  if (k || is_stated) return true;
  call.graph().mark_bounded(values.id);
  call.graph().mark_bounded(indices.id);
  call.reader().note("TopK takes as many elements as data says: at most all of them");
  return true;
}

/// The positions of what is not 0: at most all elements.
bool emit_nonzero(OpenvinoCall& call) {
  const Tensor found = transpose(unary(nonzero_op, call.in(0)), 0, 1);
  call.graph().mark_bounded(found.id);
  return call.out(found);
}

/// Values, the first place of each, the place of each element among them, and how often each is
/// there.
bool emit_unique(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  const std::optional<std::int64_t> axis = call.integer(1);
  if (call.has(1) && !axis) return false;
  const Tensor rows = axis ? x : reshape(x, {-1});
  const std::int64_t along = axis ? call.axis(*axis, x.rank()) : 0;
  const std::int64_t count = rows.dim(along);
  const Selection found = unique(rows, along);
  call.out(found.values);
  call.out(found.indices, 1);
  call.out_moved({count}, 2);
  return call.out_moved({count}, 3, true);
}

bool emit_search_sorted(OpenvinoCall& call) {
  const bool is_bucketize = call.type() == "Bucketize";
  const Tensor sorted = call.in(is_bucketize ? 1 : 0);
  return call.out(searchsorted(sorted, call.in(is_bucketize ? 0 : 1)));
}

/// The sum of rows of a table, weighted or not.
bool emit_packed_bag(OpenvinoCall& call) {
  const std::string_view reduction = call.text("reduction", "sum");
  const Tensor table = call.in(0, call.source(0).type == "Const");
  Tensor rows = embedding(table, call.in(1));
  call.require(table.rank() == 2 && rows.rank() == 3, "a table, and a row of indices for each bag");
  if (call.has(2)) rows = rows * unsqueeze(call.in(2), 2);
  return call.out(reduction == "mean" ? mean(rows, {1}) : sum(rows, {1}));
}

constexpr OpenvinoOperator movement_rows[] = {
    {"BatchToSpace", openvino_moved<emit_space_to_batch>},
    {"Broadcast", openvino_moved<emit_broadcast>},
    {"Bucketize", emit_search_sorted, "output_type with_right_bound"},
    {"Concat", emit_concat},
    {"DepthToSpace", emit_depth_to_space, "mode"},
    {"EmbeddingBagPacked", emit_packed_bag},
    {"EmbeddingBagPackedSum", emit_packed_bag},
    {"ExtractImagePatches", emit_patches},
    {"Eye", openvino_moved<emit_eye>, "output_type"},
    {"Gather", openvino_moved<emit_gather>},
    {"GatherElements", emit_gather_elements},
    {"GatherND", openvino_moved<emit_gather_nd>},
    {"GatherTree", emit_same_sizes},
    {"NonZero", emit_nonzero, "output_type"},
    {"OneHot", openvino_moved<emit_one_hot>, "negative_indices_mode"},
    {"Pad", openvino_moved<emit_pad>},
    {"RandomUniform", openvino_moved<emit_random>, "output_type global_seed op_seed alignment"},
    {"Range", openvino_moved<emit_range>, "output_type"},
    {"ReorgYolo", emit_reorg},
    {"Reshape", openvino_moved<emit_reshape>},
    {"Reverse", emit_same_sizes, "mode"},
    {"ReverseSequence", emit_same_sizes, "batch_axis seq_axis"},
    {"Roll", emit_same_sizes},
    {"ScatterElementsUpdate", openvino_moved<emit_scatter_elements>, "use_init_val"},
    {"ScatterNDUpdate", emit_scatter_nd},
    {"ScatterUpdate", openvino_moved<emit_scatter>},
    {"SearchSorted", emit_search_sorted, "right_mode output_type"},
    {"ShapeOf", emit_shape_of, "output_type"},
    {"ShuffleChannels", emit_same_sizes, "axis group"},
    {"Slice", openvino_moved<emit_slice>},
    {"SliceScatter", emit_same_sizes},
    {"SpaceToBatch", openvino_moved<emit_space_to_batch>},
    {"SpaceToDepth", emit_depth_to_space, "mode"},
    {"Split", openvino_moved<emit_split>},
    {"Squeeze", openvino_moved<emit_squeeze>},
    {"StridedSlice", openvino_moved<emit_strided_slice>},
    {"Tile", openvino_moved<emit_tile>},
    {"TopK", emit_topk, "sort index_element_type stable"},
    {"Transpose", openvino_moved<emit_transpose>},
    {"Unique", openvino_moved<emit_unique>, "sorted index_element_type count_element_type"},
    {"Unsqueeze", openvino_moved<emit_unsqueeze>},
    {"VariadicSplit", openvino_moved<emit_variadic_split>},
};

}  // namespace

extern constinit const OpenvinoOperators openvino_movement_operators = {movement_rows};

}  // namespace zoometer
