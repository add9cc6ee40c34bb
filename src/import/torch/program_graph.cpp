#include "import/torch/program_graph.hpp"

#include <algorithm>
#include <limits>

#include "op/unknown.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t used_by_result = std::numeric_limits<std::uint32_t>::max();

/// Whether an operator wraps another one that does more than to compute: it takes and gives a token
/// for the order of such operators, before the other's arguments and results.
bool has_effects(std::string_view target) {
  return target == "torch.ops.higher_order.with_effects";
}

OperatorTarget parse_target(std::string_view text) {
  OperatorTarget target;
  constexpr std::string_view prefix = "torch.ops.";
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  if (text.starts_with('#')) text.remove_prefix(1);  // an extension: "#namespace:operator"
  const std::size_t first = text.find_first_of(".:");
  if (first == std::string_view::npos) {
    target.name = text;
    return target;
  }
  target.space = text.substr(0, first);
  text.remove_prefix(first + 1);
  const std::size_t last = text.rfind('.');
  target.name = text.substr(0, last);
  if (last != std::string_view::npos) target.overload = text.substr(last + 1);

  const bool is_aten = target.space == "aten";
  const std::string spaced = std::string(target.space) + "::" + std::string(target.name);
  target.row = find_aten(is_aten ? target.name : std::string_view(spaced));
  const bool marked = target.name.ends_with('_') && !target.name.ends_with("__");
  if (target.row == nullptr && is_aten && marked) {
    target.row = find_aten(target.name.substr(0, target.name.size() - 1));
    target.in_place = true;
  }
  return target;
}

}  // namespace

// -- the session --------------------------------------------------------------------------------

void ProgramSession::spend(std::int64_t values) {
  values_left -= values;
  if (values_left < 0)
    throw Error(ErrorCode::limit, "branches and loops make the graph too large for its program");
}

void ProgramSession::note(std::string text) {
  constexpr std::size_t most = 20;
  if (++node_notes < most) notes.notes.push_back(std::move(text));
  if (node_notes == most) notes.notes.emplace_back("more of the kind are not listed");
}

void ProgramSession::rewind(const Checkpoint& before) {
  graph.rewind(before.mark);
  ignored = before.ignored;
}

// -- graphs -------------------------------------------------------------------------------------

GraphReader::GraphReader(ProgramSession& session, const Json& graph,
                         std::span<const ModuleScopes::Level> outer, int depth)
    : session_(session),
      json_(graph),
      outer_(outer.begin(), outer.end()),
      depth_(depth),
      memory_(session.graph) {
  if (depth > deepest_graph)
    throw Error(ErrorCode::limit, "the graphs are nested too deeply",
                {"at most " + std::to_string(deepest_graph) + " levels", "more"});
  const Json& metas = get_member(graph, "tensor_values");
  if (!metas.IsObject()) throw_unexpected("tensor_values", "an object");
  meta_of_.reserve(metas.MemberCount());
  slot_of_.reserve(metas.MemberCount());
  slots_.reserve(metas.MemberCount());
  for (const auto& meta : metas.GetObject()) meta_of_.emplace(view_of(meta.name), &meta.value);
  for (const std::string_view kind : {"sym_int_values", "sym_float_values", "sym_bool_values"}) {
    const Json* symbols = find_member(graph, kind);
    if (symbols == nullptr || !symbols->IsObject()) continue;
    for (const auto& symbol : symbols->GetObject())
      symbol_of_.emplace(view_of(symbol.name), &symbol.value);
  }
  for (const Json& input : get_array(graph, "inputs").GetArray()) {
    for_each_tensor_name(input, [&](std::string_view name) {
      inputs_.push_back(name);
      add_slot(name);
    });
  }
  for (const Json& output : get_array(graph, "outputs").GetArray()) {
    for_each_tensor_name(output, [&](std::string_view name) { outputs_.push_back(name); });
  }
  collect_slots();
  for (const std::string_view name : outputs_) keep(name);
}

// -- values -------------------------------------------------------------------------------------

void GraphReader::add_slot(std::string_view name) {
  if (!slot_of_.emplace(name, static_cast<std::uint32_t>(slots_.size())).second)
    throw Error(ErrorCode::malformed, "duplicate value " + std::string(name));
  slots_.emplace_back();
}

GraphReader::Slot& GraphReader::get_slot(std::string_view name) {
  const auto found = slot_of_.find(name);
  if (found == slot_of_.end())
    throw Error(ErrorCode::malformed, "a value is used before it is made",
                {"an input or an earlier result", std::string(name)});
  return slots_[found->second];
}

ValueId GraphReader::get_value(std::string_view name) {
  const ValueId value = get_slot(name).value;
  if (value == no_id)
    throw Error(ErrorCode::malformed, "the input " + std::string(name) + " has no specification");
  return value;
}

/// Gives every result a slot, and finds the last node that uses each value: a module call returns
/// the values that are used after it.
void GraphReader::collect_slots() {
  const auto nodes = get_array(json_, "nodes").GetArray();
  first_slot_.reserve(nodes.Size() + std::size_t{1});
  for (const Json& node : nodes) {
    first_slot_.push_back(static_cast<std::uint32_t>(slots_.size()));
    const std::string_view operation = find_text(node, "target");
    may_write_ = may_write_ || operation.find("_.") != std::string_view::npos ||
                 operation.find("higher_order") != std::string_view::npos;
    try {
      const auto outputs = get_array(node, "outputs").GetArray();
      // A token only says that something ran.
      std::int64_t tensors = has_effects(operation) ? -1 : 0;
      for (const Json& output : outputs) {
        for_each_tensor_name(output, [&](std::string_view) { ++tensors; });
      }
      const bool makes_tensors = tensors > 0;
      for (const Json& input : get_array(node, "inputs").GetArray()) {
        for_each_tensor_name(get_member(input, "arg"), [&](std::string_view name) {
          Slot& slot = get_slot(name);
          // Assertions and queries of sizes do not count as uses.
          if (makes_tensors) slot.last_use = static_cast<std::uint32_t>(first_slot_.size());
        });
      }
      for (const Json& output : outputs) {
        for_each_tensor_name(output, [&](std::string_view name) { add_slot(name); });
      }
    } catch (Error& error) {
      if (error.place.node.empty()) error.place.node = node_name(node);
      throw;
    }
  }
  first_slot_.push_back(static_cast<std::uint32_t>(slots_.size()));
}

void GraphReader::keep(std::string_view name) {
  const auto found = slot_of_.find(name);
  if (found != slot_of_.end()) slots_[found->second].last_use = used_by_result;
}

void GraphReader::bind(std::string_view name, ValueId value) {
  const auto found = slot_of_.find(name);
  if (found != slot_of_.end()) slots_[found->second].value = value;
}

bool GraphReader::is_read(std::string_view name) const noexcept {
  const auto found = slot_of_.find(name);
  return found != slot_of_.end() && slots_[found->second].last_use > 0;
}

ValueId GraphReader::find(std::string_view name) const noexcept {
  const auto found = slot_of_.find(name);
  return found == slot_of_.end() ? no_id : slots_[found->second].value;
}

const Json* GraphReader::declared_sizes(std::string_view name) const noexcept {
  const auto found = meta_of_.find(name);
  if (found == meta_of_.end()) return nullptr;
  const Json* sizes = find_member(unwrap(*found->second), "sizes");
  return sizes != nullptr && sizes->IsArray() ? sizes : nullptr;
}

OutputType GraphReader::declared_type(std::string_view name) const {
  if (declared_sizes(name) == nullptr)
    throw Error(ErrorCode::malformed, "the value " + std::string(name) + " has no declared shape");
  return read_type(unwrap(*meta_of_.find(name)->second), session_.sizes);
}

bool GraphReader::has_gradient(std::string_view name) const noexcept {
  const auto found = meta_of_.find(name);
  if (found == meta_of_.end()) return false;
  const Json* requires_gradient = find_member(unwrap(*found->second), "requires_grad");
  return requires_gradient != nullptr && requires_gradient->IsTrue();
}

// -- module calls -------------------------------------------------------------------------------

void GraphReader::enter(std::span<const ModuleScopes::Level> levels, std::uint32_t node) {
  std::size_t skipped = 0;
  while (skipped < levels.size() && skipped < outer_.size() &&
         levels[skipped].text == outer_[skipped].text) {
    ++skipped;
  }
  // The call of the root module is open all the time.
  if (skipped == 0 && !levels.empty() && levels[0].module == 0) skipped = 1;
  const auto inner = levels.subspan(skipped);
  std::size_t same = 0;
  while (same < open_.size() && same < inner.size() && open_[same].text == inner[same].text) ++same;
  leave(same, node);
  for (std::size_t i = same; i < inner.size(); ++i) {
    open_.push_back({inner[i].text, session_.graph.begin_call(inner[i].module), first_slot_[node]});
  }
  const ModuleId around = outer_.empty() ? 0 : outer_.back().module;
  session_.graph.set_current_module(levels.empty() ? around : levels.back().module);
}

/// Ends the calls below a depth. They return the values that were made since they began and are
/// used by this node or after it.
void GraphReader::leave(std::size_t depth, std::uint32_t node) {
  std::vector<ValueId>& returned = results_;
  while (open_.size() > depth) {
    const OpenCall call = open_.back();
    open_.pop_back();
    returned.clear();
    for (std::uint32_t i = call.first_slot; i < first_slot_[node]; ++i) {
      const Slot& slot = slots_[i];
      if (slot.last_use <= node || slot.value == no_id) continue;
      // Two names of one value are one result. Only the first few are compared, to save time.
      constexpr std::size_t few = 64;
      const bool is_new = returned.size() >= few ||
                          std::find(returned.begin(), returned.end(), slot.value) == returned.end();
      if (is_new) returned.push_back(slot.value);
    }
    session_.graph.end_call(call.call, returned);
  }
}

// -- arguments ----------------------------------------------------------------------------------

template <class T, class Convert>
std::span<const T> GraphReader::parse_list(const Json& list, const Convert& convert) {
  if (!list.IsArray()) throw_unexpected("an argument", "a list");
  T* items = session_.scratch.array<T>(list.Size());
  for (rapidjson::SizeType i = 0; i < list.Size(); ++i) items[i] = convert(list[i]);
  return {items, list.Size()};
}

std::int64_t GraphReader::parse_symbolic_integer(const Json& argument) {
  const Choice choice = choice_of(argument);
  if (choice.name == "as_int") return get_integer(*choice.value, "as_int");
  if (choice.name != "as_name" || !choice.value->IsString())
    throw_unexpected("as_sym_int", "an integer or a name");
  const auto found = symbol_of_.find(view_of(*choice.value));
  if (found == symbol_of_.end())
    throw Error(ErrorCode::malformed, "a symbolic integer has no declaration",
                {"one in sym_int_values", std::string(view_of(*choice.value))});
  return session_.sizes.evaluate(*found->second).value;
}

/// Symbolic numbers and truth values. No shape depends on them, so they may be unknown.
void GraphReader::parse_symbolic_number(const Json& argument, Argument& result) {
  const Choice choice = choice_of(argument);
  result.kind = Argument::Kind::other;
  if (choice.value == nullptr) return;
  if (choice.name == "as_bool" && choice.value->IsBool()) {
    result.kind = Argument::Kind::boolean;
    result.boolean = choice.value->GetBool();
  } else if (choice.name == "as_float") {
    result.kind = Argument::Kind::number;
    result.number = get_number(*choice.value);
  } else if (choice.name == "as_name" && choice.value->IsString()) {
    const auto found = symbol_of_.find(view_of(*choice.value));
    if (found == symbol_of_.end()) return;
    const auto number = session_.sizes.evaluate_number(*found->second);
    if (!number) return;
    result.kind = Argument::Kind::number;
    result.number = *number;
  }
}

void GraphReader::parse_argument(const Json& union_value, Argument& result) {
  using Kind = Argument::Kind;
  const auto [name, value] = choice_of(union_value);
  const auto as_integer = [](const Json& item) { return get_integer(item, "as_ints"); };
  const auto as_tensor = [&](const Json& item) { return get_value(get_text(item, "name")); };
  if (value == nullptr || name == "as_none") {
    result.kind = Kind::none;
  } else if (name == "as_tensor") {
    result.kind = Kind::tensor;
    result.tensor = as_tensor(*value);
  } else if (name == "as_ints") {
    result.kind = Kind::integers;
    result.integers = parse_list<std::int64_t>(*value, as_integer);
  } else if (name == "as_int") {
    result.kind = Kind::integer;
    result.integer = get_integer(*value, "as_int");
  } else if (name == "as_float") {
    result.kind = Kind::number;
    result.number = get_number(*value);
  } else if (name == "as_bool" && value->IsBool()) {
    result.kind = Kind::boolean;
    result.boolean = value->GetBool();
  } else if (name == "as_tensors") {
    result.kind = Kind::tensors;
    result.tensors = parse_list<ValueId>(*value, as_tensor);
  } else if (name == "as_optional_tensors") {
    result.kind = Kind::tensors;
    result.tensors = parse_list<ValueId>(*value, [&](const Json& item) {
      const Json* present = find_member(item, "as_tensor");
      return present == nullptr ? no_id : as_tensor(*present);
    });
  } else if (name == "as_optional_tensor") {
    parse_argument(*value, result);
  } else if (name == "as_sym_int") {
    result.kind = Kind::integer;
    result.integer = parse_symbolic_integer(*value);
  } else if (name == "as_sym_ints") {
    result.kind = Kind::integers;
    result.integers = parse_list<std::int64_t>(
        *value, [&](const Json& item) { return parse_symbolic_integer(item); });
  } else if (name == "as_floats") {
    result.kind = Kind::numbers;
    result.numbers = parse_list<double>(*value, get_number);
  } else if (name == "as_string" && value->IsString()) {
    result.kind = Kind::text;
    result.text = view_of(*value);
  } else if (name == "as_scalar_type") {
    result.kind = Kind::dtype;
    result.dtype = dtype_of(get_integer(*value, "as_scalar_type"));
  } else if (name == "as_sym_float" || name == "as_sym_bool") {
    parse_symbolic_number(*value, result);
  } else {
    result.kind = Kind::other;
  }
}

void GraphReader::parse_arguments(const Json& node, rapidjson::SizeType first) {
  arguments_.clear();
  const auto inputs = get_array(node, "inputs").GetArray();
  for (rapidjson::SizeType i = first; i < inputs.Size(); ++i) {
    const Json& input = inputs[i];
    Argument& argument = arguments_.emplace_back();
    argument.name = find_text(input, "name");
    parse_argument(get_member(input, "arg"), argument);
  }
}

// -- nodes --------------------------------------------------------------------------------------

void GraphReader::read_nodes() {
  std::uint32_t index = 0;
  for (const Json& node : get_array(json_, "nodes").GetArray()) {
    try {
      read_node(node, index);
    } catch (Error& error) {
      error.place.node = node_name(node);
      if (error.place.module_path.empty())
        error.place.module_path = session_.graph.module_path(session_.graph.current_module());
      throw;
    }
    ++index;
  }
  leave(0, index);
  if (!memory_.has_writes()) return;
  std::vector<std::pair<std::uint32_t, std::string_view>> returned;
  for (const auto& [name, slot] : slot_of_) {
    if (slots_[slot].last_use == used_by_result) returned.emplace_back(slot, name);
  }
  std::ranges::sort(returned);
  for (const auto& [slot, name] : returned) refresh(name);
}

/// Takes a view again whose memory was written since.
void GraphReader::refresh(std::string_view name) {
  const auto found = slot_of_.find(name);
  if (found == slot_of_.end()) return;
  try {
    memory_.refresh(found->second,
                    [&](std::uint32_t slot) -> ValueId& { return slots_[slot].value; });
  } catch (const Error& error) {
    session_.note("what was written to the memory of " + std::string(name) +
                  " is not seen by all that reads it: " + error.what());
  }
}

/// Stores what an operator wrote into a tensor.
void GraphReader::store(std::string_view name, ValueId value) {
  const auto found = slot_of_.find(name);
  if (found == slot_of_.end() || value == no_id || found->second >= slots_.size()) return;
  const ValueId before = slots_[found->second].value;
  if (before == no_id || session_.graph.shape(before) != session_.graph.shape(value)) return;
  const Graph::Mark mark = session_.graph.mark();
  try {
    memory_.write(found->second, value,
                  [&](std::uint32_t slot) -> ValueId& { return slots_[slot].value; });
  } catch (const Error& error) {
    session_.graph.rewind(mark);
    session_.note("the write to " + std::string(name) +
                  " is seen by that name alone: " + error.what());
  }
}

/// Keeps what the node wrote, or of which tensor its results are views.
void GraphReader::follow_memory(const Json& node, const OperatorTarget& target) {
  for (const auto& [name, value] : stored_) store(name, value);
  stored_.clear();
  const Json& inputs = get_array(node, "inputs");
  if (inputs.Empty()) return;
  const auto [kind, written] = choice_of(get_member(inputs[0], "arg"));
  if (kind != "as_tensor") return;
  const std::string_view name = get_text(*written, "name");
  const std::uint32_t base = slot_of_.find(name)->second;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (results_[i] == no_id || output_names_[i].empty()) continue;
    const std::uint32_t slot = slot_of_.find(output_names_[i])->second;
    if (target.in_place && i == 0) {
      store(name, results_[0]);
      memory_.add_alias(slot, base);
    } else if (!target.in_place) {
      memory_.add_view(slot, results_[i], base, slots_[base].value);
    }
  }
}

void GraphReader::read_node(const Json& node, std::uint32_t index) {
  output_names_.clear();
  bool makes_tensors = false;
  for (const Json& output : get_array(node, "outputs").GetArray()) {
    for_each_output(output, [&](std::string_view name) {
      output_names_.push_back(name);
      makes_tensors = makes_tensors || !name.empty();
    });
  }
  const std::string_view text = get_text(node, "target");
  const bool is_wrapped = has_effects(text) && !output_names_.empty();
  if (is_wrapped) {
    output_names_.erase(output_names_.begin());
    makes_tensors = std::ranges::any_of(output_names_, [](auto name) { return !name.empty(); });
  }
  // Assertions and arithmetic on sizes make no node: the program declares their results.
  if (!makes_tensors) return;

  const auto [entry, is_new] = session_.targets.try_emplace(text);
  if (is_new) entry->second = parse_target(text);
  const OperatorTarget& target = entry->second;
  const auto levels =
      session_.scopes.levels(session_.scopes.intern(module_stack(node), session_.tree));
  enter(levels, index);

  if (memory_.has_writes()) {
    for (const Json& input : get_array(node, "inputs").GetArray())
      for_each_tensor_name(get_member(input, "arg"), [&](std::string_view name) { refresh(name); });
  }
  session_.scratch.clear();
  results_.clear();
  const std::size_t first_value = session_.graph.values().size();
  const bool inlined = !is_wrapped && inline_graph(node, target, levels);
  if (is_wrapped) {
    append_wrapped(node);
  } else if (!inlined) {
    call_operator(node, target);
  }
  bind_results(node, target, first_value);
  if (!inlined) name_node(node, target, first_value);
  if (may_write_) follow_memory(node, target);
}

/// Of the node being read.
class GraphReader::DeclaredResults final : public AtenResults {
 public:
  explicit DeclaredResults(GraphReader& reader) : reader_(reader) {}

  std::size_t count() const noexcept override { return reader_.output_names_.size(); }
  bool uses(std::size_t output) const override {
    return names(output) && reader_.get_slot(reader_.output_names_[output]).last_use > 0;
  }
  std::optional<OutputType> type(std::size_t output) const override {
    if (!names(output) || reader_.declared_sizes(reader_.output_names_[output]) == nullptr)
      return std::nullopt;
    return reader_.declared_type(reader_.output_names_[output]);
  }

 private:
  bool names(std::size_t output) const noexcept {
    return output < count() && !reader_.output_names_[output].empty();
  }

  GraphReader& reader_;
};

void GraphReader::call_operator(const Json& node, const OperatorTarget& target) {
  parse_arguments(node);
  if (target.row == nullptr) return append_unknown(target);
  const DeclaredResults declared(*this);
  if (session_.autocast) cast_operands(target, declared.type(0));
  const Graph::Mark before = session_.graph.mark();
  try {
    AtenCall call(session_.graph, target.name, target.overload, arguments_, declared, results_);
    target.row->translate(call);
    spell_products(node, target, before.nodes);
    if (call.kept()) {
      add_kernel(*call.kept(), before.nodes);
    } else if (target.row->kept) {
      add_kernel({*target.row->kept}, before.nodes);
    }
    const bool is_other = !call.all_read() && note_ignored(call, *target.row);
    if (is_other || target.row->meaning == Meaning::same_cost)
      mark_stand_ins(before.nodes, target.name);
  } catch (Error& error) {
    const bool is_ours = error.code == ErrorCode::unsupported || error.code == ErrorCode::shape;
    if (!is_ours) throw;
    if (session_.sizes.changed()) {
      error.hint =
          "the program was exported for fixed sizes; export it with dynamic shapes to change them";
      throw;
    }
    session_.note(std::string(node_name(node)) +
                  " is taken as the program declares it: " + error.what());
    // The nodes that were appended until then do not count in addition to the unknown operator.
    session_.graph.rewind(before);
    results_.clear();
    append_unknown(target);
  }
}

namespace {

/// What depends on an argument that a translation did not read.
enum class Effect : std::uint8_t { none, values, cost };

Effect effect_of(const Argument& argument, const AtenOperator& row) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::none || argument.kind == Kind::other || argument.kind == Kind::dtype)
    return Effect::none;
  // Where a tensor lies is no part of its cost; some writers give these as truth values.
  if (argument.name == "pin_memory" || argument.name == "non_blocking") return Effect::none;
  const auto known = std::ranges::find_if(row.no_effect, [&](const NoEffect& each) {
    if (!each.what.starts_with(argument.name)) return false;
    const std::string_view value = each.what.substr(argument.name.size());
    return value.empty() || (value.front() == '=' && value.substr(1) == text_of(argument));
  });
  if (known == row.no_effect.end()) return Effect::cost;
  return known->changes_values ? Effect::values : Effect::none;
}

}  // namespace

/// Records ATen's name of a product that zoometer calls otherwise. A padding by name is an operator
/// of its own where tools record a run.
void GraphReader::spell_products(const Json& node, const OperatorTarget& target,
                                 std::size_t first_node) {
  const auto is_word = [](const Argument& argument) {
    return argument.name == "padding" && argument.kind == Argument::Kind::text;
  };
  const bool has_named_padding =
      std::ranges::any_of(arguments_, is_word) || !padding_name(node).empty();
  Graph& graph = session_.graph;
  for (std::size_t i = first_node; i < graph.nodes().size(); ++i) {
    const OpDef& op = *graph.nodes()[i].op;
    if (op.kind != OpKind::product) continue;
    const bool is_named = has_named_padding && is_convolution(op);
    const std::string_view name = is_named ? "_convolution_mode" : target.name;
    if (name != op.name) graph.set_spelling(static_cast<NodeId>(i), graph.arena().copy(name));
  }
}

namespace {

/// The operators that autocast runs in the smaller type, on every device:
/// aten/src/ATen/autocast_mode.h, AT_FORALL_LOWER_PRECISION_FP.
bool runs_in_small_type(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"conv1d",
                                        "conv2d",
                                        "conv3d",
                                        "conv_tbc",
                                        "conv_transpose1d",
                                        "conv_transpose2d",
                                        "conv_transpose3d",
                                        "convolution",
                                        "_convolution",
                                        "addmm",
                                        "addmv",
                                        "addr",
                                        "matmul",
                                        "einsum",
                                        "mm",
                                        "mv",
                                        "linalg_vecdot",
                                        "linear",
                                        "addbmm",
                                        "baddbmm",
                                        "bmm",
                                        "chain_matmul",
                                        "linalg_multi_dot",
                                        "lstm_cell",
                                        "gru_cell",
                                        "rnn_tanh_cell",
                                        "rnn_relu_cell",
                                        "scaled_dot_product_attention",
                                        "prelu"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Whether an operator's result has a type of its own, whatever it reads.
bool is_cast(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"to", "_to_copy", "type_as", "float", "double"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

/// Casts as autocast does: products to its type; operators that it runs in float32, which the
/// declared result shows, from it.
void GraphReader::cast_operands(const OperatorTarget& target,
                                const std::optional<OutputType>& declared) {
  const bool goes_down = runs_in_small_type(target.name);
  const bool goes_up =
      !goes_down && declared && declared->dtype == DType::float32 && !is_cast(target.name);
  if (!goes_down && !goes_up) return;
  Graph& graph = session_.graph;
  const DType from = goes_down ? DType::float32 : *session_.autocast;
  const DType to_type = goes_down ? *session_.autocast : DType::float32;
  const auto is_wider = [&](const Argument& argument) {
    return argument.kind == Argument::Kind::tensor &&
           graph.value(argument.tensor).dtype == DType::float32;
  };
  if (goes_up && std::ranges::any_of(arguments_, is_wider)) return;  // promoted by the kernel
  for (Argument& argument : arguments_) {
    if (argument.kind == Argument::Kind::tensor && graph.value(argument.tensor).dtype == from)
      argument.tensor = to(Tensor{&graph, argument.tensor}, to_type).id;
  }
}

/// Says what the backward of the nodes of one operator keeps.
void GraphReader::add_kernel(const KernelMemory& memory, std::size_t first_node) {
  const OperandSet kept = memory.operands;
  std::vector<ValueId> values;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    if (kept.has(i) && arguments_[i].kind == Argument::Kind::tensor)
      values.push_back(arguments_[i].tensor);
  }
  Graph& graph = session_.graph;
  std::int64_t bytes = memory.bytes;
  if (!results_.empty() && results_[0] != no_id) {
    if (kept.has(declaring::result)) values.push_back(results_[0]);
    if (kept.has(index_of_result))
      bytes = checked_add(bytes, checked_mul(8, graph.numel(results_[0])));
  }
  graph.add_region({.first_node = static_cast<NodeId>(first_node),
                    .end_node = static_cast<NodeId>(graph.nodes().size()),
                    .kind = Region::Kind::kernel,
                    .kept = values,
                    .kept_bytes = bytes});
}

/// Records the arguments that the translation should have read. Whether any that it did not read
/// changes what the operator computes.
bool GraphReader::note_ignored(const AtenCall& call, const AtenOperator& row) {
  bool is_other = false;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const Argument& argument = arguments_[i];
    if (call.was_read(i)) continue;
    const Effect effect = effect_of(argument, row);
    is_other = is_other || effect != Effect::none;
    if (effect == Effect::cost) session_.ignored.add(call.name(), argument.name, text_of(argument));
  }
  return is_other;
}

/// Marks the nodes from `first_node` on: they cost as much as the operator of that name and compute
/// something else.
void GraphReader::mark_stand_ins(std::size_t first_node, std::string_view name) {
  Graph& graph = session_.graph;
  if (first_node >= graph.nodes().size()) return;
  const std::string_view kept = graph.arena().copy(name);
  for (std::size_t i = first_node; i < graph.nodes().size(); ++i)
    graph.mark_stand_in(static_cast<NodeId>(i), kept);
}

void GraphReader::append_unknown(const OperatorTarget& target) {
  Graph& graph = session_.graph;
  std::vector<ValueId> inputs;
  for (const Argument& argument : arguments_) {
    if (argument.kind == Argument::Kind::tensor) inputs.push_back(argument.tensor);
    for (const ValueId tensor : argument.tensors) {
      if (tensor != no_id) inputs.push_back(tensor);
    }
  }
  std::vector<OutputType> types;
  for (const std::string_view name : output_names_) {
    if (!name.empty()) types.push_back(declared_type(name));
  }
  std::string type(target.name);
  if (!target.overload.empty() && target.overload != "default")
    type.append(".").append(target.overload);
  const UnknownAttrs* attrs =
      graph.keep(UnknownAttrs{graph.arena().copy(target.space), graph.arena().copy(type)});
  const NodeId node = graph.append_declared(unknown_op, attrs, inputs, types);
  ValueId next = graph.nodes()[node].first_output;
  for (const std::string_view name : output_names_)
    results_.push_back(name.empty() ? no_id : next++);
}

/// Appends the operator that another one wraps. Its arguments have no names there, so that it
/// remains unknown.
void GraphReader::append_wrapped(const Json& node) {
  constexpr rapidjson::SizeType before = 2;  // the token and the operator
  const auto inputs = get_array(node, "inputs").GetArray();
  const std::string_view name = inputs.Size() < before
                                    ? std::string_view()
                                    : find_text(get_member(inputs[1], "arg"), "as_operator");
  if (name.empty()) throw_unexpected("with_effects", "a token and an operator");
  parse_arguments(node, before);
  append_unknown(parse_target(name));
}

/// Appends a used result that the translation does not give, such as the indices of a pooling.
void GraphReader::append_missing(const OperatorTarget& target, std::size_t output) {
  Graph& graph = session_.graph;
  const std::string type =
      std::string(target.name) + " (result " + std::to_string(output + 1) + ")";
  const UnknownAttrs* attrs =
      graph.keep(UnknownAttrs{graph.arena().copy(target.space), graph.arena().copy(type)});
  std::vector<ValueId> inputs;
  for (const Argument& argument : arguments_) {
    if (argument.kind == Argument::Kind::tensor) inputs.push_back(argument.tensor);
  }
  session_.spend(static_cast<std::int64_t>(inputs.size()));
  const OutputType types[] = {declared_type(output_names_[output])};
  const NodeId node = graph.append_declared(unknown_op, attrs, inputs, types);
  results_[output] = graph.nodes()[node].first_output;
}

void GraphReader::bind_results(const Json& node, const OperatorTarget& target,
                               std::size_t first_value) {
  results_.resize(output_names_.size(), no_id);
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const std::string_view name = output_names_[i];
    if (name.empty()) continue;
    Slot& slot = get_slot(name);
    if (results_[i] == no_id && slot.last_use > 0) append_missing(target, i);
    slot.value = results_[i];
    // A value of an earlier node is passed on with its own type.
    if (slot.value != no_id && slot.value >= first_value) check_declared(name, slot.value, node);
  }
}

void GraphReader::name_node(const Json& node, const OperatorTarget& target,
                            std::size_t first_value) {
  Graph& graph = session_.graph;
  if (graph.nodes().empty() || graph.nodes().back().first_output < first_value) return;
  const auto last = static_cast<NodeId>(graph.nodes().size() - 1);
  graph.set_node_name(last, graph.arena().copy(node_name(node)));
  const bool writes = target.in_place && graph.nodes()[last].input_count > 0 &&
                      results_[0] == graph.nodes()[last].first_output;
  if (writes) graph.mark_in_place(results_[0]);
}

/// Takes the declared element type, and notes a declared shape that differs from the inferred one.
void GraphReader::check_declared(std::string_view name, ValueId value, const Json& node) {
  if (declared_sizes(name) == nullptr) return;
  const OutputType declared = declared_type(name);
  Graph& graph = session_.graph;
  if (declared.dtype != DType::unknown) graph.set_dtype(value, declared.dtype);
  if (declared.bounded) graph.mark_bounded(value);
  if (session_.sizes.changed() || declared.bounded || declared.shape == graph.shape(value)) return;
  session_.note("the program declares " + to_string(declared.shape) + " for " +
                std::string(node_name(node)) + ", its operator gives " +
                to_string(graph.shape(value)));
}

}  // namespace zoometer
