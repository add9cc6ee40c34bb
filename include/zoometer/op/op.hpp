#pragma once

#include <array>
#include <span>
#include <string_view>

#include "zoometer/ir/op_def.hpp"
#include "zoometer/ir/tensor.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {

/// The operators that one file of src/op declares. The build makes the table of all groups.
struct OpGroup {
  std::string_view name;              ///< as the heading in docs/operators.md
  std::string_view summary;           ///< what its operators have in common, one sentence
  std::span<const OpDef* const> ops;  ///< in the order of the page
};

/// Every operator group, by name.
std::span<const OpGroup* const> op_groups() noexcept;

/// The operator of that name, or null.
const OpDef* find_op(std::string_view name) noexcept;

// -- shared by the operators' declarations ----------------------------------------------------

/// The output has the type of the first input.
void infer_same(Inference& inference);

/// `N` operations per output element.
template <std::int64_t N>
Cost per_output(const NodeView& node) {
  return {0, N * node.out_numel()};
}

/// `N` operations per element of the first input.
template <std::int64_t N>
Cost per_input(const NodeView& node) {
  return {0, N * node.in_numel(0)};
}

/// 8 bytes for each element of the result.
inline std::int64_t index_bytes(const NodeView& node) { return checked_mul(node.out_numel(), 8); }
/// What maximum pooling, sorting and their like keep for their backward.
inline constexpr Extra index_of_each{"an index (8 bytes) for each element of the result",
                                     index_bytes, 1};

/// OpDef::inputs of an operator of one input.
inline constexpr Operand input_x[] = {{"x", Role::data}};
/// OpDef::constraints of an operator that takes everything.
inline constexpr std::string_view no_constraints[] = {"no constraint"};

}  // namespace zoometer
