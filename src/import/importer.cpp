#include "import/importer.hpp"

#include "import/language/folder.hpp"
#include "import/unsupported_formats.hpp"
#include "ir/verify.hpp"
#include "models/trace_option.hpp"

namespace zoometer {

std::vector<std::string> ImportNotes::all() const {
  std::vector<std::string> both = notes;
  both.insert(both.end(), ignored.begin(), ignored.end());
  return both;
}

namespace {

/// Asks for the inputs of the graph, with that batch.
TraceOptions with_batch(TraceOptions options, const Graph& graph) {
  options.inputs.clear();
  for (const Port& input : graph.inputs()) {
    Shape shape = graph.shape(input.value);
    if (!shape.empty()) shape[0] = *options.batch;
    options.inputs.push_back({std::string(input.name), shape});
  }
  options.batch.reset();
  return options;
}

/// An option that the format cannot use must not be ignored.
void refuse_useless_options(const TraceOptions& options, const Importer& importer) {
  for (const TraceOption& option : trace_options()) {
    const bool is_used = option.only_files.empty() || option.only_files == TraceOption::any_file ||
                         option.only_files == importer.name ||
                         option.only_files == importer.takes_options_of;
    if (is_used || option.format(options).empty()) continue;
    throw Error(ErrorCode::usage,
                "--" + std::string(option.name) + " cannot be used with this file",
                {std::string(option.only_files), std::string(importer.name)});
  }
}

ImportNotes read(const MappedFile& file, const TraceOptions& options, Graph& graph) {
  try {
    for (const Importer* importer : importers()) {
      if (!importer->recognises(file)) continue;
      refuse_useless_options(options, *importer);
      ImportNotes notes;
      notes.file = {file.path(), options};
      graph.clear();
      importer->read(file, options, graph, notes);
      file.check();
      verify(graph);
      return notes;
    }
    file.check();
    refuse_unsupported(file);
  } catch (Error& error) {
    file.check();  // a file that could not be read explains every other error
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
}

}  // namespace

ImportNotes import_file(const MappedFile& file, const TraceOptions& options, Graph& graph) {
  ImportNotes notes = read(file, options, graph);
  return options.batch ? read(file, with_batch(options, graph), graph) : notes;
}

ImportNotes import_file(const std::string& path, const TraceOptions& options, Graph& graph) {
  const std::string model = model_in(path);
  if (!model.empty()) return import_file(MappedFile(model), options, graph);
  refuse_folder(path);
  return import_file(MappedFile(path), options, graph);
}

}  // namespace zoometer
