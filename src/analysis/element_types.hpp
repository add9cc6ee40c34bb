#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// What the numbers of a product are stored as, or rounded to: a type of `DType`, or integers and
/// floats of any other number of bits.
struct ElementType {
  std::string_view name;  ///< "float32", "int4", "uint3", "bipolar"; lives as long as the graph
  std::int64_t bits = 0;  ///< of one number

  friend bool operator==(const ElementType&, const ElementType&) = default;
};

/// The multiply-accumulates of products of two element types.
struct ElementTypeMetrics {
  ElementType a;  ///< of the first factors
  ElementType b;  ///< of the second factors
  std::int64_t macs = 0;
};

/// The first two factors of a node's products; the first operand stands for a missing one, and
/// `no_id` if there is none.
std::array<ValueId, 2> factors_of(const NodeView& node);

/// The weight of at most 8 bits for each number of which a value is the real numbers: converted,
/// shifted, scaled and moved, by `dequantize` or written out. `no_id` if there is none.
ValueId packed_weight_of(const Graph& graph, ValueId value);

/// The type of a value's numbers. Where they were integers before `dequantize`, or were rounded by
/// `fake_quantize`, and at most moved since, it is the type of these.
ElementType element_type_of(const Graph& graph, ValueId value);

/// Adds the multiply-accumulates of a node to those of the same two types, or as a new pair. Throws
/// Error{overflow} if a sum exceeds 63 bits.
void add_products(const NodeView& node, std::int64_t macs,
                  std::vector<ElementTypeMetrics>& metrics);

/// MACs x bits x bits, as qonnx's inference cost ("total_bops"). Nothing if it exceeds 63 bits.
std::optional<std::int64_t> bit_operations_of(std::span<const ElementTypeMetrics> metrics) noexcept;

/// By module id, children included: the elements of scales and zero points. They are neither
/// parameters nor buffers.
std::vector<std::int64_t> quantisation_parameters_of(const Graph& graph);

}  // namespace zoometer
