// Properties of every graph, on random networks.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "analysis/diff.hpp"
#include "analysis/memory.hpp"
#include "import/importer.hpp"
#include "import/json.hpp"
#include "ir/verify.hpp"
#include "random_network.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {
namespace {

using testing::RandomNetwork;
using Steps = std::vector<testing::RandomStep>;

std::vector<std::int64_t> numbers_of(const Metrics& metrics) {
  return {metrics.parameters, metrics.buffers,     metrics.parameter_bytes, metrics.macs,
          metrics.flops,      metrics.activations, metrics.bytes_read,      metrics.bytes_written};
}

std::string written(const Graph& graph, std::string_view format) {
  return find_graph_writer(format)->write({graph, "model", "builtin", "", {}}, {});
}

RC_GTEST_PROP(RandomGraph, KeepsTheRules, (const Steps& steps)) {
  verify(RandomNetwork(steps).graph);
}

/// A module's metrics are the sum of its own nodes and parameters and of the modules below it.
RC_GTEST_PROP(RandomGraph, SumsUpItsModuleTree, (const Steps& steps)) {
  const RandomNetwork network(steps);
  const Graph& graph = network.graph;
  const Profile whole = profile(graph);
  std::vector<Metrics> sums(graph.modules().size());
  for (NodeId node = 0; node < graph.nodes().size(); ++node)
    sums[graph.nodes()[node].module] += metrics_of(graph.view(node));
  for (const Parameter& parameter : graph.parameters()) {
    Metrics& own = sums[parameter.module];
    const bool is_learnt = parameter.kind == ParameterKind::parameter;
    (is_learnt ? own.parameters : own.buffers) += graph.numel(parameter.value);
    own.parameter_bytes += graph.bytes(parameter.value);
  }
  for (std::size_t module = sums.size(); module-- > 1;)
    sums[graph.modules()[module].parent] += sums[module];
  for (std::size_t module = 0; module < sums.size(); ++module)
    RC_ASSERT(numbers_of(whole.modules[module]) == numbers_of(sums[module]));
  RC_ASSERT(numbers_of(whole.total) == numbers_of(sums[0]));
}

RC_GTEST_PROP(RandomGraph, CountsEachOperatorOnce, (const Steps& steps)) {
  const RandomNetwork network(steps);
  const Profile whole = profile(network.graph);
  Metrics sum;
  std::int64_t count = 0;
  for (const OperatorMetrics& each : whole.operators) {
    sum += each.metrics;
    count += each.count;
  }
  RC_ASSERT(count == static_cast<std::int64_t>(network.graph.nodes().size()));
  RC_ASSERT(whole.coverage.counted + whole.coverage.zero == count);
  RC_ASSERT(sum.macs == whole.total.macs);
  RC_ASSERT(sum.flops == whole.total.flops);
}

RC_GTEST_PROP(RandomGraph, ScalesWithTheBatch, (const Steps& steps)) {
  const Metrics one = profile(RandomNetwork(steps, 1).graph).total;
  const Metrics three = profile(RandomNetwork(steps, 3).graph).total;
  RC_ASSERT(three.macs == 3 * one.macs);
  RC_ASSERT(three.activations == 3 * one.activations);
  RC_ASSERT(three.bytes_written == 3 * one.bytes_written);
  RC_ASSERT(three.parameters == one.parameters);
  RC_ASSERT(three.buffers == one.buffers);
}

RC_GTEST_PROP(RandomGraph, StaysWholeInJson, (const Steps& steps)) {
  const RandomNetwork network(steps);
  const Graph& graph = network.graph;
  std::string text = written(graph, "json");
  const JsonDocument document(text);
  const auto list = [&](std::string_view name) {
    return get_array(document.root(), name).GetArray();
  };
  RC_ASSERT(list("modules").Size() == graph.modules().size());
  RC_ASSERT(list("parameters").Size() == graph.parameters().size());
  RC_ASSERT(list("values").Size() == graph.values().size());
  RC_ASSERT(list("nodes").Size() == graph.nodes().size());
  for (NodeId node = 0; node < graph.nodes().size(); ++node)
    RC_ASSERT(get_text(list("nodes")[node], "op") == graph.nodes()[node].op->name);
  for (ValueId value = 0; value < graph.values().size(); ++value) {
    Shape shape;
    for (const Json& size : get_array(list("values")[value], "shape").GetArray())
      shape.push_back(size.GetInt64());
    RC_ASSERT(shape == graph.shape(value));
  }
}

RC_GTEST_PROP(RandomGraph, ComesBackFromOnnx, (const Steps& steps)) {
  const RandomNetwork network(steps);
  const std::string file = written(network.graph, "onnx");
  Graph copy;
  import_file(MappedFile("model.onnx", std::as_bytes(std::span(file))), {}, copy);
  verify(copy);
  const Metrics before = profile(network.graph).total;
  const Metrics after = profile(copy).total;
  RC_ASSERT(after.macs == before.macs);
  RC_ASSERT(after.parameters == before.parameters);
  RC_ASSERT(copy.outputs().size() == network.graph.outputs().size());
  for (std::size_t i = 0; i < copy.outputs().size(); ++i) {
    RC_ASSERT(copy.shape(copy.outputs()[i].value) ==
              network.graph.shape(network.graph.outputs()[i].value));
  }
}

/// In any order, each tensor is in memory at some time, and at most all of them at once.
RC_GTEST_PROP(RandomGraph, NeedsNoMoreMemoryThanAllItsTensors, (const Steps& steps)) {
  const RandomNetwork network(steps);
  const Graph& graph = network.graph;
  std::int64_t all = 0;
  std::int64_t largest = 0;
  for (ValueId id = 0; id < graph.values().size(); ++id) {
    const Value& value = graph.value(id);
    if (value.has(Value::is_parameter) || value.has(Value::shares)) continue;
    all += graph.bytes(id);
    largest = std::max(largest, graph.bytes(id));
  }
  const std::int64_t peak = activations_of(graph).peak_bytes;
  RC_ASSERT(peak <= all);
  RC_ASSERT(peak >= largest);
  RC_ASSERT(profile_memory(graph).total_bytes >= peak + profile(graph).total.parameter_bytes);
}

RC_GTEST_PROP(RandomGraph, EqualsItself, (const Steps& steps)) {
  const RandomNetwork before(steps);
  const RandomNetwork after(steps);
  const Profile old_profile = profile(before.graph);
  const Profile new_profile = profile(after.graph);
  const Diff found = diff({before.graph, old_profile}, {after.graph, new_profile});
  RC_ASSERT(found.operators.empty());
  RC_ASSERT(found.counts.same == static_cast<std::int64_t>(before.graph.modules().size()));
  for (const ModuleDiff& module : found.modules) {
    RC_ASSERT(module.before == module.after);
    RC_ASSERT(module.state == ModuleState::same);
    RC_ASSERT(module.details.empty());
    RC_ASSERT(!module.holds_changes && !module.moved && !module.renamed);
  }
}

}  // namespace
}  // namespace zoometer
