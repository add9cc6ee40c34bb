#include "import/torch/exported_program.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "import/module_tree.hpp"
#include "import/torch/aten.hpp"
#include "import/torch/decompositions.hpp"
#include "import/torch/program_sizes.hpp"
#include "op/unknown.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/error.hpp"

// The schema is torch/_export/serde/schema.py of PyTorch 2.1 to 2.12.

namespace zoometer {
namespace {

constexpr int deepest_graph = 16;
constexpr std::uint32_t used_by_result = std::numeric_limits<std::uint32_t>::max();

// -- values of the schema -----------------------------------------------------------------------

DType dtype_of(std::int64_t code) noexcept {
  constexpr std::array<DType, 33> dtypes = [] {
    std::array<DType, 33> table{};
    table.fill(DType::unknown);
    table[1] = DType::uint8;
    table[2] = DType::int8;
    table[3] = DType::int16;
    table[4] = DType::int32;
    table[5] = DType::int64;
    table[6] = DType::float16;
    table[7] = DType::float32;
    table[8] = DType::float64;
    table[10] = DType::complex64;
    table[11] = DType::complex128;
    table[12] = DType::boolean;
    table[13] = DType::bfloat16;
    table[28] = DType::uint16;
    // The variants without a negative zero have as many bits.
    table[29] = table[31] = DType::float8_e4m3fn;
    table[30] = table[32] = DType::float8_e5m2;
    return table;
  }();
  return code >= 0 && code < std::ssize(dtypes) ? dtypes[static_cast<std::size_t>(code)]
                                                : DType::unknown;
}

/// The one member of a union that is set; schema 1 and 2 list the others with nulls.
struct Choice {
  std::string_view name;
  const Json* value = nullptr;
};

Choice choice_of(const Json& value) {
  if (!value.IsObject()) throw_unexpected("a union", "an object");
  for (const auto& member : value.GetObject()) {
    if (!member.value.IsNull()) return {view_of(member.name), &member.value};
  }
  return {};
}

std::int64_t get_integer(const Json& value, std::string_view what) {
  if (value.IsInt64()) return value.GetInt64();
  if (!value.IsUint64()) throw_unexpected(what, "an integer");
  return std::numeric_limits<std::int64_t>::max();
}

/// Newer writers put non-finite numbers into texts.
double get_number(const Json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.IsNumber()) return value.GetDouble();
  if (value.IsString()) {
    const std::string_view text = view_of(value);
    if (text == "Infinity") return infinity;
    if (text == "-Infinity") return -infinity;
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  throw_unexpected("as_float", "a number");
}

/// The names of the tensors in an argument, in order; empty ones for everything else.
template <class Visitor>
void for_each_output(const Json& argument, const Visitor& visit) {
  const Choice choice = choice_of(argument);
  if (choice.name == "as_tensor") {
    visit(get_text(*choice.value, "name"));
  } else if (choice.name == "as_tensors" && choice.value->IsArray()) {
    for (const Json& tensor : choice.value->GetArray()) visit(get_text(tensor, "name"));
  } else if (choice.name == "as_optional_tensor") {
    for_each_output(*choice.value, visit);
  } else if (choice.name == "as_optional_tensors" && choice.value->IsArray()) {
    for (const Json& tensor : choice.value->GetArray()) {
      const Json* present = find_member(tensor, "as_tensor");
      visit(present == nullptr ? std::string_view() : get_text(*present, "name"));
    }
  } else {
    visit(std::string_view());
  }
}

template <class Visitor>
void for_each_tensor_name(const Json& argument, const Visitor& visit) {
  for_each_output(argument, [&](std::string_view name) {
    if (!name.empty()) visit(name);
  });
}

/// What a TensorMeta tells.
OutputType read_type(const Json& meta, ProgramSizes& sizes) {
  OutputType type;
  for (const Json& size : get_array(meta, "sizes").GetArray()) {
    const ProgramSize evaluated = sizes.evaluate(size);
    type.shape.push_back(evaluated.value);
    type.bounded = type.bounded || evaluated.bounded;
  }
  const Json* dtype = find_member(meta, "dtype");
  type.dtype = dtype_of(dtype != nullptr && dtype->IsInt64() ? dtype->GetInt64() : 0);
  return type;
}

/// Tensor metas were wrapped in {"meta": ...} at first.
const Json& unwrap(const Json& value) {
  const Json* meta = find_member(value, "meta");
  return meta == nullptr ? value : *meta;
}

/// The graph of an argument, or null.
const Json* graph_in(const Json& argument) {
  const Json* wrapped = find_member(argument, "as_graph");
  return wrapped == nullptr ? nullptr : find_member(*wrapped, "graph");
}

/// How many values a JSON value is made of. Not recursive, since the depth is the file's choice.
std::int64_t values_in(const Json& value) {
  std::vector<const Json*> found{&value};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Json& next = *found[i];
    if (next.IsArray()) {
      for (const Json& item : next.GetArray()) found.push_back(&item);
    } else if (next.IsObject()) {
      for (const auto& member : next.GetObject()) found.push_back(&member.value);
    }
  }
  return static_cast<std::int64_t>(found.size());
}

std::string_view node_name(const Json& node) {
  const std::string_view name = find_text(node, "name");
  if (!name.empty()) return name;
  const Json* outputs = find_member(node, "outputs");
  std::string_view first;
  if (outputs != nullptr && outputs->IsArray() && !outputs->Empty() && (*outputs)[0].IsObject()) {
    for_each_output((*outputs)[0], [&](std::string_view output) {
      if (first.empty()) first = output;
    });
  }
  return first.empty() ? find_text(node, "target") : first;
}

std::string_view module_stack(const Json& node) {
  const Json* metadata = find_member(node, "metadata");
  return metadata == nullptr ? std::string_view() : find_text(*metadata, "nn_module_stack");
}

// -- operators ----------------------------------------------------------------------------------

/// "torch.ops.aten.add_.Tensor" taken apart, with the translation that it has.
struct Target {
  std::string_view space;     ///< "aten"
  std::string_view name;      ///< "add"
  std::string_view overload;  ///< "Tensor"
  bool in_place = false;
  AtenTranslation* translate = nullptr;
};

Target parse_target(std::string_view text) {
  Target target;
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
  target.translate = find_aten(is_aten ? target.name : std::string_view(spaced));
  const bool marked = target.name.ends_with('_') && !target.name.ends_with("__");
  if (target.translate == nullptr && is_aten && marked) {
    target.translate = find_aten(target.name.substr(0, target.name.size() - 1));
    target.in_place = target.translate != nullptr;
  }
  return target;
}

/// Whether a higher-order operator is nothing but its (first) graph applied to its operands.
bool is_transparent(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"wrap_with_set_grad_enabled",
                                        "wrap_with_autocast",
                                        "strict_mode",
                                        "hints_wrapper",
                                        "invoke_subgraph",
                                        "tag_activation_checkpoint",
                                        "wrap",
                                        "wrap_activation_checkpoint"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// -- reading ------------------------------------------------------------------------------------

/// What all graphs of one program share while it is read.
struct Session {
  Graph& graph;
  ImportNotes& notes;
  ProgramSizes& sizes;
  ModuleTree& tree;
  ModuleScopes& scopes;
  std::unordered_map<std::string_view, Target> targets;
  Arena scratch;
  std::size_t told = 0;  ///< notes on single nodes, which may be many
  /// JSON values of inner graphs that may still be read, some 80 a node: a few loops within loops
  /// could ask for billions.
  std::int64_t values_left = 5'000'000;

  bool affords(std::int64_t values, std::int64_t times) const noexcept {
    return values <= values_left / std::max<std::int64_t>(1, times);
  }
  void spend(std::int64_t values) {
    values_left -= values;
    if (values_left < 0)
      throw Error(ErrorCode::limit, "branches and loops make the graph too large for its program");
  }

  void tell(std::string text) {
    constexpr std::size_t most = 20;
    if (++told < most) notes.notes.push_back(std::move(text));
    if (told == most) notes.notes.emplace_back("more of the kind are not listed");
  }
};

/// Reads one graph: the program's own, or one inside a higher-order operator.
class GraphReader {
 public:
  /// `outer`: the module calls that are open around the graph; empty for the program's own.
  GraphReader(Session& session, const Json& graph, std::span<const ModuleScopes::Level> outer,
              int depth);

  /// The names of the graph's tensor inputs and outputs.
  const std::vector<std::string_view>& inputs() const noexcept { return inputs_; }
  const std::vector<std::string_view>& outputs() const noexcept { return outputs_; }
  /// The declared sizes of a value, or null.
  const Json* declared_sizes(std::string_view name) const noexcept;
  OutputType declared_type(std::string_view name) const;

  /// Gives an input its value.
  void bind(std::string_view name, ValueId value);
  /// Counts a value as used behind the last node.
  void keep(std::string_view name);
  void read_nodes();
  /// The value of a name, or no_id.
  ValueId find(std::string_view name) const noexcept;

 private:
  struct Slot {
    ValueId value = no_id;
    std::uint32_t last_use = 0;  ///< 1 + the index of the last node that reads it; 0: none
  };
  struct OpenCall {
    std::string_view text;
    std::uint32_t call = 0;
    std::uint32_t first_slot = 0;
  };

  void collect_slots();
  void add_slot(std::string_view name);
  Slot& get_slot(std::string_view name);
  ValueId get_value(std::string_view name);

  void read_node(const Json& node, std::uint32_t index);
  void call_operator(const Json& node, const Target& target);
  struct Inlined;
  Inlined parse_inlined(const Json& node);
  std::optional<std::vector<ValueId>> run_graph(const Json& graph,
                                                std::span<const ModuleScopes::Level> around,
                                                std::span<const ValueId> operands);
  bool inline_branches(const Json& node, const Inlined& inlined,
                       std::span<const ModuleScopes::Level> around);
  bool inline_while(const Json& node, const Inlined& inlined,
                    std::span<const ModuleScopes::Level> around);
  bool inline_scan(const Json& node, const Inlined& inlined, std::size_t state_lists,
                   std::span<const ModuleScopes::Level> around);
  bool inline_graph(const Json& node, const Target& target,
                    std::span<const ModuleScopes::Level> levels);
  void append_unknown(const Target& target);
  class DeclaredResults;
  void append_missing(const Target& target, std::size_t output);
  void bind_results(const Json& node, const Target& target, std::size_t first_value);
  void check_declared(std::string_view name, ValueId value, const Json& node);
  void name_node(const Json& node, const Target& target, std::size_t first_value);

  void enter(std::span<const ModuleScopes::Level> levels, std::uint32_t node);
  void leave(std::size_t depth, std::uint32_t node);

  void parse_arguments(const Json& node);
  void parse_argument(const Json& union_value, Argument& result);
  template <class T, class Convert>
  std::span<const T> parse_list(const Json& list, const Convert& convert);
  std::int64_t parse_symbolic_integer(const Json& argument);
  void parse_symbolic_number(const Json& argument, Argument& result);

  Session& session_;
  const Json& json_;
  std::vector<ModuleScopes::Level> outer_;
  int depth_;
  std::unordered_map<std::string_view, std::uint32_t> slot_of_;
  std::unordered_map<std::string_view, const Json*> meta_of_;
  std::unordered_map<std::string_view, const Json*> symbol_of_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> first_slot_;  ///< of each node, and the end
  std::vector<std::string_view> inputs_;
  std::vector<std::string_view> outputs_;
  std::vector<OpenCall> open_;
  // Of the node being read:
  std::vector<Argument> arguments_;
  std::vector<std::string_view> output_names_;
  std::vector<ValueId> results_;
};

GraphReader::GraphReader(Session& session, const Json& graph,
                         std::span<const ModuleScopes::Level> outer, int depth)
    : session_(session),
      json_(graph),
      outer_(outer.begin(), outer.end()),
      depth_(depth) {
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
    throw Error(ErrorCode::malformed, "two values are named " + std::string(name));
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

/// Names every result, and notes by which node each value is used last: what a module call returns
/// is what is used behind it.
void GraphReader::collect_slots() {
  const auto nodes = get_array(json_, "nodes").GetArray();
  first_slot_.reserve(nodes.Size() + std::size_t{1});
  for (const Json& node : nodes) {
    first_slot_.push_back(static_cast<std::uint32_t>(slots_.size()));
    try {
      const auto outputs = get_array(node, "outputs").GetArray();
      bool makes_tensors = false;
      for (const Json& output : outputs) {
        for_each_tensor_name(output, [&](std::string_view) { makes_tensors = true; });
      }
      for (const Json& input : get_array(node, "inputs").GetArray()) {
        for_each_tensor_name(get_member(input, "arg"), [&](std::string_view name) {
          Slot& slot = get_slot(name);
          // Assertions and questions for sizes are no uses of what a module returns.
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

// -- module calls -------------------------------------------------------------------------------

void GraphReader::enter(std::span<const ModuleScopes::Level> levels, std::uint32_t node) {
  std::size_t skipped = 0;
  while (skipped < levels.size() && skipped < outer_.size() &&
         levels[skipped].text == outer_[skipped].text) {
    ++skipped;
  }
  // The program's reader holds the root's call open.
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

/// Ends the calls below a depth. What they return was made since they began, and is used by the
/// node or behind it.
void GraphReader::leave(std::size_t depth, std::uint32_t node) {
  std::vector<ValueId>& returned = results_;
  while (open_.size() > depth) {
    const OpenCall call = open_.back();
    open_.pop_back();
    returned.clear();
    for (std::uint32_t i = call.first_slot; i < first_slot_[node]; ++i) {
      const Slot& slot = slots_[i];
      if (slot.last_use <= node || slot.value == no_id) continue;
      // Two names of one value are one result; beyond a few nobody looks so closely.
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

/// Symbolic numbers and truth values, which no shape depends on: unknown where they cannot be told.
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

void GraphReader::parse_arguments(const Json& node) {
  arguments_.clear();
  for (const Json& input : get_array(node, "inputs").GetArray()) {
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
  // Assertions and arithmetic on sizes, whose results the program declares.
  if (!makes_tensors) return;

  const std::string_view text = get_text(node, "target");
  const auto [entry, is_new] = session_.targets.try_emplace(text);
  if (is_new) entry->second = parse_target(text);
  const Target& target = entry->second;
  const auto levels =
      session_.scopes.levels(session_.scopes.intern(module_stack(node), session_.tree));
  enter(levels, index);

  session_.scratch.clear();
  results_.clear();
  const std::size_t first_value = session_.graph.values().size();
  const bool inlined = inline_graph(node, target, levels);
  if (!inlined) call_operator(node, target);
  bind_results(node, target, first_value);
  if (!inlined) name_node(node, target, first_value);
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

void GraphReader::call_operator(const Json& node, const Target& target) {
  parse_arguments(node);
  if (target.translate == nullptr) return append_unknown(target);
  const DeclaredResults declared(*this);
  const Graph::Mark before = session_.graph.mark();
  try {
    AtenCall call(session_.graph, target.name, target.overload, arguments_, declared, results_);
    target.translate(call);
  } catch (Error& error) {
    const bool is_ours = error.code == ErrorCode::unsupported || error.code == ErrorCode::shape;
    if (!is_ours) throw;
    if (session_.sizes.changed()) {
      error.hint =
          "the program was exported for fixed sizes; export it with dynamic shapes to change them";
      throw;
    }
    session_.tell(std::string(node_name(node)) +
                  " is taken as the program declares it: " + error.what());
    // Nothing of what was appended until then is counted beside the unknown operator.
    session_.graph.rewind(before);
    results_.clear();
    append_unknown(target);
  }
}

void GraphReader::append_unknown(const Target& target) {
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

/// A result that the translation does not give, such as the indices of a pooling, yet is used.
void GraphReader::append_missing(const Target& target, std::size_t output) {
  Graph& graph = session_.graph;
  const std::string type =
      std::string(target.name) + " (result " + std::to_string(output + 1) + ")";
  const UnknownAttrs* attrs =
      graph.keep(UnknownAttrs{graph.arena().copy(target.space), graph.arena().copy(type)});
  std::vector<ValueId> inputs;
  for (const Argument& argument : arguments_) {
    if (argument.kind == Argument::Kind::tensor) inputs.push_back(argument.tensor);
  }
  const OutputType types[] = {declared_type(output_names_[output])};
  const NodeId node = graph.append_declared(unknown_op, attrs, inputs, types);
  results_[output] = graph.nodes()[node].first_output;
}

void GraphReader::bind_results(const Json& node, const Target& target, std::size_t first_value) {
  results_.resize(output_names_.size(), no_id);
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const std::string_view name = output_names_[i];
    if (name.empty()) continue;
    Slot& slot = get_slot(name);
    if (results_[i] == no_id && slot.last_use > 0) append_missing(target, i);
    slot.value = results_[i];
    // A value that was there before is passed on: its type is its own.
    if (slot.value != no_id && slot.value >= first_value) check_declared(name, slot.value, node);
  }
}

void GraphReader::name_node(const Json& node, const Target& target, std::size_t first_value) {
  Graph& graph = session_.graph;
  if (graph.values().size() == first_value) return;
  const auto last = static_cast<NodeId>(graph.nodes().size() - 1);
  graph.set_node_name(last, graph.arena().copy(node_name(node)));
  const bool writes = target.in_place && graph.nodes()[last].input_count > 0 &&
                      results_[0] == graph.nodes()[last].first_output;
  if (writes) graph.mark_in_place(results_[0]);
}

/// The program knows the element types best. Its shapes must be ours.
void GraphReader::check_declared(std::string_view name, ValueId value, const Json& node) {
  if (declared_sizes(name) == nullptr) return;
  const OutputType declared = declared_type(name);
  Graph& graph = session_.graph;
  if (declared.dtype != DType::unknown) graph.set_dtype(value, declared.dtype);
  if (declared.bounded) graph.mark_bounded(value);
  if (session_.sizes.changed() || declared.bounded || declared.shape == graph.shape(value)) return;
  session_.tell("the program declares " + to_string(declared.shape) + " for " +
                std::string(node_name(node)) + ", its operator gives " +
                to_string(graph.shape(value)));
}

// -- higher-order operators ---------------------------------------------------------------------

/// The graphs of a higher-order operator, and the tensors of each argument behind the first one.
struct GraphReader::Inlined {
  std::vector<const Json*> graphs;
  std::vector<std::vector<ValueId>> lists;

  std::vector<ValueId> operands(std::size_t first = 0) const {
    std::vector<ValueId> all;
    for (std::size_t i = first; i < lists.size(); ++i)
      all.insert(all.end(), lists[i].begin(), lists[i].end());
    return all;
  }
};

GraphReader::Inlined GraphReader::parse_inlined(const Json& node) {
  Inlined inlined;
  for (const Json& input : get_array(node, "inputs").GetArray()) {
    const Json& argument = get_member(input, "arg");
    if (const Json* graph = graph_in(argument)) {
      inlined.graphs.push_back(graph);
    } else if (!inlined.graphs.empty()) {
      std::vector<ValueId>& list = inlined.lists.emplace_back();
      for_each_tensor_name(argument,
                           [&](std::string_view name) { list.push_back(get_value(name)); });
    }
  }
  return inlined;
}

/// Reads the nodes of an inner graph; its results, or nothing where it takes other operands or does
/// not make them all.
std::optional<std::vector<ValueId>> GraphReader::run_graph(
    const Json& graph, std::span<const ModuleScopes::Level> around,
    std::span<const ValueId> operands) {
  session_.spend(values_in(graph));
  GraphReader inner(session_, graph, around, depth_ + 1);
  if (inner.inputs().size() != operands.size()) return std::nullopt;
  for (std::size_t i = 0; i < operands.size(); ++i) inner.bind(inner.inputs()[i], operands[i]);
  inner.read_nodes();
  std::vector<ValueId> results;
  for (const std::string_view name : inner.outputs()) {
    const ValueId value = inner.find(name);
    if (value == no_id) return std::nullopt;
    results.push_back(value);
  }
  return results;
}

/// The costlier one of both branches.
bool GraphReader::inline_branches(const Json& node, const Inlined& inlined,
                                  std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 2) return false;
  Graph& graph = session_.graph;
  const Graph::Mark before = graph.mark();
  const std::vector<ValueId> operands = inlined.operands();
  const auto run = [&](std::size_t branch) {
    graph.rewind(before);
    return run_graph(*inlined.graphs[branch], around, operands);
  };
  if (!run(1)) return false;
  const std::int64_t otherwise = flops_from(graph, before.nodes);
  auto results = run(0);
  if (!results) return false;
  const bool is_first = flops_from(graph, before.nodes) >= otherwise;
  if (!is_first) results = run(1);
  session_.tell(std::string(node_name(node)) + ": the branch for " + (is_first ? "true" : "false") +
                ", the costlier one, is counted");
  results_ = std::move(*results);
  return true;
}

/// One iteration, since data tell how many there are.
bool GraphReader::inline_while(const Json& node, const Inlined& inlined,
                               std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 2) return false;
  const std::vector<ValueId> operands = inlined.operands();
  if (!run_graph(*inlined.graphs[0], around, operands)) return false;
  auto results = run_graph(*inlined.graphs[1], around, operands);
  if (!results) return false;
  session_.tell(std::string(node_name(node)) + ": a loop whose end depends on data, counted once");
  results_ = std::move(*results);
  return true;
}

/// Every iteration over the first axis of sequences, which come behind as many lists of states:
/// results are the last states, and what the iterations gave, stacked.
bool GraphReader::inline_scan(const Json& node, const Inlined& inlined, std::size_t state_lists,
                              std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 1 || inlined.lists.size() <= state_lists) return false;
  Graph& graph = session_.graph;
  std::vector<ValueId> states = state_lists == 0 ? std::vector<ValueId>() : inlined.lists[0];
  const std::vector<ValueId>& sequences = inlined.lists[state_lists];
  const std::vector<ValueId> rest = inlined.operands(state_lists + 1);
  if (sequences.empty()) return false;
  for (const ValueId sequence : sequences) {
    if (graph.shape(sequence).rank() == 0) return false;
  }
  const std::int64_t length = graph.shape(sequences[0]).dim(0);
  const Json& body = *inlined.graphs[0];
  constexpr std::int64_t most_pieces = 0xFFFF;  // what one node can take
  const bool all = length <= most_pieces && session_.affords(values_in(body), length);
  if (length < 1) return false;
  std::vector<std::vector<Tensor>> given;
  for (std::int64_t t = 0; t < (all ? length : 1); ++t) {
    std::vector<ValueId> operands = states;
    for (const ValueId sequence : sequences)
      operands.push_back(select(Tensor{&graph, sequence}, 0, t).id);
    operands.insert(operands.end(), rest.begin(), rest.end());
    const auto results = run_graph(body, around, operands);
    if (!results || results->size() < states.size()) return false;
    std::copy_n(results->begin(), states.size(), states.begin());
    given.resize(results->size() - states.size());
    for (std::size_t i = 0; i < given.size(); ++i)
      given[i].push_back({&graph, (*results)[states.size() + i]});
  }
  if (!all)
    session_.tell(std::string(node_name(node)) + ": a loop of " + std::to_string(length) +
                  " iterations, counted once");
  results_ = states;
  for (const std::vector<Tensor>& pieces : given) {
    Tensor stacked = stack(pieces, 0);
    Ints sizes(stacked.shape());
    sizes[0] = length;
    results_.push_back((all ? stacked : expand(stacked, sizes)).id);
  }
  return true;
}

bool GraphReader::inline_graph(const Json& node, const Target& target,
                               std::span<const ModuleScopes::Level> levels) {
  enum class Kind : std::uint8_t { once, branches, loop, scan, map };
  Kind kind = Kind::once;
  if (target.name == "cond") kind = Kind::branches;
  if (target.name == "while_loop") kind = Kind::loop;
  if (target.name == "scan") kind = Kind::scan;
  if (target.name == "map_impl") kind = Kind::map;
  if (kind == Kind::once && !is_transparent(target.name)) return false;
  const Inlined inlined = parse_inlined(node);
  if (inlined.graphs.empty()) return false;
  // The outer levels may move while the inner graph is read.
  const std::vector<ModuleScopes::Level> around(levels.begin(), levels.end());
  const Graph::Mark before = session_.graph.mark();
  const auto run = [&] {
    switch (kind) {
    case Kind::branches: return inline_branches(node, inlined, around);
    case Kind::loop: return inline_while(node, inlined, around);
    case Kind::scan: return inline_scan(node, inlined, 1, around);
    case Kind::map: return inline_scan(node, inlined, 0, around);
    case Kind::once: break;
    }
    auto results = run_graph(*inlined.graphs[0], around, inlined.operands());
    if (results) results_ = std::move(*results);
    return results.has_value();
  };
  const bool is_read = run();
  arguments_.clear();
  session_.graph.set_current_module(around.empty() ? 0 : around.back().module);
  if (!is_read) {
    session_.graph.rewind(before);
    results_.clear();
  }
  return is_read;
}

// -- the program --------------------------------------------------------------------------------

/// Appends the names of a tree's leaves in order: their keys and positions, joined by dots.
void append_leaves(const Json& tree, const std::string& prefix, int depth,
                   std::vector<std::string>& names) {
  constexpr int deepest_tree = 32;
  const Json* children = find_member(tree, "children_spec");
  const bool is_leaf = find_member(tree, "type") == nullptr;
  if (is_leaf || children == nullptr || !children->IsArray() || depth > deepest_tree) {
    names.push_back(prefix);
    return;
  }
  // A dictionary's keys are a JSON list inside of a JSON text.
  std::string context(find_text(tree, "context"));
  const bool has_keys = find_text(tree, "type").find("ict") != std::string_view::npos;
  if (context.empty() || !has_keys) context = "null";
  const JsonDocument keys(context);
  const Json& list = keys.root();
  for (rapidjson::SizeType i = 0; i < children->Size(); ++i) {
    const bool named = list.IsArray() && i < list.Size() && list[i].IsString();
    const std::string key = named ? std::string(view_of(list[i])) : std::to_string(i);
    append_leaves((*children)[i], prefix.empty() ? key : prefix + "." + key, depth + 1, names);
  }
}

/// Names for the results: those of the structure that the model returns, where it has one.
std::vector<std::string> result_names(const Json& graph_module, std::size_t count) {
  std::vector<std::string> names;
  std::string_view tree;
  const Json* calls = find_member(graph_module, "module_call_graph");
  if (calls != nullptr && calls->IsArray() && !calls->Empty()) {
    const Json* signature = find_member((*calls)[0], "signature");
    if (signature != nullptr) tree = find_text(*signature, "out_spec");
  }
  if (const Json* call = find_member(graph_module, "call_spec"); tree.empty() && call != nullptr)
    tree = find_text(*call, "out_spec");
  if (!tree.empty() && count > 1) {
    try {
      std::string text(tree);  // "[1, {...}]": the tree behind its version
      const JsonDocument document(text);
      const Json& root = document.root();
      if (root.IsArray() && root.Size() == 2) append_leaves(root[1], {}, 0, names);
    } catch (const Error&) {
      names.clear();  // torch 2.0 wrote no JSON
    }
  }
  if (names.size() == count) return names;
  names.clear();
  for (std::size_t i = 0; i < count; ++i)
    names.push_back(count == 1 ? "output" : "output." + std::to_string(i));
  return names;
}

/// Where an input of the graph comes from.
struct InputSpec {
  enum class Kind : std::uint8_t { parameter, buffer, transient_buffer, user };
  Kind kind = Kind::user;
  std::string_view argument;  ///< its name in the graph
  std::string_view name;      ///< its name in the state dict
};

std::string_view module_of(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

class ProgramReader {
 public:
  ProgramReader(const ProgramParts& parts, const ImportOptions& options, Graph& graph,
                ImportNotes& notes);
  void read();

 private:
  void read_specs();
  void read_old_specs(const Json& signature);
  void add_spec(const Json& spec);
  void declare_modules();
  void declare_scopes(const Json& graph, int depth);
  void index_payloads(const Json* configuration);
  void take_sizes(GraphReader& reader);
  const Json& user_sizes(const GraphReader& reader, std::string_view name) const;
  void add_inputs(GraphReader& reader);
  void add_state(GraphReader& reader, const InputSpec& spec);
  void add_payload(const InputSpec& spec);
  ParameterId add_parameter(const InputSpec& spec, const OutputType& type);
  void share(ParameterId parameter, const Json& payload);
  void add_outputs(const GraphReader& reader);
  void add_silent_calls();

  const Json& program_;
  const Json& graph_module_;
  const Json& graph_json_;
  const ProgramParts& parts_;
  const ImportOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  ModuleTree tree_;
  ModuleScopes scopes_;
  ProgramSizes sizes_;
  Session session_;
  std::vector<InputSpec> specs_;
  std::vector<std::string_view> user_outputs_;
  std::vector<std::string_view> other_outputs_;
  std::unordered_map<std::string_view, const Json*> payloads_;
  std::unordered_map<std::string, ParameterId> by_storage_;
  std::unordered_map<std::string_view, ParameterId> by_argument_;
};

ProgramReader::ProgramReader(const ProgramParts& parts, const ImportOptions& options, Graph& graph,
                             ImportNotes& notes)
    : program_(*parts.program),
      graph_module_(get_member(program_, "graph_module")),
      graph_json_(get_member(graph_module_, "graph")),
      parts_(parts),
      options_(options),
      graph_(graph),
      notes_(notes),
      tree_(graph.arena()),
      sizes_(find_member(program_, "range_constraints"), notes),
      session_{graph, notes, sizes_, tree_, scopes_, {}, {}} {}

void ProgramReader::read() {
  const std::string_view version = find_text(program_, "torch_version");
  if (!version.empty()) notes_.producer = "torch " + std::string(version);
  read_specs();
  index_payloads(parts_.weights);
  index_payloads(parts_.constants);
  declare_modules();
  tree_.add_to(graph_);

  GraphReader reader(session_, graph_json_, {}, 0);
  for (const std::string_view name : user_outputs_) reader.keep(name);
  for (const std::string_view name : other_outputs_) reader.keep(name);
  take_sizes(reader);
  add_inputs(reader);
  const std::uint32_t root = graph_.begin_call(0);
  reader.read_nodes();
  graph_.set_current_module(0);
  add_outputs(reader);
  std::vector<ValueId> returned;
  for (const Port& output : graph_.outputs()) returned.push_back(output.value);
  graph_.end_call(root, returned);
  add_silent_calls();
  sizes_.report();
}

void ProgramReader::read_specs() {
  const Json& signature = get_member(graph_module_, "signature");
  if (find_member(signature, "input_specs") == nullptr) return read_old_specs(signature);
  for (const Json& spec : get_array(signature, "input_specs").GetArray()) add_spec(spec);
  for (const Json& spec : get_array(signature, "output_specs").GetArray()) {
    const Choice choice = choice_of(spec);
    if (choice.value == nullptr) continue;
    const Json& argument = get_member(*choice.value, "arg");
    if (choice.name == "user_output") {
      for_each_output(argument, [&](std::string_view name) { user_outputs_.push_back(name); });
    } else if (choice.name != "token") {
      other_outputs_.push_back(find_text(argument, "name"));
    }
  }
}

void ProgramReader::add_spec(const Json& spec) {
  using Kind = InputSpec::Kind;
  const auto [name, value] = choice_of(spec);
  if (name == "user_input") {
    for_each_tensor_name(get_member(*value, "arg"), [&](std::string_view argument) {
      specs_.push_back({Kind::user, argument, {}});
    });
  } else if (name == "parameter") {
    specs_.push_back({Kind::parameter, get_text(get_member(*value, "arg"), "name"),
                      get_text(*value, "parameter_name")});
  } else if (name == "buffer") {
    const Json* persistent = find_member(*value, "persistent");
    const bool is_transient = persistent != nullptr && persistent->IsFalse();
    specs_.push_back({is_transient ? Kind::transient_buffer : Kind::buffer,
                      get_text(get_member(*value, "arg"), "name"),
                      get_text(*value, "buffer_name")});
  } else if (name == "tensor_constant") {
    specs_.push_back({Kind::transient_buffer, get_text(get_member(*value, "arg"), "name"),
                      get_text(*value, "tensor_constant_name")});
  }
}

/// Schema 1 had dictionaries instead of a list of specifications.
void ProgramReader::read_old_specs(const Json& signature) {
  using Kind = InputSpec::Kind;
  const auto add_all = [&](std::string_view member, Kind kind) {
    const Json& names = get_member(signature, member);
    if (!names.IsObject()) throw_unexpected(member, "an object");
    for (const auto& entry : names.GetObject()) {
      if (!entry.value.IsString()) throw_unexpected(member, "texts");
      specs_.push_back({kind, view_of(entry.name), view_of(entry.value)});
    }
  };
  add_all("inputs_to_parameters", Kind::parameter);
  add_all("inputs_to_buffers", Kind::buffer);
  for (const Json& name : get_array(signature, "user_inputs").GetArray()) {
    if (name.IsString()) specs_.push_back({Kind::user, view_of(name), {}});
  }
  for (const Json& name : get_array(signature, "user_outputs").GetArray()) {
    if (name.IsString()) user_outputs_.push_back(view_of(name));
  }
  const Json* mutated = find_member(signature, "buffers_to_mutate");
  if (mutated == nullptr || !mutated->IsObject()) return;
  for (const auto& entry : mutated->GetObject()) other_outputs_.push_back(view_of(entry.name));
}

// -- modules ------------------------------------------------------------------------------------

/// The lists of all modules come first, where there are any: they are in the order of registration.
void ProgramReader::declare_modules() {
  if (parts_.modules != nullptr && parts_.modules->IsArray()) {
    for (const Json& module : parts_.modules->GetArray()) {
      const bool is_pair =
          module.IsArray() && module.Size() == 2 && module[0].IsString() && module[1].IsString();
      if (!is_pair) throw_unexpected("module_list", "pairs of a path and a class");
      tree_.declare(view_of(module[0]), view_of(module[1]));
    }
  }
  const Json* calls = find_member(graph_module_, "module_call_graph");
  if (calls != nullptr && calls->IsArray()) {
    for (const Json& call : calls->GetArray()) {
      const std::string_view path = find_text(call, "fqn");
      if (path.find('@') == std::string_view::npos) tree_.declare(path, {});
    }
  }
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) tree_.declare(module_of(spec.name), {});
  }
  for (const auto& payload : payloads_) tree_.declare(module_of(payload.first), {});
  declare_scopes(graph_json_, 0);
}

void ProgramReader::declare_scopes(const Json& graph, int depth) {
  if (depth > deepest_graph) return;  // the graph's reader refuses it
  for (const Json& node : get_array(graph, "nodes").GetArray()) {
    scopes_.intern(module_stack(node), tree_);
    for (const Json& input : get_array(node, "inputs").GetArray()) {
      const Json* argument = find_member(input, "arg");
      const Json* inner = argument == nullptr ? nullptr : graph_in(*argument);
      if (inner == nullptr) continue;
      constexpr std::int64_t readings = 20;  // once per level, and three times as a branch
      if (depth == 0) session_.values_left += readings * values_in(*inner);
      declare_scopes(*inner, depth + 1);
    }
  }
}

// -- inputs and state ---------------------------------------------------------------------------

const Json& ProgramReader::user_sizes(const GraphReader& reader, std::string_view name) const {
  const Json* sizes = reader.declared_sizes(name);
  if (sizes == nullptr)
    throw Error(ErrorCode::malformed, "the input " + std::string(name) + " has no declared shape");
  return *sizes;
}

/// Lets the user's sizes come before the program's example.
void ProgramReader::take_sizes(GraphReader& reader) {
  std::vector<std::string_view> names;
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) continue;
    names.push_back(spec.argument);
    sizes_.know(user_sizes(reader, spec.argument));
  }
  sizes_.set(options_);
  std::size_t position = 0;
  for (const ImportOptions::Input& input : options_.inputs) {
    const auto named = std::find(names.begin(), names.end(), input.name);
    const bool exists = input.name.empty() ? position < names.size() : named != names.end();
    if (!exists) {
      Error error(ErrorCode::unknown_name, input.name.empty()
                                               ? "more shapes are given than the program has inputs"
                                               : "the program has no input named " + input.name);
      error.hint = "it has " + std::to_string(names.size());
      for (std::size_t i = 0; i < names.size(); ++i)
        error.hint.append(i == 0 ? ": " : ", ").append(names[i]);
      throw error;
    }
    const std::string_view name = input.name.empty() ? names[position++] : *named;
    sizes_.bind(name, user_sizes(reader, name), input.shape);
  }
  for (const std::string_view name : names) sizes_.take_example(user_sizes(reader, name));
}

void ProgramReader::index_payloads(const Json* configuration) {
  const Json* payloads = configuration == nullptr ? nullptr : find_member(*configuration, "config");
  if (payloads == nullptr || !payloads->IsObject()) return;
  for (const auto& payload : payloads->GetObject()) {
    // Objects other than tensors have none.
    if (find_member(payload.value, "tensor_meta") != nullptr)
      payloads_.emplace(view_of(payload.name), &payload.value);
  }
}

void ProgramReader::add_inputs(GraphReader& reader) {
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) add_state(reader, spec);
  }
  // What the weights hold beyond the graph's inputs.
  if (parts_.weights != nullptr) {
    const Json* payloads = find_member(*parts_.weights, "config");
    if (payloads != nullptr && payloads->IsObject()) {
      for (const auto& payload : payloads->GetObject()) {
        const Json* is_parameter = find_member(payload.value, "is_param");
        const bool learnt = is_parameter != nullptr && is_parameter->IsTrue();
        add_payload({learnt ? InputSpec::Kind::parameter : InputSpec::Kind::buffer,
                     {},
                     view_of(payload.name)});
      }
    }
  }
  std::size_t position = 0;
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) continue;
    OutputType type = reader.declared_type(spec.argument);
    std::size_t nameless = 0;
    for (const ImportOptions::Input& input : options_.inputs) {
      const bool is_this =
          input.name.empty() ? nameless++ == position : input.name == spec.argument;
      if (is_this) type.shape = input.shape;
    }
    reader.bind(spec.argument, graph_.add_input(graph_.arena().copy(spec.argument), type.shape,
                                                type.dtype, type.bounded));
    ++position;
  }
}

void ProgramReader::add_state(GraphReader& reader, const InputSpec& spec) {
  const ParameterId parameter = add_parameter(spec, reader.declared_type(spec.argument));
  const auto [first, is_new] = by_argument_.emplace(spec.argument, parameter);
  if (!is_new) return graph_.share_parameter(parameter, first->second);
  reader.bind(spec.argument, graph_.parameters()[parameter].value);
  const auto payload = payloads_.find(spec.name);
  if (payload == payloads_.end()) return;
  share(parameter, *payload->second);
  payloads_.erase(payload);
}

void ProgramReader::add_payload(const InputSpec& spec) {
  const auto payload = payloads_.find(spec.name);
  if (payload == payloads_.end()) return;
  const OutputType type = read_type(get_member(*payload->second, "tensor_meta"), sizes_);
  share(add_parameter(spec, type), *payload->second);
  payloads_.erase(payload);
}

ParameterId ProgramReader::add_parameter(const InputSpec& spec, const OutputType& type) {
  constexpr ParameterKind kinds[] = {ParameterKind::parameter, ParameterKind::buffer,
                                     ParameterKind::transient_buffer};
  const std::string_view module = module_of(spec.name);
  const std::string_view name = spec.name.substr(module.empty() ? 0 : module.size() + 1);
  const auto id = static_cast<ParameterId>(graph_.parameters().size());
  graph_.add_parameter(tree_.find(module), graph_.arena().copy(name), type.shape, type.dtype,
                       kinds[static_cast<std::size_t>(spec.kind)]);
  return id;
}

/// Two names of one tensor have one file, and lie at one place in it.
void ProgramReader::share(ParameterId parameter, const Json& payload) {
  const std::string_view file = find_text(payload, "path_name");
  const Json& meta = get_member(payload, "tensor_meta");
  const Json* offset = find_member(meta, "storage_offset");
  if (file.empty()) return;
  std::string key(file);
  key += offset == nullptr ? "" : " " + std::to_string(sizes_.evaluate(*offset).value);
  key += to_string(graph_.shape(graph_.parameters()[parameter].value));
  const auto [first, is_new] = by_storage_.emplace(std::move(key), parameter);
  if (!is_new) graph_.share_parameter(parameter, first->second);
}

// -- results ------------------------------------------------------------------------------------

void ProgramReader::add_outputs(const GraphReader& reader) {
  const std::vector<std::string> names = result_names(graph_module_, user_outputs_.size());
  for (std::size_t i = 0; i < user_outputs_.size(); ++i) {
    if (user_outputs_[i].empty()) continue;
    const ValueId value = reader.find(user_outputs_[i]);
    if (value == no_id)
      throw Error(ErrorCode::malformed,
                  "the result " + std::string(user_outputs_[i]) + " is never made");
    graph_.add_output(graph_.arena().copy(names[i]), value);
  }
}

/// The last value of a shape among the few that were made before a node, or no_id.
ValueId last_value(const Graph& graph, const Shape& shape, NodeId before) {
  const ValueId end = before < graph.nodes().size() ? graph.nodes()[before].first_output
                                                    : static_cast<ValueId>(graph.values().size());
  constexpr ValueId few = 200;
  for (ValueId id = end; id-- > (end > few ? end - few : 0);) {
    const Value& value = graph.value(id);
    if (!value.has(Value::is_parameter) && value.type->shape == shape) return id;
  }
  return no_id;
}

/// Calls of modules that compute nothing (dropout, stubs of quantisation) leave no nodes. They
/// returned one value of the shape that the list of all calls tells: the last one before the next
/// call that left nodes.
void ProgramReader::add_silent_calls() {
  const std::vector<ModuleCall> known(graph_.calls().begin(), graph_.calls().end());
  std::size_t next = 0;
  for (const HeardCall& heard : parts_.module_calls) {
    const ModuleId module = tree_.find(heard.path);
    if (next < known.size() && known[next].module == module) {
      ++next;
      continue;
    }
    if (module == no_id || heard.outputs.size() != 1) continue;
    const auto end = static_cast<NodeId>(graph_.nodes().size());
    const ValueId value =
        last_value(graph_, heard.outputs[0], next < known.size() ? known[next].first_node : end);
    if (value == no_id) continue;
    const std::uint32_t call = graph_.begin_call(module);
    graph_.end_call(call, {&value, 1});
  }
}

}  // namespace

std::string schema_version(const Json& program) {
  const Json* version = find_member(program, "schema_version");
  if (version == nullptr) return "1";
  if (version->IsInt64()) return std::to_string(version->GetInt64());
  const Json* major = find_member(*version, "major");
  const Json* minor = find_member(*version, "minor");
  const auto text = [](const Json* number) {
    return number != nullptr && number->IsInt64() ? std::to_string(number->GetInt64()) : "?";
  };
  return text(major) + "." + text(minor);
}

void read_exported_program(const ProgramParts& parts, const ImportOptions& options, Graph& graph,
                           ImportNotes& notes) {
  ProgramReader(parts, options, graph, notes).read();
}

}  // namespace zoometer
