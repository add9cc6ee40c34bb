#include "cli/load.hpp"
#include "api/network.hpp"
#include "binding.hpp"
#include "import/importer.hpp"
#include "import/torch/fx.hpp"
#include "models/trace_option.hpp"

namespace zoometer::python {
namespace {

/// What changes how a network is counted after it was read.
struct Storing {
  std::string dtype;  ///< empty: each tensor's own
  std::string views = "torch";
};

/// Options of a trace by the names of the command line. Throws Error{usage} for an unknown one.
TraceOptions options_from(const Words& words) {
  TraceOptions options;
  for (const auto& [name, value] : words) {
    const TraceOption* option = find_trace_option(name);
    if (option == nullptr) throw Error(ErrorCode::usage, "no such option: " + name);
    option->parse(value, options);
  }
  return options;
}

Network network_of(LoadedModel loaded, Graph graph, const Storing& storing) {
  place_views(storing.views, graph, loaded);
  store_as(storing.dtype, graph, loaded);
  auto state = std::make_shared<Network::State>();
  state->name = std::move(loaded.name);
  state->source = std::move(loaded.source);
  state->variant = std::move(loaded.variant);
  state->notes = std::move(loaded.notes);
  state->file = std::move(loaded.file);
  state->graph = std::move(graph);
  return Network(std::move(state));
}

Network load(const std::string& word, const Words& options, const std::string& dtype,
             const std::string& views, const std::string& interpreter, double time_limit,
             const std::vector<std::string>& plugins) {
  ModelWords words;
  words.model = word;
  words.options = options_from(options);
  words.registry = "all";
  words.live.python = interpreter;
  if (time_limit > 0) words.live.time_limit = time_limit;
  words.plugins = plugins;
  Graph graph;
  LoadedModel loaded = load_model(words, graph);
  return network_of(std::move(loaded), std::move(graph), {dtype, views});
}

Network read_bytes(std::span<const std::byte> bytes, std::string name, const Words& options,
                   const Storing& storing) {
  Graph graph;
  ImportNotes notes = import_file(MappedFile(name, bytes), options_from(options), graph);
  LoadedModel loaded{std::move(name), notes.format, "", notes.all()};
  if (!notes.producer.empty())
    loaded.notes.insert(loaded.notes.begin(), "written by " + notes.producer);
  return network_of(std::move(loaded), std::move(graph), storing);
}

/// What the package's _capture wrote.
Network read_record(std::string_view record, const Storing& storing) {
  Graph graph;
  ImportNotes notes;
  std::string buffer;
  FxRecord read = read_fx_record(record, buffer, graph, notes);
  if (!read.has_graph) throw Error(ErrorCode::malformed, "a record without a program");
  return network_of({std::move(read.model), "torch", "", notes.all()}, std::move(graph), storing);
}

}  // namespace

void bind_load(nb::module_& core) {
  core.def("load", &load, "model"_a, "options"_a = Words(), "dtype"_a = "", "views"_a = "torch",
           "python"_a = "", "time_limit"_a = 0.0, "plugins"_a = std::vector<std::string>(),
           nb::call_guard<nb::gil_scoped_release>(),
           "A model by its name, or a file by its path, as the command line takes them.");
  core.def(
      "read_bytes",
      [](const nb::bytes& content, std::string name, const Words& options, const std::string& dtype,
         const std::string& views) {
        const std::span bytes(static_cast<const std::byte*>(content.data()), content.size());
        const nb::gil_scoped_release released;
        return read_bytes(bytes, std::move(name), options, {dtype, views});
      },
      "content"_a, "name"_a, "options"_a = Words(), "dtype"_a = "", "views"_a = "torch",
      "The bytes of a model's file.");
  core.def(
      "read_record",
      [](const nb::bytes& record) {
        const std::string_view text(record.c_str(), record.size());
        const nb::gil_scoped_release released;
        return read_record(text, {});
      },
      "record"_a, "A captured run of a module: what _capture.record returns.");
  core.def(
      "stored_as",
      [](const Network& network, const std::string& dtype) {
        const std::optional<DType> type = dtype_from_name(dtype);
        if (!type) throw Error(ErrorCode::usage, "dtype", {"a type like float16", dtype});
        return stored_as(network, *type);
      },
      "network"_a, "dtype"_a, "Counts bytes as if floating-point tensors were of a type.");
  core.def(
      "option_names",
      [] {
        std::vector<std::string> names;
        for (const TraceOption& option : trace_options()) names.emplace_back(option.name);
        return names;
      },
      "The options of a trace, as the command line has them.");
}

}  // namespace zoometer::python
