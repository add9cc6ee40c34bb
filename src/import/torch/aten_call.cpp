#include <fmt/format.h>

#include <iterator>
#include <string>

#include "import/torch/aten.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

std::string text_of(const Argument& argument) {
  using Kind = Argument::Kind;
  switch (argument.kind) {
  case Kind::none: return "None";
  case Kind::tensor: return "tensor";
  case Kind::tensors: return "tensors";
  case Kind::integer: return std::to_string(argument.integer);
  case Kind::integers: return fmt::format("[{}]", fmt::join(argument.integers, ", "));
  case Kind::number: return fmt::format("{}", argument.number);
  case Kind::numbers: return fmt::format("[{}]", fmt::join(argument.numbers, ", "));
  case Kind::boolean: return argument.boolean ? "True" : "False";
  case Kind::text: return std::string(argument.text);
  case Kind::dtype: return std::string(name_of(argument.dtype));
  case Kind::other: break;
  }
  return "object";
}

const Argument* AtenCall::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i].name != name) continue;
    const Argument* argument = at(i);
    return argument->kind == Argument::Kind::none ? nullptr : argument;
  }
  return nullptr;
}

const Argument* AtenCall::at(std::size_t position) const noexcept {
  if (position >= arguments_.size()) return nullptr;
  if (position < most_marks) read_ |= std::uint64_t{1} << position;
  return &arguments_[position];
}

bool AtenCall::all_read() const noexcept {
  const std::size_t count = std::min(arguments_.size(), most_marks);
  return count == 0 || read_ == ~std::uint64_t{0} >> (most_marks - count);
}

bool AtenCall::has_tensor(std::string_view name) const noexcept {
  const Argument* argument = find(name);
  return argument != nullptr && argument->kind == Argument::Kind::tensor;
}

void AtenCall::throw_argument(std::string_view name, std::string_view expected) const {
  const bool missing = find(name) == nullptr;
  throw Error(ErrorCode::malformed,
              "the argument \"" + std::string(name) + "\" of " + std::string(name_) +
                  (missing ? " is missing" : " is of the wrong kind"),
              {std::string(expected), missing ? "nothing" : "something else"});
}

const Argument& AtenCall::get(std::string_view name, std::string_view expected) const {
  const Argument* argument = find(name);
  if (argument == nullptr) throw_argument(name, expected);
  return *argument;
}

Tensor AtenCall::tensor(std::string_view name) const {
  const Argument& argument = get(name, "a tensor");
  if (argument.kind != Argument::Kind::tensor) throw_argument(name, "a tensor");
  return {&graph_, argument.tensor};
}

Tensor AtenCall::tensor(std::size_t position) const {
  const Argument* argument = at(position);
  if (argument == nullptr || argument->kind != Argument::Kind::tensor)
    throw_argument(argument == nullptr ? "(a tensor)" : argument->name, "a tensor");
  return {&graph_, argument->tensor};
}

Tensor AtenCall::optional_tensor(std::string_view name) const {
  return has(name) ? tensor(name) : Tensor();
}

std::vector<Tensor> AtenCall::tensors(std::string_view name) const {
  const Argument& argument = get(name, "a list of tensors");
  // The type of an empty list's elements is unknown.
  const bool empty = argument.kind == Argument::Kind::integers && argument.integers.empty();
  if (argument.kind != Argument::Kind::tensors && !empty) throw_argument(name, "a list of tensors");
  std::vector<Tensor> tensors;
  tensors.reserve(argument.tensors.size());
  for (const ValueId id : argument.tensors) tensors.push_back({&graph_, id});
  return tensors;
}

std::int64_t AtenCall::integer(std::string_view name, std::optional<std::int64_t> missing) const {
  if (missing && !has(name)) return *missing;
  const Argument& argument = get(name, "an integer");
  if (argument.kind == Argument::Kind::boolean) return argument.boolean ? 1 : 0;
  if (argument.kind != Argument::Kind::integer) throw_argument(name, "an integer");
  return argument.integer;
}

double AtenCall::number(std::string_view name, std::optional<double> missing) const {
  if (missing && !has(name)) return *missing;
  const Argument& argument = get(name, "a number");
  switch (argument.kind) {
  case Argument::Kind::integer: return static_cast<double>(argument.integer);
  case Argument::Kind::number: return argument.number;
  case Argument::Kind::boolean: return argument.boolean ? 1 : 0;
  default: throw_argument(name, "a number");
  }
}

bool AtenCall::boolean(std::string_view name, bool missing) const {
  const Argument* argument = find(name);
  if (argument == nullptr) return missing;
  if (argument->kind == Argument::Kind::integer) return argument->integer != 0;
  if (argument->kind != Argument::Kind::boolean) throw_argument(name, "true or false");
  return argument->boolean;
}

std::span<const std::int64_t> AtenCall::integers(std::string_view name) const {
  const Argument* argument = find(name);
  if (argument == nullptr) return {};
  if (argument->kind == Argument::Kind::integer) return {&argument->integer, 1};
  const bool empty = argument->kind == Argument::Kind::tensors && argument->tensors.empty();
  if (argument->kind != Argument::Kind::integers && !empty) throw_argument(name, "integers");
  return argument->integers;
}

std::string_view AtenCall::text(std::string_view name, std::string_view missing) const {
  const Argument* argument = find(name);
  if (argument == nullptr) return missing;
  if (argument->kind != Argument::Kind::text) throw_argument(name, "a text");
  return argument->text;
}

std::optional<DType> AtenCall::dtype(std::string_view name) const {
  const Argument* argument = find(name);
  if (argument == nullptr) return std::nullopt;
  if (argument->kind != Argument::Kind::dtype) throw_argument(name, "an element type");
  return argument->dtype;
}

void AtenCall::outputs(Tensor first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) output(sibling_output(first, i));
}

void AtenCall::expect_outputs(std::int64_t count) const {
  if (count > static_cast<std::int64_t>(declared_.count()))
    refuse("more results than the program names");
}

OutputType AtenCall::declared(std::size_t output) const {
  std::optional<OutputType> type = declared_.type(output);
  if (!type) refuse("a result whose type the program does not declare");
  return *type;
}

void AtenCall::further_outputs(Tensor first) {
  const NodeId node = graph_.value(first.id).producer;
  while (results_.size() < declared_.count()) {
    ValueId made = no_id;
    if (uses(results_.size())) {
      const OutputType type = declared(results_.size());
      made = static_cast<ValueId>(graph_.values().size());
      graph_.add_declared_outputs(node, {&type, 1});
    }
    results_.push_back(made);
  }
}

void AtenCall::keeps(std::size_t first_node, std::initializer_list<Tensor> kept,
                     std::int64_t bytes) {
  std::vector<ValueId> values;
  for (const Tensor& tensor : kept) {
    if (tensor) values.push_back(tensor.id);
  }
  graph_.add_region({.first_node = static_cast<NodeId>(first_node),
                     .end_node = static_cast<NodeId>(graph_.nodes().size()),
                     .kind = Region::Kind::kernel,
                     .kept = values,
                     .kept_bytes = bytes});
}

void AtenCall::refuse(std::string_view reason) const {
  throw Error(ErrorCode::unsupported, std::string(reason));
}

}  // namespace zoometer
