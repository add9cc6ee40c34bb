#include "registry/graph_comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "analysis/convention.hpp"
#include "analysis/profile.hpp"

namespace zoometer {
namespace {

/// The compared facts of a module.
struct ModuleFacts {
  std::string kind;
  std::int64_t parameters = 0, macs = 0;
  std::vector<std::int64_t> costs = {};  ///< by each of `tools`
  std::string calls = {};                ///< the output shapes of each call
};

using ModuleTable = std::map<std::string, ModuleFacts>;

/// The conventions of tools, which leave small operators out: those that build masks, anchors and
/// positions differ between a native graph, where they are constants, and a run.
std::vector<const Convention*> tools() {
  std::vector<const Convention*> tools;
  std::ranges::copy_if(conventions(), std::back_inserter(tools), [](const Convention* each) {
    return each->name != "native" && each->applies == nullptr;
  });
  return tools;
}

/// Whether sizes depend on data, so that costs are bounds.
bool has_bounds(const Graph& graph) {
  return std::ranges::any_of(graph.values(),
                             [](const Value& value) { return value.has(Value::bounded); });
}

ModuleTable modules_of(const Graph& graph) {
  const Profile metrics = profile(graph);
  ModuleTable modules;
  for (ModuleId id = 0; id < graph.modules().size(); ++id) {
    const Metrics& sum = metrics.modules[id];
    modules[graph.module_path(id)] = {std::string(graph.modules()[id].kind), sum.parameters,
                                      sum.macs};
  }
  for (const Convention* convention : tools()) {
    const Profile counted = profile(graph, convention);
    for (ModuleId id = 0; id < graph.modules().size(); ++id)
      modules[graph.module_path(id)].costs.push_back(counted.modules[id].cost);
  }
  return modules;
}

void add_calls(ModuleTable& modules, const Graph& graph) {
  for (const ModuleCall& call : graph.calls()) {
    std::string& text = modules[graph.module_path(call.module)].calls;
    text += "(";
    for (const ValueId value : graph.outputs_of(call))
      text += " " + to_short_string(graph.shape(value));
    text += " )";
  }
}

void add_calls(ModuleTable& modules, const FxRecord& record) {
  for (const RecordedCall& call : record.module_calls) {
    std::string& text = modules[call.path].calls;
    text += "(";
    for (const Shape& shape : call.outputs) text += " " + to_short_string(shape);
    text += " )";
  }
}

std::string outputs_of(const Graph& graph) {
  std::string text;
  for (const Port& port : graph.outputs()) text += to_short_string(graph.shape(port.value)) + " ";
  return text;
}

std::vector<std::string> states_of(const Graph& graph) {
  std::vector<std::string> states;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    const bool is_parameter = parameter.kind == ParameterKind::parameter;
    states.push_back(fmt::format(
        "{} {} {} {}", graph.parameter_path(parameter), is_parameter ? "parameter" : "buffer",
        name_of(graph.dtype(parameter.value)), to_short_string(graph.shape(parameter.value))));
  }
  return states;
}

std::vector<std::string> states_of(const FxRecord& record) {
  std::vector<std::string> states;
  for (const FxRecord::State& state : record.states) {
    states.push_back(fmt::format("{} {} {} {}", state.name, state.kind, state.dtype,
                                 to_short_string(state.shape)));
  }
  return states;
}

/// Reports the lines that only one of the two has.
void report_missing(const std::vector<std::string>& lines, const std::vector<std::string>& in,
                    std::string_view what, GraphComparison& result) {
  const std::set<std::string_view> known(in.begin(), in.end());
  for (const std::string& line : lines) {
    if (!known.contains(line)) result.differences.push_back(fmt::format("{}: {}", what, line));
  }
}

class Comparer {
 public:
  explicit Comparer(GraphComparison& result) : result_(result) {}

  template <class Value>
  void same(const std::string& what, const Value& native, const Value& live) {
    if (native == live) return;
    result_.differences.push_back(fmt::format("{}: {}, live {}", what, native, live));
  }

 private:
  GraphComparison& result_;
};

}  // namespace

GraphComparison compare_states(const Graph& native, const FxRecord& record) {
  GraphComparison result;
  const std::vector<std::string> ours = states_of(native);
  const std::vector<std::string> theirs = states_of(record);
  result.compared = theirs.size();
  if (ours == theirs) return result;
  report_missing(ours, theirs, "state, native only", result);
  report_missing(theirs, ours, "state, live only", result);
  if (!result.agrees()) return result;
  const std::size_t shorter = std::min(ours.size(), theirs.size());
  std::size_t at = 0;
  while (at < shorter && ours[at] == theirs[at]) ++at;
  result.differences.push_back(fmt::format("state, entry {}: {}, live {}", at,
                                           at < ours.size() ? ours[at] : "none",
                                           at < theirs.size() ? theirs[at] : "none"));
  return result;
}

GraphComparison compare_modules(const Graph& native, const Graph& live, const FxRecord& record) {
  GraphComparison result;
  Comparer comparer(result);
  ModuleTable ours = modules_of(native);
  ModuleTable theirs = modules_of(live);
  if (!record.module_calls.empty()) {
    add_calls(ours, native);
    add_calls(theirs, record);
  }
  const std::vector<const Convention*> counted =
      has_bounds(live) ? std::vector<const Convention*>{} : tools();
  for (const auto& [path, facts] : ours) {
    const auto other = theirs.find(path);
    if (other == theirs.end()) {
      result.differences.push_back("module, native only: " + path);
      continue;
    }
    ++result.compared;
    const std::string name = path.empty() ? "the model" : path;
    comparer.same(name + ", type", facts.kind, other->second.kind);
    comparer.same(name + ", parameters", facts.parameters, other->second.parameters);
    comparer.same(name + ", MACs", facts.macs, other->second.macs);
    for (std::size_t i = 0; i < counted.size(); ++i) {
      const Convention& convention = *counted[i];
      comparer.same(fmt::format("{}, {} of {}", name, convention.unit, convention.name),
                    facts.costs[i], other->second.costs[i]);
    }
    comparer.same(name + ", outputs", facts.calls, other->second.calls);
  }
  for (const auto& [path, facts] : theirs) {
    if (!ours.contains(path)) result.differences.push_back("module, live only: " + path);
  }
  comparer.same("outputs of the model", outputs_of(native), outputs_of(live));
  return result;
}

}  // namespace zoometer
