#include "import/importer.hpp"

#include <map>

#include "import/language/folder.hpp"
#include "import/unsupported_formats.hpp"
#include "ir/verify.hpp"
#include "models/trace_option.hpp"
#include "util/text.hpp"

namespace zoometer {

std::vector<std::string> ImportNotes::all() const {
  std::vector<std::string> both = notes;
  both.insert(both.end(), ignored.begin(), ignored.end());
  return both;
}

namespace {

std::vector<BatchInput> batch_inputs(const Graph& graph, const ImportNotes& notes) {
  std::vector<BatchInput> inputs;
  for (const Port& input : graph.inputs()) {
    inputs.push_back({std::string(input.name), graph.shape(input.value)});
    if (inputs.size() <= notes.input_sizes.size())
      inputs.back().sizes = notes.input_sizes[inputs.size() - 1];
  }
  return inputs;
}

/// Whether `--input-shape` gives the shape of that input.
bool is_given(const TraceOptions& options, std::string_view name, std::size_t index) {
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    const std::string& given = options.inputs[i].name;
    if (given.empty() ? i == index : given == name) return true;
  }
  return false;
}

using SizesByName = std::map<std::string, std::int64_t, std::less<>>;

/// The values of symbolic sizes, with the batch for those that are one.
SizesByName sizes_with_batch(const TraceOptions& options, const std::vector<BatchInput>& inputs,
                             const BatchAxes& axes) {
  SizesByName sizes;
  for (const NamedSize& dim : options.dims) sizes[dim.name] = dim.size;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string* name = axes[i] ? size_name(inputs[i], *axes[i]) : nullptr;
    if (name == nullptr || name->empty()) continue;
    const std::int64_t size = sizes.emplace(*name, *options.batch).first->second;
    if (size == *options.batch) continue;
    throw Error(ErrorCode::usage, "--batch and --dim set the size " + escape_controls(*name),
                {std::to_string(*options.batch), std::to_string(size)});
  }
  return sizes;
}

/// The options that read the file again with the batch of `options`. Sizes with names are set by
/// their names, since other sizes may be computed from them; others by the shapes of the inputs.
TraceOptions with_batch(TraceOptions options, const std::vector<BatchInput>& inputs,
                        const BatchAxes& axes) {
  const SizesByName sizes = sizes_with_batch(options, inputs, axes);
  std::vector<InputShape> shapes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const BatchInput& input = inputs[i];
    const bool has_own = axes[i] && size_name(input, *axes[i]) == nullptr;
    const bool has_nameless = axes[i] && !has_own && size_name(input, *axes[i])->empty();
    if (!has_own && !has_nameless && !is_given(options, input.name, i)) continue;
    Shape shape = input.shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::string* name = size_name(input, axis);
      const auto found = name == nullptr ? sizes.end() : sizes.find(*name);
      if (found != sizes.end()) shape[axis] = found->second;
    }
    if (axes[i]) shape[*axes[i]] = *options.batch;
    shapes.push_back({input.name, shape});
  }
  options.inputs = std::move(shapes);
  options.dims.clear();
  for (const auto& [name, size] : sizes) options.dims.push_back({name, size});
  options.batch.reset();
  options.batch_axes.clear();
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

const Importer& importer_of(const MappedFile& file) {
  for (const Importer* importer : importers()) {
    if (importer->recognises(file)) return *importer;
  }
  file.check();
  refuse_unsupported(file);
}

ImportNotes read_with(const Importer& importer, const MappedFile& file, const TraceOptions& options,
                      Graph& graph) {
  ImportNotes notes;
  notes.file = {file.path(), options};
  graph.clear();
  importer.read(file, options, graph, notes);
  file.check();
  verify(graph);
  return notes;
}

ImportNotes read(const MappedFile& file, const TraceOptions& options, Graph& graph) {
  const Importer& importer = importer_of(file);
  refuse_useless_options(options, importer);
  ImportNotes notes = read_with(importer, file, options, graph);
  if (!options.batch || importer.sets_batch) return notes;
  const std::vector<BatchInput> inputs = batch_inputs(graph, notes);
  const BatchAxes axes = find_batch(inputs, options);
  notes = read_with(importer, file, with_batch(options, inputs, axes), graph);
  notes.notes.insert(notes.notes.begin(),
                     batch_note(inputs, axes, "--batch " + std::to_string(*options.batch)));
  return notes;
}

}  // namespace

ImportNotes import_file(const MappedFile& file, const TraceOptions& options, Graph& graph) {
  try {
    return read(file, options, graph);
  } catch (Error& error) {
    file.check();  // a file that could not be read explains every other error
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
}

ImportNotes import_file(const std::string& path, const TraceOptions& options, Graph& graph) {
  const std::string model = model_in(path);
  if (!model.empty()) return import_file(MappedFile(model), options, graph);
  refuse_folder(path);
  return import_file(MappedFile(path), options, graph);
}

}  // namespace zoometer
