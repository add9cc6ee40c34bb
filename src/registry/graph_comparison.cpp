#include "registry/graph_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/profile.hpp"

namespace zoometer {
namespace {

/// What is compared of one module.
struct ModuleFacts {
  std::int64_t parameters = 0, macs = 0;
  std::string calls;  ///< the output shapes of each call
};

using ModuleTable = std::map<std::string, ModuleFacts>;

ModuleTable modules_of(const Graph& graph) {
  const Profile figures = profile(graph);
  ModuleTable modules;
  for (ModuleId id = 0; id < graph.modules().size(); ++id) {
    const Figures& f = figures.modules[id];
    modules[graph.module_path(id)] = {f.parameters, f.macs, {}};
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

void add_calls(ModuleTable& modules, std::span<const FxRecord::ModuleCall> calls) {
  for (const FxRecord::ModuleCall& call : calls) {
    std::string& text = modules[call.path].calls;
    text += "(";
    for (const Shape& shape : call.outputs) text += " " + to_short_string(shape);
    text += " )";
  }
}

std::map<std::string, std::string> states_of(const Graph& graph) {
  std::map<std::string, std::string> states;
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.kind == ParameterKind::transient_buffer) continue;
    states[graph.parameter_path(parameter)] =
        to_short_string(graph.shape(parameter.value)) +
        (parameter.kind == ParameterKind::parameter ? " parameter" : " buffer");
  }
  return states;
}

std::string outputs_of(const Graph& graph) {
  std::string text;
  for (const Port& port : graph.outputs()) text += to_short_string(graph.shape(port.value)) + " ";
  return text;
}

class Comparer {
 public:
  explicit Comparer(GraphComparison& result) : result_(result) {}

  template <class Value>
  void same(const std::string& what, const Value& native, const Value& live) {
    if (native == live) return;
    result_.differences.push_back(fmt::format("{}: {}, live {}", what, native, live));
  }

  /// Calls `both` for the keys that both have; tells of the others.
  template <class Facts, class Both>
  void each(const std::string& kind, const std::map<std::string, Facts>& native,
            const std::map<std::string, Facts>& live, const Both& both) {
    for (const auto& [name, facts] : native) {
      const auto other = live.find(name);
      if (other == live.end()) {
        result_.differences.push_back(fmt::format("{} {} is missing live", kind, name));
      } else {
        both(name, facts, other->second);
      }
    }
    for (const auto& [name, facts] : live) {
      if (!native.contains(name))
        result_.differences.push_back(fmt::format("{} {} is live only", kind, name));
    }
  }

 private:
  GraphComparison& result_;
};

}  // namespace

GraphComparison compare_with_live(const Graph& native, const Graph& live,
                                  std::span<const FxRecord::ModuleCall> calls) {
  GraphComparison result;
  Comparer comparer(result);
  comparer.each("state", states_of(native), states_of(live),
                [&](const std::string& name, const std::string& ours, const std::string& theirs) {
                  comparer.same(name, ours, theirs);
                });
  ModuleTable native_modules = modules_of(native);
  ModuleTable live_modules = modules_of(live);
  if (!calls.empty()) {
    add_calls(native_modules, native);
    add_calls(live_modules, calls);
  }
  comparer.each("module", native_modules, live_modules,
                [&](const std::string& path, const ModuleFacts& ours, const ModuleFacts& theirs) {
                  ++result.modules;
                  const std::string name = path.empty() ? "the model" : path;
                  comparer.same(name + ": parameters", ours.parameters, theirs.parameters);
                  comparer.same(name + ": MACs", ours.macs, theirs.macs);
                  comparer.same(name + ": outputs", ours.calls, theirs.calls);
                });
  comparer.same("outputs", outputs_of(native), outputs_of(live));
  return result;
}

GraphComparison verify_live(LiveSource& source, const RegistryModel& model) {
  Graph live;
  ImportNotes notes;
  const FxRecord record =
      source.load(source.standard_request(std::string(model.name)), live, notes);
  TraceOptions options;
  options.variant = Variant::untrained;
  Graph native;
  trace(*model.builtin, options, native);
  return compare_with_live(native, live, record.module_calls);
}

}  // namespace zoometer
