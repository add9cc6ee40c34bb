#include "analysis/liveness.hpp"

#include <algorithm>
#include <iterator>

#include "zoometer/ir/layout.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr NodeId to_the_end = no_id;

/// By value: the one that owns its memory, and the last node that needs what it owns.
class Storages {
 public:
  Storages(const Graph& graph, Holder holder)
      : graph_(graph),
        owner_(owners_of(graph)),
        last_(graph.values().size(), 0) {
    for (ValueId id = 0; id < owner_.size(); ++id) {
      const Value& value = graph.value(id);
      if (value.has(Value::is_parameter)) continue;
      const NodeId held = holder == Holder::outputs ? 0 : to_the_end;
      extend(id, value.has(Value::is_input) ? held : value.producer);
    }
    for (NodeId node = 0; node < graph.nodes().size(); ++node) {
      for (const ValueId input : graph.inputs_of(graph.nodes()[node])) {
        if (input != no_id) extend(input, node);
      }
    }
    for (const Repeat& repeat : graph.repeats()) hold_until_last_run(repeat);
    for (const Port& output : graph.outputs()) extend(output.value, to_the_end);
  }

  /// Keeps what each call reads, and did not make, until the call returns.
  void hold_arguments() {
    for (const ModuleCall& call : graph_.calls()) {
      for (NodeId node = call.first_node; node < call.end_node; ++node) {
        for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
          if (input != no_id && was_there_before(call.first_node, owner_[input]))
            extend(input, call.end_node - 1);
        }
      }
    }
  }

  std::vector<Lifetime> lifetimes() const {
    std::vector<Lifetime> result;
    for (ValueId id = 0; id < owner_.size(); ++id) {
      const Value& value = graph_.value(id);
      if (owner_[id] != id || value.has(Value::is_parameter)) continue;
      result.push_back({id, value.has(Value::is_input) ? no_id : value.producer, last_[id]});
    }
    return result;
  }

 private:
  bool was_there_before(NodeId first_node, ValueId owner) const {
    const Value& value = graph_.value(owner);
    const bool is_computed = value.is_computed();
    return is_computed && value.producer < first_node;
  }
  /// What a loop reads and did not make, its last iteration reads, too.
  void hold_until_last_run(const Repeat& repeat) {
    if (repeat.times == 1) return;
    for (NodeId node = repeat.first_node; node < repeat.end_node; ++node) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
        if (input != no_id && was_there_before(repeat.first_node, owner_[input]))
          extend(input, repeat.end_node - 1);
      }
    }
  }
  void extend(ValueId id, NodeId node) {
    NodeId& last = last_[owner_[id]];
    last = std::max(last, node);  // to_the_end is the largest of all
  }

  const Graph& graph_;
  std::vector<ValueId> owner_;
  std::vector<NodeId> last_;
};

}  // namespace

std::vector<Lifetime> lifetimes_of(const Graph& graph, Holder holder) {
  Storages storages(graph, holder);
  if (holder == Holder::callers) storages.hold_arguments();
  return storages.lifetimes();
}

Liveness activations_of(const Graph& graph, Holder holder) {
  const std::vector<Lifetime> lifetimes = lifetimes_of(graph, holder);
  Liveness result;
  result.timeline.resize(graph.nodes().size());
  std::vector<std::int64_t> freed_after(graph.nodes().size());
  std::int64_t alive = 0;
  for (const Lifetime& lifetime : lifetimes) {
    const std::int64_t bytes = graph.bytes(lifetime.value);
    std::int64_t& made = lifetime.first == no_id ? alive : result.timeline[lifetime.first];
    made = checked_add(made, bytes);
    if (lifetime.last == to_the_end) continue;
    freed_after[lifetime.last] = checked_add(freed_after[lifetime.last], bytes);
  }

  result.peak_bytes = alive;
  for (NodeId node = 0; node < result.timeline.size(); ++node) {
    alive = checked_add(alive, result.timeline[node]);
    result.timeline[node] = alive;
    if (alive > result.peak_bytes) {
      result.peak_bytes = alive;
      result.peak_node = node;
    }
    alive -= freed_after[node];
  }
  const auto is_alive = [&](const Lifetime& lifetime) {
    return result.peak_node == no_id ? lifetime.first == no_id : lifetime.covers(result.peak_node);
  };
  std::copy_if(lifetimes.begin(), lifetimes.end(), std::back_inserter(result.alive_at_peak),
               is_alive);
  return result;
}

}  // namespace zoometer
