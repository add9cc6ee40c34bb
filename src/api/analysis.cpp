#include "zoometer/analysis.hpp"

#include "analysis/explanation.hpp"
#include "analysis/memory.hpp"
#include "analysis/roofline.hpp"
#include "analysis/training.hpp"
#include "api/network.hpp"

namespace zoometer {
namespace {

/// The index of an operator; nothing for no operator.
std::optional<std::size_t> index_of(NodeId node) {
  return node == no_id ? std::nullopt : std::optional<std::size_t>(node);
}

LiveTensor live_tensor(const Graph& graph, const Lifetime& lifetime) {
  LiveTensor tensor;
  tensor.shape = graph.shape(lifetime.value);
  tensor.dtype = name_of(graph.dtype(lifetime.value));
  tensor.bytes = graph.bytes(lifetime.value);
  tensor.bounded = graph.value(lifetime.value).has(Value::bounded);
  tensor.made_by = index_of(lifetime.first);
  tensor.until = index_of(lifetime.last);
  return tensor;
}

RooflineGroup roofline_group(const Graph& graph, const Work& work) {
  RooflineGroup group;
  group.name = work.group.name;
  group.module = graph.module_path(work.module);
  group.operators.assign(work.group.nodes.begin(), work.group.nodes.end());
  group.type = work.type;
  group.macs = work.macs;
  group.flops = work.flops;
  group.bytes = work.bytes;
  group.bounded = work.bounded;
  return group;
}

}  // namespace

NetworkMemory memory(const Network& network) {
  const Graph& graph = network.graph();
  const MemoryProfile found = profile_memory(graph);
  NetworkMemory result;
  result.parameter_bytes = found.parameter_bytes;
  result.activations = {found.activations.peak_bytes, index_of(found.activations.peak_node)};
  result.held_by_callers = {found.held.peak_bytes, index_of(found.held.peak_node)};
  if (found.workspace_node != no_id)
    result.workspace = {found.workspace[found.workspace_node], found.workspace_node};
  result.together = {found.total_bytes, index_of(found.total_node)};
  for (const Lifetime& lifetime : found.activations.alive_at_peak)
    result.alive_at_peak.push_back(live_tensor(graph, lifetime));
  for (std::size_t node = 0; node < found.workspace.size(); ++node) {
    result.timeline.push_back(
        {found.activations.timeline[node], found.held.timeline[node], found.workspace[node]});
  }
  return result;
}

NetworkTraining training(const Network& network, Optimizer optimizer) {
  return training(network, TrainingRecipe{.optimizer = optimizer});
}

NetworkTraining training(const Network& network, const TrainingRecipe& recipe) {
  TrainingProfile found = profile_training(network.graph(), recipe);
  NetworkTraining result;
  result.optimizer = found.recipe.optimizer;
  result.trainable_parameters = found.trainable;
  result.weight_bytes = found.weights;
  result.gradient_bytes = found.gradients;
  result.master_weight_bytes = found.master_weights;
  result.optimizer_state_bytes = found.optimizer_state;
  result.gathered_bytes = found.gathered;
  result.host_bytes = found.host;
  result.saved_bytes = found.saved;
  result.peak_activations = {found.peak_activations, index_of(found.peak_node)};
  result.peak_is_backward = found.peak_is_backward;
  result.total_bytes = found.total;
  result.macs = found.macs;
  result.backward_macs = found.backward_macs;
  result.recomputed_macs = found.recomputed_macs;
  result.update_macs = found.update_macs;
  result.operators = std::move(found.operators);
  result.bounded = found.bounded;
  return result;
}

NetworkRoofline roofline(const Network& network, const Device& device,
                         const RooflineSettings& settings) {
  const bool is_tf32 = settings.type == NumberType::tf32;
  const bool is_stored = settings.type && !is_tf32;
  const Network stored = is_stored ? stored_as(network, dtype_of(*settings.type)) : network;
  const Graph& graph = stored.graph();
  const Workload workload = workload_of(graph, {settings.fuse, is_tf32});
  Roofline found = roofline_of(graph, workload, device, {settings.cache});

  NetworkRoofline result;
  result.device = device;
  result.type = found.asked;
  result.used = found.used;
  result.peak = found.peak;
  result.weights_stay = found.weights_stay;
  result.activations_stay = found.activations_stay;
  result.total = found.total;
  result.overlapped_seconds = found.least_seconds;
  result.compulsory = workload.compulsory;
  for (std::size_t i = 0; i < workload.works.size(); ++i) {
    RooflineGroup& group = result.groups.emplace_back(roofline_group(graph, workload.works[i]));
    group.moved = found.moved[i];
    group.time = found.works[i];
  }
  result.operators = std::move(found.kinds);
  const std::vector<std::size_t> places = module_places(graph);
  std::vector<NetworkModule> modules = stored.modules();
  result.modules.resize(modules.size());
  for (ModuleId id = 0; id < places.size(); ++id)
    result.modules[places[id]] = {std::move(modules[places[id]]), found.modules[id]};
  return result;
}

NetworkExplanation explain(const Network& network) {
  Explanation found = explain(network.graph());
  NetworkExplanation result;
  for (std::size_t i = 0; i < found.columns.size(); ++i) {
    const Convention& convention = *found.columns[i];
    result.conventions.push_back({std::string(convention.name), std::string(convention.unit),
                                  std::string(convention.summary), std::string(convention.source),
                                  convention.per_mac, std::move(found.differences[i])});
  }
  result.operators = std::move(found.operators);
  result.total = std::move(found.total);
  return result;
}

}  // namespace zoometer
