// Operations that run functions and regions: calls, branches, loops, and reductions by a region.
#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "import/stablehlo/call.hpp"
#include "import/torch/decompositions.hpp"
#include "op/mobile.hpp"
#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_trips = std::int64_t{1} << 40;

void out_results(HloCall& call, const std::vector<HloValue>& results) {
  call.require(results.size() >= call.output_count(), "as many results as the operation has");
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out(results[i], i);
}

/// The nodes from `first` on run so often.
void repeat_hlo_nodes(Graph& graph, std::size_t first, std::int64_t times) {
  const auto end = static_cast<NodeId>(graph.nodes().size());
  if (times != 1 && first < end) graph.add_repeat({static_cast<NodeId>(first), end, times});
}

// -- functions ----------------------------------------------------------------------------------

void emit_call(HloCall& call) {
  out_results(call, call.reader().call(call.text("callee"), call.values(), call.operation().at));
}

void emit_composite(HloCall& call) {
  const std::string_view name = call.text("name");
  call.reader().modules().descend(name, name);
  const std::vector<HloValue> results =
      call.reader().call(call.text("decomposition"), call.values(), call.operation().at);
  call.reader().modules().leave();
  out_results(call, results);
}

/// Calls of code that is not in the program. Some only say where tensors are.
void emit_custom_call(HloCall& call) {
  constexpr std::string_view annotations[] = {"Sharding", "annotate_device_placement",
                                              "LayoutConstraint", "shape_assertion"};
  const std::string_view target = call.text("call_target_name");
  const bool is_annotation = std::ranges::find(annotations, target) != std::end(annotations) ||
                             target.starts_with("SPMD") || target.starts_with("xla.sdy.");
  call.require(is_annotation, "a program that is in the file");
  const std::vector<HloValue> values = call.values();
  call.require(values.size() >= call.output_count(), "an operand for each result");
  out_results(call, values);
}

// -- branches -----------------------------------------------------------------------------------

/// The branch with the most operations counts.
void emit_case(HloCall& call) {
  HloReader& reader = call.reader();
  call.in(0);
  const std::size_t branches = call.operation().regions.size();
  call.require(branches >= 1, "a branch");
  const HloReader::Mark before = reader.mark();
  std::size_t costliest = 0;
  std::int64_t most = -1;
  for (std::size_t i = 0; branches > 1 && i < branches; ++i) {
    reader.run(call.frame(), call.region(i), {}, call.operation().at);
    const std::int64_t flops = flops_from(call.graph(), before.graph.nodes);
    if (flops > most) {
      most = flops;
      costliest = i;
    }
    reader.rewind(before);
  }
  if (branches > 1) {
    reader.note(fmt::format("{} depends on data: branch {} of {} is counted, the costliest one",
                            call.operation().name, costliest, branches));
  }
  out_results(call, reader.run(call.frame(), call.region(costliest), {}, call.operation().at));
}

// -- loops --------------------------------------------------------------------------------------

/// The operation of a block that makes a value, or null.
const HloOperation* maker_of(const HloBlock& block, std::uint32_t value) {
  for (const HloOperation& operation : block.operations)
    if (value >= operation.first_result && value - operation.first_result < operation.types.size())
      return &operation;
  return nullptr;
}

const HloOperation* return_of(const HloBlock& block) {
  return block.operations.empty() || block.operations.back().name != "return"
             ? nullptr
             : &block.operations.back();
}

/// A value that a loop does not change, where it is known.
std::optional<std::int64_t> fixed_in(HloCall& call, const HloBlock& block, const HloBlock& body,
                                     std::uint32_t value) {
  if (const HloOperation* maker = maker_of(block, value)) {
    if (maker->name == "convert" && maker->operands.size() == 1)
      return fixed_in(call, block, body, maker->operands[0]);
    const HloAttribute* constant = call.program().find(*maker, "value");
    if (maker->name != "constant" || constant == nullptr) return std::nullopt;
    const std::vector<std::int64_t> elements = call.program().integers(*constant, 1);
    return elements.size() == 1 ? std::optional(elements[0]) : std::nullopt;
  }
  const std::size_t count = block.argument_types.size();
  const bool is_argument = value >= block.first_argument && value - block.first_argument < count;
  if (is_argument) {
    const std::size_t place = value - block.first_argument;
    const HloOperation* end = return_of(body);
    if (end == nullptr || place >= end->operands.size() ||
        end->operands[place] != body.first_argument + place)
      return std::nullopt;
    const HloKnown* known = call.known(place);
    return known != nullptr && known->elements.size() == 1 ? std::optional(known->elements[0])
                                                           : std::nullopt;
  }
  const HloKnown* outer =
      value < call.frame().values.size() ? call.frame().values[value].known : nullptr;
  return outer != nullptr && outer->elements.size() == 1 ? std::optional(outer->elements[0])
                                                         : std::nullopt;
}

/// How often a loop runs whose counter is compared with a limit and grows by a constant, or
/// nothing.
std::optional<std::int64_t> trips_of(HloCall& call, const HloBlock& condition,
                                     const HloBlock& body) {
  constexpr std::int64_t less_equal = 4, less = 5;
  const HloOperation* decides = return_of(condition);
  const HloOperation* end = return_of(body);
  if (decides == nullptr || end == nullptr || decides->operands.size() != 1) return std::nullopt;
  const HloOperation* compared = maker_of(condition, decides->operands[0]);
  if (compared == nullptr || compared->name != "compare" || compared->operands.size() != 2)
    return std::nullopt;
  const HloAttribute* direction = call.program().find(*compared, "comparison_direction");
  if (direction == nullptr || (direction->number != less && direction->number != less_equal))
    return std::nullopt;
  const std::uint32_t counter = compared->operands[0];
  if (counter < condition.first_argument ||
      counter - condition.first_argument >= condition.argument_types.size())
    return std::nullopt;
  const std::size_t place = counter - condition.first_argument;
  const auto limit = fixed_in(call, condition, body, compared->operands[1]);
  const HloKnown* start = call.known(place);
  if (!limit || start == nullptr || start->elements.size() != 1 || place >= end->operands.size())
    return std::nullopt;
  const HloOperation* grown = maker_of(body, end->operands[place]);
  if (grown == nullptr || grown->name != "add" || grown->operands.size() != 2) return std::nullopt;
  const std::uint32_t argument = body.first_argument + static_cast<std::uint32_t>(place);
  const bool is_first = grown->operands[0] == argument;
  if (!is_first && grown->operands[1] != argument) return std::nullopt;
  const auto step = fixed_in(call, body, body, grown->operands[is_first ? 1 : 0]);
  if (!step || *step <= 0 || *limit == std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  const std::int64_t last = direction->number == less ? *limit : *limit + 1;
  const std::int64_t first = start->elements[0];
  if (last <= first) return 0;
  const auto span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
  const std::uint64_t trips = (span - 1) / static_cast<std::uint64_t>(*step) + 1;
  if (trips > static_cast<std::uint64_t>(most_trips)) return std::nullopt;
  return static_cast<std::int64_t>(trips);
}

void emit_while(HloCall& call) {
  HloReader& reader = call.reader();
  const HloRegion& condition = call.region(0);
  const HloRegion& body = call.region(1);
  const std::optional<std::int64_t> trips = trips_of(call, condition.blocks[0], body.blocks[0]);
  if (trips == 0) return out_results(call, call.values());
  std::vector<HloValue> arguments;
  for (std::size_t i = 0; i < call.input_count(); ++i)
    arguments.push_back({call.in(i).id});  // its elements change
  reader.note(trips ? fmt::format("a while loop runs {} times", *trips)
                    : "how often a while loop runs depends on data: its body is counted once");
  std::size_t first = call.graph().nodes().size();
  reader.run(call.frame(), condition, arguments, call.operation().at);
  repeat_hlo_nodes(call.graph(), first, trips.value_or(1) + (trips ? 1 : 0));
  first = call.graph().nodes().size();
  std::vector<HloValue> results = reader.run(call.frame(), body, arguments, call.operation().at);
  repeat_hlo_nodes(call.graph(), first, trips.value_or(1));
  for (HloValue& result : results) result = {reader.tensor_of(result, call.operation().at).id};
  out_results(call, results);
}

// -- regions that combine two elements ----------------------------------------------------------

/// The operation that a region applies to its arguments, where it is one: "add"; or empty.
std::string_view combiner_of(const HloRegion& region) {
  const HloBlock& block = region.blocks[0];
  if (block.operations.size() != 2 || return_of(block) == nullptr) return {};
  const HloOperation& operation = block.operations[0];
  const HloOperation& end = block.operations[1];
  const bool takes_both =
      operation.operands.size() == 2 && block.argument_types.size() == 2 &&
      operation.operands[0] != operation.operands[1] &&
      std::ranges::all_of(operation.operands, [&](std::uint32_t operand) {
        return operand >= block.first_argument && operand - block.first_argument < 2;
      });
  const bool returns_it = end.operands.size() == 1 && operation.types.size() == 1 &&
                          end.operands[0] == operation.first_result;
  return takes_both && returns_it ? operation.name : std::string_view{};
}

/// Runs a region on single elements so often.
void run_on_elements(HloCall& call, const HloRegion& region, std::int64_t times) {
  if (times <= 0) return;
  const std::size_t first = call.graph().nodes().size();
  std::vector<HloValue> arguments;
  for (const std::uint32_t index : region.blocks[0].argument_types) {
    const HloType& type = call.program().type(index);
    const ValueId element = full(call.graph(), type.shape, 0, type.dtype).id;
    arguments.push_back({element});
  }
  const std::size_t body = call.graph().nodes().size();
  call.reader().run(call.frame(), region, arguments, call.operation().at);
  repeat_hlo_nodes(call.graph(), body, times);
  for (std::size_t i = first; i < call.graph().nodes().size(); ++i)
    call.graph().mark_stand_in(static_cast<NodeId>(i),
                               call.graph().arena().copy(call.operation().name));
}

/// The reduction of a whole axis that is zoometer's, or null.
const OpDef* reduction_of(std::string_view combiner, DType dtype) {
  if (combiner == "add") return &sum_op;
  if (combiner == "multiply") return &prod_op;
  if (combiner == "maximum") return &amax_op;
  if (combiner == "minimum") return &amin_op;
  if (dtype == DType::boolean && combiner == "and") return &all_op;
  if (dtype == DType::boolean && combiner == "or") return &any_op;
  return nullptr;
}

void emit_reduce(HloCall& call) {
  const std::vector<std::int64_t> axes = call.integers("dimensions");
  const HloRegion& region = call.region(0);
  const Tensor x = call.in(0);
  call.require(axes.size() <= most_dimensions, "axes of its operand");
  if (axes.empty()) return call.out(x);
  const OpDef* op = reduction_of(combiner_of(region), x.dtype());
  if (op != nullptr && call.input_count() == 2)
    return call.out(reduce(*op, x, Ints(std::span(axes))));
  run_on_elements(call, region, numel(x.shape()));
  const std::size_t count = call.input_count() / 2;
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < count; ++i) operands.push_back(call.in(i));
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out_declared(operands, i);
}

struct WindowSizes {
  std::vector<std::int64_t> size, stride, dilation, base, low, high;
};

WindowSizes window_sizes(HloCall& call, std::size_t rank) {
  const std::vector<std::int64_t> ones(rank, 1);
  WindowSizes window{call.integers("window_dimensions"),
                     call.integers_or("window_strides", ones),
                     call.integers_or("window_dilations", ones),
                     call.integers_or("base_dilations", ones),
                     {},
                     {}};
  for (std::vector<std::int64_t>* list : {&window.stride, &window.dilation, &window.base})
    if (list->empty()) *list = ones;
  const auto padding = call.integers_or("padding", std::vector<std::int64_t>(2 * rank, 0));
  const bool fits = window.size.size() == rank && window.stride.size() == rank &&
                    window.dilation.size() == rank && window.base.size() == rank &&
                    (padding.empty() || padding.size() == 2 * rank);
  call.require(fits, "a number for each dimension");
  for (std::size_t i = 0; i < rank; ++i) {
    window.low.push_back(padding.empty() ? 0 : padding[2 * i]);
    window.high.push_back(padding.empty() ? 0 : padding[2 * i + 1]);
    call.require(window.size[i] >= 1 && window.stride[i] >= 1 && window.dilation[i] >= 1,
                 "windows, strides and dilations of at least 1");
  }
  return window;
}

/// A window over a whole axis with all but one element of padding before it or after it.
std::optional<std::int64_t> cumulative_axis(const WindowSizes& window, const Shape& shape) {
  std::optional<std::int64_t> axis;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (window.size[i] == 1 && window.low[i] == 0 && window.high[i] == 0) continue;
    const std::int64_t others = window.size[i] - 1;
    const bool is_before = window.low[i] == others && window.high[i] == 0;
    const bool is_after = window.high[i] == others && window.low[i] == 0;
    if (axis || window.size[i] != shape[i] || window.stride[i] != 1 || (!is_before && !is_after))
      return std::nullopt;
    axis = static_cast<std::int64_t>(i);
  }
  return axis;
}

/// The largest element of windows over up to three axes of a tensor with two others.
bool emit_max_window(HloCall& call, const WindowSizes& window, Tensor x) {
  Ints order;
  std::vector<std::size_t> spatial;
  for (std::size_t i = 0; i < window.size.size(); ++i) {
    const bool is_plain =
        window.size[i] == 1 && window.stride[i] == 1 && window.low[i] == 0 && window.high[i] == 0;
    if (window.base[i] != 1 || window.low[i] < 0 || window.high[i] < 0) return false;
    if (is_plain && order.size() < 2)
      order.push_back(static_cast<std::int64_t>(i));
    else
      spatial.push_back(i);
  }
  if (order.size() != 2 || spatial.empty() || spatial.size() > 3) return false;
  PoolAttrs attrs;
  for (const std::size_t axis : spatial) {
    order.push_back(static_cast<std::int64_t>(axis));
    attrs.kernel_size.push_back(window.size[axis]);
    attrs.stride.push_back(window.stride[axis]);
    attrs.dilation.push_back(window.dilation[axis]);
    attrs.padding.push_back(window.low[axis]);
    attrs.padding_end.push_back(window.high[axis]);
  }
  Ints back = Ints::filled(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  call.out(name_axes(max_pool(name_axes(x, order), attrs), back));
  return true;
}

void emit_reduce_window(HloCall& call) {
  const Tensor x = call.in(0);
  const HloRegion& region = call.region(0);
  const WindowSizes window = window_sizes(call, x.shape().size());
  const std::string_view combiner = combiner_of(region);
  if (call.input_count() == 2) {
    const auto axis = cumulative_axis(window, x.shape());
    const OpDef* op = combiner == "add"        ? &cumsum_op
                      : combiner == "multiply" ? &cumprod_op
                                               : nullptr;
    if (axis && op != nullptr) return call.out(apply(*op, CumulativeAttrs{*axis}, x));
    if (combiner == "maximum" && !axis && emit_max_window(call, window, x)) return;
  }
  std::int64_t elements = 1;
  for (const std::int64_t size : window.size) elements = checked_mul(elements, size);
  const std::int64_t results = numel(call.output_type().shape);
  run_on_elements(call, region, checked_mul(elements - 1, results));
  const std::size_t count = std::max<std::size_t>(call.input_count() / 2, 1);
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < count; ++i) operands.push_back(call.in(i));
  for (std::size_t i = 0; i < call.output_count(); ++i) call.out_declared(operands, i);
}

/// The element of each window that a comparison selects gets the source's element added.
void emit_select_and_scatter(HloCall& call) {
  const Tensor x = call.in(0);
  const Tensor source = call.in(1);
  const WindowSizes window = window_sizes(call, x.shape().size());
  std::int64_t elements = 1;
  for (const std::int64_t size : window.size) elements = checked_mul(elements, size);
  run_on_elements(call, call.region(0), checked_mul(elements - 1, numel(source.shape())));
  run_on_elements(call, call.region(1), numel(source.shape()));
  call.out_declared(std::vector<Tensor>{x, source});
}

void emit_sort(HloCall& call) {
  const std::int64_t axis = call.integer("dimension", -1);
  const Tensor x = call.in(0);
  call.require(axis >= -1 && axis < x.rank(), "an axis of its operand");
  const std::int64_t length = x.rank() == 0 ? 1 : x.dim(axis);
  const auto rounds = static_cast<std::int64_t>(
      std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(length, 1) - 1)));
  run_on_elements(call, call.region(0), checked_mul(rounds, numel(x.shape())));
  for (std::size_t i = 0; i < call.output_count(); ++i)
    call.out_declared(std::vector<Tensor>{call.in(i)}, i);
}

/// Operands, places, updates: what the region does to each update.
void emit_scatter(HloCall& call) {
  const std::size_t count = call.output_count();
  call.require(call.input_count() == 2 * count + 1, "updates for each operand");
  run_on_elements(call, call.region(0), numel(call.in(count + 1).shape()));
  for (std::size_t i = 0; i < count; ++i)
    call.out_declared(std::vector<Tensor>{call.in(i), call.in(count + 1 + i)}, i);
}

void emit_map(HloCall& call) {
  run_on_elements(call, call.region(0), numel(call.output_type().shape));
  call.out_declared();
}

constexpr HloOperator control_rows[] = {
    {"call", emit_call},
    {"case", emit_case},
    {"composite", emit_composite},
    {"custom_call", emit_custom_call},
    {"if", emit_case},
    {"map", emit_map},
    {"reduce", emit_reduce},
    {"reduce_window", emit_reduce_window},
    {"scatter", emit_scatter},
    {"select_and_scatter", emit_select_and_scatter},
    {"sort", emit_sort},
    {"while", emit_while},
};

}  // namespace

extern constinit const HloOperators hlo_control_operators = {control_rows};

}  // namespace zoometer
