#include "import/torch/exported_program.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "import/torch/program_graph.hpp"
#include "import/torch/program_state.hpp"
#include "ir/updates.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// Appends the names of a tree's leaves in order: their keys and positions, joined by dots. Throws
/// Error{limit} where a long key is around many leaves.
void append_leaves(const Json& tree, const std::string& prefix, int depth,
                   std::vector<std::string>& names, std::size_t& bytes_left) {
  constexpr int deepest_tree = 32;
  const Json* children = find_member(tree, "children_spec");
  const bool is_leaf = find_member(tree, "type") == nullptr;
  if (is_leaf || children == nullptr || !children->IsArray() || depth > deepest_tree) {
    if (prefix.size() > bytes_left)
      throw Error(ErrorCode::limit, "the names of the results are too long");
    bytes_left -= prefix.size();
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
    append_leaves((*children)[i], prefix.empty() ? key : prefix + "." + key, depth + 1, names,
                  bytes_left);
  }
}

/// Names for the results: those in the structure that the model returns, where it has one.
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
      std::string text(tree);  // "[1, {...}]": the version and the tree
      const JsonDocument document(text);
      const Json& root = document.root();
      constexpr std::size_t floor = std::size_t{1} << 20;
      std::size_t bytes_left = floor + 16 * tree.size();
      if (root.IsArray() && root.Size() == 2) append_leaves(root[1], {}, 0, names, bytes_left);
    } catch (const Error& error) {
      if (error.code == ErrorCode::limit) throw;
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
  enum class Kind : std::uint8_t {
    parameter,
    buffer,
    constant,  ///< a lifted constant, or a buffer that is not in the state dict
    user,
  };
  Kind kind = Kind::user;
  std::string_view argument;  ///< its name in the graph
  std::string_view name;      ///< its name in the state dict
};

/// The name of an input by which a signature says that a result takes its place.
std::string_view lasting_name(const InputSpec& spec) noexcept {
  return spec.kind == InputSpec::Kind::user ? spec.argument : spec.name;
}

std::string_view module_of(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

/// The tensors that a configuration of an archive lists, in its order.
template <class Take>
void for_each_payload(const Json* configuration, Take take) {
  const Json* payloads = configuration == nullptr ? nullptr : find_member(*configuration, "config");
  if (payloads == nullptr || !payloads->IsObject()) return;
  for (const auto& payload : payloads->GetObject()) take(view_of(payload.name), payload.value);
}

class ProgramReader {
 public:
  ProgramReader(const ProgramParts& parts, const TraceOptions& options, Graph& graph,
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
  void leave_out_replaced(const GraphReader& reader);
  void add_inputs(GraphReader& reader);
  void add_state(GraphReader& reader, const InputSpec& spec);
  void add_payload(const InputSpec& spec);
  ParameterId add_parameter(const InputSpec& spec, const OutputType& type);
  void share(ParameterId parameter, const Json& payload);
  void freeze(const GraphReader& reader);
  void add_outputs(const GraphReader& reader);
  std::vector<ValueId> mutated_values(const GraphReader& reader) const;
  void note_updates(const GraphReader& reader);
  void add_silent_calls();

  const Json& program_;
  const Json& graph_module_;
  const Json& graph_json_;
  const ProgramParts& parts_;
  const TraceOptions& options_;
  Graph& graph_;
  ImportNotes& notes_;
  ModuleTree tree_;
  ModuleScopes scopes_;
  ProgramSizes sizes_;
  ProgramSession session_;
  std::vector<InputSpec> specs_;
  std::vector<std::string_view> user_outputs_;
  std::vector<std::string_view> other_outputs_;
  /// By buffers and inputs: the results that take their place when the program ends.
  NameMap<std::string_view> mutated_;
  NameMap<const Json*> payloads_;
  TextMap<ParameterId> by_storage_;
  NameMap<ParameterId> by_argument_;
};

ProgramReader::ProgramReader(const ProgramParts& parts, const TraceOptions& options, Graph& graph,
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
      session_{graph, notes, sizes_, tree_, scopes_} {}

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
  find_quantised_state(graph_);
  write_updates_in_place(graph_, mutated_values(reader));
  note_updates(reader);
  std::vector<ValueId> returned;
  for (const Port& output : graph_.outputs()) returned.push_back(output.value);
  graph_.end_call(root, returned);
  add_silent_calls();
  sizes_.report();
  if (std::optional<std::string> training = training_note(graph_))
    notes_.notes.push_back(std::move(*training));
  notes_.ignored = session_.ignored.notes();
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
      const std::string_view result = find_text(argument, "name");
      other_outputs_.push_back(result);
      if (choice.name == "buffer_mutation")
        mutated_[find_text(*choice.value, "buffer_name")] = result;
      if (choice.name == "parameter_mutation")
        mutated_[find_text(*choice.value, "parameter_name")] = result;
      if (choice.name == "user_input_mutation")
        mutated_[find_text(*choice.value, "user_input_name")] = result;
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
    const bool is_state = persistent == nullptr || !persistent->IsFalse();
    specs_.push_back({is_state ? Kind::buffer : Kind::constant,
                      get_text(get_member(*value, "arg"), "name"),
                      get_text(*value, "buffer_name")});
  } else if (name == "tensor_constant") {
    specs_.push_back({Kind::constant, get_text(get_member(*value, "arg"), "name"),
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
  for (const auto& entry : mutated->GetObject()) {
    other_outputs_.push_back(view_of(entry.name));
    if (entry.value.IsString()) mutated_[view_of(entry.value)] = view_of(entry.name);
  }
}

// -- modules ------------------------------------------------------------------------------------

/// The list of all modules comes first, where there is one: it has the order of registration.
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
  for (const Json* configuration : {parts_.weights, parts_.constants}) {
    for_each_payload(configuration, [&](std::string_view name, const Json&) {
      if (payloads_.contains(name)) tree_.declare(module_of(name), {});
    });
  }
  declare_scopes(graph_json_, 0);
}

void ProgramReader::declare_scopes(const Json& graph, int depth) {
  if (depth > deepest_graph) return;  // GraphReader refuses it
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

/// Takes the user's sizes, and the program's example for the others.
void ProgramReader::take_sizes(GraphReader& reader) {
  std::vector<std::string_view> names;
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) continue;
    names.push_back(spec.argument);
    sizes_.know(user_sizes(reader, spec.argument));
  }
  sizes_.set(options_);
  std::size_t position = 0;
  for (const InputShape& input : options_.inputs) {
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
  for (const std::string_view name : names) {
    sizes_.take_example(user_sizes(reader, name));
    notes_.input_sizes.push_back(ProgramSizes::names_of(user_sizes(reader, name)));
  }
}

void ProgramReader::index_payloads(const Json* configuration) {
  for_each_payload(configuration, [&](std::string_view name, const Json& payload) {
    // Objects other than tensors have no tensor_meta.
    if (find_member(payload, "tensor_meta") != nullptr) payloads_.emplace(name, &payload);
  });
}

/// pt2e keeps the weights of which it made integers: parameters that nothing reads, of the shape of
/// integers that are read. They are not a part of the model.
void ProgramReader::leave_out_replaced(const GraphReader& reader) {
  const auto sizes_of = [&](const InputSpec& spec) {
    return to_string(reader.declared_type(spec.argument).shape);
  };
  TextMap<std::size_t> integers;  // by shape
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::buffer || !reader.is_read(spec.argument)) continue;
    const DType dtype = reader.declared_type(spec.argument).dtype;
    if (dtype != DType::boolean && bits_of(dtype) <= 8) ++integers[sizes_of(spec)];
  }
  if (integers.empty()) return;
  std::string names;
  const auto is_replaced = [&](const InputSpec& spec) {
    if (spec.kind != InputSpec::Kind::parameter || reader.is_read(spec.argument)) return false;
    const auto same = integers.find(sizes_of(spec));
    if (same == integers.end() || same->second == 0) return false;
    --same->second;
    payloads_.erase(spec.name);
    constexpr std::size_t longest = 200;
    if (names.size() < longest) {
      names.append(names.empty() ? "" : ", ").append(spec.name);
    } else if (!names.ends_with("...")) {
      names += ", ...";
    }
    return true;
  };
  const std::size_t count = std::erase_if(specs_, is_replaced);
  if (count == 0) return;
  notes_.notes.push_back("weights that nothing reads, left out because the program reads integers "
                         "in their place: " +
                         std::to_string(count) + " (" + names + ")");
}

void ProgramReader::add_inputs(GraphReader& reader) {
  leave_out_replaced(reader);
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) add_state(reader, spec);
  }
  freeze(reader);
  // Weights that are no inputs of the graph.
  for_each_payload(parts_.weights, [&](std::string_view name, const Json& payload) {
    const Json* is_parameter = find_member(payload, "is_param");
    const bool learnt = is_parameter != nullptr && is_parameter->IsTrue();
    add_payload({learnt ? InputSpec::Kind::parameter : InputSpec::Kind::buffer, {}, name});
  });
  std::size_t position = 0;
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::user) continue;
    OutputType type = reader.declared_type(spec.argument);
    std::size_t nameless = 0;
    for (const InputShape& input : options_.inputs) {
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

/// Marks the parameters that the program says have no gradient. A program in which none has one
/// comes from a writer that does not say, or from a model that was frozen to be used.
void ProgramReader::freeze(const GraphReader& reader) {
  std::vector<ValueId> frozen;
  bool any_trained = false;
  for (const InputSpec& spec : specs_) {
    if (spec.kind != InputSpec::Kind::parameter) continue;
    const bool is_trained = reader.has_gradient(spec.argument);
    any_trained = any_trained || is_trained;
    if (!is_trained) frozen.push_back(reader.find(spec.argument));
  }
  if (!any_trained) return;
  for (const ValueId value : frozen) {
    if (value != no_id) graph_.mark_detached(value);
  }
}

ParameterId ProgramReader::add_parameter(const InputSpec& spec, const OutputType& type) {
  constexpr ParameterKind kinds[] = {ParameterKind::parameter, ParameterKind::buffer,
                                     ParameterKind::constant};
  const std::string_view module = module_of(spec.name);
  const std::string_view name = spec.name.substr(module.empty() ? 0 : module.size() + 1);
  const auto id = static_cast<ParameterId>(graph_.parameters().size());
  graph_.add_parameter(tree_.find(module), graph_.arena().copy(name), type.shape, type.dtype,
                       kinds[static_cast<std::size_t>(spec.kind)]);
  return id;
}

/// Two names of one tensor have the same file and offset.
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

/// The buffers and inputs whose place a result takes when the program ends.
std::vector<ValueId> ProgramReader::mutated_values(const GraphReader& reader) const {
  std::vector<ValueId> values;
  for (const InputSpec& spec : specs_) {
    const ValueId value = reader.find(spec.argument);
    if (value != no_id && mutated_.contains(lasting_name(spec))) values.push_back(value);
  }
  return values;
}

/// What buffers and inputs contain after the program: a result that takes their place, or what the
/// program's operators wrote into them.
void ProgramReader::note_updates(const GraphReader& reader) {
  for (const InputSpec& spec : specs_) {
    const auto result = mutated_.find(lasting_name(spec));
    const ValueId value = reader.find(result == mutated_.end() ? spec.argument : result->second);
    if (value == no_id || !graph_.value(value).is_computed()) continue;
    const std::string name = std::string(lasting_name(spec)) + ".updated";
    notes_.file.updates.push_back({graph_.arena().copy(name), value});
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

/// Adds the calls of modules that compute nothing (dropout, stubs of quantisation) and so have no
/// nodes. The list of all calls gives the shape that such a call returned: its result is the last
/// value of that shape before the next call with nodes.
void ProgramReader::add_silent_calls() {
  const std::vector<ModuleCall> known(graph_.calls().begin(), graph_.calls().end());
  std::size_t next = 0;
  for (const RecordedCall& recorded : parts_.module_calls) {
    const ModuleId module = tree_.find(recorded.path);
    if (next < known.size() && known[next].module == module) {
      ++next;
      continue;
    }
    if (module == no_id || recorded.outputs.size() != 1) continue;
    const auto end = static_cast<NodeId>(graph_.nodes().size());
    const ValueId value =
        last_value(graph_, recorded.outputs[0], next < known.size() ? known[next].first_node : end);
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

void read_exported_program(const ProgramParts& parts, const TraceOptions& options, Graph& graph,
                           ImportNotes& notes) {
  ProgramReader(parts, options, graph, notes).read();
}

}  // namespace zoometer
