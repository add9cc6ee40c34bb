#include "analysis/training.hpp"

#include <algorithm>
#include <array>

#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "analysis/traffic.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::array<std::string_view, 4> optimizer_names = {"sgd", "momentum", "adam", "adamw"};
constexpr std::int64_t float32_bytes = 4;

using namespace declaring;

/// A step has forward, node by node, and then backward, the last node first.
class Step {
 public:
  explicit Step(const Graph& graph)
      : graph_(graph),
        owners_(owners_of(graph)),
        needs_gradient_(graph.values().size(), false),
        saved_by_(graph.values().size(), no_id),
        alive_(2 * graph.nodes().size() + 1, 0) {
    for (const Parameter& parameter : graph.parameters()) {
      needs_gradient_[parameter.value] = parameter.kind == ParameterKind::parameter &&
                                         is_floating(graph.value(parameter.value).dtype);
    }
  }

  TrainingProfile take(Optimizer optimizer) {
    TrainingProfile sums;
    sums.optimizer = optimizer;
    for (NodeId node = 0; node < graph_.nodes().size(); ++node) add_node(node, sums);
    add_parameters(sums);
    add_activations();
    add_gradients();
    find_peak(sums);
    for (const std::int64_t part : {sums.weights, sums.gradients, sums.master_weights,
                                    sums.optimizer_state, sums.peak_activations}) {
      sums.total = checked_add(sums.total, part);
    }
    std::stable_sort(sums.operators.begin(), sums.operators.end(),
                     [](const TrainingOperator& a, const TrainingOperator& b) {
                       return a.saved_bytes > b.saved_bytes;
                     });
    return sums;
  }

 private:
  std::size_t end() const { return 2 * graph_.nodes().size(); }
  std::size_t backward_of(NodeId node) const { return end() - 1 - node; }
  bool is_parameter(ValueId value) const {
    return graph_.value(owners_[value]).has(Value::is_parameter);
  }

  void add_node(NodeId id, TrainingProfile& sums) {
    const NodeView node = graph_.view(id);
    const Metrics metrics = metrics_of(node);
    TrainingOperator& entry = entry_of(sums, operator_name(node.node()));
    const std::int64_t times = graph_.runs_of(node.node()).times;
    entry.count = checked_add(entry.count, times);
    entry.macs = checked_add(entry.macs, metrics.macs);
    sums.macs = checked_add(sums.macs, metrics.macs);
    sums.bounded = sums.bounded || metrics.bounded;
    std::int64_t wanted = 0;  // gradients of factors
    bool any = false;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (!has_gradient(node, i)) continue;
      any = true;
      if (node.op().backward->factors.has(i)) ++wanted;
    }
    if (!any) return;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const ValueId output = node.output(i);
      needs_gradient_[output] = is_floating(graph_.value(output).dtype);
    }
    const std::int64_t backward =
        checked_mul(backward_macs(node, metrics.macs / times, wanted), times);
    entry.backward_macs = checked_add(entry.backward_macs, backward);
    sums.backward_macs = checked_add(sums.backward_macs, backward);
    const std::int64_t saved = save(id, node);
    entry.saved_bytes = checked_add(entry.saved_bytes, saved);
    sums.saved = checked_add(sums.saved, saved);
  }

  static TrainingOperator& entry_of(TrainingProfile& sums, std::string name) {
    for (TrainingOperator& entry : sums.operators) {
      if (entry.name == name) return entry;
    }
    sums.operators.push_back({.name = std::move(name)});
    return sums.operators.back();
  }

  bool has_gradient(const NodeView& node, std::size_t index) const {
    return node.has(index) && needs_gradient_[node.input(index)];
  }

  /// The gradient of each factor is a product with as many MACs, unless the operator says more.
  static std::int64_t backward_macs(const NodeView& node, std::int64_t macs, std::int64_t wanted) {
    const Backward backward = node.op().backward;
    return backward.macs != nullptr ? backward.macs(node, macs, wanted) : checked_mul(macs, wanted);
  }

  /// Keeps what backward needs; returns the bytes that no node before it kept.
  std::int64_t save(NodeId id, const NodeView& node) {
    const Backward backward = node.op().backward;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const bool is_kept =
          backward.keeps.has(i) || (backward.keeps_factors && is_factor_of_other(node, i));
      if (is_kept && node.has(i)) bytes = checked_add(bytes, keep_input(id, node, i));
    }
    if (backward.keeps.has(first_or_result))
      bytes = checked_add(bytes, keep(id, overwrites(node) ? node.output() : node.input(0)));
    if (backward.keeps.has(result)) bytes = checked_add(bytes, keep(id, node.output()));
    if (backward.extra == nullptr) return bytes;
    const std::int64_t extra =
        checked_mul(backward.extra->bytes(node), graph_.runs_of(node.node()).times);
    occupy(id, backward_of(id), extra);
    return checked_add(bytes, extra);
  }

  /// Whether an input is a factor of which another one needs a gradient.
  bool is_factor_of_other(const NodeView& node, std::size_t index) const {
    const OperandSet factors = node.op().backward->factors;
    if (!factors.has(index)) return false;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (i != index && factors.has(i) && has_gradient(node, i)) return true;
    }
    return false;
  }

  /// Whether an operator writes its result over its first input.
  bool overwrites(const NodeView& node) const {
    return node.op().memory->storage == Storage::fresh &&
           graph_.value(node.output()).has(Value::shares);
  }

  /// An operator that works in place and needs what it overwrites keeps a copy.
  std::int64_t keep_input(NodeId id, const NodeView& node, std::size_t index) {
    if (index != 0 || !overwrites(node)) return keep(id, node.input(index));
    const std::int64_t bytes =
        checked_mul(graph_.bytes(node.input(0)), graph_.runs_of(node.node()).times);
    occupy(id, backward_of(id), bytes);
    return bytes;
  }

  std::int64_t keep(NodeId id, ValueId value) {
    const ValueId owner = owners_[value];
    if (graph_.value(owner).has(Value::is_parameter)) return 0;
    if (saved_by_[owner] != no_id) return 0;
    saved_by_[owner] = id;  // the earliest node: the last one in backward
    return graph_.value(owner).has(Value::is_input) ? 0 : saved_bytes(owner);
  }

  /// Backward needs what every run of a loop's node made.
  std::int64_t saved_bytes(ValueId owner) const {
    const Value& value = graph_.value(owner);
    if (value.has(Value::is_input) || value.has(Value::is_parameter)) return graph_.bytes(owner);
    return checked_mul(graph_.bytes(owner), graph_.runs_of(graph_.nodes()[value.producer]).times);
  }

  /// Adds bytes from one point of the step to another, both included.
  void occupy(std::size_t from, std::size_t to, std::int64_t bytes) {
    alive_[from] = checked_add(alive_[from], bytes);
    alive_[to + 1] -= bytes;
  }

  void add_parameters(TrainingProfile& sums) const {
    for (const Parameter& parameter : graph_.parameters()) {
      if (parameter.shared_with != no_id) continue;
      const std::int64_t bytes = graph_.bytes(parameter.value);
      sums.weights = checked_add(sums.weights, bytes);
      if (!needs_gradient_[parameter.value]) continue;
      const std::int64_t elements = graph_.numel(parameter.value);
      sums.trainable = checked_add(sums.trainable, elements);
      sums.gradients = checked_add(sums.gradients, bytes);
      if (bits_of(graph_.dtype(parameter.value)) < 32)
        sums.master_weights =
            checked_add(sums.master_weights, checked_mul(elements, float32_bytes));
    }
    const std::int64_t numbers = sums.optimizer == Optimizer::sgd        ? 0
                                 : sums.optimizer == Optimizer::momentum ? 1
                                                                         : 2;
    sums.optimizer_state = product(numbers, sums.trainable, float32_bytes);
  }

  void add_activations() {
    if (graph_.nodes().empty()) return;
    for (const Lifetime& lifetime : lifetimes_of(graph_)) {
      const std::size_t from = lifetime.first == no_id ? 0 : lifetime.first;
      std::size_t to = lifetime.last == no_id ? end() - 1 : lifetime.last;
      const NodeId saver = saved_by_[lifetime.value];
      if (saver != no_id) to = std::max(to, backward_of(saver));
      occupy(from, to, saver != no_id ? saved_bytes(lifetime.value) : graph_.bytes(lifetime.value));
    }
  }

  /// A view's gradient lives in that of its source.
  ValueId gradient_owner(ValueId value) const {
    while (true) {
      const Value& own = graph_.value(value);
      if (own.has(Value::is_input) || own.has(Value::is_parameter)) return value;
      const Node& node = graph_.nodes()[own.producer];
      const bool is_view = node.op->coverage == Coverage::zero && moves_nothing(graph_, node);
      if (!is_view) return value;
      value = graph_.inputs_of(node)[0];
    }
  }

  /// The gradient of a tensor lives from the backward of its last reader to that of its maker.
  void add_gradients() {
    const std::size_t count = graph_.nodes().size();
    std::vector<NodeId> last_reader(graph_.values().size(), no_id);
    for (NodeId node = 0; node < count; ++node) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
        if (input != no_id && needs_gradient_[input]) last_reader[gradient_owner(input)] = node;
      }
    }
    std::vector<bool> is_output(graph_.values().size(), false);
    for (const Port& output : graph_.outputs()) is_output[gradient_owner(output.value)] = true;
    for (ValueId value = 0; value < graph_.values().size(); ++value) {
      const Value& own = graph_.value(value);
      const bool is_computed = !own.has(Value::is_input) && !own.has(Value::is_parameter);
      if (!is_computed || !needs_gradient_[value] || gradient_owner(value) != value) continue;
      if (!is_output[value] && last_reader[value] == no_id) continue;
      const std::size_t from = is_output[value] ? count : backward_of(last_reader[value]);
      occupy(from, backward_of(own.producer), graph_.bytes(value));
    }
  }

  void find_peak(TrainingProfile& sums) const {
    std::int64_t alive = 0;
    if (graph_.nodes().empty()) {
      for (const Port& input : graph_.inputs()) alive += graph_.bytes(input.value);
      sums.peak_activations = alive;
      return;
    }
    const std::size_t count = graph_.nodes().size();
    for (std::size_t at = 0; at < end(); ++at) {
      alive = checked_add(alive, alive_[at]);
      if (alive <= sums.peak_activations) continue;
      sums.peak_activations = alive;
      sums.peak_is_backward = at >= count;
      sums.peak_node = static_cast<NodeId>(at < count ? at : end() - 1 - at);
    }
  }

  const Graph& graph_;
  std::vector<ValueId> owners_;
  std::vector<bool> needs_gradient_;  // by value
  std::vector<NodeId> saved_by_;      // by owner: the first node whose backward needs it
  std::vector<std::int64_t> alive_;   // by point of the step: bytes allocated less bytes freed
};

}  // namespace

std::string_view name_of(Optimizer optimizer) noexcept {
  return optimizer_names[static_cast<std::size_t>(optimizer)];
}

std::optional<Optimizer> optimizer_from_name(std::string_view name) noexcept {
  const auto found = std::find(optimizer_names.begin(), optimizer_names.end(), name);
  if (found == optimizer_names.end()) return std::nullopt;
  return static_cast<Optimizer>(found - optimizer_names.begin());
}

TrainingProfile profile_training(const Graph& graph, Optimizer optimizer) {
  return Step(graph).take(optimizer);
}

}  // namespace zoometer
