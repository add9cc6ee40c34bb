// A StableHLO program as a graph: entry, inputs, parameters, constants, functions and operations.
#include "import/stablehlo/reader.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/entry.hpp"
#include "import/stablehlo/call.hpp"
#include "import/stablehlo/xla_flops.hpp"
#include "op/unknown.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest_call = 48;
constexpr std::size_t most_notes = 50;

/// Whether the name of an argument is a path into a tree: "params['Dense_0']['kernel']".
bool is_path(std::string_view name) { return name.find_first_of("[.") != std::string_view::npos; }

/// "params.Dense_0.kernel" of "params['Dense_0']['kernel']".
std::string dotted(std::string_view path) {
  std::string name;
  for (const char letter : path) {
    if (letter == '[') name += '.';
    if (letter != '[' && letter != ']' && letter != '\'' && letter != '"') name += letter;
  }
  return name;
}

/// What jax writes around the name of a function: "jvp(X)" is X.
std::string_view unwrapped(std::string_view part) {
  constexpr std::string_view wrappers[] = {"jvp(", "transpose(", "vmap(", "rematted_computation("};
  for (bool is_wrapped = true; is_wrapped;) {
    is_wrapped = false;
    for (const std::string_view wrapper : wrappers) {
      if (!part.starts_with(wrapper) || !part.ends_with(')')) continue;
      part = part.substr(wrapper.size(), part.size() - wrapper.size() - 1);
      is_wrapped = true;
    }
  }
  return part;
}

/// Whether a part of a path comes from a transformation of jax and is not a module.
bool is_transformation(std::string_view part) {
  constexpr std::string_view words[] = {"while",       "body",      "cond", "checkpoint",
                                        "remat",       "remat2",    "scan", "pjit",
                                        "closed_call", "core_call", "~",    ""};
  return std::ranges::find(words, part) != std::end(words) || part.starts_with("jit(") ||
         part.starts_with("pjit(") || part.starts_with("branch_") ||
         part.find("->") != std::string_view::npos || part.starts_with("custom_");
}

/// Forgets the values of a frame that entered the graph when the frame ends, also by an error that
/// an operation around it catches.
class ForgetEntered {
 public:
  ForgetEntered(std::vector<HloValue*>& entered, bool ends_frame)
      : entered_(entered),
        before_(entered.size()),
        ends_frame_(ends_frame) {}
  ForgetEntered(const ForgetEntered&) = delete;
  ForgetEntered& operator=(const ForgetEntered&) = delete;
  ~ForgetEntered() {
    if (ends_frame_ && entered_.size() > before_) entered_.resize(before_);
  }

 private:
  std::vector<HloValue*>& entered_;
  std::size_t before_;
  bool ends_frame_;
};

}  // namespace

HloReader::HloReader(HloProgram program, HloFile file, const TraceOptions& options, Graph& graph,
                     ImportNotes& notes)
    : options_(options),
      graph_(graph),
      notes_(notes),
      program_(std::move(program)),
      file_(std::move(file)),
      functions_(program_.functions()),
      modules_(graph),
      sizes_(options, notes) {
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    if (by_name_.emplace(functions_[i].name, i).second) continue;
    fail_hlo("the functions of the program", functions_[i].operation->at, "each name once",
             escape_controls(to_utf8(functions_[i].name.substr(0, 80))) + " twice");
  }
}

void HloReader::note(std::string text) {
  if (seen_notes_.size() < most_notes && seen_notes_.insert(text).second)
    notes_.notes.push_back(std::move(text));
}

void HloReader::spend(std::uint64_t units) {
  if (units > units_left_) {
    throw Error(ErrorCode::limit, "the functions of the program call each other too often",
                {"at most 16 times its operations", "more"});
  }
  units_left_ -= units;
}

const HloFunction& HloReader::choose_entry() const {
  const auto with_body = [](const HloFunction& function) { return function.body != nullptr; };
  const std::string_view wanted =
      options_.entry.empty() ? "main" : std::string_view(options_.entry);
  const auto found = by_name_.find(wanted);
  if (found != by_name_.end() && with_body(functions_[found->second]))
    return functions_[found->second];
  if (options_.entry.empty() && std::ranges::count_if(functions_, with_body) == 1)
    return *std::ranges::find_if(functions_, with_body);
  if (functions_.empty()) throw Error(ErrorCode::unsupported, "the program has no function");
  std::vector<std::string> names;
  for (const HloFunction& function : functions_) names.emplace_back(function.name);
  throw entry_error("the program", "function", options_.entry, names);
}

void HloReader::read() {
  notes_.format = "StableHLO";
  notes_.producer = escape_controls(to_utf8(program_.producer.substr(0, 80)));
  const HloFunction& entry = choose_entry();
  modules_.add_root(graph_.arena().copy(file_.root.empty() ? to_utf8(entry.name) : file_.root));
  std::uint64_t values = 0;
  for (const HloFunction& function : functions_)
    if (function.body != nullptr) values += function.operation->regions[0].own_values;
  units_left_ = 4096 + 16 * (program_.operation_count + values);
  HloFrame frame(entry.operation->regions[0].own_values);
  add_arguments(entry, frame);
  running_.push_back(entry.name);
  const std::vector<HloValue> results = run_block(frame, *entry.body);
  std::vector<ValueId> outputs;
  names_.clear();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tensor value = tensor_of(results[i], entry.operation->at);
    const std::string name = results.size() == 1 ? "output" : "output_" + std::to_string(i);
    graph_.add_output(graph_.arena().copy(name), value.id);
    outputs.push_back(value.id);
  }
  const auto last = static_cast<NodeId>(std::max<std::size_t>(graph_.nodes().size(), 1) - 1);
  graph_.set_source_flops(last, checked_add(graph_.source_flops(last), xla_flops_left_));
  modules_.finish(outputs);
  note("operations that run: " + names_with_counts(operators_));
  for (std::string& text : misfits_.notes()) note(std::move(text));
  for (std::string& text : sizes_.notes()) note(std::move(text));
}

// -- arguments ----------------------------------------------------------------------------------

std::string HloReader::name_of_argument(const HloFunction& entry, std::size_t index) const {
  const std::vector<std::uint32_t>& locations = entry.body->argument_locations;
  const std::string_view name =
      index < locations.size() ? program_.location_name(locations[index]) : std::string_view{};
  return name.empty() ? "arg" + std::to_string(index) : std::string(name);
}

Shape HloReader::input_shape(const std::string& name, const HloType& type,
                             std::span<const std::string> expressions) {
  const Shape shape = sizes_.next({name, type.shape, type.unknown, true, expressions});
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if ((type.unknown >> i & 1U) != 0 || shape[i] == type.shape[i]) continue;
    throw Error(ErrorCode::usage,
                "the program fixes the sizes of its input " + escape_controls(name),
                {to_string(type.shape), to_string(shape)});
  }
  return shape;
}

/// An argument is a parameter if its name is a path into a tree and its elements are floating, and
/// something is left as an input: an argument without a path, or the last one.
std::vector<HloArgument> HloReader::arguments_of(const HloFunction& entry) const {
  const std::size_t count = entry.body->argument_types.size();
  if (!file_.arguments.empty()) {
    if (file_.arguments.size() != count) {
      fail_hlo("the arguments of the program", entry.operation->at,
               std::to_string(file_.arguments.size()) + " as described beside it",
               std::to_string(count));
    }
    return file_.arguments;
  }
  std::vector<HloArgument> arguments;
  for (std::size_t i = 0; i < count; ++i) arguments.push_back({name_of_argument(entry, i)});
  const bool all_paths = std::ranges::all_of(
      arguments, [](const HloArgument& argument) { return is_path(argument.name); });
  for (std::size_t i = 0; i < count; ++i) {
    HloArgument& argument = arguments[i];
    const HloType& type = program_.type(entry.body->argument_types[i]);
    const bool is_last = all_paths && i + 1 == count;
    if (is_last || !is_path(argument.name) || !is_floating(type.dtype) || type.unknown != 0)
      continue;
    argument.name = dotted(argument.name);
    const bool is_statistic = argument.name.starts_with("batch_stats") ||
                              argument.name.find(".batch_stats.") != std::string::npos;
    argument.kind = is_statistic ? HloArgument::Kind::buffer : HloArgument::Kind::parameter;
  }
  return arguments;
}

void HloReader::add_arguments(const HloFunction& entry, HloFrame& frame) {
  const HloBlock& body = *entry.body;
  const std::size_t count = body.argument_types.size();
  const std::vector<HloArgument> arguments = arguments_of(entry);
  for (std::size_t i = 0; i < count; ++i) {
    const HloType& type = program_.type(body.argument_types[i]);
    HloValue& value = frame.values[body.first_argument + i];
    value.type = body.argument_types[i];
    const std::string name = names_.next(arguments[i].name);
    const std::string_view kept = graph_.arena().copy(name);
    if (arguments[i].kind != HloArgument::Kind::input) {
      const bool is_buffer =
          arguments[i].kind == HloArgument::Kind::buffer || !is_floating(type.dtype);
      value.id = graph_.add_parameter(0, kept, type.shape, type.dtype,
                                      is_buffer ? ParameterKind::buffer : ParameterKind::parameter);
    } else {
      const std::size_t unwritten = count - std::min(count, file_.sizes.size());
      const bool is_written = entry.name == "main" && i >= unwritten;
      const Shape shape = input_shape(
          name, type, is_written ? file_.sizes[i - unwritten] : std::span<const std::string>{});
      value.id = graph_.add_input(kept, shape, type.dtype);
    }
  }
  sizes_.finish(graph_);
}

// -- values -------------------------------------------------------------------------------------

Tensor HloReader::tensor_of(const HloValue& value, std::uint64_t at) {
  if (value.id != no_id) return {&graph_, value.id};
  if (value.known == nullptr || value.type == hlo_none)
    fail_hlo("an operand of the operation", at, "a value that was made before", "none");
  const HloType& type = program_.type(value.type);
  const std::vector<std::int64_t>& elements = value.known->elements;
  const double first = elements.empty() ? 0 : static_cast<double>(elements[0]);
  const Tensor made = full(graph_, type.shape, first, type.dtype);
  const bool is_one =
      std::ranges::all_of(elements, [&](std::int64_t each) { return each == elements[0]; });
  if (!is_one) graph_.mark_stand_in(static_cast<NodeId>(graph_.nodes().size() - 1), "constant");
  return made;
}

Tensor HloReader::enter(HloFrame& frame, std::uint32_t value, std::uint64_t at) {
  HloValue& found = frame.values[value];
  const Tensor tensor = tensor_of(found, at);
  if (found.id == no_id) entered_.push_back(&found);
  found.id = tensor.id;
  return tensor;
}

void HloReader::rewind(const Mark& mark) {
  for (; entered_.size() > mark.entered; entered_.pop_back()) entered_.back()->id = no_id;
  for (; constant_order_.size() > mark.constants; constant_order_.pop_back())
    constants_.erase(constant_order_.back());
  graph_.rewind(mark.graph);
  xla_flops_left_ = mark.xla_flops_left;
  modules_.forget(static_cast<ValueId>(mark.graph.values));
}

Tensor HloReader::add_constant(const HloOperation& operation, const HloAttribute& constant) {
  const auto index = static_cast<std::uint32_t>(&constant - program_.attributes.data());
  const auto found = constants_.find(index);
  if (found != constants_.end()) return {&graph_, found->second};
  const HloType& type = program_.type(operation.types[0]);
  const bool is_learnt = is_floating(type.dtype) && type.shape.rank() >= 1;
  const std::string name = names_.next("constant");
  const ValueId id =
      graph_.add_parameter(0, graph_.arena().copy(name), type.shape, type.dtype,
                           is_learnt ? ParameterKind::parameter : ParameterKind::constant);
  constants_.emplace(index, id);
  constant_order_.push_back(index);
  return {&graph_, id};
}

// -- functions and operations -------------------------------------------------------------------

std::vector<HloValue> HloReader::call(std::string_view function,
                                      const std::vector<HloValue>& arguments, std::uint64_t at) {
  const auto found = by_name_.find(function);
  const std::string what = "the call of " + escape_controls(to_utf8(function));
  if (found == by_name_.end() || functions_[found->second].body == nullptr)
    fail_hlo(what, at, "a function of the program", "none of that name");
  const HloFunction& called = functions_[found->second];
  if (running_.size() >= deepest_call || std::ranges::count(running_, function) > 0) {
    fail_hlo(what, at, "functions that do not call themselves, at most 48 deep",
             running_.size() >= deepest_call ? "more" : "a recursion");
  }
  HloFrame none;
  running_.push_back(called.name);
  std::vector<HloValue> results = run(none, called.operation->regions[0], arguments, at);
  running_.pop_back();
  return results;
}

std::vector<HloValue> HloReader::run(HloFrame& frame, const HloRegion& region,
                                     const std::vector<HloValue>& arguments, std::uint64_t at) {
  if (region.blocks.empty()) fail_hlo("a region", at, "a block", "none");
  const HloBlock& block = region.blocks[0];
  if (arguments.size() != block.argument_types.size()) {
    fail_hlo("the arguments of a block", at, std::to_string(block.argument_types.size()),
             std::to_string(arguments.size()));
  }
  spend(1 + std::uint64_t{region.own_values});
  HloFrame own(region.own_values);
  const ForgetEntered forget(entered_, region.is_isolated);
  HloFrame& inner = region.is_isolated ? own : frame;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    inner.values[block.first_argument + i] = arguments[i];
    inner.values[block.first_argument + i].type = block.argument_types[i];
  }
  return run_block(inner, block);
}

std::vector<HloValue> HloReader::run_block(HloFrame& frame, const HloBlock& block) {
  for (const HloOperation& operation : block.operations) {
    spend(1 + operation.types.size() + operation.operands.size());
    if (operation.name != "return") {
      emit(frame, operation);
      continue;
    }
    std::vector<HloValue> results;
    for (const std::uint32_t operand : operation.operands) {
      if (frame.values[operand].known == nullptr) enter(frame, operand, operation.at);
      results.push_back(frame.values[operand]);
    }
    return results;
  }
  return {};
}

void HloReader::emit(HloFrame& frame, const HloOperation& operation) {
  const std::size_t first = graph_.nodes().size();
  const std::size_t around = element_regions_;
  if (has_element_region(operation)) ++element_regions_;
  emit_operation(frame, operation);
  element_regions_ = around;
  if (element_regions_ == 0) count_for_xla(frame, operation, first);
}

/// The sizes of a value of a frame, which has that type.
const Shape& HloReader::shape_of(const HloFrame& frame, std::uint32_t value,
                                 std::uint32_t type) const {
  const ValueId id = frame.values[value].id;
  return id == no_id ? program_.type(type).shape : graph_.shape(id);
}

/// Whether XLA leaves an operation out before it counts; follows constants through it.
bool HloReader::is_folded_for_xla(HloFrame& frame, const HloOperation& operation) {
  if (operation.types.size() != 1) return false;
  std::vector<XlaConstant> operands;
  for (const std::uint32_t operand : operation.operands)
    operands.push_back(frame.constants[operand]);
  const std::int64_t elements = numel(shape_of(frame, operation.first_result, operation.types[0]));
  const XlaFolding folding = fold_for_xla(program_, operation, operands, elements);
  frame.constants[operation.first_result] = folding.result;
  return folding.is_folded;
}

/// Records what XLA counts for an operation at the costliest of its nodes.
void HloReader::count_for_xla(HloFrame& frame, const HloOperation& operation,
                              std::size_t first_node) {
  if (is_folded_for_xla(frame, operation)) return;
  std::vector<Shape> operands, results;
  const auto dtype_of = [&](std::uint32_t type) { return program_.type(type).dtype; };
  for (const std::uint32_t operand : operation.operands) {
    const std::uint32_t type = frame.values[operand].type;
    if (type == hlo_none) return;
    const bool is_same = operation.name == "convert" && operation.types.size() == 1 &&
                         dtype_of(type) == dtype_of(operation.types[0]);
    if (is_same) return;  // XLA leaves it out
    operands.push_back(shape_of(frame, operand, type));
  }
  for (std::size_t i = 0; i < operation.types.size(); ++i) {
    const auto result = operation.first_result + static_cast<std::uint32_t>(i);
    results.push_back(shape_of(frame, result, operation.types[i]));
  }
  xla_flops_left_ = checked_add(xla_flops_left_, xla_flops(program_, operation, operands, results));
  if (xla_flops_left_ == 0 || first_node == graph_.nodes().size()) return;
  const auto cost = [&](const Node& node) {
    const Cost found = cost_of(NodeView(graph_, node));
    return checked_add(found.macs, found.other);
  };
  const std::span<const Node> nodes = graph_.nodes();
  const auto costliest = std::ranges::max_element(nodes.subspan(first_node), {}, cost);
  const auto node = static_cast<NodeId>(&*costliest - nodes.data());
  graph_.set_source_flops(node, checked_add(graph_.source_flops(node), xla_flops_left_));
  xla_flops_left_ = 0;
}

void HloReader::emit_operation(HloFrame& frame, const HloOperation& operation) {
  if (operators_.size() < 1000) ++operators_[escape_controls(to_utf8(operation.name))];
  enter_module(operation.location);
  const HloOperator* row = find_hlo_operator(operation.name);
  if (row == nullptr) return emit_unknown(frame, operation);
  const Mark before = mark();
  const std::size_t depth = modules_.depth();
  const std::vector<std::string_view> running = running_;
  try {
    HloCall call(*this, frame, operation, *row);
    return row->emit(call);
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape || modules_.depth() != depth) throw;
    misfits_.add(escape_controls(to_utf8(operation.name)), fmt::format("at byte {}", operation.at),
                 error.what());
  }
  running_ = running;
  rewind(before);
  emit_unknown(frame, operation);
}

void HloReader::emit_unknown(HloFrame& frame, const HloOperation& operation) {
  std::vector<ValueId> inputs;
  for (const std::uint32_t operand : operation.operands)
    inputs.push_back(enter(frame, operand, operation.at).id);
  std::vector<OutputType> outputs;
  for (const std::uint32_t type : operation.types)
    outputs.push_back({program_.type(type).shape, program_.type(type).dtype});
  std::string_view label = operation.name;
  std::string_view domain = "stablehlo";
  if (const HloAttribute* target = program_.find(operation, "call_target_name")) {
    label = target->text;
    domain = "stablehlo.custom_call";
  }
  const auto* attrs = graph_.keep(UnknownAttrs{domain, graph_.arena().copy(to_utf8(label))});
  const NodeId made = graph_.append_declared(unknown_op, attrs, inputs, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId id = graph_.nodes()[made].first_output + static_cast<ValueId>(i);
    frame.values[operation.first_result + i] = {id, nullptr, operation.types[i]};
    const UnknownSizes unknown = program_.type(operation.types[i]).unknown;
    if (unknown != 0) graph_.mark_assumed(id, unknown);
    modules_.made(id);
  }
}

// -- modules ------------------------------------------------------------------------------------

/// jax writes the path of modules and the primitive: "jit(f)/Model/Dense_0/dot_general".
void HloReader::enter_module(std::uint32_t location) {
  path_.clear();
  std::string_view name = program_.location_name(location);
  const std::size_t end = name.rfind('/');
  name = end == std::string_view::npos ? std::string_view{} : name.substr(0, end);
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    const std::string_view plain = unwrapped(part);
    if (!is_transformation(plain)) path_.push_back({plain, plain, {}});
  }
  modules_.enter(path_);
}

}  // namespace zoometer
