#include "registry/origin.hpp"

#include <chrono>

#include "import/importer.hpp"
#include "models/parametrised.hpp"
#include "models/trace_option.hpp"

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

std::vector<UserInput> given_inputs(const OriginRequest& request) {
  if (request.options.inputs.empty()) return request.inputs;
  std::vector<UserInput> inputs;
  for (const InputShape& input : request.options.inputs)
    inputs.push_back({input.name, input.shape});
  return inputs;
}

std::vector<UserInput> sized_inputs(const OriginRequest& request, const Registry& registry) {
  std::vector<UserInput> inputs = given_inputs(request);
  const bool has_twin = request.origin.kind == OriginKind::torchvision;
  if (inputs.empty() && has_twin) inputs = twin_inputs(request, registry);
  if (!request.options.batch) return inputs;
  if (inputs.empty()) {
    throw Error(ErrorCode::usage, "--batch: the inputs of " + request.origin.text() +
                                      " are unknown: give them with --input-shape");
  }
  for (UserInput& input : inputs) {
    if (!input.shape.empty()) input.shape[0] = *request.options.batch;
  }
  return inputs;
}

std::vector<InputShape> shapes_of(const std::vector<UserInput>& inputs) {
  std::vector<InputShape> shapes;
  for (const UserInput& input : inputs) shapes.push_back({input.name, input.shape});
  return shapes;
}

void take_notes(ImportNotes& from, OriginAnswer& answer) {
  answer.notes = from.all();
  answer.ignored = std::move(from.ignored);
}

OriginAnswer load_live(const OriginRequest& request, const Registry& registry, const Notify& notify,
                       Graph& graph) {
  const bool is_zoo = request.origin.kind == OriginKind::torchvision;
  LiveOptions options = request.live;
  LiveRequest wanted;
  wanted.name = request.origin.target;
  wanted.variant = is_zoo ? request.options.variant : Variant::untrained;
  wanted.inputs = sized_inputs(request, registry);
  if (!is_zoo) {
    options.module = request.origin.target;
    const std::size_t colon = options.module.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == options.module.size()) {
      throw Error(ErrorCode::usage,
                  "python:", {"python:package.module:function", request.origin.text()});
    }
    wanted.name = options.module.substr(colon + 1);
  }
  Cache cache(notify);
  LiveSource source(options, registry, cache, notify);
  ImportNotes notes;
  const FxRecord record = source.load(wanted, graph, notes);
  OriginAnswer answer;
  answer.source = is_zoo ? "torchvision" : "python";
  if (is_zoo) answer.variant = name_of(wanted.variant);
  take_notes(notes, answer);
  const std::string how = record.via == "export" ? "torch.export" : "torch.fx";
  answer.notes.insert(answer.notes.begin(), "traced by " + how + " of " + notes.producer);
  return answer;
}

OriginAnswer load_family(const OriginRequest& request, Graph& graph) {
  TraceOptions options;
  options.inputs = shapes_of(given_inputs(request));
  options.batch = request.options.batch;
  trace_family(request.origin.target, options, graph);
  return {"family", "", {}, {}};
}

OriginAnswer load_file(const OriginRequest& request, Graph& graph) {
  TraceOptions options = request.options;
  options.inputs = shapes_of(given_inputs(request));
  ImportNotes notes = import_file(request.origin.target, options, graph);
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

}  // namespace

OriginAnswer load_origin(const OriginRequest& request, const Registry& registry,
                         const Notify& notify, Graph& graph) {
  if (request.origin.kind == OriginKind::file) return load_file(request, graph);
  for (const TraceOption& option : trace_options()) {
    const bool is_for_files =
        !option.only_files.empty() && option.only_files != TraceOption::any_file;
    if (is_for_files && !option.format(request.options).empty())
      throw Error(ErrorCode::usage, "--" + std::string(option.name) + " is for files");
  }
  if (request.origin.kind == OriginKind::family) return load_family(request, graph);
  return load_live(request, registry, notify, graph);
}

Finding try_origin(const OriginRequest& request, const Registry& registry, const Notify& notify) {
  return tried([&](Graph& graph) { load_origin(request, registry, notify, graph); });
}

Finding try_own(const RegistryModel& model, const Registry& registry, const LiveOptions& live,
                const Notify& notify) {
  Finding finding = tried([&](Graph& graph) {
    if (model.is_plugin) return trace(*model.builtin, {}, graph);
    OriginRequest request;
    request.origin = model.user->origin;
    request.inputs = model.user->inputs;
    request.live = live;
    load_origin(request, registry, notify, graph);
  });
  finding.name = model.name;
  finding.family = model.family;
  finding.task = name_of(model.task);
  return finding;
}

}  // namespace zoometer
