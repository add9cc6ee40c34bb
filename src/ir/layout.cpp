#include "zoometer/ir/layout.hpp"

#include <algorithm>
#include <array>

namespace zoometer {
namespace {

constexpr std::size_t longest_way = 64;  // of views of views

/// PyTorch's `computeStride`: from the last dimension on, each run of old dimensions that are
/// contiguous to each other must be a run of new ones.
bool reshape_in_place(const Shape& from, const Shape& to, Layout& layout) {
  Ints strides = Ints::filled(to.size(), 1);
  std::size_t next = to.size();
  std::int64_t step = from.empty() ? 1 : layout.strides.back();
  std::int64_t old_count = 1, new_count = 1;
  for (std::size_t dim = from.size(); dim-- > 0;) {
    old_count *= from[dim];
    const bool continues =
        dim > 0 && (from[dim - 1] == 1 || layout.strides[dim - 1] == layout.times(old_count, step));
    if (continues) continue;
    while (next > 0 && (new_count < old_count || to[next - 1] == 1)) {
      strides[--next] = layout.times(new_count, step);
      new_count *= to[next];
    }
    if (new_count != old_count) return false;
    old_count = new_count = 1;
    if (dim > 0) step = layout.strides[dim - 1];
  }
  while (next > 0 && to[next - 1] == 1) --next;
  layout.strides = strides;
  return next == 0;
}

/// From the lowest place to the highest, and how many of them hold elements.
Extent extent_of(const Shape& shape, const Layout& layout) {
  std::int64_t before = 0, after = 1, different = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return {};
    if (layout.strides[i] != 0) different *= shape[i];
    std::int64_t reach = 0;
    std::int64_t& side = layout.strides[i] < 0 ? before : after;
    if (__builtin_mul_overflow(shape[i] - 1, layout.strides[i], &reach) ||
        __builtin_add_overflow(side, reach, &side))
      return {0, different, different};
  }
  Extent extent;
  std::int64_t reach = 0;
  if (__builtin_add_overflow(layout.offset, before, &extent.first) ||
      __builtin_add_overflow(layout.offset, after, &extent.end) ||
      __builtin_sub_overflow(after, before, &reach))
    return {0, different, different};
  extent.elements = std::min(different, reach);
  return extent;
}

}  // namespace

std::int64_t Layout::times(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t result = 0;
  if (!__builtin_mul_overflow(a, b, &result)) return result;
  is_known = false;
  return 0;
}

void Layout::skip(std::size_t dim, std::int64_t count) noexcept {
  if (__builtin_add_overflow(offset, times(count, strides[dim]), &offset)) is_known = false;
}

Layout contiguous_layout(const Shape& shape) {
  Layout layout;
  layout.strides = shape;
  std::uint64_t step = 1;  // of no meaning, and perhaps too large, where there are no elements
  for (std::size_t i = shape.size(); i-- > 0;) {
    layout.strides[i] = static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(std::max<std::int64_t>(1, shape[i]));
  }
  return layout;
}

bool is_contiguous(const Shape& shape, const Layout& layout) {
  std::int64_t expected = 1;
  bool in_order = true;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    in_order = in_order && layout.strides[i] == expected;
    expected *= shape[i];
  }
  return in_order;
}

bool place_output(const NodeView& node, std::size_t output, Layout& layout) {
  const Memory& memory = node.op().memory;
  if (memory.storage == Storage::view) {
    // A size that was a guess may have changed since.
    layout.is_known =
        layout.is_known && memory.place != nullptr && layout.strides.size() == node.in(0).size();
    if (layout.is_known) memory.place(node, output, layout);
    layout.is_known = layout.is_known && layout.strides.size() == node.out(output).size();
    return true;
  }
  const Shape& from = node.in(0);
  const Shape& to = node.out(output);
  if (!layout.is_known || layout.strides.size() != from.size()) return false;
  if (from == to) return true;
  if (node.in_numel(0) != node.out_numel(output)) return false;
  if (node.in_numel(0) != 0) return reshape_in_place(from, to, layout);
  layout.strides = contiguous_layout(to).strides;
  return true;
}

ValueId source_of(const Graph& graph, ValueId value) {
  const Value& own = graph.value(value);
  if (!own.has(Value::shares) || !own.is_computed()) return no_id;
  const auto inputs = graph.inputs_of(graph.nodes()[own.producer]);
  return inputs.empty() ? no_id : inputs[0];
}

ValueId owner_of(const Graph& graph, ValueId value) {
  for (ValueId source = source_of(graph, value); source != no_id;
       source = source_of(graph, value)) {
    value = source;
  }
  const Value& own = graph.value(value);
  if (!own.has(Value::is_parameter)) return value;
  const ParameterId shared = graph.parameters()[own.producer].shared_with;
  return shared == no_id ? value : graph.parameters()[shared].value;
}

std::vector<ValueId> owners_of(const Graph& graph) {
  const std::span<const Value> values = graph.values();
  std::vector<ValueId> owners(values.size());
  for (ValueId id = 0; id < owners.size(); ++id) {
    owners[id] = id;
    const Value& value = values[id];
    if (value.has(Value::is_parameter)) {
      const ParameterId shared = graph.parameters()[value.producer].shared_with;
      if (shared != no_id) owners[id] = graph.parameters()[shared].value;
    } else if (value.has(Value::shares) && value.is_computed()) {
      const auto inputs = graph.inputs_of(graph.nodes()[value.producer]);
      if (!inputs.empty() && inputs[0] != no_id) owners[id] = owners[inputs[0]];
    }
  }
  return owners;
}

Layout layout_of(const Graph& graph, ValueId value) {
  std::array<ValueId, longest_way> way;
  std::size_t length = 0;
  Layout layout;
  for (ValueId source = source_of(graph, value); source != no_id;
       source = source_of(graph, value)) {
    if (length == longest_way) {
      layout.is_known = false;
      return layout;
    }
    way[length++] = value;
    value = source;
  }
  layout = contiguous_layout(graph.shape(value));
  while (length > 0 && layout.is_known) {
    const Value& next = graph.value(way[--length]);
    const NodeView node = graph.view(next.producer);
    if (!place_output(node, next.output_index, layout)) layout.is_known = false;
  }
  return layout;
}

Extent extent_of(const Graph& graph, ValueId value, ValueId owner) {
  const std::int64_t all = graph.numel(value);
  if (source_of(graph, value) == no_id) return {0, all, all};
  const Layout layout = layout_of(graph, value);
  if (layout.is_known) return extent_of(graph.shape(value), layout);
  const std::int64_t owned = graph.value(value).has(Value::strided) ? graph.numel(owner) : all;
  return {0, std::min(all, owned), std::min(all, owned)};
}

}  // namespace zoometer
