#include "analysis/fusion.hpp"

#include <algorithm>
#include <map>

#include "analysis/profile.hpp"
#include "op/quantize.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t no_group = no_id;
constexpr std::uint32_t with_reader = no_id - 1;  // joins the group of the product that reads it

class Fusion {
 public:
  explicit Fusion(const Graph& graph)
      : graph_(graph),
        group_(graph.nodes().size(), no_group),
        uses_(graph.values().size(), 0),
        reader_(graph.values().size(), no_id) {
    for (NodeId node = 0; node < graph.nodes().size(); ++node) {
      for (const ValueId input : graph.inputs_of(graph.nodes()[node])) {
        if (input == no_id) continue;
        ++uses_[input];
        reader_[input] = node;
      }
    }
    for (const Port& output : graph.outputs()) uses_[output.value] += 2;  // is needed as it is
  }

  /// Products unpack integers while they multiply: what makes them real numbers, and is read by one
  /// product alone, joins it.
  void find_unpacking() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (&op_of(node) != &dequantize_op) continue;
      std::vector<NodeId> nodes = {node};
      NodeId reader = only_reader(node);
      while (reader != no_id && is_view(reader)) {
        nodes.push_back(reader);
        reader = only_reader(reader);
      }
      if (reader == no_id || op_of(reader).kind != OpKind::product) continue;
      for (const NodeId member : nodes) {
        group_[member] = with_reader;
        unpacked_for_.emplace(reader, member);
      }
    }
  }

  void find_attention() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || fusion_of(node) != Fuse::absorbs) continue;
      std::vector<NodeId> nodes = attention_from(node);
      if (!nodes.empty()) add({with_unpacking(std::move(nodes)), "attention"});
    }
  }

  void find_chains() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || !can_lead(node)) continue;
      std::vector<NodeId> nodes = with_unpacking(chain_from(node));
      std::string name = name_of_chain(nodes);
      add({std::move(nodes), std::move(name)});
    }
  }

  void add_the_rest() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] == no_group) add({{node}, operator_name(graph_.nodes()[node])});
    }
  }

  std::vector<FusedGroup> take() {
    std::sort(groups_.begin(), groups_.end(), [](const FusedGroup& a, const FusedGroup& b) {
      return a.nodes.back() < b.nodes.back();
    });
    return std::move(groups_);
  }

 private:
  const OpDef& op_of(NodeId node) const { return *graph_.nodes()[node].op; }
  Fuse fusion_of(NodeId node) const { return op_of(node).fusion; }
  bool can_lead(NodeId node) const {
    const Fuse fusion = fusion_of(node);
    return fusion != Fuse::alone && fusion != Fuse::absorbed && !is_view(node);
  }

  /// Nothing runs: a view, a reshape that need not copy, an operator that evaluation skips.
  bool is_view(NodeId node) const {
    return op_of(node).coverage == Coverage::zero && moves_nothing(graph_, graph_.nodes()[node]);
  }

  /// The nodes, and those that unpack what their products read.
  std::vector<NodeId> with_unpacking(std::vector<NodeId> nodes) const {
    if (unpacked_for_.empty()) return nodes;
    std::vector<NodeId> unpacking;
    for (const NodeId node : nodes) {
      const auto [first, last] = unpacked_for_.equal_range(node);
      for (auto found = first; found != last; ++found) unpacking.push_back(found->second);
    }
    nodes.insert(nodes.end(), unpacking.begin(), unpacking.end());
    std::sort(nodes.begin(), nodes.end());
    return nodes;
  }

  void add(FusedGroup group) {
    for (const NodeId node : group.nodes) group_[node] = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back(std::move(group));
  }

  /// The one node that reads a node's only output; no_id if there is none or more than one.
  NodeId only_reader(NodeId node) const {
    const Node& own = graph_.nodes()[node];
    if (own.output_count != 1 || uses_[own.first_output] != 1) return no_id;
    const NodeId reader = reader_[own.first_output];
    const Node& next = graph_.nodes()[reader];
    if (group_[reader] != no_group || next.output_count != 1) return no_id;
    // Only nodes of the same loop run together.
    return graph_.runs_of(own).times == graph_.runs_of(next).times ? reader : no_id;
  }
  bool keeps_size(NodeId node, NodeId reader) const {
    return graph_.numel(graph_.nodes()[node].first_output) ==
           graph_.numel(graph_.nodes()[reader].first_output);
  }

  /// Whether no other input of the same size was computed after this node: the reader joins the
  /// last one. Smaller inputs are scales and biases, with which no chain of that size ends.
  bool is_computed_last(NodeId node, NodeId reader) const {
    const std::int64_t size = graph_.numel(graph_.nodes()[reader].first_output);
    const auto inputs = graph_.inputs_of(graph_.nodes()[reader]);
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      if (input == no_id || graph_.numel(input) != size) return true;
      const Value& value = graph_.value(input);
      return value.has(Value::is_input) || value.has(Value::is_parameter) || value.producer <= node;
    });
  }

  /// Two products with a softmax between them and all nodes between; empty if the first product
  /// does not begin such a group.
  std::vector<NodeId> attention_from(NodeId first) const {
    std::vector<NodeId> nodes = {first};
    bool has_softmax = false;
    for (NodeId node = only_reader(first); node != no_id; node = only_reader(node)) {
      const NodeId before = nodes.back();
      const Fuse fusion = fusion_of(node);
      nodes.push_back(node);
      if (fusion == Fuse::absorbs) {
        const bool takes_weights =
            graph_.inputs_of(graph_.nodes()[node])[0] == graph_.nodes()[before].first_output;
        if (has_softmax && takes_weights) return nodes;
        return {};
      }
      has_softmax = has_softmax || fusion == Fuse::absorbed;
      const bool may_stand_between =
          fusion == Fuse::absorbed || fusion == Fuse::follows || is_view(node);
      if (!may_stand_between || !keeps_size(before, node)) return {};
    }
    return {};
  }

  std::vector<NodeId> chain_from(NodeId first) const {
    std::vector<NodeId> nodes = {first};
    std::vector<NodeId> views;  // belong to the group only if something after them does
    NodeId last = first;
    for (NodeId node = only_reader(first); node != no_id; node = only_reader(node)) {
      if (!keeps_size(last, node)) break;
      if (is_view(node)) {
        views.push_back(node);
      } else if (fusion_of(node) == Fuse::follows && is_computed_last(last, node)) {
        nodes.insert(nodes.end(), views.begin(), views.end());
        views.clear();
        nodes.push_back(node);
      } else {
        break;
      }
      last = node;
    }
    return nodes;
  }

  std::string name_of_chain(const std::vector<NodeId>& nodes) const {
    std::string name;
    for (const NodeId node : nodes) {
      if (is_view(node)) continue;
      name += (name.empty() ? "" : " + ") + operator_name(graph_.nodes()[node]);
    }
    return name;
  }

  const Graph& graph_;
  std::vector<std::uint32_t> group_;            // by node
  std::vector<std::uint32_t> uses_;             // by value
  std::vector<NodeId> reader_;                  // by value: the last one
  std::multimap<NodeId, NodeId> unpacked_for_;  // by product: what unpacks its operands
  std::vector<FusedGroup> groups_;
};

}  // namespace

std::vector<FusedGroup> fused_groups(const Graph& graph, bool fuse) {
  Fusion fusion(graph);
  if (fuse) {
    fusion.find_unpacking();
    fusion.find_attention();
    fusion.find_chains();
  }
  fusion.add_the_rest();
  return fusion.take();
}

}  // namespace zoometer
