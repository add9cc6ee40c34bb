#include "import/torch/fx.hpp"

#include "import/torch/captured.hpp"
#include "import/torch/exported_program.hpp"
#include "ir/verify.hpp"

namespace zoometer {
namespace {

std::optional<std::int64_t> find_integer(const Json& value, std::string_view name) {
  const Json* found = find_member(value, name);
  return found != nullptr && found->IsInt64() ? std::optional(found->GetInt64()) : std::nullopt;
}

Shape read_shape(const Json& sizes) {
  if (!sizes.IsArray()) throw_unexpected("a shape", "a list");
  Shape shape;
  for (const Json& size : sizes.GetArray()) {
    if (!size.IsInt64()) throw_unexpected("a shape", "integers");
    shape.push_back(size.GetInt64());
  }
  return shape;
}

/// The items of a list; none if it is missing.
Json::ConstArray list_in(const Json& record, std::string_view name) {
  static const Json none(rapidjson::kArrayType);
  const Json* list = find_member(record, name);
  return (list != nullptr && list->IsArray() ? *list : none).GetArray();
}

std::vector<FxRecord::Input> read_inputs(const Json& record) {
  std::vector<FxRecord::Input> inputs;
  for (const Json& input : list_in(record, "inputs")) {
    inputs.push_back(
        {read_shape(get_member(input, "shape")), std::string(find_text(input, "dtype"))});
  }
  return inputs;
}

std::vector<FxRecord::State> read_states(const Json& record) {
  std::vector<FxRecord::State> states;
  for (const Json& entry : list_in(record, "state")) {
    const bool is_entry = entry.IsArray() && entry.Size() == 4 && entry[0].IsString() &&
                          entry[1].IsString() && entry[2].IsString();
    if (!is_entry) throw_unexpected("state", "entries of name, kind, dtype and shape");
    states.push_back({std::string(view_of(entry[0])), std::string(view_of(entry[1])),
                      std::string(view_of(entry[2])), read_shape(entry[3])});
  }
  return states;
}

std::vector<RecordedCall> read_module_calls(const Json& record) {
  std::vector<RecordedCall> calls;
  for (const Json& entry : list_in(record, "module_calls")) {
    const bool is_pair =
        entry.IsArray() && entry.Size() == 2 && entry[0].IsString() && entry[1].IsArray();
    if (!is_pair) throw_unexpected("module_calls", "pairs of a path and shapes");
    RecordedCall& call = calls.emplace_back();
    call.path = view_of(entry[0]);
    for (const Json& shape : entry[1].GetArray()) call.outputs.push_back(read_shape(shape));
  }
  return calls;
}

}  // namespace

FxRecord read_fx_record(std::string_view line, std::string& buffer, Graph& graph,
                        ImportNotes& notes) {
  buffer = line;
  const JsonDocument document(buffer);
  const Json& json = document.root();
  FxRecord record;
  record.event = get_text(json, "event");
  if (record.event != "model") return record;
  const auto text = [&](std::string_view name) { return std::string(find_text(json, name)); };
  record.model = text("model");
  record.family = text("family");
  record.task = text("task");
  record.variant = text("variant");
  record.status = text("status");
  record.via = text("via");
  record.reason_code = text("reason_code");
  record.message = text("message");
  record.exception = text("exception");
  record.module = text("module");
  record.operator_name = text("operator");
  record.fx_nodes = find_integer(json, "fx_nodes");
  record.parameters = find_integer(json, "parameters");
  record.buffers = find_integer(json, "buffers");
  const Json* seconds = find_member(json, "seconds");
  if (seconds != nullptr && seconds->IsNumber()) record.seconds = seconds->GetDouble();
  record.inputs = read_inputs(json);
  record.states = read_states(json);
  record.module_calls = read_module_calls(json);

  const Json* captured = find_member(json, "captured");
  const Json* program = find_member(json, "program");
  if (captured == nullptr && program == nullptr) return record;
  record.has_graph = true;
  try {
    graph.clear();
    notes = {};
    notes.format = captured != nullptr ? "torch, live" : "torch.fx, live";
    ProgramParts parts;
    parts.modules = find_member(json, "module_list");
    std::optional<CapturedProgram> expanded;
    if (captured != nullptr) {
      expanded.emplace(*captured, parts.modules);
      record.module_calls = expanded->module_calls();
      program = &expanded->root();
    }
    parts.program = program;
    parts.module_calls = record.module_calls;
    read_exported_program(parts, {}, graph, notes);
    if (expanded) {
      for (std::string& note : expanded->notes()) notes.notes.push_back(std::move(note));
    }
    verify(graph);
  } catch (Error& error) {
    error.place.model = record.model;
    throw;
  }
  return record;
}

}  // namespace zoometer
