// config.json of a language model: sizes, from which its graph follows.
#include "import/language/config.hpp"

#include <algorithm>
#include <filesystem>

#include "import/json.hpp"
#include "import/language/unread.hpp"
#include "models/language/architecture.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::size_t searched = std::size_t{1} << 20;
constexpr std::size_t largest_file = std::size_t{16} << 20;
constexpr int deepest = 64;
constexpr std::size_t most_values = std::size_t{1} << 20;  // the largest of a checkpoint have 2^17

void count_values(std::size_t count, std::size_t& values) {
  values += count;
  if (values > most_values)
    throw Error(ErrorCode::limit, "values of a configuration", {"at most 1048576", "more"});
}

/// `values` counts what was converted.
Setting to_setting(const Json& value, int depth, std::size_t& values) {
  if (depth > deepest)
    throw Error(ErrorCode::limit, "objects in objects of a configuration", {"at most 64", "more"});
  Setting setting;
  switch (value.GetType()) {
  case rapidjson::kNullType: break;
  case rapidjson::kFalseType:
  case rapidjson::kTrueType:
    setting.kind = Setting::Kind::flag;
    setting.integer = value.GetBool() ? 1 : 0;
    break;
  case rapidjson::kNumberType:
    setting.kind = value.IsInt64() ? Setting::Kind::integer : Setting::Kind::real;
    if (value.IsInt64()) setting.integer = value.GetInt64();
    setting.real = value.GetDouble();
    break;
  case rapidjson::kStringType:
    setting.kind = Setting::Kind::text;
    setting.text = view_of(value);
    break;
  case rapidjson::kArrayType:
    setting.kind = Setting::Kind::list;
    count_values(value.Size(), values);
    setting.items.reserve(value.Size());
    for (const Json& item : value.GetArray())
      setting.items.push_back(to_setting(item, depth + 1, values));
    break;
  case rapidjson::kObjectType:
    setting.kind = Setting::Kind::object;
    count_values(value.MemberCount(), values);
    setting.members.reserve(value.MemberCount());
    for (const auto& member : value.GetObject())
      setting.members.emplace_back(std::string(view_of(member.name)),
                                   to_setting(member.value, depth + 1, values));
    break;
  }
  return setting;
}

/// The type of the weights: `dtype`, formerly `torch_dtype`, outside or in the language model.
/// Where neither says it, files that are quantised have the rest in bfloat16.
DType weight_type(const Configuration& config) {
  std::string_view name = config.text({"dtype", "torch_dtype"});
  bool is_quantised = config.has("quantization_config");
  if (const auto part = config.part({"text_config", "language_config", "llm_config"})) {
    if (name.empty()) name = part->text({"dtype", "torch_dtype"});
    is_quantised = is_quantised || part->has("quantization_config");
  }
  if (name.starts_with("torch.")) name.remove_prefix(6);
  if (name.empty() || name == "auto") return is_quantised ? DType::bfloat16 : DType::float32;
  const std::optional<DType> dtype = dtype_from_name(name);
  return dtype && is_floating(*dtype) ? *dtype : DType::float32;
}

/// Tensors that files keep in float32: corrections of routers, decays of states.
bool stays_float32(std::string_view name) {
  return name == "A_log" || name == "attn_sink" || name == "ape" || name.starts_with("hc_") ||
         name.ends_with("e_score_correction_bias") || name.ends_with("router_bias");
}

/// The layers are declared in float32: gives weights and activations the type of the file.
void store_in(Graph& graph, DType dtype) {
  if (dtype == DType::float32) return;
  for (ValueId id = 0; id < graph.values().size(); ++id) {
    const Value& value = graph.value(id);
    if (value.dtype != DType::float32) continue;
    if (value.has(Value::is_parameter)) {
      const Parameter& parameter = graph.parameters()[value.producer];
      if (stays_float32(parameter.name) || parameter.kind == ParameterKind::transient_buffer)
        continue;
    }
    graph.set_dtype(id, dtype);
  }
}

void read(const MappedFile& file, const TraceOptions& options, Graph& graph, ImportNotes& notes) {
  const Setting root = read_configuration(file);
  trace_configuration(root, options, graph, notes);
  note_unread(root, notes.notes);
  notes.format = "configuration";
}

}  // namespace

/// No other format has that key at its start.
bool is_configuration(const MappedFile& file) {
  const std::string_view start = file.text().substr(0, searched);
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && start[first] == '{' &&
         start.find("\"model_type\"") != std::string_view::npos;
}

Setting read_configuration(const MappedFile& file) {
  if (file.size() > largest_file) {
    throw Error(ErrorCode::limit, "the file",
                {"at most 16 MiB of a configuration", std::to_string(file.size()) + " bytes"});
  }
  std::string text(file.text());
  const JsonDocument document(text);
  std::size_t values = 0;
  Setting root = to_setting(document.root(), 0, values);
  if (root.kind != Setting::Kind::object) throw_unexpected("the file", "an object");
  return root;
}

void add_quantisation_beside(const std::string& path, Setting& settings) {
  constexpr std::string_view key = "quantization_config";
  for (const auto& member : settings.members)
    if (member.first == key) return;
  const std::string beside =
      (std::filesystem::path(path).parent_path() / "hf_quant_config.json").string();
  if (is_file(beside)) settings.members.emplace_back(key, read_configuration(MappedFile(beside)));
}

void store_weights_as_configured(const Setting& settings, Graph& graph) {
  store_in(graph, weight_type(Configuration(settings)));
}

void trace_configuration(const Setting& settings, const TraceOptions& options, Graph& graph,
                         ImportNotes& notes, const Adapters& adapters) {
  const Configuration config(settings);
  trace_language_model(config, passage_of(options), graph, {notes.notes, notes.ignored}, adapters);
  store_weights_as_configured(settings, graph);
}

void trace_shard(const Setting& settings, const Passage& passage, const Shards& shards,
                 Graph& graph) {
  const Configuration config(settings);
  std::vector<std::string> notes;
  ModelPlan plan = plan_of(config, {notes, notes});
  shard_plan(shards, plan);
  trace_model(plan, passage, graph);
  store_in(graph, weight_type(config));
}

extern constinit const Importer language_importer = {
    "language", "config.json of a language model", is_configuration, read, {}, true};

}  // namespace zoometer
