#include "import/weights/adapter.hpp"

#include <fmt/core.h>

#include <filesystem>

#include "import/hub/local_cache.hpp"
#include "import/language/config.hpp"
#include "import/language/zoo.hpp"
#include "util/paths.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

std::string beside(const std::string& path, std::string_view name) {
  return (fs::path(path).parent_path() / name).string();
}

/// The row of the registry for "meta-llama/Llama-3.1-8B-Instruct".
std::optional<LanguageRow> row_of_base(std::string_view base) {
  const std::string whole = without_marks(base.substr(base.rfind('/') + 1));
  std::string_view name = whole;
  if (name.starts_with("meta")) name.remove_prefix(4);
  for (const std::string_view end : {"", "instruct", "hf", "chat", "base"}) {
    if (!name.ends_with(end)) continue;
    if (auto row = resolve_language_row(name.substr(0, name.size() - end.size()))) return row;
  }
  return {};
}

/// The settings of the model of that name.
std::optional<Setting> base_settings(const std::string& path, const std::string& base) {
  const auto read_in = [](const std::string& folder) -> std::optional<Setting> {
    const std::string file = folder + "/config.json";
    if (!is_file(file) || !is_configuration(MappedFile(file))) return {};
    return read_configuration(MappedFile(file));
  };
  if (base.empty()) return {};
  if (auto settings = read_in(beside(path, base))) return settings;
  if (const auto folder = hub_folder(base)) {
    if (auto settings = read_in(*folder)) return settings;
  }
  const auto row = row_of_base(base);
  if (!row) return {};
  return read_configuration(
      MappedFile(std::string(row->name), std::as_bytes(std::span(row->config))));
}

/// The module that a tensor changes: "base_model.model.lm_head.lora_A.weight" -> "lm_head".
std::string_view changed_module(std::string_view name) {
  for (const std::string_view prefix : {"base_model.model.", "base_model."}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  }
  return name.substr(0, name.find(".lora_"));
}

/// Adds each tensor to the module that it changes. Those of modules that the model lacks are the
/// root's. Returns how many these are.
std::size_t add_tensors(const StoredWeights& weights, Graph& graph) {
  TextMap<ModuleId> modules;
  for (ModuleId id = 0; id < graph.modules().size(); ++id)
    modules.emplace(graph.module_path(id), id);
  std::size_t lost = 0;
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.is_known()) continue;
    const std::string_view module = changed_module(tensor.name);
    const auto found = modules.find(std::string(module));
    const bool is_found = found != modules.end();
    lost += is_found ? 0 : 1;
    const std::string_view own =
        is_found ? tensor.name.substr(tensor.name.find(".lora_") + 1) : tensor.name;
    graph.add_parameter(is_found ? found->second : 0, graph.arena().copy(own), Shape(tensor.shape),
                        tensor.type->dtype, ParameterKind::parameter);
  }
  return lost;
}

}  // namespace

bool is_adapter(const std::string& path) { return is_file(beside(path, "adapter_config.json")); }

std::optional<Setting> settings_of_base(const std::string& path) {
  const Setting settings = read_configuration(MappedFile(beside(path, "adapter_config.json")));
  return base_settings(path,
                       std::string(Configuration(settings).text({"base_model_name_or_path"})));
}

bool trace_adapter(const std::string& path, const StoredWeights& weights,
                   const TraceOptions& options, Graph& graph, ImportNotes& notes) {
  const Setting settings = read_configuration(MappedFile(beside(path, "adapter_config.json")));
  const Configuration config(settings);
  const std::string base(config.text({"base_model_name_or_path"}));
  const std::string kind(config.text({"peft_type"}, "adapter"));
  const auto found = base_settings(path, base);
  if (!found) {
    notes.notes.push_back(fmt::format(
        "an adapter ({}) of {}, which is not on this machine: only its own tensors are listed",
        escape_controls(kind), base.empty() ? "a model without a name" : escape_controls(base)));
    return false;
  }
  trace_configuration(*found, options, graph, notes);
  std::int64_t elements = 0;
  for (const StoredTensor& tensor : weights.tensors())
    elements = checked_add(elements, tensor.elements);
  const std::size_t lost = add_tensors(weights, graph);
  notes.notes.push_back(fmt::format("{} on top of {}: {} parameters in {} tensors",
                                    escape_controls(kind), escape_controls(base), elements,
                                    weights.tensors().size()));
  notes.ignored.push_back(fmt::format(
      "the products of the adapter, {} for each token, are not part of the graph", elements));
  if (lost > 0)
    notes.ignored.push_back(fmt::format("{} of the adapter's tensors change no module", lost));
  return true;
}

}  // namespace zoometer
