#include "ir/updates.hpp"

#include <algorithm>
#include <vector>

#include "zoometer/ir/layout.hpp"

namespace zoometer {
namespace {

bool may_be_in_place(const Graph& graph, const Node& node) {
  const Memory& memory = node.op->memory;
  return memory.storage == Storage::fresh && memory.update != nullptr && node.output_count == 1 &&
         node.input_count > 0 && graph.inputs_of(node)[0] != no_id &&
         !graph.value(node.first_output).has(Value::shares);
}

class Updates {
 public:
  Updates(Graph& graph, std::span<const ValueId> donated)
      : graph_(graph),
        owner_(owners_of(graph)),
        last_reader_(graph.values().size(), 0),
        may_be_written_(graph.values().size(), false) {
    for (ValueId id = 0; id < owner_.size(); ++id)
      may_be_written_[id] = graph.value(id).is_computed();
    for (const ValueId id : donated) may_be_written_[id] = true;
    for (NodeId node = 0; node < graph.nodes().size(); ++node) {
      for (const ValueId input : graph.inputs_of(graph.nodes()[node])) {
        if (input != no_id) last_reader_[owner_[input]] = node;
      }
    }
    for (const Port& output : graph.outputs()) last_reader_[owner_[output.value]] = no_id;
  }

  void mark() {
    for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (!may_be_in_place(graph_, node)) continue;
      const std::span<const ValueId> inputs = graph_.inputs_of(node);
      const ValueId memory = owner_[inputs[0]];
      const bool reads_it_again = std::any_of(inputs.begin() + 1, inputs.end(), [&](ValueId input) {
        return input != no_id && owner_[input] == memory;
      });
      if (!may_be_written_[memory] || last_reader_[memory] != id || reads_it_again ||
          !runs_as_often(memory, id) || !is_alike(inputs[0], node.first_output))
        continue;
      graph_.mark_in_place(node.first_output);
    }
  }

 private:
  bool runs_as_often(ValueId memory, NodeId node) const {
    const Value& value = graph_.value(memory);
    const std::int64_t times = graph_.runs_of(graph_.nodes()[node]).times;
    if (!value.is_computed()) return times == 1;
    return graph_.runs_of(graph_.nodes()[value.producer]).times == times;
  }
  bool is_alike(ValueId source, ValueId result) const {
    return graph_.shape(source) == graph_.shape(result) &&
           graph_.value(source).dtype == graph_.value(result).dtype;
  }

  Graph& graph_;
  std::vector<ValueId> owner_;
  std::vector<NodeId> last_reader_;   // by owner; no_id: an output of the graph
  std::vector<bool> may_be_written_;  // by owner
};

}  // namespace

void write_updates_in_place(Graph& graph, std::span<const ValueId> donated) {
  const bool has_updates = std::ranges::any_of(
      graph.nodes(), [&](const Node& node) { return may_be_in_place(graph, node); });
  if (has_updates) Updates(graph, donated).mark();
}

}  // namespace zoometer
