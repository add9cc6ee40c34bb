#include "import/torch/program_memory.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "op/indexing.hpp"
#include "op/unknown.hpp"
#include "zoometer/ir/layout.hpp"
#include "zoometer/ir/tensor.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// The place of a piece along an axis: [start, end).
SliceAttrs range_along(std::int64_t axis, std::int64_t start, std::int64_t end) {
  return {axis, start, end, 1};
}

/// The place of a piece of a split or chunk; none of another operator.
std::optional<SliceAttrs> place_of_piece(const NodeView& node, std::size_t output) {
  const bool is_split = &node.op() == &split_op;
  if (!is_split && &node.op() != &chunk_op) return std::nullopt;
  const std::int64_t dim = is_split ? node.attrs<SplitAttrs>().dim : node.attrs<ChunkAttrs>().dim;
  const std::int64_t axis = dim < 0 ? dim + node.in(0).rank() : dim;
  // All chunks but the last are equal.
  const std::int64_t start = is_split ? node.attrs<SplitAttrs>().sizes.starts[output]
                                      : node.out(0).dim(axis) * static_cast<std::int64_t>(output);
  return range_along(axis, start, start + node.out(output).dim(axis));
}

/// One piece of a tensor of which a node made many, without all others; `no_id` of another
/// operator.
ValueId take_piece(const NodeView& node, std::size_t output, Tensor x) {
  if (&node.op() == &unbind_op) {
    const auto index = static_cast<std::int64_t>(output);
    return apply(select_op, SelectAttrs{node.attrs<AxisAttrs>().dim, index}, x).id;
  }
  const auto place = place_of_piece(node, output);
  return place ? apply(slice_op, *place, x).id : no_id;
}

/// x after the index along an axis was written.
Tensor written_index(Tensor x, Tensor piece, std::int64_t dim, std::int64_t index) {
  const std::int64_t axis = dim < 0 ? dim + x.rank() : dim;
  const std::int64_t place = index < 0 ? index + x.dim(axis) : index;
  return apply(written_slice_op, range_along(axis, place, place + 1), x, unsqueeze(piece, axis));
}

/// A diagonal's elements in the memory of x.
StridedAttrs memory_of(const NodeView& diagonal) {
  const auto& attrs = diagonal.attrs<DiagonalAttrs>();
  const Shape& x = diagonal.in(0);
  const auto within = [&](std::int64_t dim) {
    return static_cast<std::size_t>(dim < 0 ? dim + x.rank() : dim);
  };
  const std::size_t rows = within(attrs.dim0);
  const std::size_t columns = within(attrs.dim1);
  const Ints strides = contiguous_layout(x).strides;
  StridedAttrs view{Ints(diagonal.out()), {}, 0};
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i != rows && i != columns) view.strides.push_back(strides[i]);
  }
  view.strides.push_back(checked_add(strides[rows], strides[columns]));
  view.offset = attrs.offset < 0 ? checked_mul(-attrs.offset, strides[rows])
                                 : checked_mul(attrs.offset, strides[columns]);
  return view;
}

Tensor permuted_back(const NodeView& node, Tensor piece) {
  const Ints& dims = node.attrs<DimsAttrs>().dims;
  Ints inverse = Ints::filled(dims.size(), 0);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::int64_t from = dims[i] < 0 ? dims[i] + piece.rank() : dims[i];
    inverse[static_cast<std::size_t>(from)] = static_cast<std::int64_t>(i);
  }
  return permute(piece, inverse);
}

}  // namespace

ProgramMemory::View& ProgramMemory::view_of(std::uint32_t slot) {
  if (views_.size() <= slot) views_.resize(slot + std::size_t{1});
  View& view = views_[slot];
  if (view.root == no_base) view.root = slot;
  return view;
}

void ProgramMemory::attach(std::uint32_t slot, std::uint32_t base) {
  view_of(std::max(slot, base));
  const View& from = view_of(base);
  View& view = view_of(slot);
  view.base = base;
  view.root = from.root;
  view.depth = from.depth + 1;
  view.seen = views_[from.root].written;
}

bool ProgramMemory::add_view(std::uint32_t slot, ValueId view, std::uint32_t base, ValueId value) {
  constexpr std::size_t most_steps = 16;
  std::vector<ValueId> steps;
  for (ValueId at = view; at != value;) {
    const ValueId source = source_of(graph_, at);
    if (source == no_id || steps.size() == most_steps) return false;
    steps.push_back(at);
    at = source;
  }
  constexpr std::uint32_t deepest = 4096;
  if (view_of(base).depth >= deepest) return false;
  attach(slot, base);
  std::ranges::reverse(steps);
  views_[slot].steps = std::move(steps);
  return true;
}

void ProgramMemory::add_alias(std::uint32_t slot, std::uint32_t base) { attach(slot, base); }

bool ProgramMemory::is_stale(std::uint32_t slot) const noexcept {
  if (slot >= views_.size() || views_[slot].base == no_base) return false;
  return views_[slot].seen != views_[views_[slot].root].written;
}

void ProgramMemory::write(std::uint32_t slot, ValueId value, const Values& values) {
  std::vector<std::pair<std::uint32_t, ValueId>> stored;
  const std::uint32_t root = view_of(slot).root;
  while (true) {
    stored.emplace_back(slot, value);
    const View& view = views_[slot];
    if (view.base == no_base) break;
    value = put_back(view, values(view.base), value);
    slot = view.base;
  }
  views_[root].written = ++writes_;
  for (const auto& [each, now] : stored) {
    values(each) = now;
    views_[each].seen = writes_;
  }
}

void ProgramMemory::refresh(std::uint32_t slot, const Values& values) {
  std::vector<std::uint32_t> chain;
  for (; is_stale(slot); slot = views_[slot].base) chain.push_back(slot);
  for (; !chain.empty(); chain.pop_back()) {
    View& view = views_[chain.back()];
    values(chain.back()) = take(view, values(view.base));
    view.seen = views_[view.root].written;
  }
}

void ProgramMemory::spend() {
  if (--steps_left_ < 0)
    throw Error(ErrorCode::limit, "the program writes too often through views");
}

ValueId ProgramMemory::take(const View& view, ValueId base) {
  constexpr std::uint16_t many = 64;
  for (const ValueId step : view.steps) {
    spend();
    const Value old = graph_.value(step);
    const Node node = graph_.nodes()[old.producer];
    const ValueId piece = node.output_count <= many ? no_id
                                                    : take_piece(graph_.view(old.producer),
                                                                 old.output_index, {&graph_, base});
    if (piece != no_id) {
      base = piece;
      graph_.set_dtype(base, old.dtype);
      continue;
    }
    std::vector<ValueId> inputs(graph_.inputs_of(node).begin(), graph_.inputs_of(node).end());
    inputs[0] = base;
    const NodeId again = graph_.append_raw(*node.op, node.attrs, inputs);
    base = graph_.nodes()[again].first_output + old.output_index;
    graph_.set_dtype(base, old.dtype);
  }
  return base;
}

ValueId ProgramMemory::put_back(const View& view, ValueId base, ValueId piece) {
  // The tensors between base and view as they are now, of which each piece is a part.
  std::vector<ValueId> wholes{base};
  for (std::size_t i = 0; i + 1 < view.steps.size(); ++i) {
    View step;
    step.steps = {view.steps[i]};
    wholes.push_back(take(step, wholes.back()));
  }
  for (std::size_t i = view.steps.size(); i-- > 0;)
    piece = put_step(view.steps[i], wholes[i], piece);
  return piece;
}

ValueId ProgramMemory::put_step(ValueId step, ValueId whole, ValueId piece) {
  spend();
  const Value made = graph_.value(step);
  const NodeView node = graph_.view(made.producer);
  const OpDef& op = node.op();
  const Tensor x{&graph_, whole};
  const Tensor y{&graph_, piece};
  const auto slice_back = [&](const SliceAttrs& attrs) {
    return apply(written_slice_op, attrs, x, y).id;
  };
  if (&op == &slice_op) return slice_back(node.attrs<SliceAttrs>());
  if (const auto place = place_of_piece(node, made.output_index)) return slice_back(*place);
  if (&op == &select_op) {
    const auto& attrs = node.attrs<SelectAttrs>();
    return written_index(x, y, attrs.dim, attrs.index).id;
  }
  if (&op == &unbind_op)
    return written_index(x, y, node.attrs<AxisAttrs>().dim, made.output_index).id;
  if (&op == &transpose_op) {
    const auto& attrs = node.attrs<TransposeAttrs>();
    return transpose(y, attrs.dim0, attrs.dim1).id;
  }
  if (&op == &permute_op) return permuted_back(node, y).id;
  if (&op == &diagonal_op) return apply(written_view_op, memory_of(node), x, y).id;
  if (&op == &as_strided_op && !graph_.value(whole).has(Value::strided))
    return apply(written_view_op, node.attrs<StridedAttrs>(), x, y).id;
  if (y.shape() == x.shape()) return piece;
  // Reshaped: the same elements in the same order.
  if (op.memory->storage != Storage::view && numel(x.shape()) == numel(y.shape()))
    return reshape(y, Ints(x.shape())).id;
  const OutputType type{x.shape(), x.dtype(), false};
  const UnknownAttrs* attrs = graph_.keep(UnknownAttrs{"zoometer", "write through a view"});
  const ValueId inputs[] = {whole, piece};
  const NodeId unknown_node = graph_.append_declared(unknown_op, attrs, inputs, {&type, 1});
  return graph_.nodes()[unknown_node].first_output;
}

}  // namespace zoometer
