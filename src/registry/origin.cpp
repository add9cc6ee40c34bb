#include "registry/origin.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "import/hub/model.hpp"
#include "import/importer.hpp"
#include "import/language/zoo.hpp"
#include "import/model_stores.hpp"
#include "models/batch.hpp"
#include "models/image_shape.hpp"
#include "models/input_dtype.hpp"
#include "models/parametrised.hpp"
#include "models/trace_option.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

/// A model of torchvision gets the default inputs of the built-in model of the same name.
std::vector<UserInput> twin_inputs(const OriginRequest& request, const Registry& registry) {
  std::vector<UserInput> inputs;
  const RegistryModel* twin = registry.find(request.origin.target);
  if (twin == nullptr || twin->builtin == nullptr) return inputs;
  for (const InputSpec& input : default_inputs(*twin->builtin, request.options.variant).list())
    inputs.push_back({std::string(input.name), input.shape, input.dtype});
  return inputs;
}

/// The declared input that is meant by a name, or by a position without one; or null.
const UserInput* find_declared(const std::vector<UserInput>& declared, std::size_t index,
                               std::string_view name) {
  if (name.empty()) return index < declared.size() ? &declared[index] : nullptr;
  const auto found = std::ranges::find(declared, name, &UserInput::name);
  return found == declared.end() ? nullptr : &*found;
}

/// The inputs that the options give, completed by those that are declared, or these.
std::vector<UserInput> given_inputs(const TraceOptions& options,
                                    const std::vector<UserInput>& declared) {
  if (options.inputs.empty()) return declared;
  std::vector<UserInput> inputs;
  for (const InputShape& given : options.inputs) {
    UserInput& input = inputs.emplace_back(UserInput{given.name, given.shape});
    const UserInput* known = find_declared(declared, inputs.size() - 1, given.name);
    if (known == nullptr) continue;
    complete_image(input.shape, known->shape);
    input.name = known->name;
    input.dtype = known->dtype;
  }
  return inputs;
}

/// Gives inputs that Python makes their element types.
void set_dtypes(const TraceOptions& options, std::vector<UserInput>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (const auto given = given_dtype(options, i, inputs[i].name)) inputs[i].dtype = given;
  }
  std::size_t nameless = 0;
  for (const InputType& type : options.dtypes) {
    const auto is_named = [&](const UserInput& input) { return input.name == type.name; };
    if (type.name.empty() ? nameless++ < inputs.size() : std::ranges::any_of(inputs, is_named))
      continue;
    throw Error(ErrorCode::usage, "--input-dtype " + type.name,
                {"an input with --input-shape", std::to_string(inputs.size()) + " inputs"});
  }
}

std::vector<UserInput> live_inputs(const OriginRequest& request, const Registry& registry) {
  const bool is_zoo = request.origin.kind == OriginKind::torchvision;
  std::vector<UserInput> declared = request.inputs;
  if (is_zoo && declared.empty()) declared = twin_inputs(request, registry);
  std::vector<UserInput> inputs = given_inputs(request.options, declared);
  set_dtypes(request.options, inputs);
  return inputs;
}

/// Sets the batch of inputs that Python makes. Returns a note.
std::string set_batch(const TraceOptions& options, std::vector<UserInput>& inputs) {
  std::vector<BatchInput> rule_inputs;
  for (const UserInput& input : inputs) rule_inputs.push_back({input.name, input.shape});
  const BatchAxes axes = find_batch(rule_inputs, options);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (axes[i]) inputs[i].shape[*axes[i]] = *options.batch;
  }
  return batch_note(rule_inputs, axes, "--batch " + std::to_string(*options.batch));
}

/// The shapes that are asked for, or else declared: their element types are those of the file.
std::vector<InputShape> shapes_of(const OriginRequest& request) {
  if (!request.options.inputs.empty()) return request.options.inputs;
  std::vector<InputShape> shapes;
  for (const UserInput& input : request.inputs) shapes.push_back({input.name, input.shape});
  return shapes;
}

std::vector<UserInput> inputs_of(const Graph& graph) {
  std::vector<UserInput> inputs;
  for (const Port& input : graph.inputs()) {
    inputs.push_back({std::string(input.name), graph.shape(input.value), graph.dtype(input.value)});
  }
  return inputs;
}

void take_notes(ImportNotes& from, OriginAnswer& answer) {
  answer.notes = from.all();
  answer.ignored = std::move(from.ignored);
  answer.input_sizes = std::move(from.input_sizes);
}

LiveRequest live_request(const OriginRequest& request, const Registry& registry) {
  const bool is_zoo = request.origin.kind == OriginKind::torchvision;
  LiveRequest wanted;
  wanted.variant = is_zoo ? request.options.variant : Variant::untrained;
  wanted.inputs = live_inputs(request, registry);
  wanted.name = request.origin.model();
  return wanted;
}

/// Those of the request, with the source.
LiveOptions live_options(const OriginRequest& request) {
  LiveOptions options = request.live;
  options.source = request.origin.source();
  if (request.origin.kind == OriginKind::torch_hub) {
    std::error_code none;
    const std::size_t prefix = options.source.find(':') + 1;
    options.source = options.source.substr(0, prefix) +
                     std::filesystem::absolute(options.source.substr(prefix), none).string();
  }
  return options;
}

OriginAnswer load_live(const OriginRequest& request, const Registry& registry, const Notify& notify,
                       Graph& graph) {
  refuse_file_options(request.options);
  const bool is_zoo = request.origin.kind == OriginKind::torchvision;
  const LiveOptions options = live_options(request);
  LiveRequest wanted = live_request(request, registry);
  Cache cache(notify, !options.no_cache);
  LiveSource source(options, registry, cache, notify);
  ImportNotes notes;
  std::string batch;
  if (request.options.batch) {
    const bool are_nameless =
        std::ranges::all_of(wanted.inputs, [](const auto& each) { return each.name.empty(); });
    if (are_nameless || (!is_zoo && !request.options.batch_axes.empty())) {
      source.load(wanted, graph, notes);
      wanted.inputs = inputs_of(graph);
    }
    batch = set_batch(request.options, wanted.inputs);
  }
  source.load(wanted, graph, notes);
  OriginAnswer answer;
  answer.source = name_of_source(request.origin.kind);
  if (is_zoo) answer.variant = name_of(wanted.variant);
  take_notes(notes, answer);
  answer.notes.insert(answer.notes.begin(), "captured from " + notes.producer);
  if (!batch.empty()) answer.notes.push_back(batch);
  return answer;
}

OriginAnswer load_family(const OriginRequest& request, Graph& graph) {
  refuse_file_options(request.options);
  TraceOptions options;
  options.inputs = shapes_of(request);
  options.dtypes = request.options.dtypes;
  options.batch = request.options.batch;
  options.batch_axes = request.options.batch_axes;
  trace_family(request.origin.target, options, graph);
  return {"family", "", {}, {}};
}

ImportNotes import_hub_model(const OriginRequest& request, const TraceOptions& options,
                             Graph& graph) {
  HubModel model = hub_model(request.origin.target, request.live.is_offline);
  ImportNotes notes = import_file(model.path, options, graph);
  notes.notes.insert(notes.notes.begin(), model.notes.begin(), model.notes.end());
  return notes;
}

/// Throws Error{unknown_name}: registry.toml may name what is none.
LanguageRow language_row(const std::string& name) {
  if (const auto row = resolve_language_row(name)) return *row;
  Error error(ErrorCode::unknown_name, "no such language model: " + escape_controls(name));
  std::vector<std::string_view> names;
  for (const LanguageRow& row : language_rows()) names.push_back(row.name);
  error.hint = did_you_mean(name, names);
  throw error;
}

/// Reads the file that an origin is.
ImportNotes import_origin(const OriginRequest& request, const TraceOptions& options, Graph& graph) {
  const Origin& origin = request.origin;
  switch (origin.kind) {
  case OriginKind::hugging_face: return import_hub_model(request, options, graph);
  case OriginKind::ollama: return import_file(ollama_file(origin.target), options, graph);
  case OriginKind::language: break;
  default: return import_file(origin.target, options, graph);
  }
  const LanguageRow row = language_row(origin.target);
  return import_file(MappedFile(std::string(row.name), std::as_bytes(std::span(row.config))),
                     options, graph);
}

OriginAnswer load_file(const OriginRequest& request, Graph& graph) {
  TraceOptions options = request.options;
  options.inputs = shapes_of(request);
  ImportNotes notes = import_origin(request, options, graph);
  OriginAnswer answer{notes.format, "", {}, {}};
  take_notes(notes, answer);
  answer.file = std::move(notes.file);
  if (!notes.producer.empty())
    answer.notes.insert(answer.notes.begin(), "written by " + notes.producer);
  return answer;
}

/// The result of making a graph.
template <class Make>
Finding tried(const Make& make) {
  using Clock = std::chrono::steady_clock;
  Finding finding;
  const auto begin = Clock::now();
  try {
    Graph graph;
    make(graph);
    take_metrics(finding, graph);
  } catch (const Error& error) {
    take_error(finding, error);
  }
  finding.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return finding;
}

OriginRequest own_request(const RegistryModel& model, const LiveOptions& live) {
  OriginRequest request;
  request.origin = model.user->origin;
  request.inputs = model.user->inputs;
  request.live = live;
  return request;
}

}  // namespace

OriginAnswer load_origin(const OriginRequest& request, Graph& graph) {
  return request.origin.kind == OriginKind::family ? load_family(request, graph)
                                                   : load_file(request, graph);
}

OriginAnswer load_origin(const OriginRequest& request, const Registry& registry,
                         const Notify& notify, Graph& graph) {
  return request.origin.runs_python() ? load_live(request, registry, notify, graph)
                                      : load_origin(request, graph);
}

Finding try_origin(const OriginRequest& request, const Registry& registry, const Notify& notify) {
  return tried([&](Graph& graph) { load_origin(request, registry, notify, graph); });
}

Finding try_own(const RegistryModel& model, const Registry& registry, const LiveOptions& live,
                const Notify& notify) {
  Finding finding = tried([&](Graph& graph) {
    if (model.is_plugin) return trace(*model.builtin, {}, graph);
    load_origin(own_request(model, live), registry, notify, graph);
  });
  finding.name = model.name;
  finding.family = model.family;
  finding.task = name_of(model.task);
  return finding;
}

std::optional<Finding> remembered_own(const RegistryModel& model, const Registry& registry,
                                      const LiveOptions& live, Cache& cache) {
  const OriginRequest request = own_request(model, live);
  try {
    LiveSource source(live_options(request), registry, cache, [](std::string_view) {});
    return source.remembered(live_request(request, registry));
  } catch (const Error&) {
    return std::nullopt;  // a list shows only what is known
  }
}

}  // namespace zoometer
