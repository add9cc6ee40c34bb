// Operators that run subgraphs, and state.
#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "import/tflite/call.hpp"
#include "import/torch/decompositions.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t add_code = 0;
constexpr std::int64_t most_trips = std::int64_t{1} << 40;

/// The operands from `first` on.
std::vector<TfliteValue> operands_of(TfliteCall& call, std::size_t first = 0) {
  std::vector<TfliteValue> values;
  for (std::size_t i = first; i < call.input_count(); ++i) {
    if (call.known(i) == nullptr) call.in(i);
    values.push_back(call.frame().values[static_cast<std::size_t>(call.node().inputs[i])]);
  }
  return values;
}

bool out_values(TfliteCall& call, const std::vector<TfliteValue>& values) {
  call.require(values.size() >= call.output_count(), "as many results as the subgraph has");
  for (std::size_t i = 0; i < call.output_count(); ++i) {
    call.frame().values[static_cast<std::size_t>(call.node().outputs[i])] = values[i];
    if (values[i].id != no_id) call.reader().modules().made(values[i].id);
  }
  return true;
}

std::vector<TfliteValue> run_in_module(TfliteCall& call, std::uint32_t subgraph,
                                       std::string_view name, std::string_view kind,
                                       const std::vector<TfliteValue>& inputs) {
  call.reader().modules().descend(name, kind);
  std::vector<TfliteValue> results = call.reader().run(subgraph, inputs, call.node().at);
  call.reader().modules().leave();
  return results;
}

bool emit_call(TfliteCall& call) {
  const auto subgraph = call.option<std::uint32_t>(0);
  return out_values(call, call.reader().run(subgraph, operands_of(call), call.node().at));
}

/// What runs once before all inferences is no part of one.
bool emit_call_once(TfliteCall& call) {
  call.option<std::int32_t>(0);
  call.reader().note("CALL_ONCE initialises state before the first inference and is not counted");
  return true;
}

bool emit_composite(TfliteCall& call) {
  const std::string_view name = call.node().options.text(0);
  call.option<std::uint32_t>(0);
  const auto subgraph = call.option<std::int32_t>(1);
  call.require(subgraph >= 0, "a subgraph");
  return out_values(call, run_in_module(call, static_cast<std::uint32_t>(subgraph), name, name,
                                        operands_of(call)));
}

// -- branches ---------------------------------------------------------------------------------

bool emit_if(TfliteCall& call) {
  const auto then_index = static_cast<std::uint32_t>(call.option<std::int32_t>(0));
  const auto else_index = static_cast<std::uint32_t>(call.option<std::int32_t>(1));
  if (const std::optional<std::int64_t> condition = call.integer(0)) {
    const std::uint32_t taken = *condition != 0 ? then_index : else_index;
    return out_values(call, call.reader().run(taken, operands_of(call, 1), call.node().at));
  }
  call.in(0);
  const std::vector<TfliteValue> inputs = operands_of(call, 1);
  TfliteReader& reader = call.reader();
  const TfliteReader::Mark before = reader.mark();
  const auto cost_of = [&](std::uint32_t subgraph, std::string_view name) {
    run_in_module(call, subgraph, name, name, inputs);
    const std::int64_t flops = flops_from(call.graph(), before.graph.nodes);
    reader.rewind(before);
    return flops;
  };
  const std::int64_t first = cost_of(then_index, "then");
  const std::int64_t second = cost_of(else_index, "else");
  const bool is_first = first >= second;
  reader.note(fmt::format("IF depends on data: its {} branch is counted, the costlier one",
                          is_first ? "then" : "else"));
  const std::string_view name = is_first ? "then" : "else";
  return out_values(call,
                    run_in_module(call, is_first ? then_index : else_index, name, name, inputs));
}

// -- loops ------------------------------------------------------------------------------------

/// The operator of a subgraph that makes a tensor, or null.
const TfliteNode* maker_of(const TfliteSubgraph& subgraph, std::int32_t tensor) {
  for (const TfliteNode& node : subgraph.nodes)
    if (std::ranges::count(node.outputs, tensor) > 0) return &node;
  return nullptr;
}

std::optional<std::int64_t> constant_in(TfliteCall& call, const TfliteSubgraph& subgraph,
                                        std::int32_t tensor) {
  if (tensor < 0) return std::nullopt;
  const auto found =
      call.reader().model().integers(subgraph.tensors[static_cast<std::size_t>(tensor)], 1);
  if (!found || found->size() != 1) return std::nullopt;
  return found->front();
}

/// A value that a loop hands on as it got it: what it was before the loop.
std::optional<std::int64_t> kept_in(TfliteCall& call, const TfliteSubgraph& condition,
                                    const TfliteSubgraph& body, std::int32_t tensor) {
  if (const auto constant = constant_in(call, condition, tensor)) return constant;
  const auto found = std::ranges::find(condition.inputs, tensor);
  if (found == condition.inputs.end()) return std::nullopt;
  const auto place = static_cast<std::size_t>(found - condition.inputs.begin());
  const bool is_kept = place < body.outputs.size() && place < body.inputs.size() &&
                       body.outputs[place] == body.inputs[place];
  return is_kept ? call.integer(place) : std::nullopt;
}

/// How often a loop runs whose counter is compared with a constant and grows by one, or nothing.
std::optional<std::int64_t> trips_of(TfliteCall& call, const TfliteSubgraph& condition,
                                     const TfliteSubgraph& body) {
  constexpr std::uint32_t less = 58, less_equal = 63;
  if (condition.outputs.size() != 1) return std::nullopt;
  const TfliteNode* compared = maker_of(condition, condition.outputs[0]);
  if (compared == nullptr || compared->inputs.size() != 2) return std::nullopt;
  if (compared->code != less && compared->code != less_equal) return std::nullopt;
  const auto counter = std::ranges::find(condition.inputs, compared->inputs[0]);
  if (counter == condition.inputs.end()) return std::nullopt;
  const auto place = static_cast<std::size_t>(counter - condition.inputs.begin());
  const auto limit = kept_in(call, condition, body, compared->inputs[1]);
  if (!limit || place >= body.outputs.size() || place >= body.inputs.size()) return std::nullopt;
  const TfliteNode* grown = maker_of(body, body.outputs[place]);
  if (grown == nullptr || grown->code != add_code || grown->inputs.size() != 2) return std::nullopt;
  const bool is_first = grown->inputs[0] == body.inputs[place];
  const bool is_second = grown->inputs[1] == body.inputs[place];
  if (!is_first && !is_second) return std::nullopt;
  const auto step = constant_in(call, body, grown->inputs[is_first ? 1 : 0]);
  const auto start = call.integer(place);
  if (!step || !start || *step <= 0) return std::nullopt;
  if (*limit == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  const std::int64_t end = compared->code == less ? *limit : *limit + 1;
  if (end <= *start) return 0;
  const auto span = static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(*start);
  const std::uint64_t trips = (span - 1) / static_cast<std::uint64_t>(*step) + 1;
  if (trips > static_cast<std::uint64_t>(most_trips)) return std::nullopt;
  return static_cast<std::int64_t>(trips);
}

/// The nodes from `first` on run so often.
void repeat_nodes(Graph& graph, std::size_t first, std::int64_t times) {
  const auto end = static_cast<NodeId>(graph.nodes().size());
  if (times != 1 && first < end) graph.add_repeat({static_cast<NodeId>(first), end, times});
}

bool emit_while(TfliteCall& call) {
  TfliteReader& reader = call.reader();
  const auto condition = static_cast<std::uint32_t>(call.option<std::int32_t>(0));
  const auto body = static_cast<std::uint32_t>(call.option<std::int32_t>(1));
  const std::optional<std::int64_t> trips =
      trips_of(call, reader.model().subgraph(condition), reader.model().subgraph(body));
  if (trips == 0) return out_values(call, operands_of(call));
  std::vector<TfliteValue> inputs;
  for (std::size_t i = 0; i < call.input_count(); ++i)
    inputs.push_back({call.in(i).id, no_id, nullptr});  // its elements change
  reader.note(trips ? fmt::format("WHILE runs {} times", *trips)
                    : "how often WHILE runs depends on data: its body is counted once");
  std::size_t first = call.graph().nodes().size();
  run_in_module(call, condition, "condition", "condition", inputs);
  repeat_nodes(call.graph(), first, trips.value_or(1) + (trips ? 1 : 0));
  first = call.graph().nodes().size();
  const std::vector<TfliteValue> results = run_in_module(call, body, "body", "body", inputs);
  repeat_nodes(call.graph(), first, trips.value_or(1));
  return out_values(call, results);
}

// -- state ------------------------------------------------------------------------------------

/// A handle of state: no elements of its own.
bool emit_handle(TfliteCall& call) {
  return call.out(full(call.graph(), call.output(0).shape, 0, DType::unknown));
}

bool emit_read(TfliteCall& call) { return call.out_declared(); }

bool emit_assign(TfliteCall& call) {
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out_declared(i);
  return true;
}

constexpr TfliteOperator control_rows[] = {
    {31, emit_call, "subgraph"},
    {118, emit_if, "then_subgraph else_subgraph"},
    {119, emit_while, "cond_subgraph body_subgraph"},
    {129, emit_call_once, "init_subgraph"},
    {136, emit_handle, "-table_id -key_dtype -value_dtype"},
    {137, emit_read},
    {138, emit_assign},
    {139, emit_read},
    {142, emit_handle, "-container -shared_name"},
    {143, emit_read},
    {144, emit_assign},
    {206, emit_composite,
     "name decomposition_subgraph -composite_attributes -composite_attributes_format -version"},
};

}  // namespace

extern constinit const TfliteOperators tflite_control_operators = {control_rows};

}  // namespace zoometer
