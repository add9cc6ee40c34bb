#include "import/torch/aten_shared.hpp"

#include "zoometer/op/movement.hpp"

namespace zoometer::aten {

// -- arguments ----------------------------------------------------------------------------------

bool is_number(const Argument* argument) noexcept {
  return argument != nullptr &&
         (argument->kind == Argument::Kind::integer || argument->kind == Argument::Kind::number ||
          argument->kind == Argument::Kind::boolean);
}

double number_of(const Argument& argument) noexcept {
  if (argument.kind == Argument::Kind::integer) return static_cast<double>(argument.integer);
  if (argument.kind == Argument::Kind::boolean) return argument.boolean ? 1 : 0;
  return argument.number;
}

Tensor constant(AtenCall& call, double value) {
  return zoometer::full(call.graph(), {}, value, DType::float32);
}

Tensor operand(AtenCall& call, std::size_t position) {
  const Argument* argument = call.at(position);
  return is_number(argument) ? constant(call, number_of(*argument)) : call.tensor(position);
}

std::int64_t axis_within(AtenCall& call, std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) call.refuse("an axis beyond the rank");
  return axis < 0 ? axis + rank : axis;
}

std::int64_t axis_of(AtenCall& call, std::string_view name, std::int64_t rank,
                     std::optional<std::int64_t> missing) {
  return axis_within(call, call.integer(name, missing), rank);
}

std::vector<Tensor> whole_list(AtenCall& call, std::string_view name) {
  std::vector<Tensor> tensors = call.tensors(name);
  for (const Tensor& tensor : tensors) {
    if (!tensor) call.refuse("a list with a missing tensor");
  }
  return tensors;
}

// -- nodes --------------------------------------------------------------------------------------

Tensor scaled(Tensor x, double factor) { return factor == 1 ? x : x * factor; }

Tensor biased(AtenCall& call, Tensor product) {
  const Tensor addend = call.tensor(0);
  const double beta = call.number("beta", 1);
  const Tensor result = scaled(product, call.number("alpha", 1));
  return beta == 0 ? result : scaled(addend, beta) + result;
}

Tensor outer_product(Tensor a, Tensor b) {
  return zoometer::unsqueeze(a, 1) * zoometer::unsqueeze(b, 0);
}

Tensor flat(Tensor x) { return zoometer::reshape(x, {-1}); }

void output_and_more(AtenCall& call, Tensor result) {
  call.output(result);
  call.further_outputs(result);
}

void apply_binary(AtenCall& call, const OpDef& op) {
  const Argument* right = call.at(1);
  if (is_number(right) && !is_number(call.at(0))) {
    call.output(zoometer::binary(op, call.tensor(0), number_of(*right)));
  } else {
    call.output(zoometer::binary(op, operand(call, 0), operand(call, 1)));
  }
}

Tensor reduced_by(AtenCall& call, const OpDef& op) {
  const Tensor x = call.tensor(0);
  const Ints dims(call.integers("dim"));
  // A scalar may be reduced over its dimension 0 or -1, which it lacks.
  return reduce(op, x, x.rank() == 0 ? Ints() : dims, call.boolean("keepdim", false));
}

void apply_reduction(AtenCall& call, const OpDef& op) { call.output(reduced_by(call, op)); }

}  // namespace zoometer::aten
