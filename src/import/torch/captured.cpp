#include "import/torch/captured.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "util/seeded_hash.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Pool = JsonPool;

rapidjson::GenericStringRef<char> short_ref(std::string_view text) {
  return rapidjson::StringRef(text.data(), text.size());
}

/// The entry at a number, which the record must have.
const Json& entry_at(const Json& list, const Json& number, std::string_view what) {
  if (!number.IsUint() || number.GetUint() >= list.Size())
    throw_unexpected(what, "numbers of entries");
  return list[number.GetUint()];
}

const Json& row_of(const Json& row, rapidjson::SizeType size, std::string_view what) {
  if (!row.IsArray() || row.Size() < size) throw_unexpected(what, "lists of fields");
  return row;
}

std::string_view text_in(const Json& value, std::string_view what) {
  if (!value.IsString()) throw_unexpected(what, "texts");
  return view_of(value);
}

/// Makes the JSON of one program.
class Expansion {
 public:
  Expansion(const Json& captured, const Json* modules, JsonTree& tree)
      : captured_(captured),
        modules_(modules),
        tree_(tree),
        pool_(tree.GetAllocator()),
        types_(get_array(captured, "types")),
        values_(get_array(captured, "values")),
        operators_(get_array(captured, "operators")),
        scopes_(get_array(captured, "scopes")),
        calls_(get_array(captured, "calls")) {}

  void run();

 private:
  struct Value {
    std::string_view name;
    bool is_used = false;
    bool has_gradient = false;
  };

  Json text(std::string_view value) { return Json(value.data(), size_of(value), pool_); }
  static Json ref(std::string_view value) { return Json(short_ref(value)); }
  static rapidjson::SizeType size_of(std::string_view value) {
    return static_cast<rapidjson::SizeType>(value.size());
  }
  template <class... Members>
  Json object(Members&&... members) {
    Json result(rapidjson::kObjectType);
    (result.AddMember(short_ref(members.first), members.second, pool_), ...);
    return result;
  }
  static std::pair<std::string_view, Json> member(std::string_view name, Json value) {
    return {name, std::move(value)};
  }

  /// A copy that lives as long as the tree.
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    char* copy = static_cast<char*>(pool_.Malloc(text.size()));
    std::ranges::copy(text, copy);
    return {copy, text.size()};
  }
  /// The stem, stem_1, stem_2 ... each given once.
  std::string_view unique(std::string_view stem);

  std::size_t number_of(const Json& value) const;
  Json named(std::string_view name) { return object(member("name", ref(name))); }
  Json reference(const Json& value) { return named(name_of(number_of(value))); }
  std::string_view name_of(std::size_t value) const;
  /// Declares a value under a name.
  void declare(std::size_t value, std::string_view name);
  bool is_floating(std::size_t value) const;

  void find_bounds();
  Json sizes_of(std::size_t value, const Json& sizes);
  void find_uses();
  void declare_state();
  void declare_inputs();
  void write_scopes();
  void write_calls();
  void write_call(const Json& call);
  void write_detached(std::size_t value, const Json& metadata);
  Json argument(const Json& value, char kind);
  Json list_argument(const Json& list, char kind);
  Json inputs_of(const Json& row, const Json& given);
  Json metadata_of(const Json& scope);
  void write_outputs();

  const Json& captured_;
  const Json* modules_;
  JsonTree& tree_;
  Pool& pool_;
  const Json& types_;
  const Json& values_;
  const Json& operators_;
  const Json& scopes_;
  const Json& calls_;
  NameMap<int> names_;
  std::vector<Value> known_;
  std::unordered_map<std::size_t, const Json*> bounds_;
  std::map<std::int64_t, std::string_view> symbols_;
  std::vector<std::string_view> stacks_;
  Json inputs_{rapidjson::kArrayType};
  Json outputs_{rapidjson::kArrayType};
  Json nodes_{rapidjson::kArrayType};
  Json metas_{rapidjson::kObjectType};
  Json input_specs_{rapidjson::kArrayType};
  Json output_specs_{rapidjson::kArrayType};
};

std::string_view Expansion::unique(std::string_view stem) {
  const auto found = names_.find(stem);
  if (found == names_.end()) {
    const std::string_view name = keep(stem);
    names_.emplace(name, 0);
    return name;
  }
  while (true) {
    std::string name = std::string(stem) + "_" + std::to_string(++found->second);
    if (names_.contains(name)) continue;
    const std::string_view kept = keep(name);
    names_.emplace(kept, 0);
    return kept;
  }
}

std::size_t Expansion::number_of(const Json& value) const {
  if (!value.IsUint() || value.GetUint() >= known_.size())
    throw_unexpected("a captured value", "its number");
  return value.GetUint();
}

std::string_view Expansion::name_of(std::size_t value) const {
  const std::string_view name = known_[value].name;
  if (name.empty()) throw_unexpected("a captured value", "one that is made before it is read");
  return name;
}

void Expansion::declare(std::size_t value, std::string_view name) {
  known_[value].name = name;
  const Json& type =
      row_of(entry_at(types_, values_[static_cast<rapidjson::SizeType>(value)], "captured values"),
             4, "captured types");
  if (!type[1].IsArray()) throw_unexpected("captured types", "lists of sizes");
  metas_.AddMember(short_ref(name),
                   object(member("dtype", Json(type[0], pool_)),
                          member("sizes", sizes_of(value, type[1])),
                          member("requires_grad", Json(known_[value].has_gradient))),
                   pool_);
}

bool Expansion::is_floating(std::size_t value) const {
  const Json& type =
      row_of(entry_at(types_, values_[static_cast<rapidjson::SizeType>(value)], "captured values"),
             4, "captured types");
  const int code = type[0].IsInt() ? type[0].GetInt() : 0;
  constexpr int half = 6, complex128 = 11, bfloat16 = 13, float8_e4m3fn = 29, float8_e8m0fnu = 33;
  return (code >= half && code <= complex128) || code == bfloat16 ||
         (code >= float8_e4m3fn && code <= float8_e8m0fnu);
}

// -- sizes that are upper bounds ------------------------------------------------------------------

void Expansion::find_bounds() {
  const Json* bounded = find_member(captured_, "bounded");
  if (bounded == nullptr || !bounded->IsArray()) return;
  for (const Json& row : bounded->GetArray()) {
    row_of(row, 2, "captured bounds");
    bounds_[number_of(row[0])] = &row[1];
  }
}

Json Expansion::sizes_of(std::size_t value, const Json& sizes) {
  Json list(rapidjson::kArrayType);
  list.Reserve(sizes.Size(), pool_);
  const auto bounds = bounds_.find(value);
  for (rapidjson::SizeType i = 0; i < sizes.Size(); ++i) {
    if (!sizes[i].IsInt64()) throw_unexpected("captured types", "integers as sizes");
    bool is_bound = false;
    if (bounds != bounds_.end() && bounds->second->IsArray()) {
      for (const Json& place : bounds->second->GetArray())
        is_bound = is_bound || (place.IsUint() && place.GetUint() == i);
    }
    if (!is_bound) {
      list.PushBack(object(member("as_int", Json(sizes[i], pool_))), pool_);
      continue;
    }
    std::string_view& symbol = symbols_[sizes[i].GetInt64()];
    if (symbol.empty()) symbol = keep("u" + std::to_string(symbols_.size() - 1));
    list.PushBack(object(member("as_expr", object(member("expr_str", ref(symbol))))), pool_);
  }
  return list;
}

// -- inputs and state ---------------------------------------------------------------------------

void Expansion::find_uses() {
  known_.resize(values_.Size());
  const auto use = [&](const Json& value) {
    if (value.IsUint()) known_[number_of(value)].is_used = true;
  };
  for (const Json& call : calls_.GetArray()) {
    row_of(call, 5, "captured calls");
    const Json& row = row_of(entry_at(operators_, call[0], "captured calls"), 6, "operators");
    const std::string_view kinds = text_in(row[4], "kinds of arguments");
    if (!call[2].IsArray()) throw_unexpected("captured calls", "lists of arguments");
    for (rapidjson::SizeType i = 0; i < call[2].Size() && i < kinds.size(); ++i) {
      const Json& given = call[2][i];
      if (kinds[i] == 't') use(given);
      if (kinds[i] != 'T' || !given.IsArray()) continue;
      for (const Json& item : given.GetArray()) use(item);
    }
  }
  for (const Json& output : get_array(captured_, "outputs").GetArray()) use(output);
}

void Expansion::declare_state() {
  for (const Json& row : get_array(captured_, "state").GetArray()) {
    row_of(row, 5, "captured state");
    const std::string_view kind = text_in(row[0], "captured state");
    const std::string_view path = text_in(row[1], "captured state");
    if (kind != "parameter" && kind != "buffer")
      throw_unexpected("captured state", "parameters and buffers");
    const bool is_parameter = kind == "parameter";
    const std::size_t value = number_of(row[2]);
    if (known_[value].name.empty()) {
      known_[value].has_gradient = row[4].IsInt() && row[4].GetInt() != 0;
      std::string name(is_parameter ? "p_" : "b_");
      for (const char letter : path) name += letter == '.' ? '_' : letter;
      const std::string_view kept = unique(name);
      declare(value, kept);
      inputs_.PushBack(object(member("as_tensor", named(kept))), pool_);
    }
    Json spec = object(member("arg", named(known_[value].name)),
                       member(is_parameter ? "parameter_name" : "buffer_name", text(path)));
    if (!is_parameter)
      spec.AddMember("persistent", Json(row[3].IsInt() && row[3].GetInt() != 0), pool_);
    input_specs_.PushBack(object(member(is_parameter ? "parameter" : "buffer", std::move(spec))),
                          pool_);
  }
}

void Expansion::declare_inputs() {
  std::size_t count = 0;
  for (const Json& constant : get_array(captured_, "constants").GetArray()) {
    const std::size_t value = number_of(constant);
    if (!known_[value].name.empty()) continue;
    const std::string stem = "lifted_tensor_" + std::to_string(count++);
    const std::string_view name = unique("c_" + stem);
    declare(value, name);
    inputs_.PushBack(object(member("as_tensor", named(name))), pool_);
    input_specs_.PushBack(
        object(member("tensor_constant", object(member("arg", named(name)),
                                                member("tensor_constant_name", text(stem))))),
        pool_);
  }
  for (const Json& row : get_array(captured_, "inputs").GetArray()) {
    row_of(row, 2, "captured inputs");
    const std::size_t value = number_of(row[1]);
    if (!known_[value].name.empty()) continue;
    const std::string_view name = unique(text_in(row[0], "captured inputs"));
    declare(value, name);
    Json argument = object(member("as_tensor", named(name)));
    inputs_.PushBack(Json(argument, pool_), pool_);
    input_specs_.PushBack(object(member("user_input", object(member("arg", std::move(argument))))),
                          pool_);
  }
}

// -- calls --------------------------------------------------------------------------------------

/// The nn_module_stack of each scope; a repeated call has "@N" in its key, as in torch.
void Expansion::write_scopes() {
  std::unordered_map<unsigned, int> times;
  stacks_.reserve(scopes_.Size());
  for (const Json& scope : scopes_.GetArray()) {
    row_of(scope, 3, "captured scopes");
    if (modules_ == nullptr || !modules_->IsArray())
      throw_unexpected("a captured program", "a module_list");
    const Json& module = row_of(entry_at(*modules_, scope[1], "captured scopes"), 2, "module_list");
    const std::string_view path = text_in(module[0], "module_list");
    const int time = times[scope[1].GetUint()]++;
    std::string stack;
    if (scope[0].IsUint()) {
      if (scope[0].GetUint() >= stacks_.size())
        throw_unexpected("captured scopes", "outer ones first");
      stack.append(stacks_[scope[0].GetUint()]).append(";");
    }
    constexpr std::size_t longest = 1U << 16;
    if (stack.size() > longest) throw Error(ErrorCode::limit, "modules call each other too deeply");
    stack.append("L__self__").append(path);
    if (time > 0) stack.append("@").append(std::to_string(time));
    stack.append(",").append(path).append(",").append(text_in(module[1], "module_list"));
    stacks_.push_back(keep(stack));
  }
}

Json Expansion::metadata_of(const Json& scope) {
  Json metadata(rapidjson::kObjectType);
  if (!scope.IsUint() || scope.GetUint() >= stacks_.size()) return metadata;
  metadata.AddMember("nn_module_stack", ref(stacks_[scope.GetUint()]), pool_);
  const Json* padding = find_member(captured_, "padding");
  if (padding == nullptr || !padding->IsObject() || padding->ObjectEmpty()) return metadata;
  const std::string_view name =
      find_text(*padding, std::to_string(scopes_[scope.GetUint()][1].GetUint()));
  if (!name.empty()) metadata.AddMember("padding", ref(name), pool_);
  return metadata;
}

Json Expansion::list_argument(const Json& list, char kind) {
  if (kind == 'T') {
    Json tensors(rapidjson::kArrayType);
    for (const Json& item : list.GetArray()) {
      tensors.PushBack(item.IsNull() ? object(member("as_none", Json(true)))
                                     : object(member("as_tensor", reference(item))),
                       pool_);
    }
    return object(member("as_optional_tensors", std::move(tensors)));
  }
  if (kind == 't' && list.Size() == 1) return argument(list[0], 'n');  // a number for a tensor
  const auto any = [&](const auto& holds) {
    for (const Json& item : list.GetArray()) {
      if (holds(item)) return true;
    }
    return false;
  };
  if (any([](const Json& item) { return !item.IsNumber() && !item.IsBool(); }))
    return object(member("as_strings", Json(list, pool_)));
  if (kind == 'b' || any([](const Json& item) { return item.IsBool(); }))
    return object(member("as_bools", Json(list, pool_)));
  if (kind == 'f' || any([](const Json& item) { return item.IsDouble(); }))
    return object(member("as_floats", Json(list, pool_)));
  return object(member("as_ints", Json(list, pool_)));
}

Json Expansion::argument(const Json& value, char kind) {
  if (value.IsNull()) return object(member("as_none", Json(true)));
  if (value.IsArray()) return list_argument(value, kind);
  if (kind == 't') return object(member("as_tensor", reference(value)));
  if (kind == 'd' && value.IsInt()) return object(member("as_scalar_type", Json(value, pool_)));
  if (value.IsBool()) return object(member("as_bool", Json(value, pool_)));
  if (value.IsString()) return object(member("as_string", Json(value, pool_)));
  const bool is_float = value.IsDouble() || kind == 'f';
  if (value.IsNumber()) return object(member(is_float ? "as_float" : "as_int", Json(value, pool_)));
  throw_unexpected("captured arguments", "numbers, texts and lists");
}

/// All arguments with their names, the defaults spelled out.
Json Expansion::inputs_of(const Json& row, const Json& given) {
  const std::string_view kinds = view_of(row[4]);
  const Json& names = row[3];
  const Json& defaults = row[5];
  if (!names.IsArray() || names.Size() != kinds.size() || !defaults.IsArray() ||
      defaults.Size() != kinds.size())
    throw_unexpected("captured operators", "a name, a kind and a default of each argument");
  Json inputs(rapidjson::kArrayType);
  inputs.Reserve(names.Size(), pool_);
  for (rapidjson::SizeType i = 0; i < names.Size(); ++i) {
    const bool is_given = i < given.Size();
    const bool is_tensor = kinds[i] == 't' || kinds[i] == 'T';
    Json value = !is_given && is_tensor ? object(member("as_none", Json(true)))
                                        : argument(is_given ? given[i] : defaults[i], kinds[i]);
    inputs.PushBack(object(member("name", ref(text_in(names[i], "names of arguments"))),
                           member("arg", std::move(value))),
                    pool_);
  }
  return inputs;
}

/// What `forward` computed without gradients, as a detach shows it.
void Expansion::write_detached(std::size_t value, const Json& metadata) {
  const std::string_view before = name_of(value);
  const std::string_view name = unique("detach");
  Json inputs(rapidjson::kArrayType);
  inputs.PushBack(object(member("name", ref("self")),
                         member("arg", object(member("as_tensor", named(before))))),
                  pool_);
  declare(value, name);
  Json outputs(rapidjson::kArrayType);
  outputs.PushBack(object(member("as_tensor", named(name))), pool_);
  nodes_.PushBack(object(member("target", ref("torch.ops.aten.detach.default")),
                         member("inputs", std::move(inputs)), member("outputs", std::move(outputs)),
                         member("metadata", Json(metadata, pool_)), member("name", ref(name))),
                  pool_);
}

void Expansion::write_call(const Json& call) {
  const Json& row = operators_[call[0].GetUint()];
  const std::string_view space = text_in(row[0], "captured operators");
  std::string_view name = text_in(row[1], "captured operators");
  const std::string_view kinds = view_of(row[4]);
  // The results: a number, null, or lists of these; a list within a list is one result.
  std::vector<std::size_t> results;
  const auto visit = [&](const Json& value, const auto& self) -> void {
    if (value.IsArray()) {
      for (const Json& item : value.GetArray()) self(item, self);
    } else if (!value.IsNull()) {
      results.push_back(number_of(value));
    }
  };
  visit(call[3], visit);
  const bool makes = kinds.find_first_of("tT") == std::string_view::npos;
  const auto is_used = [&](std::size_t value) { return known_[value].is_used; };
  if (makes && std::none_of(results.begin(), results.end(), is_used)) return;

  Json inputs = inputs_of(row, call[2]);
  // torch 1 writes a reshape with the strides that it happens to have.
  if (name == "_reshape_alias") {
    name = "view";
    if (inputs.Size() > 2) inputs.PopBack();
  }
  const std::string_view node = unique(name);
  const bool is_one = call[3].IsUint();
  for (const std::size_t result : results) declare(result, is_one ? node : unique("getitem"));
  Json outputs(rapidjson::kArrayType);
  const auto write = [&](const Json& value) -> Json {
    if (value.IsNull()) return object(member("as_none", Json(true)));
    if (!value.IsArray()) return object(member("as_tensor", reference(value)));
    Json tensors(rapidjson::kArrayType);
    for (const Json& item : value.GetArray()) {
      if (!item.IsNull()) tensors.PushBack(reference(item), pool_);
    }
    return object(member("as_tensors", std::move(tensors)));
  };
  if (call[3].IsArray()) {
    for (const Json& item : call[3].GetArray()) outputs.PushBack(write(item), pool_);
  } else {
    outputs.PushBack(write(call[3]), pool_);
  }
  std::string target("torch.ops.");
  target.append(space).append(".").append(name).append(".").append(
      text_in(row[2], "captured operators"));
  Json metadata = metadata_of(call[1]);
  const bool without = call[4].IsInt() && call[4].GetInt() != 0 && !name.ends_with('_');
  Json again = without ? Json(metadata, pool_) : Json();
  nodes_.PushBack(object(member("target", text(target)), member("inputs", std::move(inputs)),
                         member("outputs", std::move(outputs)),
                         member("metadata", std::move(metadata)), member("name", ref(node))),
                  pool_);
  if (!without) return;
  for (const std::size_t result : results) {
    if (is_floating(result)) write_detached(result, again);
  }
}

void Expansion::write_calls() {
  nodes_.Reserve(calls_.Size(), pool_);
  for (const Json& call : calls_.GetArray()) write_call(call);
}

void Expansion::write_outputs() {
  for (const Json& output : get_array(captured_, "outputs").GetArray()) {
    Json argument = object(member("as_tensor", reference(output)));
    outputs_.PushBack(Json(argument, pool_), pool_);
    output_specs_.PushBack(
        object(member("user_output", object(member("arg", std::move(argument))))), pool_);
  }
}

void Expansion::run() {
  find_uses();
  find_bounds();
  declare_state();
  declare_inputs();
  write_scopes();
  write_calls();
  write_outputs();
  Json ranges(rapidjson::kObjectType);
  for (const auto& [size, symbol] : symbols_) {
    ranges.AddMember(text(symbol),
                     object(member("min_val", Json(0)), member("max_val", Json(size))), pool_);
  }
  Json graph =
      object(member("inputs", std::move(inputs_)), member("outputs", std::move(outputs_)),
             member("nodes", std::move(nodes_)), member("tensor_values", std::move(metas_)));
  Json signature = object(member("input_specs", std::move(input_specs_)),
                          member("output_specs", std::move(output_specs_)));
  tree_.SetObject();
  tree_.AddMember(
      "graph_module",
      object(member("graph", std::move(graph)), member("signature", std::move(signature))), pool_);
  tree_.AddMember("range_constraints", std::move(ranges), pool_);
  tree_.AddMember("torch_version", text(find_text(captured_, "torch")), pool_);
}

}  // namespace

CapturedProgram::CapturedProgram(const Json& captured, const Json* modules)
    : captured_(captured),
      modules_(modules) {
  const Json* format = find_member(captured, "format");
  if (format == nullptr || !format->IsInt() || format->GetInt() != 1)
    throw_unexpected("the format of a captured program", "1");
  Expansion(captured, modules, tree_).run();
}

std::vector<RecordedCall> CapturedProgram::module_calls() const {
  std::vector<RecordedCall> calls;
  const Json& types = get_array(captured_, "types");
  for (const Json& scope : get_array(captured_, "scopes").GetArray()) {
    RecordedCall& call = calls.emplace_back();
    call.path = view_of((*modules_)[scope[1].GetUint()][0]);
    if (!scope[2].IsArray()) throw_unexpected("captured scopes", "lists of types");
    for (const Json& type : scope[2].GetArray()) {
      const Json& sizes = row_of(entry_at(types, type, "captured scopes"), 4, "captured types")[1];
      Shape& shape = call.outputs.emplace_back();
      if (!sizes.IsArray()) throw_unexpected("captured types", "lists of sizes");
      for (const Json& size : sizes.GetArray()) {
        if (!size.IsInt64()) throw_unexpected("captured types", "integers as sizes");
        shape.push_back(size.GetInt64());
      }
    }
  }
  return calls;
}

std::vector<std::string> CapturedProgram::notes() const {
  std::vector<std::string> notes;
  const Json* list = find_member(captured_, "notes");
  if (list == nullptr || !list->IsArray()) return notes;
  for (const Json& note : list->GetArray()) {
    if (note.IsString()) notes.emplace_back(view_of(note));
  }
  return notes;
}

}  // namespace zoometer
