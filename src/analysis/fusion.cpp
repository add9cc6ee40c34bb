#include "analysis/fusion.hpp"

#include <algorithm>
#include <unordered_set>

#include "analysis/profile.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/op.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t no_group = no_id;

/// What operators are to fusion.
class Kinds {
 public:
  Kinds() {
    for (const OpGroup* group : op_groups()) {
      if (group->name != "elementwise") continue;
      pointwise_.insert(group->ops.begin(), group->ops.end());
    }
    pointwise_.erase(&softmax_op);
    pointwise_.erase(&log_softmax_op);
    for (const OpDef* op : {&batch_norm_op, &requantize_op, &quantize_per_tensor_op,
                            &quantize_per_channel_op, &dequantize_op}) {
      pointwise_.insert(op);
    }
  }

  bool is_pointwise(const OpDef& op) const { return pointwise_.contains(&op); }
  static bool is_softmax(const OpDef& op) { return &op == &softmax_op; }
  /// A product of two tensors that attention can begin or end with.
  static bool is_tensor_product(const OpDef& op) {
    return &op == &matmul_op || &op == &bmm_op || &op == &einsum_op;
  }
  static bool is_product(const OpDef& op) {
    return is_convolution(op) || is_tensor_product(op) || &op == &linear_op || &op == &addmm_op ||
           &op == &scaled_dot_product_attention_op;
  }
  static bool is_normalisation(const OpDef& op) {
    return &op == &layer_norm_op || &op == &rms_norm_op || &op == &group_norm_op ||
           &op == &instance_norm_op;
  }
  bool can_lead(const OpDef& op) const {
    return is_product(op) || is_normalisation(op) || is_pointwise(op);
  }

 private:
  std::unordered_set<const OpDef*> pointwise_;
};

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

  void find_attention() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || !Kinds::is_tensor_product(op_of(node))) continue;
      const std::vector<NodeId> nodes = attention_from(node);
      if (!nodes.empty()) add({nodes, "attention"});
    }
  }

  void find_chains() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || !kinds_.can_lead(op_of(node))) continue;
      if (is_view(node)) continue;
      std::vector<NodeId> nodes = chain_from(node);
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

  /// Nothing runs: a view, a reshape that need not copy, an operator that evaluation skips.
  bool is_view(NodeId node) const {
    return op_of(node).coverage == Coverage::zero && moves_nothing(graph_, graph_.nodes()[node]);
  }

  void add(FusedGroup group) {
    for (const NodeId node : group.nodes) group_[node] = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back(std::move(group));
  }

  /// The one node that reads a node's only output; no_id where there is none or more, or where it
  /// changes the number of elements.
  NodeId only_reader(NodeId node) const {
    const Node& own = graph_.nodes()[node];
    if (own.output_count != 1 || uses_[own.first_output] != 1) return no_id;
    const NodeId reader = reader_[own.first_output];
    const Node& next = graph_.nodes()[reader];
    if (group_[reader] != no_group || next.output_count != 1) return no_id;
    return reader;
  }
  bool keeps_size(NodeId node, NodeId reader) const {
    return graph_.numel(graph_.nodes()[node].first_output) ==
           graph_.numel(graph_.nodes()[reader].first_output);
  }

  /// Whether nothing of the same size that the reader also takes was computed later: it joins the
  /// last one. Smaller ones are scales and biases, which no chain of that size ends with.
  bool is_computed_last(NodeId node, NodeId reader) const {
    const std::int64_t size = graph_.numel(graph_.nodes()[reader].first_output);
    const auto inputs = graph_.inputs_of(graph_.nodes()[reader]);
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      if (input == no_id || graph_.numel(input) != size) return true;
      const Value& value = graph_.value(input);
      return value.has(Value::is_input) || value.has(Value::is_parameter) || value.producer <= node;
    });
  }

  /// The products with the softmax between them and all that stands between; empty if it is none.
  std::vector<NodeId> attention_from(NodeId first) const {
    std::vector<NodeId> nodes = {first};
    bool has_softmax = false;
    for (NodeId node = only_reader(first); node != no_id; node = only_reader(node)) {
      const NodeId before = nodes.back();
      const OpDef& op = op_of(node);
      nodes.push_back(node);
      if (Kinds::is_tensor_product(op)) {
        const bool takes_weights =
            graph_.inputs_of(graph_.nodes()[node])[0] == graph_.nodes()[before].first_output;
        if (has_softmax && takes_weights) return nodes;
        return {};
      }
      has_softmax = has_softmax || Kinds::is_softmax(op);
      const bool may_stand_between =
          Kinds::is_softmax(op) || kinds_.is_pointwise(op) || is_view(node);
      if (!may_stand_between || !keeps_size(before, node)) return {};
    }
    return {};
  }

  std::vector<NodeId> chain_from(NodeId first) const {
    std::vector<NodeId> nodes = {first};
    std::vector<NodeId> views;  // belong to the group only if something behind them does
    NodeId last = first;
    for (NodeId node = only_reader(first); node != no_id; node = only_reader(node)) {
      if (!keeps_size(last, node)) break;
      if (is_view(node)) {
        views.push_back(node);
      } else if (kinds_.is_pointwise(op_of(node)) && is_computed_last(last, node)) {
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
  Kinds kinds_;
  std::vector<std::uint32_t> group_;  // by node
  std::vector<std::uint32_t> uses_;   // by value
  std::vector<NodeId> reader_;        // by value: the last one
  std::vector<FusedGroup> groups_;
};

}  // namespace

std::vector<FusedGroup> fused_groups(const Graph& graph, bool fuse) {
  Fusion fusion(graph);
  if (fuse) {
    fusion.find_attention();
    fusion.find_chains();
  }
  fusion.add_the_rest();
  return fusion.take();
}

}  // namespace zoometer
