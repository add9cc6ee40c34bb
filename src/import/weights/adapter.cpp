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

/// Whether a tensor is one of the model's own: a copy, or what replaces it (`modules_to_save`).
bool is_of_base(std::string_view name) { return name.find(".lora_") == std::string_view::npos; }

/// The module that a tensor changes: "base_model.model.lm_head.lora_A.weight" -> "lm_head".
std::string_view changed_module(std::string_view name) {
  for (const std::string_view prefix : {"base_model.model.", "base_model."}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  }
  if (is_of_base(name)) name = name.substr(0, name.rfind('.'));
  for (const std::string_view inner : {".base_layer", ".original_module", ".modules_to_save"})
    if (name.ends_with(inner)) name.remove_suffix(inner.size());
  return name.substr(0, name.find(".lora_"));
}

/// The ranks of the layers that have both factors.
Adapters ranks_of(const StoredWeights& weights) {
  Adapters ranks;
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.is_known() || tensor.shape.size() != 2 || !tensor.name.ends_with(".lora_A.weight"))
      continue;
    std::string other(tensor.name);
    other.replace(other.rfind(".lora_A."), 8, ".lora_B.");
    const StoredTensor* up = weights.find(other);
    const std::int64_t rank = tensor.shape[0];
    const bool fits = up != nullptr && up->shape.size() == 2 && up->shape[1] == rank && rank > 0;
    if (fits) ranks.emplace(changed_module(tensor.name), rank);
  }
  return ranks;
}

/// What an adapter's tensors became.
struct AddedTensors {
  std::size_t lost = 0;        ///< of modules that the model lacks: they are the root's
  std::size_t misfits = 0;     ///< of other shapes than the layers that they change
  std::size_t copies = 0;      ///< of the model's own tensors
  std::size_t replaced = 0;    ///< tensors of the model in whose place the adapter has its own
  std::size_t of_experts = 0;  ///< which are added to the weights of experts
  std::int64_t elements = 0;   ///< that no product of the graph reads
};

/// The parameter of that name of a module, or no_id.
ParameterId parameter_of(const Graph& graph, ModuleId module, std::string_view name) {
  const auto parameters = graph.parameters();
  for (ParameterId id = 0; id < parameters.size(); ++id)
    if (parameters[id].module == module && parameters[id].name == name) return id;
  return no_id;
}

/// The products of a token with a tensor: none with the table of an embedding, of which it takes a
/// row, and none with the factors of DoRA, which scale results.
std::int64_t products_of(const StoredTensor& tensor) {
  const bool is_table = tensor.name.ends_with("lora_embedding_A");
  return is_table || tensor.shape.size() < 2 ? 0 : tensor.elements;
}

/// Gives the parameters of adapted layers the types of the file, and adds the other tensors to the
/// modules that they change.
AddedTensors add_tensors(const StoredWeights& weights, const Adapters& adapters, Graph& graph) {
  TextMap<ModuleId> modules;
  for (ModuleId id = 0; id < graph.modules().size(); ++id)
    modules.emplace(graph.module_path(id), id);
  AddedTensors added;
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.is_known()) continue;
    const std::string module(changed_module(tensor.name));
    const auto found = modules.find(module);
    const bool is_found = found != modules.end();
    const std::string_view own =
        !is_found ? tensor.name
        : is_of_base(tensor.name)
            ? std::string_view("modules_to_save.weight")
            : tensor.name.substr(tensor.name.find(module + ".") + module.size() + 1);
    const bool is_adapted = is_found && adapters.contains(module);
    const ParameterId traced = is_adapted ? parameter_of(graph, found->second, own) : no_id;
    if (traced != no_id) {
      const ValueId value = graph.parameters()[traced].value;
      added.misfits += graph.shape(value) == Shape(tensor.shape) ? 0 : 1;
      graph.set_dtype(value, tensor.type->dtype);
      continue;
    }
    added.lost += is_found ? 0 : 1;
    if (is_of_base(tensor.name)) {
      const bool is_copy = tensor.name.find(".base_layer.") != std::string_view::npos;
      added.copies += is_copy ? 1 : 0;
      if (is_copy) continue;
      added.replaced += is_found ? 1 : 0;
    } else if (module.ends_with("experts")) {
      ++added.of_experts;
    } else {
      added.elements = checked_add(added.elements, products_of(tensor));
    }
    graph.add_parameter(is_found ? found->second : 0, graph.arena().copy(own), Shape(tensor.shape),
                        tensor.type->dtype, ParameterKind::parameter);
  }
  return added;
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
  const Adapters adapters = ranks_of(weights);
  trace_configuration(*found, options, graph, notes, adapters);
  std::int64_t elements = 0;
  for (const StoredTensor& tensor : weights.tensors())
    elements = checked_add(elements, tensor.elements);
  const AddedTensors added = add_tensors(weights, adapters, graph);
  notes.notes.push_back(fmt::format("{} on top of {}: {} parameters in {} tensors",
                                    escape_controls(kind), escape_controls(base), elements,
                                    weights.tensors().size()));
  if (added.elements > 0) {
    notes.ignored.push_back(fmt::format(
        "{} of the adapter's products for each token are not part of the graph", added.elements));
  }
  if (added.of_experts > 0) {
    notes.ignored.push_back(
        fmt::format("{} of the adapter's tensors change the weights of experts before tokens pass: "
                    "these products are not part of the graph",
                    added.of_experts));
  }
  if (added.replaced > 0)
    notes.notes.push_back(fmt::format("{} of the adapter's tensors replace the model's own, which "
                                      "PEFT keeps beside them",
                                      added.replaced));
  if (added.copies > 0)
    notes.notes.push_back(
        fmt::format("{} of the adapter's tensors are copies of the model's own", added.copies));
  if (added.misfits > 0) {
    notes.ignored.push_back(fmt::format(
        "{} of the adapter's tensors have other shapes than the layers", added.misfits));
  }
  if (added.lost > 0) {
    notes.ignored.push_back(
        fmt::format("{} of the adapter's tensors change no module", added.lost));
  }
  return true;
}

}  // namespace zoometer
