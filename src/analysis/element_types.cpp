#include "analysis/element_types.hpp"

#include <algorithm>
#include <array>

#include "analysis/convention.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr int longest_way = 16;  // of operators between rounding and a product

/// Whether each number of the result is one of the first operand's.
bool keeps_numbers(const OpDef& op) {
  return op.kind == OpKind::movement || op.kind == OpKind::lookup || &op == &max_pool1d_op ||
         &op == &max_pool2d_op || &op == &max_pool3d_op;
}

ElementType stored_type(const Graph& graph, ValueId value) {
  const DType dtype = graph.dtype(value);
  return {name_of(dtype), bits_of(dtype)};
}

}  // namespace

std::array<ValueId, 2> factors_of(const NodeView& node) {
  std::array<ValueId, 2> factors{no_id, no_id};
  std::size_t found = 0;
  for (std::size_t i = 0; i < node.input_count() && found < 2; ++i) {
    if (node.has(i) && node.op().backward->factors.has(i)) factors[found++] = node.input(i);
  }
  if (found == 0 && node.input_count() > 0) factors[found++] = node.input(0);
  if (found == 1) factors[1] = factors[0];
  return factors;
}

ValueId packed_weight_of(const Graph& graph, ValueId value) {
  constexpr std::int64_t most_bits = 8;
  bool is_converted = false;
  for (int i = 0; i < longest_way; ++i) {
    const Value& made = graph.value(value);
    if (made.has(Value::is_parameter)) {
      const bool is_packed = made.dtype != DType::boolean && bits_of(made.dtype) <= most_bits;
      return is_converted && is_packed ? value : no_id;
    }
    if (!made.is_computed()) return no_id;
    const Node& producer = graph.nodes()[made.producer];
    const std::span<const ValueId> inputs = graph.inputs_of(producer);
    const bool shifts_or_scales = producer.op == &mul_op || producer.op == &sub_op;
    const bool passes_on = producer.op->kind == OpKind::movement || producer.op == &to_op ||
                           producer.op == &dequantize_op || shifts_or_scales;
    if (inputs.empty() || inputs[0] == no_id || !passes_on) return no_id;
    is_converted = is_converted || producer.op == &to_op || producer.op == &dequantize_op;
    const bool has_scale = inputs.size() == 2 && inputs[1] != no_id;
    const bool is_second =
        shifts_or_scales && has_scale && graph.numel(inputs[1]) > graph.numel(inputs[0]);
    value = inputs[is_second ? 1 : 0];
  }
  return no_id;
}

ElementType element_type_of(const Graph& graph, ValueId value) {
  if (!graph.value(value).is_computed()) return stored_type(graph, value);
  if (const ValueId packed = packed_weight_of(graph, value); packed != no_id)
    return stored_type(graph, packed);
  ValueId source = value;
  for (int i = 0; i < longest_way; ++i) {
    const Value& made = graph.value(source);
    if (!made.is_computed()) break;
    const Node& producer = graph.nodes()[made.producer];
    const std::span<const ValueId> inputs = graph.inputs_of(producer);
    if (inputs.empty() || inputs[0] == no_id) break;
    if (producer.op == &dequantize_op) return stored_type(graph, inputs[0]);
    if (producer.op == &fake_quantize_op || producer.op == &multi_threshold_op) {
      const RoundedType type = rounded_type_of({graph, producer});
      if (type.bits > 0) return {type.name, type.bits};
      break;
    }
    if (!keeps_numbers(*producer.op)) break;
    source = inputs[0];
  }
  return stored_type(graph, value);
}

void add_products(const NodeView& node, std::int64_t macs,
                  std::vector<ElementTypeMetrics>& metrics) {
  const auto [a, b] = factors_of(node);
  if (a == no_id) return;
  const ElementTypeMetrics pair{element_type_of(node.graph(), a), element_type_of(node.graph(), b),
                                macs};
  const auto same = std::ranges::find_if(metrics, [&](const ElementTypeMetrics& entry) {
    return entry.a == pair.a && entry.b == pair.b;
  });
  if (same == metrics.end()) {
    metrics.push_back(pair);
  } else {
    same->macs = checked_add(same->macs, macs);
  }
}

std::optional<std::int64_t> bit_operations_of(
    std::span<const ElementTypeMetrics> metrics) noexcept {
  std::int64_t sum = 0;
  for (const ElementTypeMetrics& entry : metrics) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(entry.macs, entry.a.bits * entry.b.bits, &product) ||
        __builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return sum;
}

std::vector<std::int64_t> quantisation_parameters_of(const Graph& graph) {
  std::vector<std::int64_t> sums(graph.modules().size());
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.kind != ParameterKind::quantisation || parameter.shared_with != no_id) continue;
    std::int64_t& sum = sums[parameter.module];
    sum = checked_add(sum, graph.numel(parameter.value));
  }
  for (std::size_t i = sums.size(); i-- > 1;) {
    std::int64_t& parent = sums[graph.modules()[i].parent];
    parent = checked_add(parent, sums[i]);
  }
  return sums;
}

}  // namespace zoometer
