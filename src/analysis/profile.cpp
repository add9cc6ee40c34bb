#include "analysis/profile.hpp"

#include <algorithm>

#include "analysis/convention.hpp"
#include "analysis/traffic.hpp"
#include "op/unknown.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// Counts every run of a node.
void multiply(Metrics& metrics, std::int64_t times) {
  for (std::int64_t Metrics::*figure :
       {&Metrics::macs, &Metrics::macs_masked, &Metrics::flops, &Metrics::activations,
        &Metrics::bytes_read, &Metrics::bytes_written, &Metrics::cost}) {
    metrics.*figure = checked_mul(metrics.*figure, times);
  }
}

/// The flags of all values that a node reads or makes.
std::uint8_t flags_around(const Graph& graph, const Node& node) {
  std::uint8_t flags = node.op->cost_is_bound ? Value::bounded : 0;
  for (std::size_t i = 0; i < node.output_count; ++i)
    flags |= graph.value(node.first_output + static_cast<ValueId>(i)).flags;
  for (const ValueId input : graph.inputs_of(node)) {
    if (input != no_id) flags |= graph.value(input).flags;
  }
  return flags;
}

/// Finds or adds operator kinds. There are few of them, and neighbours are often alike; but a file
/// may name any number of unknown ones.
class OperatorTable {
 public:
  explicit OperatorTable(std::vector<OperatorMetrics>& operators) : operators_(operators) {}

  OperatorMetrics& entry(const Node& node) {
    if (node.op == &unknown_op) return unknown_entry(node);
    for (const std::size_t place : known_) {
      if (operators_[place].op == node.op) return operators_[place];
    }
    known_.push_back(operators_.size());
    return operators_.emplace_back(OperatorMetrics{operator_name(node), node.op, 0, {}});
  }

 private:
  OperatorMetrics& unknown_entry(const Node& node) {
    const auto [place, is_new] = unknown_.try_emplace(operator_name(node), operators_.size());
    if (is_new) operators_.push_back({place->first, node.op, 0, {}});
    return operators_[place->second];
  }

  std::vector<OperatorMetrics>& operators_;
  std::vector<std::size_t> known_;
  TextMap<std::size_t> unknown_;
};

DTypeMetrics& dtype_entry(std::vector<DTypeMetrics>& dtypes, DType dtype) {
  for (DTypeMetrics& entry : dtypes) {
    if (entry.dtype == dtype) return entry;
  }
  dtypes.push_back({dtype, 0, 0, 0});
  return dtypes.back();
}

/// Adds what a parameter stores, and nothing for one that shares another's storage.
void add_parameter(const Graph& graph, const Parameter& parameter, Metrics& owner) {
  if (parameter.shared_with != no_id) return;
  // Scales and zero points are counted apart: `quantisation_parameters_of`.
  if (parameter.kind == ParameterKind::parameter || parameter.kind == ParameterKind::buffer ||
      parameter.kind == ParameterKind::transient_buffer) {
    std::int64_t& elements =
        parameter.kind == ParameterKind::parameter ? owner.parameters : owner.buffers;
    elements = checked_add(elements, graph.numel(parameter.value));
  }
  owner.parameter_bytes = checked_add(owner.parameter_bytes, graph.bytes(parameter.value));
}

void add_parameters(const Graph& graph, Profile& profile) {
  for (const Parameter& parameter : graph.parameters()) {
    add_parameter(graph, parameter, profile.modules[parameter.module]);
    if (parameter.shared_with != no_id) continue;
    std::int64_t& bytes = dtype_entry(profile.dtypes, graph.dtype(parameter.value)).parameter_bytes;
    bytes = checked_add(bytes, graph.bytes(parameter.value));
  }
}

void add_nodes(const Graph& graph, const Convention* convention, Profile& profile) {
  NodeCounter counter(graph, convention);
  OperatorTable operators(profile.operators);
  for (const Node& node : graph.nodes()) {
    const NodeView view(graph, node);
    const Metrics metrics = counter.metrics_of(view);
    profile.modules[node.module] += metrics;
    OperatorMetrics& entry = operators.entry(node);
    entry.count = checked_add(entry.count, graph.runs_of(node).times);
    entry.metrics += metrics;
    if (metrics.macs > 0) add_products(view, metrics.macs, profile.element_types);
    if (!view.has(0) && node.output_count == 0) continue;
    const DType dtype = graph.dtype(view.has(0) ? view.input(0) : node.first_output);
    DTypeMetrics& by_dtype = dtype_entry(profile.dtypes, dtype);
    by_dtype.macs = checked_add(by_dtype.macs, metrics.macs);
    by_dtype.bytes =
        checked_add(by_dtype.bytes, checked_add(metrics.bytes_read, metrics.bytes_written));
  }
}

void sum_up(const Graph& graph, Profile& profile) {
  for (std::size_t i = profile.modules.size(); i-- > 1;) {
    profile.modules[graph.modules()[i].parent] += profile.modules[i];
  }
  if (!profile.modules.empty()) profile.total = profile.modules[0];
}

void fill_ledger(Profile& profile) {
  for (const OperatorMetrics& entry : profile.operators) {
    switch (entry.op->coverage) {
    case Coverage::counted: profile.coverage.counted += entry.count; break;
    case Coverage::zero: profile.coverage.zero += entry.count; break;
    case Coverage::unknown: profile.coverage.unknown.push_back({entry.name, entry.count}); break;
    }
  }
}

void count_up(const Graph& graph, const Convention* convention, Profile& profile) {
  profile.modules.resize(graph.modules().size());
  profile.calls.resize(graph.modules().size());
  for (const ModuleCall& call : graph.calls())
    profile.calls[call.module] = checked_add(profile.calls[call.module], call.times);
  add_parameters(graph, profile);
  add_nodes(graph, convention, profile);
  sum_up(graph, profile);
  fill_ledger(profile);
  std::stable_sort(profile.operators.begin(), profile.operators.end(),
                   [](const auto& a, const auto& b) { return a.metrics.flops > b.metrics.flops; });
  std::stable_sort(profile.dtypes.begin(), profile.dtypes.end(),
                   [](const auto& a, const auto& b) { return a.macs > b.macs; });
  std::ranges::stable_sort(profile.element_types, std::ranges::greater{},
                           &ElementTypeMetrics::macs);
}

}  // namespace

Metrics& Metrics::operator+=(const Metrics& other) {
  parameters = checked_add(parameters, other.parameters);
  buffers = checked_add(buffers, other.buffers);
  parameter_bytes = checked_add(parameter_bytes, other.parameter_bytes);
  macs = checked_add(macs, other.macs);
  macs_masked = checked_add(macs_masked, other.macs_masked);
  flops = checked_add(flops, other.flops);
  activations = checked_add(activations, other.activations);
  bytes_read = checked_add(bytes_read, other.bytes_read);
  bytes_written = checked_add(bytes_written, other.bytes_written);
  checked_add(bytes_read, bytes_written);  // reports add both
  cost = checked_add(cost, other.cost);
  if (!other.assumed && !other.bounded) return *this;
  assumed = assumed || other.assumed;
  macs_assumed = macs_assumed || other.macs_assumed;
  bounded = !assumed && (bounded || other.bounded);
  macs_bounded = !macs_assumed && (macs_bounded || other.macs_bounded);
  return *this;
}

double Metrics::intensity() const noexcept {
  const auto bytes = static_cast<double>(bytes_read) + static_cast<double>(bytes_written);
  return bytes > 0 ? static_cast<double>(flops) / bytes : 0;
}

std::string operator_name(const Node& node) {
  if (node.op != &unknown_op || node.attrs == nullptr) return std::string(node.op->name);
  const auto& attrs = *static_cast<const UnknownAttrs*>(node.attrs);
  return attrs.domain.empty() ? std::string(attrs.op_type)
                              : std::string(attrs.domain) + "::" + std::string(attrs.op_type);
}

Metrics metrics_of(const NodeView& view, const Convention* convention) {
  return NodeCounter(view.graph(), convention).metrics_of(view);
}

Metrics NodeCounter::metrics_of(const NodeView& view) {
  const Graph& graph = view.graph();
  const Node& node = view.node();
  Metrics metrics;
  if (node.op->cost != nullptr) {
    const Cost cost = cost_of(view);
    metrics.macs = cost.macs;
    metrics.macs_masked = cost.macs - cost.hidden;
    metrics.flops = checked_add(checked_mul(2, cost.macs), cost.other);
    if (cost.macs > 0) metrics.activations = view.out_numel();
  }
  metrics.bytes_written = bytes_written_by(view);
  metrics.bytes_read = bytes_read_by(view, reads_);
  if (convention_ != nullptr) metrics.cost = convention_->cost(view);
  const NodeRuns runs = graph.runs_of(node);
  if (runs.times != 1) multiply(metrics, runs.times);
  if (convention_ != nullptr && convention_->counts_loops_once)
    metrics.cost = convention_->cost(view);
  const std::uint8_t flags = flags_around(graph, node);
  metrics.assumed = (flags & Value::assumed) != 0;
  metrics.bounded = !metrics.assumed && (runs.is_bound || (flags & Value::bounded) != 0);
  metrics.macs_assumed = metrics.assumed && metrics.macs > 0;
  metrics.macs_bounded = metrics.bounded && metrics.macs > 0;
  return metrics;
}

ModelSize size_of(const Graph& graph) {
  ModelSize size;
  for (const Parameter& parameter : graph.parameters()) {
    if (parameter.shared_with != no_id || parameter.kind != ParameterKind::parameter) continue;
    size.parameters = checked_add(size.parameters, graph.numel(parameter.value));
  }
  for (const Node& node : graph.nodes()) {
    const NodeView view(graph, node);
    size.macs = checked_add(size.macs, checked_mul(macs_of(view), graph.runs_of(node).times));
  }
  return size;
}

Profile profile(const Graph& graph, const Convention* convention) {
  if (convention != nullptr) require_convention(*convention, graph);
  Profile result;
  count_up(graph, convention, result);
  result.memory = activations_of(graph);
  result.experts = all_experts_of(graph);
  return result;
}

}  // namespace zoometer
