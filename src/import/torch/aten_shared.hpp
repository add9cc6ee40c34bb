#pragma once

#include "import/torch/aten.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/reduce.hpp"

// What several files of ATen's operators use.

namespace zoometer::aten {

/// Of what a kernel keeps: its first two arguments.
inline constexpr OperandSet first_two = declaring::first | declaring::second;

bool is_number(const Argument* argument) noexcept;
/// The value of a number.
double number_of(const Argument& argument) noexcept;

/// The tensor at a position, or the number there as a tensor without dimensions.
Tensor operand(AtenCall& call, std::size_t position);
/// A number as a tensor without dimensions.
Tensor constant(AtenCall& call, double value);

/// x times a factor, which is no operation where it is 1.
Tensor scaled(Tensor x, double factor);
/// alpha x product + beta x the first argument, which is left out where beta is 0.
Tensor biased(AtenCall& call, Tensor product);
/// The products of all pairs: a (n,), b (m,) -> (n, m).
Tensor outer_product(Tensor a, Tensor b);
/// x as one axis.
Tensor flat(Tensor x);

/// An axis counted from the start, or Error{unsupported}.
std::int64_t axis_within(AtenCall& call, std::int64_t axis, std::int64_t rank);
/// The axis of that argument, counted from the start.
std::int64_t axis_of(AtenCall& call, std::string_view name, std::int64_t rank,
                     std::optional<std::int64_t> missing = {});
/// The tensors of a list without gaps.
std::vector<Tensor> whole_list(AtenCall& call, std::string_view name);
/// A result, and the other results of the same node: statistics, indices, factors.
void output_and_more(AtenCall& call, Tensor result);

/// One tensor in, one out, no attributes.
template <const OpDef& op>
void unary(AtenCall& call) {
  call.output(zoometer::unary(op, call.tensor(0)));
}

/// Two operands, one of which may be a number.
void apply_binary(AtenCall& call, const OpDef& op);
template <const OpDef& op>
void binary(AtenCall& call) {
  apply_binary(call, op);
}

/// The first tensor reduced over `dim`, or over everything.
Tensor reduced_by(AtenCall& call, const OpDef& op);
void apply_reduction(AtenCall& call, const OpDef& op);
template <const OpDef& op>
void reduction(AtenCall& call) {
  apply_reduction(call, op);
}

}  // namespace zoometer::aten
