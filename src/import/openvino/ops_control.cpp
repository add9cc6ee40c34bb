// Layers that run bodies, and state.
#include <fmt/core.h>

#include <algorithm>

#include "import/openvino/call.hpp"
#include "import/torch/decompositions.hpp"
#include "op/mobile.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_trips = std::int64_t{1} << 40;

const OpenvinoNet& body_of(const OpenvinoCall& call, std::string_view kind) {
  for (const OpenvinoNet& body : call.layer().bodies)
    if (body.kind == kind) return body;
  call.require(false, "a body");
  return call.layer().bodies[0];
}

/// The last part of a layer's name.
std::string_view leaf_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

/// An input as it is, known or not.
OpenvinoValue given_value(OpenvinoCall& call, std::uint32_t index) {
  if (call.known(index) == nullptr) call.in(index);
  return call.value(index);
}

/// Runs a body in a module of that name.
OpenvinoFrame run_body(OpenvinoCall& call, const OpenvinoNet& body,
                       const std::vector<std::pair<std::uint32_t, OpenvinoValue>>& inputs,
                       std::string_view name) {
  call.reader().modules().descend(name, call.type());
  OpenvinoFrame frame = call.reader().run(body, inputs);
  call.reader().modules().leave();
  return frame;
}

/// What a Result of a body gives.
OpenvinoValue result_of(OpenvinoCall& call, OpenvinoFrame& frame, std::uint32_t layer) {
  const std::vector<OpenvinoSource>& sources = frame.net.layers[layer].sources;
  call.require(sources.size() == 1, "a Result of one input");
  if (call.reader().known(frame, sources[0]) == nullptr) call.reader().enter(frame, sources[0]);
  return call.reader().value(frame, sources[0]);
}

// -- branches ---------------------------------------------------------------------------------

/// Runs a branch and sets the results.
bool run_branch(OpenvinoCall& call, const OpenvinoNet& body, std::string_view name) {
  std::vector<std::pair<std::uint32_t, OpenvinoValue>> inputs;
  for (const OpenvinoBodyPort& port : body.ports)
    if (!port.is_output && port.external)
      inputs.emplace_back(port.internal, given_value(call, *port.external));
  OpenvinoFrame frame = run_body(call, body, inputs, name);
  for (const OpenvinoBodyPort& port : body.ports)
    if (port.is_output && port.external)
      call.out(result_of(call, frame, port.internal), *port.external);
  return true;
}

bool emit_if(OpenvinoCall& call) {
  const OpenvinoNet& then_body = body_of(call, "then_body");
  const OpenvinoNet& else_body = body_of(call, "else_body");
  if (const std::optional<std::int64_t> condition = call.integer(0))
    return run_branch(call, *condition != 0 ? then_body : else_body, leaf_of(call.layer().name));
  call.in(0);
  for (std::uint32_t i = 1; i < call.input_count(); ++i) given_value(call, i);
  OpenvinoReader& reader = call.reader();
  const OpenvinoReader::Mark before = reader.mark();
  const auto cost_of = [&](const OpenvinoNet& body, std::string_view name) {
    run_branch(call, body, name);
    const std::int64_t flops = flops_from(call.graph(), before.graph.nodes);
    reader.rewind(before);
    return flops;
  };
  const std::int64_t first = cost_of(then_body, "then");
  const std::int64_t second = cost_of(else_body, "else");
  const bool is_first = first >= second;
  reader.note(fmt::format("If depends on data: its {} branch is counted, the costlier one",
                          is_first ? "then" : "else"));
  return run_branch(call, is_first ? then_body : else_body, is_first ? "then" : "else");
}

// -- loops ------------------------------------------------------------------------------------

/// How many parts of an axis a loop goes through; nothing where it has none.
std::optional<std::int64_t> parts_of(OpenvinoCall& call, const OpenvinoBodyPort& port) {
  if (port.is_output || !port.axis || !port.external) return std::nullopt;
  const Shape x = call.shape(*port.external);
  const std::int64_t length = x.dim(call.axis(*port.axis, x.rank()));
  const auto placed = [&](std::int64_t at) { return at < 0 ? at + length + 1 : at; };
  const bool is_far = port.start < -length - 1 || port.end < -length - 1 || port.stride == 0 ||
                      port.stride == INT64_MIN;
  call.require(!is_far, "a start, an end and a stride within the axis");
  const std::int64_t first = std::clamp<std::int64_t>(placed(port.start), 0, length);
  const std::int64_t last = std::clamp<std::int64_t>(placed(port.end), 0, length);
  const std::int64_t span = std::abs(last - first);
  return span == 0 ? 0 : (span - 1) / std::abs(port.stride) + 1;
}

/// Whether a constant of the body says that the loop continues.
bool continues(OpenvinoCall& call, OpenvinoFrame& frame) {
  for (const OpenvinoBodyPort& port : frame.net.ports) {
    if (!port.is_output || port.purpose != "execution_condition") continue;
    const std::vector<OpenvinoSource>& sources = frame.net.layers[port.internal].sources;
    call.require(sources.size() == 1, "a Result of one input");
    const OpenvinoKnown* known = call.reader().known(frame, sources[0]);
    const bool is_constant = frame.net.layers[sources[0].layer].type == "Const";
    if (known == nullptr) return is_constant;  // its data is missing: a condition for ever
    return known->elements.size() == 1 && known->elements[0] != 0;
  }
  return true;
}

/// How often a body runs at most; nothing where data decides.
std::optional<std::int64_t> trips_of(OpenvinoCall& call, const OpenvinoNet& body) {
  std::optional<std::int64_t> count;
  for (const OpenvinoBodyPort& port : body.ports)
    if (const auto parts = parts_of(call, port)) count = parts;
  if (call.type() == "Loop") {
    const std::optional<std::int64_t> given = call.integer(0);
    if (given && *given >= 0 && (!count || *given < *count)) count = given;
  }
  return count && *count <= most_trips ? count : std::nullopt;
}

/// What a Parameter of the body has in one of the iterations; `changes`: from one to the next.
OpenvinoValue iteration_value(OpenvinoCall& call, const OpenvinoNet& body,
                              const OpenvinoBodyPort& port, bool changes) {
  if (!port.external) {  // the number of the iteration
    const std::vector<OpenvinoPort>& outputs = body.layers[port.internal].outputs;
    call.require(outputs.size() == 1, "a Parameter of one output");
    const OpenvinoPort& own = outputs[0];
    return {.id = full(call.graph(), own.shape, 0, own.dtype).id};
  }
  if (port.axis) {
    const Tensor x = call.in(*port.external);
    const std::int64_t axis = call.axis(*port.axis, x.rank());
    const std::int64_t size = std::min(std::max<std::int64_t>(port.part_size, 0), x.dim(axis));
    return {.id = slice(x, axis, 0, size).id};
  }
  if (changes) return {.id = call.in(*port.external).id};
  return given_value(call, *port.external);
}

/// The result of the last iteration, or those of all along an axis.
void out_of_loop(OpenvinoCall& call, OpenvinoFrame& frame, const OpenvinoBodyPort& port,
                 std::int64_t count) {
  const OpenvinoValue result = result_of(call, frame, port.internal);
  if (!port.axis) return void(call.out(result, *port.external));
  const std::vector<OpenvinoSource>& sources = frame.net.layers[port.internal].sources;
  const Tensor part = call.reader().enter(frame, sources[0]);
  Shape sizes = part.shape();
  const std::int64_t axis = call.axis(*port.axis, sizes.rank());
  sizes.set_dim(axis, checked_mul(sizes.dim(axis), count));
  const Tensor operands[] = {part};
  call.out(rearrange(operands, {call.graph().arena().copy(to_utf8(call.type())), sizes}),
           *port.external);
}

bool emit_loop(OpenvinoCall& call) {
  const OpenvinoNet& body = body_of(call, "body");
  OpenvinoReader& reader = call.reader();
  const std::optional<std::int64_t> trips = trips_of(call, body);
  if (trips == 0) {
    for (std::size_t i = 0; i < call.output_count(); ++i) call.out_declared(i);
    return true;
  }
  std::vector<std::pair<std::uint32_t, OpenvinoValue>> inputs;
  const std::size_t first = call.graph().nodes().size();
  std::vector<bool> changes(body.layers.size(), false);
  for (const auto& [result, parameter] : body.back_edges) changes[parameter] = true;
  for (const OpenvinoBodyPort& port : body.ports) {
    if (port.is_output) continue;
    inputs.emplace_back(port.internal, iteration_value(call, body, port, changes[port.internal]));
  }
  OpenvinoFrame frame = run_body(call, body, inputs, leaf_of(call.layer().name));
  const bool is_bound = !continues(call, frame);
  reader.note(
      !trips
          ? fmt::format("how often {} runs depends on data: its body is counted once", call.type())
          : fmt::format("{} runs {}{} times", call.type(), is_bound ? "at most " : "", *trips));
  const auto end = static_cast<NodeId>(call.graph().nodes().size());
  if (trips && *trips != 1 && first < end)
    call.graph().add_repeat({static_cast<NodeId>(first), end, *trips, is_bound});
  for (const OpenvinoBodyPort& port : body.ports)
    if (port.is_output && port.external) out_of_loop(call, frame, port, trips.value_or(1));
  return true;
}

// -- state ------------------------------------------------------------------------------------

/// The state is an input of the model; what it has at the start is no part of an inference.
bool emit_read(OpenvinoCall& call) {
  const std::string_view variable = call.text("variable_id");
  if (const std::optional<Tensor> state = call.reader().state(variable)) return call.out(*state);
  return call.has(0) && call.out_declared();
}

/// The state is an output of the model.
bool emit_assign(OpenvinoCall& call) {
  call.reader().add_update(call.text("variable_id"), call.in(0));
  return call.out(call.in(0));
}

constexpr OpenvinoOperator control_rows[] = {
    {"Assign", emit_assign},       {"If", emit_if},
    {"Loop", emit_loop},           {"ReadValue", emit_read, "variable_type variable_shape"},
    {"TensorIterator", emit_loop},
};

}  // namespace

extern constinit const OpenvinoOperators openvino_control_operators = {control_rows};

}  // namespace zoometer
