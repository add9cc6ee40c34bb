// Constants, branches, loops, sequences and optional values.
#include <algorithm>
#include <unordered_set>

#include "import/onnx/loop_run.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_outputs = 0xFFFF;  // what one node can take or make

// -- constants --------------------------------------------------------------------------------

OnnxOutcome emit_constant(OnnxContext& context) {
  OnnxReader& reader = context.reader();
  const std::string_view output = context.wants(0) ? context.node().outputs[0] : "";
  if (const OnnxAttribute* value = context.attribute("value")) {
    OnnxTensor tensor = reader.records().tensor(value->tensor);
    tensor.name = output;
    return context.out_value(0, OnnxValue::of(reader.store(tensor, true)));
  }
  if (const OnnxAttribute* value = context.attribute("value_int")) {
    const std::int64_t number[] = {value->integer};
    return context.out(0, context.make_integers(DType::int64, {}, number));
  }
  if (const OnnxAttribute* value = context.attribute("value_float")) {
    const double number[] = {static_cast<double>(value->real)};
    return context.out(0, context.make_reals(DType::float32, {}, number));
  }
  if (const auto values = context.integers("value_ints"); values) {
    const Shape shape{static_cast<std::int64_t>(values->size())};
    return context.out(0, context.make_integers(DType::int64, shape, *values));
  }
  if (const auto values = context.reals("value_floats"); values) {
    const Shape shape{static_cast<std::int64_t>(values->size())};
    OnnxTensor tensor;
    tensor.name = output;
    tensor.shape = shape;
    tensor.dtype = DType::float32;
    StoredTensor* stored = reader.store(tensor, true, context.attribute("value_floats")->message);
    if (stored->known == nullptr)
      stored->known = context.make_reals(DType::float32, shape, *values);
    return context.out_value(0, OnnxValue::of(stored));
  }
  if (const OnnxAttribute* value = context.attribute("sparse_value")) {
    OnnxTensor tensor = reader.records().sparse_tensor(*value);
    tensor.name = output;
    return context.out_value(0, OnnxValue::of(reader.store(tensor, true, value->message)));
  }
  Shape shape;
  if (const OnnxAttribute* texts = context.attribute("value_strings")) {
    shape.push_back(static_cast<std::int64_t>(reader.records().texts(*texts).size()));
  } else if (context.attribute("value_string") == nullptr) {
    return OnnxOutcome::depends_on_data;
  }
  return context.out(full(context.graph(), shape, 0, DType::string));
}

// -- branches ---------------------------------------------------------------------------------

/// A branch of an If whose condition depends on data: what it gives and costs, or why it does not
/// fit the sizes.
struct IfBranch {
  std::string_view name;
  std::optional<std::vector<OnnxValue>> outputs = {};
  std::int64_t flops = 0;
  std::string problem = {};
};

void run_branch(OnnxContext& context, IfBranch& branch) {
  OnnxReader& reader = context.reader();
  const OnnxReader::Mark before = reader.mark();
  const std::size_t first = context.graph().nodes().size();
  const OnnxGraph body = body_of(context, branch.name);
  reader.spend(reader.units(body));
  try {
    branch.outputs = reader.run_subgraph(body, context.frame(), {});
    branch.flops = flops_from(context.graph(), first);
  } catch (Error& error) {
    if (error.code != ErrorCode::shape && error.code != ErrorCode::malformed) throw;
    error.place.byte_offset.reset();
    branch.problem = error.what();
    reader.rewind(before);
  }
}

/// The inputs of few elements from which a value is computed, as an option that fixes one.
std::string value_option(const Graph& graph, ValueId value) {
  constexpr std::size_t most_nodes = 1000;
  std::vector<ValueId> open = {value};
  std::unordered_set<ValueId> seen;
  std::string option;
  while (!open.empty() && seen.size() < most_nodes) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == no_id || !seen.insert(id).second) continue;
    const Value& own = graph.value(id);
    if (own.has(Value::is_parameter)) continue;
    if (!own.has(Value::is_input)) {
      const auto inputs = graph.inputs_of(graph.nodes()[own.producer]);
      open.insert(open.end(), inputs.begin(), inputs.end());
      continue;
    }
    if (graph.numel(id) > 1 || !option.empty()) return {};
    option = "--value " + escape_controls(graph.inputs()[own.producer].name) + "=N";
  }
  return option;
}

OnnxOutcome emit_if(OnnxContext& context) {
  OnnxReader& reader = context.reader();
  const auto finish = [&](const std::vector<OnnxValue>& outputs) {
    context.require(outputs.size() >= context.output_count(), "as many outputs in the branch");
    for (std::size_t i = 0; i < context.output_count(); ++i) context.out_value(i, outputs[i]);
    return OnnxOutcome::done;
  };
  if (const KnownTensor* condition = context.known(0); condition != nullptr) {
    context.require(condition->count() == 1, "a condition of one element");
    const bool holds = context.elements(0)->real(0) != 0;
    const OnnxGraph branch = body_of(context, holds ? "then_branch" : "else_branch");
    return finish(reader.run_subgraph(branch, context.frame(), {}));
  }
  context.take_unknown(0);
  const OnnxReader::Mark before = reader.mark();
  IfBranch first{"then_branch"};
  IfBranch second{"else_branch"};
  run_branch(context, first);
  reader.rewind(before);
  run_branch(context, second);
  if (!first.outputs && !second.outputs) {
    throw Error(ErrorCode::shape, "neither branch fits the sizes",
                {{}, "then_branch: " + first.problem + "; else_branch: " + second.problem});
  }
  const bool is_second = !first.outputs || (second.outputs && second.flops > first.flops);
  const IfBranch& other = is_second ? first : second;
  const std::string option = value_option(context.graph(), context.value(0).id);
  std::string note = node_title(context.node()) + " depends on data: its " +
                     std::string(is_second ? second.name : first.name) + " is counted, " +
                     (other.outputs ? "the costlier one"
                                    : "and its " + std::string(other.name) +
                                          " does not fit the sizes (" + other.problem + ")");
  if (!option.empty()) note += "; choose with " + option;
  reader.note_some("If", std::move(note),
                   "further Ifs depend on data; the costlier branch of each is counted");
  if (is_second) return finish(*second.outputs);
  reader.rewind(before);
  run_branch(context, first);
  return finish(*first.outputs);
}

// -- sequences --------------------------------------------------------------------------------

/// Null where the input is no sequence: what an unknown operator gives.
const std::vector<OnnxValue>* sequence_at(const OnnxContext& context, std::size_t index) {
  const OnnxValue& value = context.value(index);
  return value.kind == OnnxValue::Kind::sequence ? value.sequence : nullptr;
}

OnnxOutcome out_sequence(OnnxContext& context, std::vector<OnnxValue> elements,
                         std::size_t output = 0) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::sequence;
  value.sequence = context.reader().keep_sequence(std::move(elements));
  return context.out_value(output, value);
}

/// The position that an input names, which may count from the end.
std::size_t position(OnnxContext& context, std::size_t input, std::size_t length,
                     std::size_t otherwise) {
  if (!context.has(input)) return otherwise;
  const std::optional<std::int64_t> given = context.integer(input);
  if (!given) {
    context.note("a position in a sequence that data chooses is taken to be the last");
    return otherwise;
  }
  const std::int64_t index = *given;
  const auto size = static_cast<std::int64_t>(length);
  context.require(index >= -size && index <= size, "a position within the sequence");
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

OnnxOutcome emit_sequence_empty(OnnxContext& context) { return out_sequence(context, {}); }

/// The result of joining no tensors: of size 0 along the axis.
OnnxOutcome out_nothing(OnnxContext& context, const StoredTensor& element, std::int64_t axis,
                        bool is_new_axis) {
  Shape shape = element.type->shape;
  axis = context.axis(axis, shape.rank() + (is_new_axis ? 1 : 0));
  if (is_new_axis) shape.insert(static_cast<std::size_t>(axis), 0);
  shape[static_cast<std::size_t>(axis)] = 0;
  return context.out(full(context.graph(), shape, 0, element.dtype));
}

OnnxOutcome emit_sequence_construct(OnnxContext& context) {
  std::vector<OnnxValue> elements;
  for (std::size_t i = 0; i < context.input_count(); ++i) elements.push_back(context.value(i));
  return out_sequence(context, std::move(elements));
}

OnnxOutcome emit_sequence_insert(OnnxContext& context) {
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr) return OnnxOutcome::depends_on_data;
  std::vector<OnnxValue> elements = *sequence;
  const std::size_t at = position(context, 2, elements.size(), elements.size());
  elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(at), context.value(1));
  return out_sequence(context, std::move(elements));
}

OnnxOutcome emit_sequence_erase(OnnxContext& context) {
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr || sequence->empty()) return OnnxOutcome::depends_on_data;
  std::vector<OnnxValue> elements = *sequence;
  const std::size_t at = position(context, 1, elements.size(), elements.size() - 1);
  context.require(at < elements.size(), "a position within the sequence");
  elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(at));
  return out_sequence(context, std::move(elements));
}

OnnxOutcome emit_sequence_at(OnnxContext& context) {
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr || sequence->empty()) return OnnxOutcome::depends_on_data;
  const std::vector<OnnxValue>& elements = *sequence;
  const std::optional<std::int64_t> given = context.integer(1);
  if (!given) {
    context.note("an element of a sequence that data chooses is taken to be the first");
    return context.out_value(0, elements.front());
  }
  // A sequence that is an input has one element that stands for all.
  const std::int64_t index = *given;
  const auto size = static_cast<std::int64_t>(elements.size());
  const std::int64_t at = std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size - 1);
  return context.out_value(0, elements[static_cast<std::size_t>(at)]);
}

OnnxOutcome emit_sequence_length(OnnxContext& context) {
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr) return OnnxOutcome::depends_on_data;
  const std::int64_t length[] = {static_cast<std::int64_t>(sequence->size())};
  return context.out(0, context.make_integers(DType::int64, {}, length));
}

OnnxOutcome emit_split_to_sequence(OnnxContext& context) {
  const Tensor x = context.in(0);
  const std::int64_t axis = context.axis(context.integer("axis", 0), x.rank());
  const std::int64_t length = x.dim(axis);
  std::vector<std::int64_t> sizes;
  const bool drops_axis = context.integer("keepdims", 1) == 0 && !context.has(1);
  const KnownTensor* split_by = context.has(1) ? context.elements(1) : nullptr;
  if (context.has(1) && split_by == nullptr) return OnnxOutcome::depends_on_data;
  if (split_by == nullptr) {
    context.require(length <= most_outputs, "at most 65535 elements");
    sizes.assign(static_cast<std::size_t>(length), 1);
  } else if (split_by->shape.rank() == 0) {
    const std::int64_t piece = split_by->integer(0);
    context.require(piece >= 1 && ceil_div(length, piece) <= most_outputs, "pieces of at least 1");
    for (std::int64_t start = 0; start < length; start += piece) {
      sizes.push_back(std::min(piece, length - start));
    }
  } else {
    sizes = split_by->all_integers();
  }
  if (sizes.empty()) {
    Shape piece = x.shape();
    if (drops_axis) piece.erase(static_cast<std::size_t>(axis));
    return context.out_value(0, context.reader().empty_sequence(piece, x.dtype()));
  }
  const Chunks pieces = split(x, sizes, axis);
  std::vector<OnnxValue> elements;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    elements.push_back(tensor_value(drops_axis ? squeeze(pieces[i], axis) : pieces[i]));
  }
  return out_sequence(context, std::move(elements));
}

OnnxOutcome emit_concat_from_sequence(OnnxContext& context) {
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr) return OnnxOutcome::depends_on_data;
  context.reader().spend(static_cast<std::int64_t>(sequence->size()));
  std::vector<Tensor> tensors;
  for (const OnnxValue& element : *sequence) {
    const ValueId id =
        context.reader().enter(element, OnnxReader::Role::data, context.node().inputs[0]);
    tensors.push_back({&context.graph(), id});
  }
  const std::int64_t axis = context.integer("axis", 0);
  const bool is_new_axis = context.integer("new_axis", 0) != 0;
  const StoredTensor* element = context.value(0).stored;  // of an empty sequence
  if (tensors.empty() && element == nullptr) return OnnxOutcome::depends_on_data;
  if (tensors.empty()) return out_nothing(context, *element, axis, is_new_axis);
  if (is_new_axis) {
    return context.out(stack(tensors, context.axis(axis, tensors[0].rank() + 1)));
  }
  return context.out(cat(tensors, context.axis(axis, tensors[0].rank())));
}

OnnxOutcome emit_sequence_map(OnnxContext& context) {
  const OnnxGraph body = body_of(context, "body");
  const std::vector<OnnxValue>* sequence = sequence_at(context, 0);
  if (sequence == nullptr) return OnnxOutcome::depends_on_data;
  const std::size_t count = sequence->size();
  std::vector<std::vector<OnnxValue>> outputs(context.output_count());
  for (std::size_t k = 0; k < count; ++k) {
    std::vector<OnnxValue> inputs;
    for (std::size_t i = 0; i < context.input_count(); ++i) {
      const OnnxValue& value = context.value(i);
      const bool is_sequence = value.kind == OnnxValue::Kind::sequence;
      context.require(!is_sequence || k < value.sequence->size(), "sequences of equal length");
      inputs.push_back(is_sequence ? (*value.sequence)[k] : value);
    }
    const std::vector<OnnxValue> results =
        context.reader().run_subgraph(body, context.frame(), inputs);
    context.require(results.size() >= outputs.size(), "as many outputs in the body");
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i].push_back(results[i]);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) out_sequence(context, std::move(outputs[i]), i);
  return OnnxOutcome::done;
}

// -- optional values --------------------------------------------------------------------------

OnnxOutcome emit_optional(OnnxContext& context) {
  return context.has(0) ? context.out_value(0, context.value(0)) : OnnxOutcome::done;
}

OnnxOutcome emit_optional_has_element(OnnxContext& context) {
  const std::int64_t has[] = {context.has(0) ? 1 : 0};
  context.take_unknown(0);
  return context.out(0, context.make_integers(DType::boolean, {}, has));
}

using enum Meaning;

constexpr NoEffect if_no_effect[] = {
    {"then_branch", "the branch that is not taken"},
    {"else_branch", "the branch that is not taken"},
};

constexpr NoEffect empty_no_effect[] = {
    {"dtype", "the type of elements that are not there"},
    {"type", "the type of elements that are not there"},
};

constexpr OnnxOperator control_rows[] = {
    {"ConcatFromSequence", same_values, emit_concat_from_sequence},
    {"Constant", same_values, emit_constant},
    {"If", same_cost, emit_if, {.takes_anything = true, .no_effect = if_no_effect}},
    {"Optional",
     same_values,
     emit_optional,
     {.takes_anything = true, .no_effect = empty_no_effect}},
    {"OptionalGetElement", same_values, emit_optional, {.takes_anything = true}},
    {"OptionalHasElement", same_values, emit_optional_has_element, {.takes_anything = true}},
    {"SequenceAt", same_cost, emit_sequence_at, {.takes_anything = true}},
    {"SequenceConstruct", same_values, emit_sequence_construct, {.takes_anything = true}},
    {"SequenceEmpty",
     same_values,
     emit_sequence_empty,
     {.takes_anything = true, .no_effect = empty_no_effect}},
    {"SequenceErase", same_values, emit_sequence_erase, {.takes_anything = true}},
    {"SequenceInsert", same_values, emit_sequence_insert, {.takes_anything = true}},
    {"SequenceLength", same_values, emit_sequence_length, {.takes_anything = true}},
    {"SequenceMap", same_values, emit_sequence_map, {.takes_anything = true}},
    {"SplitToSequence", same_values, emit_split_to_sequence},
};

}  // namespace

extern constinit const OnnxOperators onnx_control_operators = {"", control_rows};

}  // namespace zoometer
