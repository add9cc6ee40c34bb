#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "analysis/model_storage.hpp"
#include "analysis/parameter_counts.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/language_model.hpp"
#include "import/language/checkpoint.hpp"
#include "models/language/split.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

struct Entry {
  std::string name;
  Shape shape;
  DType dtype;
  std::string_view kind;
  std::string shared_with;  ///< the name of the parameter whose storage it shares, or empty
};

std::string_view kind_name(ParameterKind kind) {
  if (kind == ParameterKind::parameter) return "parameter";
  return kind == ParameterKind::quantisation ? "quantisation" : "buffer";
}

/// Elements, each storage once: the totals of `profile`.
struct EntryTotals {
  std::int64_t parameters = 0;
  std::int64_t buffers = 0;
  std::int64_t quantisation = 0;
  std::int64_t transient = 0;  ///< of buffers that are not in the state dict
};

/// Adds a tensor for each index of the first dimension, with the index instead of the `*`.
void add_split(const Graph& graph, const Parameter& parameter, std::vector<Entry>& entries) {
  const std::string path = graph.parameter_path(parameter);
  const std::size_t star = path.rfind('*');
  const Shape& whole = graph.shape(parameter.value);
  const Shape each(std::span<const std::int64_t>(whole).subspan(1));
  for (std::int64_t i = 0; i < whole.dim(0); ++i) {
    entries.push_back({path.substr(0, star) + std::to_string(i) + path.substr(star + 1), each,
                       graph.value(parameter.value).dtype, kind_name(parameter.kind), ""});
  }
}

void add_entries(const Graph& graph, std::vector<Entry>& entries) {
  check_split(graph);
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    if (is_split(graph, parameter)) {
      add_split(graph, parameter, entries);
      continue;
    }
    const bool is_shared = parameter.shared_with != no_id;
    const Parameter& owner = graph.parameters()[is_shared ? parameter.shared_with : id];
    entries.push_back({graph.parameter_path(parameter), graph.shape(parameter.value),
                       graph.value(parameter.value).dtype, kind_name(parameter.kind),
                       is_shared ? graph.parameter_path(owner) : ""});
  }
}

void add_totals(const Graph& graph, EntryTotals& totals) {
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.shared_with != no_id || parameter.kind == ParameterKind::constant) continue;
    std::int64_t& sum = parameter.kind == ParameterKind::parameter      ? totals.parameters
                        : parameter.kind == ParameterKind::quantisation ? totals.quantisation
                                                                        : totals.buffers;
    sum = checked_add(sum, graph.numel(parameter.value));
    if (parameter.kind == ParameterKind::transient_buffer)
      totals.transient += graph.numel(parameter.value);
  }
}

/// What a model's files have.
struct StateDict {
  std::vector<Entry> entries;
  EntryTotals totals;
};

/// With the layers that predict further tokens, where a configuration has some.
StateDict state_dict(const LoadedModel& model, const Graph& graph) {
  StateDict state;
  add_entries(graph, state.entries);
  add_totals(graph, state.totals);
  const bool is_language = is_language_model(model);
  const std::optional<Setting> settings = is_language ? settings_of(model, graph) : std::nullopt;
  if (!settings) return state;
  Graph further;
  declare_prediction(*settings, further);
  add_entries(further, state.entries);
  add_totals(further, state.totals);
  return state;
}

/// The tensors of a file of weights; null for other models.
const StoredWeights* weights_of(const LoadedModel& model) {
  return model.file ? model.file->weights.get() : nullptr;
}

std::string_view kind_name(StoredKind kind) {
  switch (kind) {
  case StoredKind::parameter: return "parameter";
  case StoredKind::quantisation: return "quantisation";
  case StoredKind::buffer: break;
  }
  return "buffer";
}

void write_numbers(JsonWriter& json, const auto& numbers) {
  for (const auto& [name, number] : numbers) json.field(name, number);
}

/// What the files hold; without files what the configuration foresees.
void write_counts(JsonWriter& json, const LoadedModel& model, const Graph& graph) {
  const std::optional<Setting> settings = settings_of(model, graph);
  const ModelStorage storage = model_storage(file_of(model), settings ? &*settings : nullptr);
  StoredSize size = storage.size(model_weights(graph));
  const bool is_language = is_language_model(model);
  ParameterCounts counts;
  if (is_language) counts = count_parameters(graph);
  if (storage.files) {
    json.field("stored", storage.files->stored);
    json.field("learned", storage.files->learned);
  } else if (is_language && settings && weights_of(model) == nullptr) {
    const ForeseenCheckpoint foreseen = foreseen_checkpoint(*settings, graph);
    size = foreseen.size;
    json.field("stored", size.stored);
    json.field("learned", foreseen.learned);
    if (foreseen.prediction > 0) counts.by_role["mtp"] = foreseen.prediction;
  }
  if (is_language) {
    json.field("unique", counts.unique);
    json.field("active", counts.active);
    json.field("active_without_embeddings", counts.active_without_embeddings);
    json.object("by_role", [&] { write_numbers(json, counts.by_role); });
  }
  json.object("by_dtype", [&] { write_numbers(json, size.elements_by_type); });
  json.field("bytes", size.bytes);
}

void write_entries(JsonWriter& json, const StoredWeights& weights) {
  for (const StoredTensor& tensor : weights.tensors()) {
    json.object([&] {
      json.field("name", tensor.name);
      if (tensor.is_known()) {
        json.field("shape", tensor.shape);
        json.field("dtype", name_of(*tensor.type));
      }
      json.field("kind", kind_name(tensor.kind()));
    });
  }
}

void write_entries(JsonWriter& json, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    json.object([&] {
      json.field("name", entry.name);
      json.field("shape", std::span<const std::int64_t>(entry.shape));
      json.field("dtype", name_of(entry.dtype));
      json.field("kind", entry.kind);
      if (!entry.shared_with.empty()) json.field("shared_with", entry.shared_with);
    });
  }
}

void write_document(JsonWriter& json, const LoadedModel& model, const Graph& graph) {
  json.object([&] {
    json.field("schema", "zoometer.parameters/1");
    json.field("model", model.name);
    json.field("source", model.source);
    if (!model.variant.empty()) json.field("variant", model.variant);
    const StoredWeights* weights = weights_of(model);
    if (is_language_model(model) || weights != nullptr) {
      json.array("notes", [&] {
        for (const std::string& note : model.notes) json.value(note);
      });
      json.object("counts", [&] { write_counts(json, model, graph); });
    }
    json.array("entries", [&] {
      if (weights != nullptr) return write_entries(json, *weights);
      write_entries(json, state_dict(model, graph).entries);
    });
  });
}

std::string write_text(const StateDict& state) {
  const std::vector<Entry>& entries = state.entries;
  const EntryTotals& totals = state.totals;
  std::size_t width = 4;
  for (const Entry& entry : entries)
    width = std::max(width, std::min(display_width(entry.name), longest_cell));
  std::string text;
  for (const Entry& entry : entries) {
    fmt::format_to(std::back_inserter(text), "{}  {:<9}  {:<9}  {}{}{}\n",
                   pad_right(escape_controls(entry.name), width), entry.kind, name_of(entry.dtype),
                   to_string(entry.shape), entry.shared_with.empty() ? "" : "  shared with ",
                   escape_controls(entry.shared_with));
  }
  fmt::format_to(std::back_inserter(text), "{} entries: {} parameters, {} buffer elements",
                 entries.size(), totals.parameters, totals.buffers);
  if (totals.transient > 0)
    fmt::format_to(std::back_inserter(text), " ({} not in the state dict)", totals.transient);
  if (totals.quantisation > 0)
    fmt::format_to(std::back_inserter(text), ", {} scales and zero points", totals.quantisation);
  return text + '\n';
}

/// About how long the list gets: half a million tensors are written without a copy.
std::size_t text_size(const StoredWeights& weights, std::size_t width) {
  constexpr std::size_t of_known = 60;
  std::size_t size = 100;
  for (const StoredTensor& tensor : weights.tensors())
    size += tensor.is_known() ? width + of_known : tensor.name.size() + 1;
  return size;
}

std::string write_text(const StoredWeights& weights) {
  std::size_t width = 4;
  for (const StoredTensor& tensor : weights.tensors())
    width = std::max(width, std::min(display_width(tensor.name), longest_cell));
  std::string text;
  text.reserve(text_size(weights, width));
  for (const StoredTensor& tensor : weights.tensors()) {
    text += escape_controls(tensor.name);
    if (tensor.is_known()) {
      text.append(width - std::min(width, display_width(tensor.name)), ' ');
      fmt::format_to(std::back_inserter(text), "  {:<12}  {:<9}  {}", kind_name(tensor.kind()),
                     name_of(*tensor.type), to_string(Shape(tensor.shape)));
    }
    text += '\n';
  }
  const StoredCounts counts = count_stored(weights);
  fmt::format_to(std::back_inserter(text), "{} tensor{}", weights.tensors().size(),
                 weights.tensors().size() == 1 ? "" : "s");
  if (counts.stored == 0) return text + ", only their names are known\n";
  fmt::format_to(std::back_inserter(text),
                 ": {} parameters, {} elements, {} bytes, {:.4f} bits each\n", counts.learned,
                 counts.stored, counts.bytes,
                 8.0 * static_cast<double>(counts.bytes) /
                     static_cast<double>(std::max<std::int64_t>(counts.learned, 1)));
  return text;
}

/// The entries, for other formats than text.
TextTable table_of(const LoadedModel& model, const Graph& graph) {
  TextTable table;
  table.column("name");
  table.column("kind", false, 3);
  table.column("dtype", false, 2);
  table.column("shape");
  table.column("shared with", false, 1);
  if (const StoredWeights* weights = weights_of(model)) {
    for (const StoredTensor& tensor : weights->tensors()) {
      const bool is_known = tensor.is_known();
      table.row({escape_controls(tensor.name), std::string(kind_name(tensor.kind())),
                 is_known ? std::string(name_of(*tensor.type)) : std::string(),
                 is_known ? to_string(Shape(tensor.shape)) : std::string(), ""});
    }
    return table;
  }
  for (const Entry& entry : state_dict(model, graph).entries) {
    table.row({escape_controls(entry.name), std::string(entry.kind),
               std::string(name_of(entry.dtype)), to_string(entry.shape),
               escape_controls(entry.shared_with)});
  }
  return table;
}

/// The text of a model. Files of weights have an entry for each of their tensors. On a terminal
/// that is too narrow for the lines, the columns that have room.
std::string write_text(const LoadedModel& model, const Graph& graph, int width) {
  const StoredWeights* weights = weights_of(model);
  std::string text =
      weights != nullptr ? write_text(*weights) : write_text(state_dict(model, graph));
  const auto columns = static_cast<std::size_t>(width);
  if (width == 0 || wrapped_lines(text, columns) == text) return text;
  const std::string fitted = table_of(model, graph).text(width, false);
  const std::size_t summary = text.rfind('\n', text.size() - 2) + 1;
  return fitted.substr(fitted.find('\n') + 1) + text.substr(summary);
}

int run_parameters(const CommandLine& words) {
  Arguments arguments("parameters",
                      "List the state dict: name, kind, dtype and shape, in its order.");
  ModelWords model;
  model.add_to(arguments);
  FormatWords out(table_formats({"text", "json"}));
  out.add_to(arguments);
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  if (out.is("json")) {
    JsonWriter json;
    write_document(json, loaded, graph);
    out.write(json.finish());
  } else if (out.is("text")) {
    out.write(write_text(loaded, graph, out.width()));
  } else {
    out.write(*table_of(loaded, graph).written_as(out.format()));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command parameters_command = {
    "parameters", "list a model's parameters and buffers", run_parameters, 4};

}  // namespace zoometer
