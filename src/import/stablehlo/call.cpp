// What handlers of StableHLO's operations share.
#include "import/stablehlo/call.hpp"

#include <algorithm>
#include <map>

#include "op/mobile.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_integers = 1024;  // of an attribute

}  // namespace

const HloOperator* find_hlo_operator(std::string_view name) noexcept {
  static const std::map<std::string_view, const HloOperator*> by_name = [] {
    std::map<std::string_view, const HloOperator*> table;
    for (const HloOperators* group : hlo_operators())
      for (const HloOperator& row : group->rows) table.emplace(row.name, &row);
    return table;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

void HloCall::require(bool holds, std::string_view expected) const {
  if (holds) [[likely]]
    return;
  Error error(ErrorCode::shape, std::string(operation_.name),
              {std::string(expected), "other operands or attributes"});
  error.place.byte_offset = operation_.at;
  throw error;
}

Tensor HloCall::in(std::size_t index) {
  require(index < input_count(), "an operand " + std::to_string(index));
  return reader_.enter(frame_, operation_.operands[index], operation_.at);
}

std::vector<Tensor> HloCall::all_inputs() {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < input_count(); ++i)
    if (input_type(i).is_tensor) tensors.push_back(in(i));
  return tensors;
}

std::vector<HloValue> HloCall::values(std::size_t first) {
  std::vector<HloValue> found;
  for (std::size_t i = first; i < input_count(); ++i) {
    const HloValue& value = frame_.values[operation_.operands[i]];
    if (value.known == nullptr && input_type(i).is_tensor) in(i);
    found.push_back(frame_.values[operation_.operands[i]]);
  }
  return found;
}

const HloType& HloCall::input_type(std::size_t index) const {
  require(index < input_count(), "an operand " + std::to_string(index));
  const std::uint32_t type = frame_.values[operation_.operands[index]].type;
  require(type != hlo_none, "operands that were made before");
  return program().type(type);
}

const HloKnown* HloCall::known(std::size_t index) const {
  return index < input_count() ? frame_.values[operation_.operands[index]].known : nullptr;
}

std::vector<std::int64_t> HloCall::integers_or(std::string_view attribute,
                                               std::vector<std::int64_t> otherwise) const {
  const HloAttribute* found = program().find(operation_, attribute);
  if (found == nullptr) return otherwise;
  return program().integers(*found, most_integers);
}

std::vector<std::int64_t> HloCall::integers(std::string_view attribute) const {
  require(program().find(operation_, attribute) != nullptr,
          "the attribute " + std::string(attribute));
  return integers_or(attribute, {});
}

std::int64_t HloCall::integer(std::string_view attribute, std::int64_t otherwise) const {
  const std::vector<std::int64_t> found = integers_or(attribute, {otherwise});
  return found.size() == 1 ? found[0] : otherwise;
}

std::string_view HloCall::text(std::string_view attribute) const {
  const HloAttribute* found = program().find(operation_, attribute);
  return found == nullptr ? std::string_view{} : found->text;
}

const HloRegion& HloCall::region(std::size_t index) const {
  require(index < operation_.regions.size() && !operation_.regions[index].blocks.empty(),
          "a region " + std::to_string(index));
  return operation_.regions[index];
}

const HloType& HloCall::output_type(std::size_t index) const {
  require(index < output_count(), "a result");
  return program().type(operation_.types[index]);
}

void HloCall::out(HloValue value, std::size_t index) {
  if (index >= output_count()) return;
  value.type = operation_.types[index];
  frame_.values[operation_.first_result + index] = value;
  if (value.id != no_id) reader_.modules().made(value.id);
}

void HloCall::out(Tensor value, std::size_t index) {
  const HloType& declared = output_type(index);
  const Shape& shape = value.shape();
  bool fits = shape.size() == declared.shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i)
    fits = (declared.unknown >> i & 1U) != 0 || shape[i] == declared.shape[i];
  const bool is_computed = graph().value(value.id).is_computed();
  // A size that is unknown elsewhere may have made a guess of what the file states.
  require(fits || graph().value(value.id).has(Value::assumed), "results as the file states them");
  if (is_computed && declared.dtype != DType::unknown) graph().set_dtype(value.id, declared.dtype);
  out(HloValue{value.id}, index);
}

void HloCall::out_known(HloKnown known) { out(HloValue{no_id, reader_.keep(std::move(known))}, 0); }

void HloCall::out_declared(std::span<const Tensor> operands, std::size_t index) {
  if (index >= output_count()) return;
  const HloType& declared = output_type(index);
  Tensor result;
  if (!declared.is_tensor || operands.empty()) {
    result = full(graph(), declared.shape, 0, declared.dtype);
    graph().mark_stand_in(static_cast<NodeId>(graph().nodes().size() - 1),
                          graph().arena().copy(operation_.name));
  } else {
    result = rearrange(operands, {graph().arena().copy(operation_.name), declared.shape});
  }
  graph().set_dtype(result.id, declared.dtype);
  if (declared.unknown != 0) {
    graph().mark_assumed(result.id, declared.unknown);
    reader_.note(std::string(operation_.name) +
                 " has sizes that are not known: 1 is taken for each of them");
  }
  out(HloValue{result.id}, index);
}

void HloCall::out_declared(std::size_t index) { out_declared(all_inputs(), index); }

}  // namespace zoometer
