#include "analysis/liveness.hpp"

#include <algorithm>

#include "util/checked.hpp"

namespace zoometer {
namespace {

constexpr NodeId to_the_end = no_id;

/// For each value that owns memory, the last node that needs it; the owner of each value.
struct Lifetimes {
  std::vector<ValueId> owner;
  std::vector<NodeId> last_use;
};

bool is_activation(const Value& value) { return !value.has(Value::is_parameter); }

Lifetimes lifetimes_of(const Graph& graph) {
  Lifetimes lives;
  const std::size_t count = graph.values().size();
  lives.owner.resize(count);
  lives.last_use.assign(count, 0);
  for (ValueId id = 0; id < count; ++id) {
    const Value& value = graph.value(id);
    lives.owner[id] = id;
    if (value.has(Value::is_input)) lives.last_use[id] = to_the_end;
    if (value.has(Value::is_input) || value.has(Value::is_parameter)) continue;
    const Node& node = graph.nodes()[value.producer];
    const bool shares =
        value.has(Value::shares) && node.input_count > 0 && graph.inputs_of(node)[0] != no_id;
    if (shares) lives.owner[id] = lives.owner[graph.inputs_of(node)[0]];
    NodeId& last = lives.last_use[lives.owner[id]];
    if (last != to_the_end) last = std::max(last, value.producer);
  }
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    for (const ValueId input : graph.inputs_of(graph.nodes()[id])) {
      if (input == no_id) continue;
      NodeId& last = lives.last_use[lives.owner[input]];
      if (last != to_the_end) last = std::max(last, id);
    }
  }
  for (const Port& output : graph.outputs()) lives.last_use[lives.owner[output.value]] = to_the_end;
  return lives;
}

bool owns_memory(const Graph& graph, const Lifetimes& lives, ValueId id) {
  return lives.owner[id] == id && is_activation(graph.value(id));
}

std::vector<ValueId> alive_while(const Graph& graph, const Lifetimes& lives, NodeId node) {
  std::vector<ValueId> alive;
  for (ValueId id = 0; id < graph.values().size(); ++id) {
    if (!owns_memory(graph, lives, id)) continue;
    const Value& value = graph.value(id);
    const bool made = value.has(Value::is_input) || value.producer <= node;
    if (made && (lives.last_use[id] == to_the_end || lives.last_use[id] >= node))
      alive.push_back(id);
  }
  return alive;
}

}  // namespace

ValueId storage_of(const Graph& graph, ValueId value) {
  for (;;) {
    const Value& current = graph.value(value);
    if (current.has(Value::is_input) || current.has(Value::is_parameter)) return value;
    const Node& node = graph.nodes()[current.producer];
    if (!current.has(Value::shares) || node.input_count == 0 || graph.inputs_of(node)[0] == no_id)
      return value;
    value = graph.inputs_of(node)[0];
  }
}

Liveness peak_activations(const Graph& graph, std::vector<std::int64_t>* timeline) {
  const Lifetimes lives = lifetimes_of(graph);
  std::vector<std::int64_t> freed_after(graph.nodes().size(), 0);
  std::int64_t alive = 0;
  for (const Port& input : graph.inputs()) alive = checked_add(alive, graph.bytes(input.value));

  Liveness result;
  result.peak_bytes = alive;
  if (timeline != nullptr) timeline->assign(graph.nodes().size(), 0);
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    for (std::size_t i = 0; i < node.output_count; ++i) {
      const ValueId output = node.first_output + static_cast<ValueId>(i);
      if (!owns_memory(graph, lives, output)) continue;
      const std::int64_t bytes = graph.bytes(output);
      alive = checked_add(alive, bytes);
      if (lives.last_use[output] != to_the_end) freed_after[lives.last_use[output]] += bytes;
    }
    if (timeline != nullptr) (*timeline)[id] = alive;
    if (alive > result.peak_bytes) {
      result.peak_bytes = alive;
      result.peak_node = id;
    }
    alive -= freed_after[id];
  }
  if (result.peak_node != no_id) result.alive_at_peak = alive_while(graph, lives, result.peak_node);
  return result;
}

}  // namespace zoometer
