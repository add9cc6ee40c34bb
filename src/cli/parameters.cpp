#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "analysis/parameter_counts.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/load.hpp"
#include "import/language/checkpoint.hpp"
#include "models/language/split.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
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
struct Totals {
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

std::vector<Entry> state_dict(const Graph& graph) {
  std::vector<Entry> entries;
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
  return entries;
}

Totals totals_of(const Graph& graph) {
  Totals totals;
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.shared_with != no_id || parameter.kind == ParameterKind::constant) continue;
    std::int64_t& sum = parameter.kind == ParameterKind::parameter      ? totals.parameters
                        : parameter.kind == ParameterKind::quantisation ? totals.quantisation
                                                                        : totals.buffers;
    sum = checked_add(sum, graph.numel(parameter.value));
    if (parameter.kind == ParameterKind::transient_buffer)
      totals.transient += graph.numel(parameter.value);
  }
  return totals;
}

/// Read from a configuration, whose modules have the roles that the counts are by.
bool is_language_model(const LoadedModel& model) { return model.source == "configuration"; }

void write_numbers(JsonWriter& json, const std::map<std::string_view, std::int64_t>& numbers) {
  for (const auto& [name, number] : numbers) json.field(name, number);
}

/// The counts of a graph, and of the files that its configuration foresees.
void write_counts(JsonWriter& json, const LoadedModel& model, const Graph& graph) {
  ParameterCounts counts = count_parameters(graph);
  if (model.file) {
    const CheckpointCounts checkpoint = foreseen_checkpoint(MappedFile(model.file->path), graph);
    json.field("stored", checkpoint.stored);
    json.field("learned", checkpoint.learned);
    if (checkpoint.prediction > 0) counts.by_role["mtp"] = checkpoint.prediction;
  }
  json.field("unique", counts.unique);
  json.field("active", counts.active);
  json.field("active_without_embeddings", counts.active_without_embeddings);
  json.object("by_role", [&] { write_numbers(json, counts.by_role); });
  json.object("by_dtype", [&] { write_numbers(json, counts.by_dtype); });
  json.field("bytes", counts.bytes);
}

std::string write_json(const LoadedModel& model, const std::vector<Entry>& entries,
                       const Graph& graph) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.parameters/1");
    json.field("model", model.name);
    json.field("source", model.source);
    if (!model.variant.empty()) json.field("variant", model.variant);
    if (is_language_model(model)) {
      json.array("notes", [&] {
        for (const std::string& note : model.notes) json.value(note);
      });
      json.object("counts", [&] { write_counts(json, model, graph); });
    }
    json.array("entries", [&] {
      for (const Entry& entry : entries) {
        json.object([&] {
          json.field("name", entry.name);
          json.field("shape", std::span<const std::int64_t>(entry.shape));
          json.field("dtype", name_of(entry.dtype));
          json.field("kind", entry.kind);
          if (!entry.shared_with.empty()) json.field("shared_with", entry.shared_with);
        });
      }
    });
  });
  return json.text();
}

std::string write_text(const std::vector<Entry>& entries, const Totals& totals) {
  std::size_t width = 4;
  for (const Entry& entry : entries) width = std::max(width, display_width(entry.name));
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

int run_parameters(const CommandLine& words) {
  Arguments arguments("parameters",
                      "List the state dict: name, kind, dtype and shape, in its order.");
  ModelWords model;
  model.add_to(arguments);
  std::string format = "text";
  std::string output;
  arguments.choice("--format,-f", format, {"text", "json"}, "The format");
  arguments.option("--output,-o", output, "Write to a file instead of standard output", "FILE");
  if (!arguments.parse(join_shape_words(words))) return exit_done;

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const std::vector<Entry> entries = state_dict(graph);
  write_output(output, format == "json" ? write_json(loaded, entries, graph)
                                        : write_text(entries, totals_of(graph)));
  return exit_done;
}

}  // namespace

extern constinit const Command parameters_command = {
    "parameters", "list a model's parameters and buffers", run_parameters, 4};

}  // namespace zoometer
