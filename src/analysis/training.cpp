#include "analysis/training.hpp"

#include <algorithm>
#include <array>

#include "analysis/liveness.hpp"
#include "analysis/profile.hpp"
#include "op/recurrent.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::array<std::string_view, 4> optimizer_names = {"sgd", "momentum", "adam", "adamw"};
constexpr std::int64_t float32_bytes = 4;
constexpr std::int64_t index_bytes = 8;

/// What backward needs that is no tensor of the graph.
enum class Extra : std::uint8_t {
  none,
  channel_statistics,   // mean and deviation of each channel
  instance_statistics,  // of each channel of each sample
  group_statistics,     // of each group of channels of each sample
  row_statistics,       // of each normalised row
  indices,              // where each output element came from
};

/// What an operator kind keeps for its backward: a bit for each tensor, and more.
struct SavingRule {
  std::string_view op;
  unsigned tensors = 0;
  Extra extra = Extra::none;
};

constexpr unsigned first = 1;
constexpr unsigned second = 2;
constexpr unsigned third = 4;
constexpr unsigned result = 8;
/// The first input, or the result where that takes its place.
constexpr unsigned survivor = 16;

/// By PyTorch's derivatives. Products and mul, div are below; what is not listed keeps nothing:
/// sums, views, copies, resampling, rounding, comparisons, dropout (whose rate a graph does not
/// have).
constexpr SavingRule saving_rules[] = {
    {"batch_norm", first, Extra::channel_statistics},
    {"instance_norm", first, Extra::instance_statistics},
    {"group_norm", first, Extra::group_statistics},
    {"layer_norm", first, Extra::row_statistics},
    {"rms_norm", first, Extra::row_statistics},
    {"local_response_norm", first | result},
    {"relu", result},
    {"leaky_relu", survivor},
    {"elu", survivor},
    {"selu", survivor},
    {"celu", survivor},
    {"sigmoid", result},
    {"tanh", result},
    {"exp", result},
    {"expm1", result},
    {"sqrt", result},
    {"rsqrt", result},
    {"reciprocal", result},
    {"softmax", result},
    {"log_softmax", result},
    {"cumprod", first | result},
    {"logsumexp", first | result},
    {"norm", first | result},
    {"prod", first | result},
    {"amax", first | result},
    {"amin", first | result},
    {"relu6", first},
    {"hardtanh", first},
    {"threshold", first},
    {"prelu", first},
    {"hardswish", first},
    {"hardsigmoid", first},
    {"silu", first},
    {"gelu", first},
    {"mish", first},
    {"softplus", first},
    {"softsign", first},
    {"log_sigmoid", first},
    {"log", first},
    {"log2", first},
    {"log10", first},
    {"log1p", first},
    {"sin", first},
    {"cos", first},
    {"tan", result},
    {"asin", first},
    {"acos", first},
    {"atan", first},
    {"sinh", first},
    {"cosh", first},
    {"asinh", first},
    {"acosh", first},
    {"atanh", first},
    {"erf", first},
    {"erfc", first},
    {"abs", first},
    {"clamp", first},
    {"pow", first},
    {"atan2", first | second},
    {"maximum", first | second},
    {"minimum", first | second},
    {"fmod", second},
    {"remainder", second},
    {"var", first},
    {"digamma", first},
    {"lgamma", first},
    {"i0", first},
    {"erfinv", result},
    {"inverse", result},
    {"cholesky", result},
    {"determinant", first | result},
    {"solve", first | result},
    {"solve_triangular", first | result},
    {"where", first},
    {"masked_fill", second},
    {"max_pool1d", first, Extra::indices},
    {"max_pool2d", first, Extra::indices},
    {"max_pool3d", first, Extra::indices},
    {"adaptive_max_pool1d", first, Extra::indices},
    {"adaptive_max_pool2d", first, Extra::indices},
    {"adaptive_max_pool3d", first, Extra::indices},
    {"mean", first},
    {"adaptive_avg_pool1d", first},
    {"adaptive_avg_pool2d", first},
    {"adaptive_avg_pool3d", first},
    {"avg_pool1d", first},
    {"avg_pool2d", first},
    {"avg_pool3d", first},
    {"grid_sample", first | second},
    {"roi_align", second},
    {"embedding", first},
    {"index", second},
    {"index_select", second},
    {"gather", second},
    {"topk", 0, Extra::indices},
    {"sort", 0, Extra::indices},
    {"cummax", 0, Extra::indices},
    {"cummin", 0, Extra::indices},
    {"scaled_dot_product_attention", first | second | third | result},
    {"rotary_embedding", second | third},
    {"rnn", first | result},
    {"gru", first | result},
    {"lstm", first | result},
};

const SavingRule* rule_of(const OpDef& op) {
  const auto found = std::find_if(std::begin(saving_rules), std::end(saving_rules),
                                  [&](const SavingRule& rule) { return rule.op == op.name; });
  return found == std::end(saving_rules) ? nullptr : found;
}

std::int64_t extra_bytes(const NodeView& node, Extra extra) {
  const Shape& x = node.in(0);
  switch (extra) {
  case Extra::none: return 0;
  case Extra::channel_statistics: return product(2, x.dim(1), float32_bytes);
  case Extra::instance_statistics: return product(2, x.dim(0), x.dim(1), float32_bytes);
  case Extra::group_statistics:
    return product(2, x.dim(0), node.attrs<GroupNormAttrs>().num_groups, float32_bytes);
  case Extra::row_statistics: {
    std::int64_t row = 1;
    const std::int64_t rank = node.attrs<LayerNormAttrs>().normalized_rank;
    for (std::int64_t i = 1; i <= rank; ++i) row = checked_mul(row, x.dim(-i));
    const std::int64_t statistics = node.op().name == "rms_norm" ? 1 : 2;
    return product(statistics, node.in_numel(0) / std::max<std::int64_t>(1, row), float32_bytes);
  }
  case Extra::indices: return checked_mul(node.out_numel(), index_bytes);
  }
  return 0;
}

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
    ++entry.count;
    entry.macs = checked_add(entry.macs, metrics.macs);
    sums.macs = checked_add(sums.macs, metrics.macs);
    sums.bounded = sums.bounded || metrics.bounded;
    std::int64_t wanted = 0;  // gradients of the product's operands
    bool any = false;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (!node.has(i) || !needs_gradient_[node.input(i)]) continue;
      any = true;
      if (is_operand(node, i)) ++wanted;
    }
    if (!any) return;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const ValueId output = node.output(i);
      needs_gradient_[output] = is_floating(graph_.value(output).dtype);
    }
    const std::int64_t backward = backward_macs(node, metrics.macs, wanted);
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

  /// Whether an input is a factor of the operator's products: a bias is none.
  static bool is_operand(const NodeView& node, std::size_t index) {
    const std::string_view op = node.op().name;
    if (op == "addmm") return index > 0;
    if (op == "einsum") return true;
    if (op == "scaled_dot_product_attention") return index < 3;
    return index < 2;
  }

  /// The gradient of each factor is a product with as many MACs. Attention has two products and so
  /// four factors, of which query and key make up the first two. A recurrent layer's second product
  /// has two: its weights, and the states, which depend on weights.
  std::int64_t backward_macs(const NodeView& node, std::int64_t macs, std::int64_t wanted) const {
    const OpDef& op = node.op();
    if (op.name == "scaled_dot_product_attention") return checked_mul(2, macs);
    if (&op != &rnn_op && &op != &gru_op && &op != &lstm_op) return checked_mul(macs, wanted);
    const std::int64_t rows = checked_mul(node.in(1).dim(0), node.in(1).dim(1));
    const std::int64_t of_inputs = checked_mul(node.in_numel(0), rows);
    return checked_add(checked_mul(of_inputs, wanted), checked_mul(2, macs - of_inputs));
  }

  bool is_product(const OpDef& op) const {
    return is_convolution(op) || op.name == "linear" || op.name == "matmul" || op.name == "bmm" ||
           op.name == "addmm" || op.name == "einsum" || op.name == "grouped_matmul";
  }

  /// Keeps what backward needs; returns the bytes that nobody kept before.
  std::int64_t save(NodeId id, const NodeView& node) {
    const OpDef& op = node.op();
    const auto wants = [&](std::size_t i) { return node.has(i) && needs_gradient_[node.input(i)]; };
    if (is_product(op) || op.name == "mul") {
      const std::size_t base = op.name == "addmm" ? 1 : 0;
      std::int64_t bytes = 0;
      if (wants(base + 1)) bytes += keep_input(id, node, base);
      if (wants(base) && node.has(base + 1)) bytes += keep_input(id, node, base + 1);
      return bytes;
    }
    if (op.name == "div") {
      std::int64_t bytes = node.has(1) ? keep_input(id, node, 1) : 0;
      if (wants(1)) bytes += keep_input(id, node, 0);
      return bytes;
    }
    const SavingRule* rule = rule_of(op);
    if (rule == nullptr) return op.coverage == Coverage::unknown ? keep_all_inputs(id, node) : 0;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      if ((rule->tensors >> i & 1U) != 0 && node.has(i)) bytes += keep_input(id, node, i);
    }
    const bool keeps_result = (rule->tensors & result) != 0;
    const bool keeps_survivor = (rule->tensors & survivor) != 0;
    if (keeps_result || (keeps_survivor && overwrites(node))) {
      bytes += keep(id, node.output());
    } else if (keeps_survivor) {
      bytes += keep(id, node.input(0));
    }
    const std::int64_t extra = extra_bytes(node, rule->extra);
    occupy(id, backward_of(id), extra);
    return checked_add(bytes, extra);
  }

  std::int64_t keep_all_inputs(NodeId id, const NodeView& node) {
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (node.has(i)) bytes = checked_add(bytes, keep_input(id, node, i));
    }
    return bytes;
  }

  /// Whether an operator writes its result over its first input.
  bool overwrites(const NodeView& node) const {
    return node.op().storage == Storage::fresh && graph_.value(node.output()).has(Value::shares);
  }

  /// An operator that works in place and needs what it overwrites keeps a copy.
  std::int64_t keep_input(NodeId id, const NodeView& node, std::size_t index) {
    if (index != 0 || !overwrites(node)) return keep(id, node.input(index));
    const std::int64_t bytes = graph_.bytes(node.input(0));
    occupy(id, backward_of(id), bytes);
    return bytes;
  }

  std::int64_t keep(NodeId id, ValueId value) {
    const ValueId owner = owners_[value];
    if (graph_.value(owner).has(Value::is_parameter)) return 0;
    if (saved_by_[owner] != no_id) return 0;
    saved_by_[owner] = id;  // the earliest node: the last one in backward
    return graph_.value(owner).has(Value::is_input) ? 0 : graph_.bytes(owner);
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
      occupy(from, to, graph_.bytes(lifetime.value));
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
  std::vector<std::int64_t> alive_;   // by point of the step: bytes that appear, less those that go
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
