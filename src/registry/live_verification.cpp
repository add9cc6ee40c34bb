#include "registry/live_verification.hpp"

#include <algorithm>

#include "analysis/profile.hpp"
#include "registry/graph_comparison.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

LiveVerification compare(const LiveSource::Answer& answer, const Model& model, Graph& native) {
  LiveVerification result;
  result.model = model.name;
  TraceOptions options;
  options.variant = Variant::untrained;
  trace(model, options, native);
  const ModelSize ours = size_of(native);
  result.parameters = {ours.parameters, answer.record.parameters};
  result.macs = {ours.macs, std::nullopt};
  GraphComparison states = compare_states(native, answer.record);
  result.states = states.compared;
  result.state_differences = std::move(states.differences);
  const bool is_traced = answer.finding.status == Status::traceable && answer.record.has_graph;
  if (!is_traced) {
    result.not_traced = answer.finding.reason + ": " + answer.finding.message;
    // The model killed the interpreter, or could not be built.
    if (answer.record.states.empty()) result.error = result.not_traced;
    return result;
  }
  result.via = answer.record.via;
  result.macs.live = answer.finding.macs;
  GraphComparison modules = compare_modules(native, answer.graph, answer.record);
  result.modules = modules.compared;
  result.graph_differences = std::move(modules.differences);
  return result;
}

}  // namespace

std::vector<LiveVerification> verify_live(LiveSource& source, const Registry& registry,
                                          const std::vector<std::string>& patterns,
                                          const Progress& progress) {
  std::vector<LiveVerification> results;
  Graph native;
  DiscoveryOptions options;
  options.patterns = patterns;
  source.visit(options, [&](const LiveSource::Answer& answer) {
    if (progress) progress(answer.finding, answer.total);
    const RegistryModel* model = registry.find(answer.finding.name);
    if (model == nullptr || model->builtin == nullptr) return;
    results.push_back(compare(answer, *model->builtin, native));
  });
  std::sort(results.begin(), results.end(),
            [](const auto& a, const auto& b) { return natural_less(a.model, b.model); });
  return results;
}

}  // namespace zoometer
