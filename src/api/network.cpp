#include "api/network.hpp"

#include "import/importer.hpp"
#include "import/unsupported_formats.hpp"
#include "report/report.hpp"

namespace zoometer {
namespace {

const Convention* convention_of(std::string_view name) {
  if (name == "native") return nullptr;
  if (const Convention* convention = find_convention(name)) return convention;
  std::string names;
  for (const Convention* each : conventions())
    names.append(names.empty() ? "" : ", ").append(each->name);
  throw Error(ErrorCode::unknown_name, "no such convention", {names, std::string(name)});
}

const Report& report_of(std::string_view format) {
  if (const Report* report = find_report(format)) return *report;
  std::string names;
  for (const Report* each : reports()) names.append(names.empty() ? "" : ", ").append(each->name);
  throw Error(ErrorCode::unknown_name, "no such report", {names, std::string(format)});
}

}  // namespace

std::vector<TensorInfo> tensors_of(const Graph& graph, std::span<const Port> ports) {
  std::vector<TensorInfo> tensors;
  for (const Port& port : ports) {
    tensors.push_back({std::string(port.name), graph.shape(port.value),
                       std::string(name_of(graph.dtype(port.value)))});
  }
  return tensors;
}

std::vector<TensorInfo> tensors_of(std::span<const InputSpec> inputs) {
  std::vector<TensorInfo> tensors;
  for (const InputSpec& input : inputs)
    tensors.push_back({std::string(input.name), input.shape, std::string(name_of(input.dtype))});
  return tensors;
}

Network trace_network(const Model& model, std::string_view source, const TraceOptions& options) {
  auto state = std::make_shared<Network::State>();
  state->name = model.name;
  state->source = source;
  state->variant = name_of(options.variant);
  trace(model, options, state->graph);
  return Network(std::move(state));
}

namespace {

Network read_file(const MappedFile& file, const TraceOptions& options) {
  auto state = std::make_shared<Network::State>();
  ImportNotes notes = import_file(file, options, state->graph);
  state->name = file.path();
  state->source = notes.format;
  state->notes = notes.all();
  if (!notes.producer.empty())
    state->notes.insert(state->notes.begin(), "written by " + notes.producer);
  state->file = std::move(notes.file);
  return Network(std::move(state));
}

}  // namespace

Network read_model(const std::string& path, const TraceOptions& options) {
  refuse_folder(path);
  return read_file(MappedFile(path), options);
}

Network read_model(std::span<const std::byte> bytes, std::string name,
                   const TraceOptions& options) {
  return read_file(MappedFile(std::move(name), bytes), options);
}

Network stored_as(const Network& network, DType dtype) {
  const auto& own = network.state();
  const auto& origin = own->origin ? own->origin : own;
  auto state = std::make_shared<Network::State>();
  state->name = origin->name;
  state->source = origin->source;
  state->variant = origin->variant;
  state->notes = origin->notes;
  state->file = origin->file;
  state->notes.push_back("bytes as if every floating-point tensor were stored in " +
                         std::string(name_of(dtype)));
  state->graph = origin->graph.alias();
  state->graph.count_floating_as(dtype);
  state->origin = origin;
  return Network(std::move(state));
}

Network::Network(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

const std::string& Network::name() const noexcept { return state_->name; }
const std::string& Network::source() const noexcept { return state_->source; }
const std::string& Network::variant() const noexcept { return state_->variant; }
const std::vector<std::string>& Network::notes() const noexcept { return state_->notes; }
const Graph& Network::graph() const noexcept { return state_->graph; }
std::size_t Network::operator_count() const noexcept { return graph().nodes().size(); }

std::vector<TensorInfo> Network::inputs() const { return tensors_of(graph(), graph().inputs()); }
std::vector<TensorInfo> Network::outputs() const { return tensors_of(graph(), graph().outputs()); }

std::vector<NetworkModule> Network::modules() const {
  const Graph& graph = this->graph();
  const CallOutputs outputs(graph);
  std::vector<std::int64_t> calls(graph.modules().size(), 0);
  for (const ModuleCall& call : graph.calls()) calls[call.module] += call.times;

  const std::vector<std::size_t> places = module_places(graph);
  std::vector<NetworkModule> modules;
  for (const ModuleId id : graph.modules_in_order()) {
    const ModuleInfo& info = graph.modules()[id];
    NetworkModule module;
    module.path = graph.module_path(id);
    module.type = info.kind;
    module.calls = calls[id];
    for (const ValueId value : outputs[id]) module.output_shapes.push_back(graph.shape(value));
    if (info.parent != no_id) {
      module.parent = places[info.parent];
      module.depth = modules[*module.parent].depth + 1;
      modules[*module.parent].children.push_back(modules.size());
    }
    modules.push_back(std::move(module));
  }
  return modules;
}

std::vector<NetworkOperator> Network::operators() const {
  const Graph& graph = this->graph();
  std::vector<NetworkOperator> operators;
  for (const Node& node : graph.nodes()) {
    NetworkOperator& entry = operators.emplace_back(
        NetworkOperator{operator_name(node), graph.module_path(node.module), {}});
    for (std::uint16_t i = 0; i < node.output_count; ++i)
      entry.output_shapes.push_back(graph.shape(node.first_output + i));
  }
  return operators;
}

std::vector<std::size_t> module_places(const Graph& graph) {
  std::vector<std::size_t> places(graph.modules().size());
  std::size_t place = 0;
  for (const ModuleId id : graph.modules_in_order()) places[id] = place++;
  return places;
}

std::vector<ModuleProfile> module_profiles(const Network& network, const Profile& profile) {
  std::vector<NetworkModule> modules = network.modules();
  const std::vector<std::size_t> places = module_places(network.graph());
  std::vector<ModuleProfile> profiles(modules.size());
  for (ModuleId id = 0; id < places.size(); ++id)
    profiles[places[id]] = {std::move(modules[places[id]]), profile.modules[id]};
  return profiles;
}

std::vector<StateEntry> Network::state_dict() const {
  const Graph& graph = this->graph();
  std::vector<StateEntry> entries;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    entries.push_back({graph.parameter_path(parameter), graph.shape(parameter.value),
                       std::string(name_of(graph.dtype(parameter.value))),
                       parameter.kind != ParameterKind::parameter});
  }
  return entries;
}

NetworkProfile profile(const Network& network, std::string_view convention) {
  const Graph& graph = network.graph();
  Profile metrics = profile(graph, convention_of(convention));
  NetworkProfile result;
  result.total = metrics.total;
  result.peak_activation_bytes = metrics.memory.peak_bytes;
  result.modules = module_profiles(network, metrics);
  for (OperatorMetrics& entry : metrics.operators)
    result.operators.push_back({entry.metrics, std::move(entry.name), entry.count});
  result.coverage = std::move(metrics.coverage);
  return result;
}

std::string write_report(const Network& network, std::string_view format,
                         std::string_view convention, const ReportOptions& options) {
  const Report& report = report_of(format);
  const Convention* rules = convention_of(format == "table" ? "fvcore" : convention);
  const Profile metrics = profile(network.graph(), rules);
  return report.write({network.graph(), metrics, network.name(), network.source(),
                       network.variant(), rules, network.notes()},
                      options);
}

}  // namespace zoometer
