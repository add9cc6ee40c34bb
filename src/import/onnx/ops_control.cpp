// Constants, branches, loops, sequences and optional values.
#include <algorithm>

#include "import/onnx/reader.hpp"
#include "import/torch/decompositions.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_outputs = 0xFFFF;  // what one node can take or make
constexpr std::int64_t endless = INT64_MAX;

OnnxValue tensor_value(Tensor tensor) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.id = tensor.id;
  return value;
}

OnnxValue known_value(const KnownTensor* known) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.known = known;
  return value;
}

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

OnnxGraph body_of(OnnxContext& context, std::string_view name) {
  const OnnxAttribute* found = context.attribute(name);
  context.require(found != nullptr && !found->graph.empty(),
                  "a graph as attribute '" + std::string(name) + "'");
  return context.reader().records().graph(found->graph);
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
  context.note("an If whose condition depends on data is taken by its costlier branch");
  const OnnxReader::Mark before = reader.mark();
  const std::size_t first = context.graph().nodes().size();
  const auto run = [&](std::string_view name) {
    const OnnxGraph branch = body_of(context, name);
    reader.spend(reader.units(branch));
    return reader.run_subgraph(branch, context.frame(), {});
  };
  run("then_branch");
  const std::int64_t then_flops = flops_from(context.graph(), first);
  reader.rewind(before);
  const std::vector<OnnxValue> otherwise = run("else_branch");
  if (flops_from(context.graph(), first) > then_flops) return finish(otherwise);
  reader.rewind(before);
  return finish(run("then_branch"));
}

// -- loops ------------------------------------------------------------------------------------

/// The results of a loop's iterations, one list per output.
class Collected {
 public:
  explicit Collected(std::size_t count) : lists_(count) {}

  void add(std::size_t output, const OnnxValue& value) { lists_[output].push_back(value); }

  /// All iterations' results along an axis. A loop that was read once stands for `times`.
  OnnxOutcome finish(OnnxContext& context, std::size_t list, std::size_t output, std::int64_t axis,
                     std::int64_t times) const {
    const std::vector<OnnxValue>& values = lists_[list];
    if (!context.wants(output)) return OnnxOutcome::done;
    if (values.empty()) {
      const std::optional<DeclaredType> type = context.declared(output);
      if (!type) return OnnxOutcome::depends_on_data;
      return context.out(output, full(context.graph(), type->shape, 0, type->dtype));
    }
    const std::string_view name = context.node().outputs[output];
    std::vector<Tensor> tensors;
    for (const OnnxValue& value : values) {
      const ValueId id = context.reader().enter(value, OnnxReader::Role::data, name);
      tensors.push_back({&context.graph(), id});
    }
    const std::int64_t rank = tensors[0].rank() + 1;
    Tensor result = stack(tensors, context.axis(axis, rank));
    if (times > static_cast<std::int64_t>(values.size())) {
      Ints sizes(result.shape());
      sizes[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = times;
      if (values.size() == 1) result = expand(result, sizes);
    }
    return context.out(output, result);
  }

 private:
  std::vector<std::vector<OnnxValue>> lists_;
};

/// How often a loop runs: what its input says, or the declared length of what it collects. Nothing
/// where the input has too many elements to be known.
std::optional<std::int64_t> trip_count(OnnxContext& context, std::size_t carried_count) {
  if (context.known(0) != nullptr) {
    const std::optional<std::int64_t> given = context.integer(0);
    return given ? std::max<std::int64_t>(0, *given) : given;
  }
  context.take_unknown(0);
  for (std::size_t i = carried_count; i < context.output_count(); ++i) {
    const std::optional<DeclaredType> type = context.declared(i);
    if (type && type->is_known() && type->shape.rank() > 0) return type->shape[0];
  }
  return endless;
}

OnnxOutcome emit_loop(OnnxContext& context) {
  OnnxReader& reader = context.reader();
  const OnnxGraph body = body_of(context, "body");
  const std::size_t total = context.node().inputs.size();
  const std::size_t carried_count = total > 2 ? total - 2 : 0;
  context.require(body.inputs.size() >= carried_count + 2 &&
                      body.outputs.size() >= carried_count + 1,
                  "a body that takes and gives the loop's values");
  const std::size_t scan_count = body.outputs.size() - carried_count - 1;
  context.require(context.output_count() <= carried_count + scan_count,
                  "as many outputs as the body gives");

  const KnownTensor* condition = context.known(1);
  const bool has_limit = context.has(0);
  const bool has_condition = context.has(1);
  const std::optional<std::int64_t> trips = trip_count(context, carried_count);
  if (!trips) return OnnxOutcome::depends_on_data;
  const std::int64_t limit = *trips;
  std::int64_t most = limit;
  if (limit > most_outputs || !reader.affordable(reader.units(body), limit)) most = 1;
  // Without a limit it is the condition that ends the loop, as far as it is known.
  const bool is_while = !has_limit && has_condition && condition != nullptr;
  if (is_while) most = endless;

  std::vector<OnnxValue> state(carried_count + 2);
  for (std::size_t i = 0; i < carried_count; ++i) {
    if (context.has(i + 2)) state[i + 2] = context.value(i + 2);
  }
  OnnxValue proceed =
      has_condition ? context.value(1) : known_value(context.make_uniform(DType::boolean, {}, 1));
  Collected scans(scan_count);
  bool depends_on_data = has_condition && condition == nullptr;
  std::int64_t done = 0;
  for (; done < most; ++done) {
    const KnownTensor* goes_on = reader.known(proceed);
    if (goes_on != nullptr && goes_on->count() == 1 && goes_on->real(0) == 0) break;
    if (goes_on == nullptr) depends_on_data = true;
    if (is_while && done > 0 && (goes_on == nullptr || !reader.affordable(reader.units(body), 1)))
      break;
    const std::int64_t number[] = {done};
    state[0] = known_value(context.make_integers(DType::int64, {}, number));
    state[1] = proceed;
    const std::vector<OnnxValue> results = reader.run_subgraph(body, context.frame(), state);
    proceed = results[0];
    for (std::size_t i = 0; i < carried_count; ++i) state[i + 2] = results[i + 1];
    for (std::size_t i = 0; i < scan_count; ++i) scans.add(i, results[carried_count + 1 + i]);
  }
  const bool is_cut = done == most && most < limit;
  if (is_cut && limit == endless)
    context.note("a Loop whose trip count is not known is counted once");
  if (is_cut && limit != endless) {
    context.note("a Loop of " + std::to_string(limit) + " iterations is counted once");
  }
  if (depends_on_data && !is_cut) {
    context.note("a Loop that may end before is counted with all its " + std::to_string(done) +
                 " iterations");
  }
  for (std::size_t i = 0; i < carried_count; ++i) context.out_value(i, state[i + 2]);
  for (std::size_t i = 0; i < scan_count; ++i) {
    const std::int64_t times = is_cut && limit != endless ? limit : done;
    if (scans.finish(context, i, carried_count + i, 0, times) != OnnxOutcome::done)
      return OnnxOutcome::depends_on_data;
  }
  return OnnxOutcome::done;
}

/// The inputs and outputs of a Scan and how they are walked along.
struct ScanPlan {
  OnnxGraph body;
  std::size_t states = 0;
  std::vector<std::int64_t> input_axes;
  std::vector<std::int64_t> output_axes;
};

/// One run over a sequence: final states and stacked outputs. Nothing where an output has no
/// elements, whose shape is then not known.
std::optional<std::vector<OnnxValue>> run_scan(OnnxContext& context, const ScanPlan& plan,
                                               std::vector<OnnxValue> state,
                                               std::span<const Tensor> sequences) {
  OnnxReader& reader = context.reader();
  const std::size_t scan_count = plan.body.outputs.size() - plan.states;
  std::int64_t length = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t axis = context.axis(plan.input_axes[i], sequences[i].rank());
    length = sequences[i].dim(axis);
  }
  const bool is_once = length > most_outputs || !reader.affordable(reader.units(plan.body), length);
  if (is_once) context.note("a Scan of " + std::to_string(length) + " iterations is counted once");
  std::vector<std::vector<Tensor>> outputs(scan_count);
  for (std::int64_t t = 0; t < (is_once ? 1 : length); ++t) {
    std::vector<OnnxValue> inputs = state;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::int64_t axis = context.axis(plan.input_axes[i], sequences[i].rank());
      inputs.push_back(tensor_value(select(sequences[i], axis, t)));
    }
    const std::vector<OnnxValue> results = reader.run_subgraph(plan.body, context.frame(), inputs);
    for (std::size_t i = 0; i < plan.states; ++i) state[i] = results[i];
    for (std::size_t i = 0; i < scan_count; ++i) {
      const OnnxValue& result = results[plan.states + i];
      const ValueId id =
          reader.enter(result, OnnxReader::Role::data, plan.body.outputs[plan.states + i].name);
      outputs[i].push_back({&context.graph(), id});
    }
  }
  for (std::size_t i = 0; i < scan_count; ++i) {
    if (outputs[i].empty()) return std::nullopt;
    const std::int64_t rank = outputs[i][0].rank() + 1;
    const std::int64_t axis = context.axis(plan.output_axes[i], rank);
    Tensor all = stack(outputs[i], axis);
    if (is_once) {
      Ints sizes(all.shape());
      sizes[static_cast<std::size_t>(axis)] = length;
      all = expand(all, sizes);
    }
    state.push_back(tensor_value(all));
  }
  return state;
}

OnnxOutcome emit_scan(OnnxContext& context) {
  ScanPlan plan;
  plan.body = body_of(context, "body");
  const bool has_batch = context.opset() < 9;  // and sequence lengths as the first input
  const std::size_t first = has_batch ? 1 : 0;
  const std::size_t inputs =
      context.node().inputs.size() - std::min(first, context.node().inputs.size());
  const auto scans = static_cast<std::size_t>(std::clamp<std::int64_t>(
      context.integer("num_scan_inputs", 0), 0, static_cast<std::int64_t>(inputs)));
  context.require(scans >= 1, "at least one scan input");
  plan.states = inputs - scans;
  context.require(plan.body.inputs.size() == inputs && plan.body.outputs.size() >= plan.states &&
                      context.output_count() <= plan.body.outputs.size(),
                  "a body that takes and gives the scan's values");
  const std::size_t outputs = plan.body.outputs.size() - plan.states;
  plan.input_axes =
      context.integers("scan_input_axes").value_or(std::vector<std::int64_t>(scans, 0));
  plan.output_axes =
      context.integers("scan_output_axes").value_or(std::vector<std::int64_t>(outputs, 0));
  context.require(plan.input_axes.size() == scans && plan.output_axes.size() == outputs,
                  "an axis per scan input and output");

  std::vector<OnnxValue> state;
  for (std::size_t i = 0; i < plan.states; ++i) state.push_back(context.value(first + i));
  std::vector<Tensor> sequences;
  for (std::size_t i = 0; i < scans; ++i) sequences.push_back(context.in(first + plan.states + i));
  if (!has_batch) {
    const auto results = run_scan(context, plan, state, sequences);
    if (!results) return OnnxOutcome::depends_on_data;
    for (std::size_t i = 0; i < context.output_count(); ++i) context.out_value(i, (*results)[i]);
    return OnnxOutcome::done;
  }
  context.require(sequences[0].rank() >= 2, "a batch and a sequence dimension");
  const std::int64_t batch = sequences[0].dim(0);
  if (batch > most_outputs ||
      !context.reader().affordable(context.reader().units(plan.body), batch)) {
    return OnnxOutcome::depends_on_data;
  }
  std::vector<std::vector<Tensor>> stacked(plan.body.outputs.size());
  for (std::int64_t b = 0; b < batch; ++b) {
    std::vector<OnnxValue> own_state;
    for (std::size_t i = 0; i < plan.states; ++i) {
      own_state.push_back(tensor_value(select(context.in(first + i), 0, b)));
    }
    std::vector<Tensor> own_sequences;
    for (const Tensor sequence : sequences) own_sequences.push_back(select(sequence, 0, b));
    const auto results = run_scan(context, plan, own_state, own_sequences);
    if (!results) return OnnxOutcome::depends_on_data;
    for (std::size_t i = 0; i < results->size(); ++i) {
      const ValueId id =
          context.reader().enter((*results)[i], OnnxReader::Role::data, plan.body.outputs[i].name);
      stacked[i].push_back({&context.graph(), id});
    }
  }
  for (std::size_t i = 0; i < context.output_count(); ++i) {
    if (stacked[i].empty()) return OnnxOutcome::depends_on_data;
    context.out(i, stack(stacked[i], 0));
  }
  return OnnxOutcome::done;
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
  if (sizes.empty()) return out_sequence(context, {});
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
  std::vector<Tensor> tensors;
  for (const OnnxValue& element : *sequence) {
    const ValueId id =
        context.reader().enter(element, OnnxReader::Role::data, context.node().inputs[0]);
    tensors.push_back({&context.graph(), id});
  }
  if (tensors.empty()) return OnnxOutcome::depends_on_data;
  const std::int64_t axis = context.integer("axis", 0);
  if (context.integer("new_axis", 0) != 0) {
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

constexpr NoEffect scan_no_effect[] = {
    {"directions", "from which end elements are taken"},
    {"scan_input_directions", "from which end elements are taken"},
    {"scan_output_directions", "from which end elements are written"},
};

constexpr NoEffect empty_no_effect[] = {
    {"dtype", "the type of elements that are not there"},
    {"type", "the type of elements that are not there"},
};

constexpr OnnxOperator control_rows[] = {
    {"ConcatFromSequence", same_values, emit_concat_from_sequence},
    {"Constant", same_values, emit_constant},
    {"If", same_cost, emit_if, {.takes_anything = true, .no_effect = if_no_effect}},
    {"Loop", same_cost, emit_loop, {.takes_anything = true}},
    {"Optional",
     same_values,
     emit_optional,
     {.takes_anything = true, .no_effect = empty_no_effect}},
    {"OptionalGetElement", same_values, emit_optional, {.takes_anything = true}},
    {"OptionalHasElement", same_values, emit_optional_has_element, {.takes_anything = true}},
    {"Scan", same_cost, emit_scan, {.no_effect = scan_no_effect}},
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
