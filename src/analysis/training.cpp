#include "analysis/training.hpp"

#include <algorithm>

#include "analysis/gradient_flow.hpp"
#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "analysis/recomputation.hpp"
#include "analysis/traffic.hpp"
#include "analysis/training_state.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/ir/layout.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

using namespace declaring;

/// A step has forward, node by node, and then backward, the last node first.
class Step {
 public:
  Step(const Graph& graph, const TrainingRecipe& recipe)
      : graph_(graph),
        counter_(graph),
        owners_(owners_of(graph)),
        needs_gradient_(gradients_of(graph)),
        saved_by_(graph.values().size(), no_id),
        alive_(2 * graph.nodes().size() + 1, 0) {
    sums_.recipe = recipe;
    find_kernels();
    find_internal_values();
    recomputed_ = recomputed_nodes(graph, recipe.checkpoint);
  }

  TrainingProfile take() {
    auto next = recomputed_.begin();
    for (NodeId node = 0; node < graph_.nodes().size();) {
      if (next != recomputed_.end() && node == next->first) {
        add_recomputed(*next);
        node = next++->end;
      } else {
        add_node(node++);
      }
    }
    add_parameter_state(graph_, needs_gradient_, sums_);
    add_activations();
    add_gradients();
    find_peak();
    for (const std::int64_t part :
         {sums_.weights, sums_.gathered, sums_.gradients, sums_.master_weights,
          sums_.optimizer_state, sums_.peak_activations}) {
      sums_.total = checked_add(sums_.total, part);
    }
    sums_.total -= sums_.host;
    sums_.update_macs =
        checked_mul(sums_.recipe.accumulate, checked_add(sums_.macs, sums_.backward_macs));
    std::stable_sort(sums_.operators.begin(), sums_.operators.end(),
                     [](const TrainingOperator& a, const TrainingOperator& b) {
                       return a.saved_bytes > b.saved_bytes;
                     });
    return std::move(sums_);
  }

 private:
  /// What a node keeps of itself.
  struct Kept {
    std::int64_t bytes = 0;  ///< that no node before it kept
    bool any = false;        ///< keeps something, be it a parameter
    bool own = false;        ///< ... that it makes, so that it has to run for it
  };

  std::size_t end() const { return 2 * graph_.nodes().size(); }
  std::size_t backward_of(NodeId node) const { return end() - 1 - node; }

  /// Nodes of one kernel keep nothing, except the last one with a gradient, which keeps what the
  /// kernel does.
  void find_kernels() {
    for (const Region& region : graph_.regions()) {
      if (region.kind != Region::Kind::kernel) continue;
      kernel_of_.resize(graph_.nodes().size(), nullptr);
      std::fill(kernel_of_.begin() + region.first_node, kernel_of_.begin() + region.end_node,
                &region);
    }
  }
  const Region* kernel_of(NodeId node) const {
    return kernel_of_.empty() ? nullptr : kernel_of_[node];
  }

  /// The last node of a kernel that a gradient flows through, of which there is one.
  NodeId last_trained(const Region& kernel) const {
    NodeId node = kernel.end_node - 1;
    while (node > kernel.first_node && !has_any_gradient(graph_.view(node))) --node;
    return node;
  }

  /// What only the nodes of one kernel read is never a tensor.
  void find_internal_values() {
    if (kernel_of_.empty()) return;
    internal_.assign(graph_.values().size(), false);
    for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
      const NodeView node = graph_.view(id);
      for (std::size_t i = 0; i < node.output_count(); ++i)
        internal_[node.output(i)] = kernel_of(id) != nullptr;
      for (const ValueId input : graph_.inputs_of(node.node())) {
        if (input == no_id || !internal_[input]) continue;
        if (kernel_of(graph_.value(input).producer) != kernel_of(id))
          internal_[input] = internal_[owners_[input]] = false;
      }
    }
    for (const Port& output : graph_.outputs())
      internal_[output.value] = internal_[owners_[output.value]] = false;
  }
  bool is_internal(ValueId value) const { return !internal_.empty() && internal_[value]; }

  bool has_any_gradient(const NodeView& node) const {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (needs_gradient_[node.output(i)]) return true;
    }
    return false;
  }

  /// Counts a node; the bytes and the MACs that its backward adds.
  Kept add_node(NodeId id) {
    const NodeView node = graph_.view(id);
    const Metrics metrics = counter_.metrics_of(node);
    TrainingOperator& entry = entry_of(operator_name(node.node()));
    const std::int64_t times = graph_.runs_of(node.node()).times;
    entry.count = checked_add(entry.count, times);
    entry.macs = checked_add(entry.macs, metrics.macs);
    sums_.macs = checked_add(sums_.macs, metrics.macs);
    sums_.bounded = sums_.bounded || metrics.bounded;
    if (!has_any_gradient(node)) return {};
    std::int64_t wanted = 0;  // gradients of factors
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (has_gradient(node, i) && node.op().backward->factors.has(i)) ++wanted;
    }
    add_backward(entry, checked_mul(backward_macs(node, metrics.macs / times, wanted), times));
    const Kept kept = save(id, node);
    entry.saved_bytes = checked_add(entry.saved_bytes, kept.bytes);
    sums_.saved = checked_add(sums_.saved, kept.bytes);
    return kept;
  }

  void add_backward(TrainingOperator& entry, std::int64_t macs) {
    entry.backward_macs = checked_add(entry.backward_macs, macs);
    sums_.backward_macs = checked_add(sums_.backward_macs, macs);
  }

  /// Keeps what these nodes read and none of them makes, and runs them again up to the last one
  /// that keeps something, as torch.utils.checkpoint does.
  void add_recomputed(const NodeRange& range) {
    bool any = false;
    for (NodeId node = range.first; node < range.end; ++node)
      any = any || has_any_gradient(graph_.view(node));
    if (any) keep_inputs(range);
    again_ = &range;
    NodeId last = range.first;  // the node after the last one that runs again
    for (NodeId node = range.first; node < range.end; ++node) {
      const Kept kept = add_node(node);
      if (kept.any) last = kept.own ? node + 1 : node;
    }
    again_ = nullptr;
    for (NodeId node = range.first; node < last; ++node) {
      const NodeView view = graph_.view(node);
      const std::int64_t macs = counter_.metrics_of(view).macs;
      add_backward(entry_of(operator_name(view.node())), macs);
      sums_.recomputed_macs = checked_add(sums_.recomputed_macs, macs);
    }
  }

  void keep_inputs(const NodeRange& range) {
    for (NodeId id = range.first; id < range.end; ++id) {
      const NodeView node = graph_.view(id);
      TrainingOperator& entry = entry_of(operator_name(node.node()));
      for (const ValueId input : graph_.inputs_of(node.node())) {
        if (input == no_id || is_made_within(range, owners_[input])) continue;
        const std::int64_t bytes = keep(range.first, input);
        entry.saved_bytes = checked_add(entry.saved_bytes, bytes);
        sums_.saved = checked_add(sums_.saved, bytes);
      }
    }
  }

  bool is_made_within(const NodeRange& range, ValueId value) const {
    const Value& own = graph_.value(value);
    return own.is_computed() && own.producer >= range.first && own.producer < range.end;
  }

  TrainingOperator& entry_of(std::string name) {
    const auto [place, is_new] = places_.try_emplace(std::move(name), sums_.operators.size());
    if (is_new) sums_.operators.push_back({.name = place->first});
    return sums_.operators[place->second];
  }

  bool has_gradient(const NodeView& node, std::size_t index) const {
    return node.has(index) && needs_gradient_[node.input(index)];
  }

  /// The gradient of each factor is a product with as many MACs, unless the operator says more.
  static std::int64_t backward_macs(const NodeView& node, std::int64_t macs, std::int64_t wanted) {
    const Backward backward = node.op().backward;
    return backward.macs != nullptr ? backward.macs(node, macs, wanted) : checked_mul(macs, wanted);
  }

  /// Keeps what backward needs.
  Kept save(NodeId id, const NodeView& node) {
    Kept kept;
    const auto add = [&kept](std::int64_t bytes) {
      kept.bytes = checked_add(kept.bytes, bytes);
      kept.any = true;
    };
    if (const Region* kernel = kernel_of(id)) {
      if (id != last_trained(*kernel)) return kept;
      for (const ValueId value : kernel->kept) {
        add(keep(id, value));
        kept.own = kept.own || value >= graph_.nodes()[kernel->first_node].first_output;
      }
      if (kernel->kept_bytes > 0) {
        add(keep_extra(id, checked_mul(kernel->kept_bytes, graph_.runs_of(node.node()).times)));
        kept.own = true;
      }
      return kept;
    }
    const Backward backward = node.op().backward;
    if (backward.when != nullptr && !backward.when->holds(node)) return kept;
    const OperandSet keeps = kept_set(node);
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const bool is_kept = keeps.has(i) || (backward.keeps_factors && is_factor_of_other(node, i));
      if (is_kept && node.has(i)) add(keep_input(id, node, i));
    }
    const bool keeps_result = keeps.has(result);
    const bool is_over = keeps.has(first_or_result) && overwrites(node);
    if (keeps.has(first_or_result) && !is_over) add(keep(id, node.input(0)));
    if (keeps_result || is_over) add(keep(id, node.output()));
    if (backward.extra != nullptr) add(keep(id, node, *backward.extra));
    kept.own = keeps_result || is_over || backward.extra != nullptr;
    return kept;
  }

  OperandSet kept_set(const NodeView& node) const {
    const Backward backward = node.op().backward;
    return has_gradient(node, 1) ? backward.keeps | backward.for_second : backward.keeps;
  }

  std::int64_t keep(NodeId id, const NodeView& node, const Extra& extra) {
    if (extra.output != 0 && extra.output < node.output_count())
      return keep(id, node.output(extra.output));
    return keep_extra(id, checked_mul(extra.bytes(node), graph_.runs_of(node.node()).times));
  }

  /// Keeps something that is not a tensor of the graph; the bytes of it that forward keeps.
  std::int64_t keep_extra(NodeId id, std::int64_t bytes) {
    occupy(again_ == nullptr ? id : backward_of(again_->end - 1), backward_of(id), bytes);
    return again_ == nullptr ? bytes : 0;
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
    return keep_extra(id,
                      checked_mul(graph_.bytes(node.input(0)), graph_.runs_of(node.node()).times));
  }

  std::int64_t keep(NodeId id, ValueId value) {
    const ValueId owner = owners_[value];
    if (graph_.value(owner).has(Value::is_parameter)) return 0;
    if (again_ != nullptr && is_made_within(*again_, owner)) return keep_again(id, owner);
    if (saved_by_[owner] != no_id) return 0;
    saved_by_[owner] = id;  // the earliest node: the last one in backward
    return graph_.value(owner).has(Value::is_input) ? 0 : saved_bytes(owner);
  }

  /// Keeps what backward makes again, from the time when it does.
  std::int64_t keep_again(NodeId id, ValueId owner) {
    if (made_again_.empty()) made_again_.resize(graph_.values().size(), false);
    if (made_again_[owner]) return 0;
    made_again_[owner] = true;
    occupy(backward_of(again_->end - 1), backward_of(id), saved_bytes(owner));
    return 0;
  }

  /// Backward needs what every run of a loop's node made.
  std::int64_t saved_bytes(ValueId owner) const {
    const Value& value = graph_.value(owner);
    if (!value.is_computed()) return graph_.bytes(owner);
    return checked_mul(graph_.bytes(owner), graph_.runs_of(graph_.nodes()[value.producer]).times);
  }

  /// Adds bytes from one point of the step to another, both included.
  void occupy(std::size_t from, std::size_t to, std::int64_t bytes) {
    alive_[from] = checked_add(alive_[from], bytes);
    alive_[to + 1] -= bytes;
  }

  void add_activations() {
    if (graph_.nodes().empty()) return;
    for (const Lifetime& lifetime : lifetimes_of(graph_)) {
      if (is_internal(lifetime.value)) continue;
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
      if (!own.is_computed()) return value;
      const Node& node = graph_.nodes()[own.producer];
      if (!runs_nothing(graph_, node)) return value;
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
      if (!own.is_computed() || !needs_gradient_[value] || gradient_owner(value) != value) continue;
      if (is_internal(value)) continue;
      if (!is_output[value] && last_reader[value] == no_id) continue;
      const std::size_t from = is_output[value] ? count : backward_of(last_reader[value]);
      occupy(from, backward_of(own.producer), graph_.bytes(value));
    }
  }

  void find_peak() {
    std::int64_t alive = 0;
    if (graph_.nodes().empty()) {
      for (const Port& input : graph_.inputs()) alive += graph_.bytes(input.value);
      sums_.peak_activations = alive;
      return;
    }
    const std::size_t count = graph_.nodes().size();
    for (std::size_t at = 0; at < end(); ++at) {
      alive = checked_add(alive, alive_[at]);
      if (alive <= sums_.peak_activations) continue;
      sums_.peak_activations = alive;
      sums_.peak_is_backward = at >= count;
      sums_.peak_node = static_cast<NodeId>(at < count ? at : end() - 1 - at);
    }
  }

  const Graph& graph_;
  NodeCounter counter_;
  TrainingProfile sums_;
  TextMap<std::size_t> places_;  // of the operators in it
  std::vector<ValueId> owners_;
  std::vector<bool> needs_gradient_;      // by value
  std::vector<NodeId> saved_by_;          // by owner: the first node whose backward needs it
  std::vector<bool> made_again_;          // by owner; empty: none
  std::vector<std::int64_t> alive_;       // by point of the step: bytes allocated less bytes freed
  std::vector<const Region*> kernel_of_;  // by node; empty: there are no kernels
  std::vector<bool> internal_;            // by value; empty: none is
  std::vector<NodeRange> recomputed_;
  const NodeRange* again_ = nullptr;  // the range that is being counted
};

}  // namespace

TrainingProfile profile_training(const Graph& graph, const TrainingRecipe& recipe) {
  check_recipe(recipe);
  return Step(graph, recipe).take();
}

TrainingProfile profile_training(const Graph& graph, Optimizer optimizer) {
  return profile_training(graph, TrainingRecipe{.optimizer = optimizer});
}

}  // namespace zoometer
