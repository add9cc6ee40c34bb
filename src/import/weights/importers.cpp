// Files of weights. With the configuration beside them they are a language model, whose graph
// follows from it and whose tensors are theirs; without one, tensors in a tree of modules.
#include <fmt/core.h>

#include "import/importer.hpp"
#include "import/language/config.hpp"
#include "import/weights/adapter.hpp"
#include "import/weights/bare_graph.hpp"
#include "import/weights/comparison.hpp"
#include "import/weights/gguf_configuration.hpp"
#include "import/weights/model_settings.hpp"
#include "import/weights/safetensors_header.hpp"
#include "import/weights/safetensors_index.hpp"
#include "models/trace_option.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

using Weights = std::shared_ptr<StoredWeights>;

/// What passes is a matter of a graph with nodes.
void refuse_passage(const TraceOptions& options) {
  for (const TraceOption& option : trace_options()) {
    if (option.only_files != "language" || option.format(options).empty()) continue;
    throw Error(ErrorCode::usage, "--" + std::string(option.name),
                {"weights with config.json beside them", "none"});
  }
}

void note_headers(const StoredWeights& weights, ImportNotes& notes) {
  if (weights.headers_only == 0) return;
  const bool is_one = weights.headers_only == 1;
  notes.notes.push_back(fmt::format("{} {} a header only, which says all but the numbers",
                                    counted(weights.headers_only, "file"), is_one ? "is" : "are"));
}

void note_size(const StoredWeights& weights, ImportNotes& notes) {
  const StoredCounts counts = count_stored(weights);
  if (counts.bytes == 0) return;
  notes.notes.push_back(fmt::format("the files have {} bytes of weights in {} tensor{}",
                                    counts.bytes, weights.tensors().size(),
                                    weights.tensors().size() == 1 ? "" : "s"));
}

/// Traces what the settings describe. False, with a note, where they do not describe a known model.
bool trace_settings(const Setting& settings, const TraceOptions& options, Graph& graph,
                    ImportNotes& notes) {
  try {
    trace_configuration(settings, options, graph, notes);
    return true;
  } catch (const Error& error) {
    if (error.code == ErrorCode::usage || error.code == ErrorCode::internal) throw;
    graph.clear();
    notes.ignored.push_back(fmt::format("the configuration does not describe a known graph ({}): "
                                        "tensors are listed, and nothing is "
                                        "computed",
                                        error.what()));
    return false;
  }
}

/// The same for the configuration beside weights, which hold where the two differ.
bool trace_beside(Setting& settings, const StoredWeights& weights, const TraceOptions& options,
                  Graph& graph, ImportNotes& notes) {
  take_sizes(weights, settings, notes.notes);
  const ImportNotes before = notes;
  if (!trace_settings(settings, options, graph, notes)) return false;
  std::vector<std::string> changes;
  if (take_tie(weights, graph, settings, changes)) {
    graph.clear();
    notes = before;
    if (!trace_settings(settings, options, graph, notes)) return false;
    notes.notes.insert(notes.notes.end(), changes.begin(), changes.end());
  }
  compare_weights(weights, graph, notes.notes);
  return true;
}

void make_graph(const MappedFile& file, Weights weights, const TraceOptions& options, Graph& graph,
                ImportNotes& notes) {
  notes.notes = weights->notes;
  notes.ignored = weights->ignored;
  note_headers(*weights, notes);
  const std::string configuration = configuration_beside(file.path());
  bool is_traced = false;
  if (!configuration.empty()) {
    Setting settings = read_configuration(MappedFile(configuration));
    is_traced = trace_beside(settings, *weights, options, graph, notes);
  }
  const bool is_on_base = configuration.empty() && is_adapter(file.path()) &&
                          trace_adapter(file.path(), *weights, options, graph, notes);
  if (is_on_base) {
    notes.format = "configuration, adapter in " + notes.format;
    return;
  }
  if (is_traced) {
    notes.format = "configuration, " + notes.format;
  } else {
    refuse_passage(options);
    make_bare_graph(*weights, graph);
    if (configuration.empty()) {
      notes.notes.emplace_back(
          "weights without config.json: tensors are listed, and nothing is computed");
    }
  }
  note_size(*weights, notes);
  notes.file.weights = std::move(weights);
}

void read_file_of_weights(const MappedFile& file, const TraceOptions& options, Graph& graph,
                          ImportNotes& notes) {
  auto weights = std::make_shared<StoredWeights>();
  const std::size_t data = read_safetensors_header(file, *weights);
  check_contiguous(weights->tensors(), static_cast<std::int64_t>(file.size() - data));
  notes.format = "safetensors";
  make_graph(file, std::move(weights), options, graph, notes);
}

void read_index_of_weights(const MappedFile& file, const TraceOptions& options, Graph& graph,
                           ImportNotes& notes) {
  auto weights = std::make_shared<StoredWeights>();
  read_safetensors_index(file, *weights);
  notes.format = "index of safetensors";
  make_graph(file, std::move(weights), options, graph, notes);
}

/// Parameters of the graph and of the file, which has other names for them.
void compare_elements(const StoredWeights& weights, const Graph& graph, ImportNotes& notes) {
  std::int64_t in_graph = 0;
  for (const Parameter& parameter : graph.parameters()) {
    if (is_in_state_dict(parameter.kind) && parameter.shared_with == no_id)
      in_graph = checked_add(in_graph, graph.numel(parameter.value));
  }
  std::int64_t in_file = 0;
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.name.starts_with("rope_")) in_file = checked_add(in_file, tensor.elements);
  }
  if (in_file > 0 && in_file != in_graph) {
    notes.ignored.push_back(
        fmt::format("the file has {} elements in its tensors, the graph {}", in_file, in_graph));
  }
}

/// Traces what the keys describe. False, with a note, where they do not describe a known model.
bool trace_gguf(const GgufMetadata& metadata, const StoredWeights& weights,
                const TraceOptions& options, Graph& graph, ImportNotes& notes) {
  std::string unknown;
  const Setting settings = configuration_of(metadata, weights, unknown);
  if (!unknown.empty()) {
    notes.ignored.push_back(
        "the architecture " + escape_controls(unknown) +
        " is not known as a graph: tensors are listed, and nothing is computed");
    return false;
  }
  if (!trace_settings(settings, options, graph, notes)) return false;
  compare_elements(weights, graph, notes);
  return true;
}

void read_gguf_file(const MappedFile& file, const TraceOptions& options, Graph& graph,
                    ImportNotes& notes) {
  auto weights = std::make_shared<StoredWeights>();
  GgufMetadata metadata;
  read_gguf(file, *weights, metadata);
  notes.notes = weights->notes;
  notes.ignored = weights->ignored;
  note_headers(*weights, notes);
  notes.format = fmt::format("GGUF version {}{}", metadata.version,
                             metadata.is_big_endian ? ", big-endian" : "");
  if (trace_gguf(metadata, *weights, options, graph, notes)) {
    notes.format = "configuration of " + notes.format;
  } else {
    refuse_passage(options);
    make_bare_graph(*weights, graph);
  }
  note_size(*weights, notes);
  notes.file.weights = std::move(weights);
}

bool looks_like_gguf(const MappedFile& file) { return is_gguf_file(file); }
/// A file of that name that was cut off is one, too: reading it says what is missing.
bool looks_like_safetensors(const MappedFile& file) {
  const bool is_named =
      file.path().ends_with(".safetensors") && file.size() > 8 && file.text()[8] == '{';
  return is_named || is_safetensors_file(file);
}
bool looks_like_index(const MappedFile& file) { return is_safetensors_index(file); }

}  // namespace

extern constinit const Importer gguf_importer = {
    "gguf", "weights and keys of a language model", looks_like_gguf, read_gguf_file, "language",
    true};

extern constinit const Importer safetensors_importer = {
    "safetensors",
    "weights, with config.json beside them a language model",
    looks_like_safetensors,
    read_file_of_weights,
    "language",
    true};

extern constinit const Importer safetensors_index_importer = {
    "safetensors-index", "the index of weights in several files",
    looks_like_index,    read_index_of_weights,
    "language",          true};

}  // namespace zoometer
