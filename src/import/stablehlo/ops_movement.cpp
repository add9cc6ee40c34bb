// Operations that move elements or give them other places, and those on sizes.
#include <algorithm>
#include <bit>
#include <optional>

#include "import/stablehlo/call.hpp"
#include "op/indexing.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_folded = 1024;  // elements that decide sizes

/// Whether an operand has sizes that a graph computes with.
bool has_sizes(HloCall& call, std::size_t index) {
  return call.known(index) != nullptr && call.known(index)->is_size;
}

/// The sizes that the file states, with those of a shape operand where it does not.
std::optional<Shape> wanted_sizes(HloCall& call, std::size_t operand) {
  Shape sizes = call.output_type().shape;
  if (call.output_type().unknown == 0) return sizes;
  const HloKnown* known = call.known(operand);
  if (known == nullptr || known->elements.size() != sizes.size()) return std::nullopt;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    call.require(known->elements[i] >= 0, "sizes of 0 or more");
    sizes[i] = known->elements[i];
  }
  return sizes;
}

void emit_moved(HloCall& call) {
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out_declared(i);
}

void emit_reshape(HloCall& call) {
  if (has_sizes(call, 0)) return call.out_known(*call.known(0));
  const std::optional<Shape> sizes = wanted_sizes(call, 1);
  if (sizes && numel(*sizes) == numel(call.in(0).shape()))
    return call.out(reshape(call.in(0), *sizes));
  Shape open = call.output_type().shape;
  const UnknownSizes unknown = call.output_type().unknown;
  if (std::popcount(unknown) != 1) return call.out_declared();
  std::int64_t rest = 1;
  for (std::size_t i = 0; i < open.size(); ++i) {
    if ((unknown >> i & 1U) != 0)
      open[i] = -1;
    else
      rest = checked_mul(rest, open[i]);
  }
  if (rest == 0 || numel(call.in(0).shape()) % rest != 0) return call.out_declared();
  call.out(reshape(call.in(0), open));
}

void emit_transpose(HloCall& call) {
  const std::vector<std::int64_t> order = call.integers("permutation");
  call.require(order.size() == call.in(0).shape().size(), "an axis for each dimension");
  call.out(permute(call.in(0), Ints(std::span(order))));
}

/// Axes of size 1 where the result has others, which then repeat.
void emit_broadcast(HloCall& call) {
  const std::optional<Shape> sizes = wanted_sizes(call, 1);
  if (has_sizes(call, 0) && call.known(0)->elements.size() == 1 && sizes) {
    const auto count = static_cast<std::size_t>(numel(*sizes));
    if (count <= most_folded)
      return call.out_known({std::vector<std::int64_t>(count, call.known(0)->elements[0]), true});
  }
  const Tensor x = call.in(0);
  if (!sizes) return call.out_declared();
  const std::vector<std::int64_t> axes = call.integers_or("broadcast_dimensions", {});
  Shape aligned = Shape(Ints::filled(sizes->size(), 1));
  if (call.operation().name == "broadcast") {
    call.require(x.shape().size() <= sizes->size(), "a result of more dimensions");
    for (std::size_t i = 0; i < x.shape().size(); ++i)
      aligned[sizes->size() - x.shape().size() + i] = x.shape()[i];
  } else {
    call.require(axes.size() == x.shape().size(), "an axis for each dimension");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      call.require(axes[i] >= 0 && axes[i] < sizes->rank(), "axes of the result");
      aligned[static_cast<std::size_t>(axes[i])] = x.shape()[i];
    }
  }
  const Tensor shaped = aligned == x.shape() ? x : reshape(x, aligned);
  call.out(*sizes == aligned ? shaped : expand(shaped, *sizes));
}

void emit_slice(HloCall& call) {
  const std::vector<std::int64_t> starts = call.integers("start_indices");
  const std::vector<std::int64_t> ends = call.integers("limit_indices");
  const std::vector<std::int64_t> steps =
      call.integers_or("strides", std::vector<std::int64_t>(starts.size(), 1));
  call.require(ends.size() == starts.size() && steps.size() == starts.size() &&
                   starts.size() == static_cast<std::size_t>(call.input_type(0).shape.rank()),
               "a start, an end and a step for each dimension");
  if (has_sizes(call, 0) && starts.size() == 1) {
    HloKnown part{{}, true};
    const auto count = static_cast<std::int64_t>(call.known(0)->elements.size());
    for (std::int64_t i = starts[0]; i >= 0 && i < std::min(ends[0], count) && steps[0] > 0;
         i += steps[0])
      part.elements.push_back(call.known(0)->elements[static_cast<std::size_t>(i)]);
    return call.out_known(std::move(part));
  }
  Tensor x = call.in(0);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    call.require(starts[i] >= 0 && ends[i] >= starts[i] && steps[i] >= 1, "a slice of its operand");
    const bool is_whole = starts[i] == 0 && steps[i] == 1 && ends[i] >= x.shape()[i];
    if (!is_whole) x = slice(x, static_cast<std::int64_t>(i), starts[i], ends[i], steps[i]);
  }
  call.out(x);
}

void emit_concatenate(HloCall& call) {
  const std::int64_t axis = call.integer("dimension", 0);
  bool are_known = call.output_type().shape.rank() == 1;
  HloKnown joined;
  for (std::size_t i = 0; are_known && i < call.input_count(); ++i) {
    const HloKnown* part = call.known(i);
    are_known = part != nullptr && joined.elements.size() + part->elements.size() <= most_folded;
    if (!are_known) break;
    joined.elements.insert(joined.elements.end(), part->elements.begin(), part->elements.end());
    joined.is_size = joined.is_size || part->is_size;
  }
  if (are_known && joined.is_size) return call.out_known(std::move(joined));
  call.out(cat(call.all_inputs(), axis));
}

void emit_reverse(HloCall& call) {
  const std::vector<std::int64_t> axes = call.integers("dimensions");
  call.require(axes.size() <= most_dimensions, "axes of its operand");
  call.out(axes.empty() ? call.in(0) : flip(call.in(0), Ints(std::span(axes))));
}

void emit_pad(HloCall& call) {
  const std::vector<std::int64_t> before = call.integers("edge_padding_low");
  const std::vector<std::int64_t> after = call.integers("edge_padding_high");
  const std::vector<std::int64_t> between = call.integers_or("interior_padding", {});
  const Tensor x = call.in(0);
  call.require(before.size() == x.shape().size() && after.size() == before.size(),
               "padding for each dimension");
  if (std::ranges::any_of(between, [](std::int64_t each) { return each != 0; }))
    return call.out_declared(std::vector<Tensor>{x});
  PadAttrs attrs;
  attrs.before = Ints(std::span(before));
  attrs.after = Ints(std::span(after));
  call.out(pad(x, attrs));
}

/// As many elements of x as are taken, wherever they are.
Tensor taken(HloCall& call, std::size_t operand) {
  const Tensor x = call.in(operand);
  const std::int64_t wanted = numel(call.output_type().shape);
  const std::int64_t held = numel(x.shape());
  if (wanted >= held || call.graph().value(x.id).has(Value::strided)) return x;
  return slice(reshape(x, {held}), 0, 0, wanted);
}

/// Rows of a table, or elements from places that data decides.
void emit_gather(HloCall& call) {
  std::vector<Tensor> operands{taken(call, 0)};
  for (std::size_t i = 1; i < call.input_count(); ++i)
    if (call.known(i) == nullptr) operands.push_back(call.in(i));
  call.out_declared(operands);
}

void emit_dynamic_slice(HloCall& call) {
  const Shape& sizes = call.output_type().shape;
  Tensor x = call.in(0);
  call.require(x.shape().size() == sizes.size(), "as many dimensions as its operand");
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] < x.shape()[i]) x = slice(x, static_cast<std::int64_t>(i), 0, sizes[i]);
  call.out_declared(std::vector<Tensor>{x});
}

void emit_update_slice(HloCall& call) {
  call.out_declared(std::vector<Tensor>{call.in(0), call.in(1)});
}

void emit_passed(HloCall& call) {
  const std::vector<HloValue> values = call.values();
  for (std::size_t i = 0; i < std::min(values.size(), call.output_count()); ++i)
    call.out(values[i], i);
}

void emit_bitcast(HloCall& call) { call.out_declared(); }

void emit_dimension_size(HloCall& call) {
  const std::int64_t axis = call.integer("dimension", -1);
  const Shape& shape = call.in(0).shape();
  call.require(axis >= 0 && axis < shape.rank(), "an axis of its operand");
  call.out_known({{shape.dim(axis)}, true});
}

/// Nothing is computed: a token, a number of the device.
void emit_nothing(HloCall& call) {
  for (std::size_t i = 0; i < call.output_count(); ++i)
    call.out_declared(std::span<const Tensor>{}, i);
}

constexpr HloOperator movement_rows[] = {
    {"after_all", emit_nothing},
    {"all_gather", emit_moved},
    {"all_to_all", emit_moved},
    {"bitcast_convert", emit_bitcast},
    {"broadcast", emit_broadcast},
    {"broadcast_in_dim", emit_broadcast},
    {"collective_broadcast", emit_moved},
    {"collective_permute", emit_moved},
    {"complex", emit_moved},
    {"concatenate", emit_concatenate},
    {"create_token", emit_nothing},
    {"dynamic_broadcast_in_dim", emit_broadcast},
    {"dynamic_gather", emit_gather},
    {"dynamic_iota", emit_nothing},
    {"dynamic_pad", emit_update_slice},
    {"dynamic_reshape", emit_reshape},
    {"dynamic_slice", emit_dynamic_slice},
    {"dynamic_update_slice", emit_update_slice},
    {"gather", emit_gather},
    {"get_dimension_size", emit_dimension_size},
    {"imag", emit_moved},
    {"infeed", emit_nothing},
    {"iota", emit_nothing},
    {"optimization_barrier", emit_passed},
    {"outfeed", emit_nothing},
    {"pad", emit_pad},
    {"partition_id", emit_nothing},
    {"real", emit_moved},
    {"real_dynamic_slice", emit_gather},
    {"recv", emit_nothing},
    {"replica_id", emit_nothing},
    {"reshape", emit_reshape},
    {"reverse", emit_reverse},
    {"send", emit_nothing},
    {"slice", emit_slice},
    {"torch_index_select", emit_gather},
    {"transpose", emit_transpose},
};

}  // namespace

extern constinit const HloOperators hlo_movement_operators = {movement_rows};

}  // namespace zoometer
