#include "import/importer.hpp"

#include <map>

#include "import/language/folder.hpp"
#include "import/stablehlo/torch_xla.hpp"
#include "import/unsupported_formats.hpp"
#include "ir/verify.hpp"
#include "models/input_dtype.hpp"
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

/// How long all paths of modules, parameters and nodes are that reports may write.
std::int64_t path_bytes(const Graph& graph) {
  std::vector<std::int64_t> sizes(graph.modules().size(), 0);
  std::int64_t total = 0;
  const auto add = [&](std::size_t size) {
    if (__builtin_add_overflow(total, static_cast<std::int64_t>(size), &total)) total = INT64_MAX;
  };
  for (std::size_t id = 0; id < sizes.size(); ++id) {
    const ModuleInfo& module = graph.modules()[id];
    const std::int64_t outer = module.parent == no_id ? 0 : sizes[module.parent] + 1;
    sizes[id] = outer + static_cast<std::int64_t>(module.name.size());
    add(static_cast<std::size_t>(sizes[id]) + module.kind.size());
  }
  for (const Parameter& parameter : graph.parameters())
    add(static_cast<std::size_t>(sizes[parameter.module]) + parameter.name.size());
  for (const Node& node : graph.nodes()) add(static_cast<std::size_t>(sizes[node.module]));
  return total;
}

/// A module of a long name may have many others in it: each of their paths repeats it.
void check_paths(const Graph& graph, std::size_t file_size) {
  constexpr std::int64_t spare = std::int64_t{64} << 20;
  const std::int64_t most = spare + 64 * static_cast<std::int64_t>(file_size);
  const std::int64_t bytes = path_bytes(graph);
  if (bytes <= most) return;
  throw Error(ErrorCode::limit, "the paths of the modules are too long for a file of this size",
              {"at most " + format_bytes(most), format_bytes(bytes)});
}

ImportNotes read_with(const Importer& importer, const MappedFile& file, const TraceOptions& options,
                      Graph& graph) {
  ImportNotes notes;
  notes.file = {file.path(), options, file.is_in_memory()};
  graph.clear();
  importer.read(file, options, graph, notes);
  file.check();
  verify(graph);
  check_paths(graph, file.size());
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
    ImportNotes notes = read(file, options, graph);
    check_dtypes(options, graph,
                 "the file declares it; --dtype counts bytes as if all were stored in another");
    return notes;
  } catch (Error& error) {
    file.check();  // a file that could not be read explains every other error
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
}

ImportNotes import_file(const std::string& path, const TraceOptions& options, Graph& graph) {
  const std::string model = model_in(path);
  if (!model.empty()) return import_file(MappedFile(model), options, graph);
  if (const std::string program = torch_xla_program_in(path, options.entry); !program.empty()) {
    TraceOptions rest = options;
    rest.entry.clear();  // it named the program
    return import_file(MappedFile(program), rest, graph);
  }
  refuse_folder(path);
  return import_file(MappedFile(path), options, graph);
}

}  // namespace zoometer
