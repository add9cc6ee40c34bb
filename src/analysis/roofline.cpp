#include "analysis/roofline.hpp"

#include <algorithm>
#include <array>

#include "analysis/element_types.hpp"
#include "analysis/memory.hpp"
#include "analysis/profile.hpp"
#include "analysis/traffic.hpp"
#include "op/quantize.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// The most bytes of activations alive while a node runs, without values that are not stored.
std::int64_t peak_bytes_of(const Graph& graph, const std::vector<bool>& not_stored) {
  std::vector<std::int64_t> change(graph.nodes().size() + 1);  // before each node
  for (const Lifetime& lifetime : lifetimes_of(graph)) {
    if (not_stored[lifetime.value]) continue;
    const std::int64_t bytes = graph.bytes(lifetime.value);
    std::int64_t& made = change[lifetime.first == no_id ? 0 : lifetime.first];
    made = checked_add(made, bytes);
    if (lifetime.last != no_id) change[lifetime.last + 1] -= bytes;
  }
  std::int64_t alive = 0, peak = 0;
  for (const std::int64_t bytes : change) {
    alive = checked_add(alive, bytes);
    peak = std::max(peak, alive);
  }
  return peak;
}

/// Adds up each group's traffic: of weights, of the model's inputs and outputs, and between nodes.
class Workloads {
 public:
  Workloads(const Graph& graph, const WorkOptions& options)
      : graph_(graph),
        options_(options),
        counter_(graph),
        group_(graph.nodes().size()),
        is_needed_outside_(graph.values().size(), false),
        is_used_(graph.values().size(), false),
        is_output_(graph.values().size(), false),
        read_before_(graph.values().size(), 0),
        reads_(graph, Routing::least) {}

  Workload take() {
    std::vector<FusedGroup> groups = fused_groups(graph_, options_.fuse);
    for (std::uint32_t i = 0; i < groups.size(); ++i) {
      for (const NodeId node : groups[i].nodes) group_[node] = i;
    }
    find_uses();
    Workload result;
    for (FusedGroup& group : groups) result.works.push_back(work_of(std::move(group)));
    result.compulsory = compulsory_;
    const MemoryProfile memory = profile_memory(graph_);
    result.weights = memory.parameter_bytes;
    result.peak_activations =
        options_.fuse ? peak_without_unpacked() : memory.activations.peak_bytes;
    return result;
  }

 private:
  bool is_computed(ValueId value) const { return graph_.value(value).is_computed(); }

  void find_uses() {
    for (NodeId node = 0; node < graph_.nodes().size(); ++node) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
        if (input == no_id || !is_computed(input)) continue;
        is_used_[input] = true;
        if (group_[graph_.value(input).producer] != group_[node]) is_needed_outside_[input] = true;
      }
    }
    for (const Port& output : graph_.outputs()) {
      is_output_[reads_.owner_of(output.value)] = true;
      is_needed_outside_[output.value] = true;
    }
  }

  /// The peak without what the products unpack while they multiply.
  std::int64_t peak_without_unpacked() const {
    std::vector<bool> not_stored(graph_.values().size(), false);
    for (const Node& node : graph_.nodes()) {
      if (node.output_count == 0) continue;
      const ValueId made = node.first_output;
      if (node.op != &dequantize_op && packed_weight_of(graph_, made) == no_id) continue;
      not_stored[made] = is_used_[made] && !is_needed_outside_[made];
    }
    return peak_bytes_of(graph_, not_stored);
  }

  /// The integers that an operand was, if its own group unpacks them.
  std::optional<DType> unpacked_in(std::uint32_t group, ValueId value) const {
    while (value != no_id && is_computed(value) && group_[graph_.value(value).producer] == group) {
      const Node& node = graph_.nodes()[graph_.value(value).producer];
      const std::span<const ValueId> inputs = graph_.inputs_of(node);
      if (node.op == &dequantize_op) return graph_.dtype(inputs[0]);
      if (inputs.empty() || !moves_nothing(graph_, node)) return std::nullopt;
      value = inputs[0];
    }
    return std::nullopt;
  }

  /// The type of the integers that a product of two unpacked operands can multiply as they are.
  std::optional<NumberType> type_of_integers(std::uint32_t group, const NodeView& view) const {
    if (view.op().kind != OpKind::product) return std::nullopt;
    const auto [first, second] = factors_of(view);
    const std::optional<DType> a = unpacked_in(group, first);
    const std::optional<DType> b = unpacked_in(group, second);
    if (!a || !b) return std::nullopt;
    return number_type_of(bits_of(*a) >= bits_of(*b) ? *a : *b);
  }

  Work work_of(FusedGroup group) {
    Work work;
    work.module = graph_.nodes()[group.nodes.front()].module;
    for (const NodeId node : group.nodes) {
      const NodeView view = graph_.view(node);
      const Metrics metrics = counter_.metrics_of(view);
      if (work.macs == 0 && metrics.macs > 0) {
        const std::optional<NumberType> integers = type_of_integers(group_[node], view);
        work.type = integers ? integers : type_of(view);
        work.module = view.node().module;
      } else if (!work.type) {
        work.type = type_of(view);
      }
      work.macs = checked_add(work.macs, metrics.macs);
      work.flops = checked_add(work.flops, metrics.flops);
      work.bounded = work.bounded || metrics.bounded;
      collect_reads(view, group_[node]);
      add_writes(view, work.bytes);
    }
    add_reads(graph_.runs_of(graph_.nodes()[group.nodes.front()]).times, work.bytes);
    work.group = std::move(group);
    return work;
  }

  std::optional<NumberType> type_of(const NodeView& view) const {
    if (!view.has(0)) return std::nullopt;
    const std::optional<NumberType> type = number_type_of(graph_.dtype(view.input(0)));
    return options_.tf32 && type == NumberType::float32 ? NumberType::tf32 : type;
  }

  /// A compiler lets the reader of a tensor take it in the order that it has.
  bool is_left_out(const NodeView& view) const {
    const OpDef* op = &view.op();
    const bool only_orders = op == &contiguous_op || op == &reshape_op || op == &flatten_op;
    return moves_nothing(graph_, view.node()) || (options_.fuse && only_orders);
  }

  /// Collects what a node reads of what its group did not make.
  void collect_reads(const NodeView& view, std::uint32_t group) {
    if (is_left_out(view)) return;
    for (std::size_t i = 0; i < view.input_count(); ++i) {
      if (!view.has(i)) continue;
      const ValueId value = view.input(i);
      if (is_computed(value) && group_[graph_.value(value).producer] == group) continue;
      reads_.add(view, i);
    }
  }

  /// Adds what a group reads, as often as its nodes run.
  void add_reads(std::int64_t times, Traffic& bytes) {
    for (const Read& once : reads_.sums()) {
      const std::int64_t read = checked_mul(once.bytes, times);
      const std::int64_t first = first_read(once.owner, read);
      Traffic part;
      if (graph_.value(once.owner).has(Value::is_parameter)) {
        part.weights = read;
        compulsory_.weights = checked_add(compulsory_.weights, first);
      } else if (graph_.value(once.owner).has(Value::is_input)) {
        part.boundary = first;
        part.between = read - first;
        compulsory_.boundary = checked_add(compulsory_.boundary, first);
      } else {
        part.between = read;
      }
      bytes += part;
    }
  }

  /// How many of the bytes read are read for the first time: at most a tensor's own.
  std::int64_t first_read(ValueId owner, std::int64_t read) {
    const std::int64_t first = std::min(read, graph_.bytes(owner) - read_before_[owner]);
    read_before_[owner] += first;
    return first;
  }

  void add_writes(const NodeView& view, Traffic& bytes) {
    if (is_left_out(view)) return;
    for (std::size_t i = 0; i < view.output_count(); ++i) {
      const ValueId value = view.output(i);
      const std::int64_t written = bytes_written_of(view, i);
      if (is_used_[value] && !is_needed_outside_[value]) continue;
      const bool is_output = is_output_[reads_.owner_of(value)];
      const std::int64_t more =
          checked_mul(written, graph_.runs_of(view.node()).times) - (is_output ? written : 0);
      bytes += is_output ? Traffic{0, written, more} : Traffic{0, 0, more};
      if (is_output) compulsory_.boundary = checked_add(compulsory_.boundary, written);
    }
  }

  const Graph& graph_;
  const WorkOptions& options_;
  NodeCounter counter_;
  std::vector<std::uint32_t> group_;       // by node
  std::vector<bool> is_needed_outside_;    // by value: of the group that makes it
  std::vector<bool> is_used_;              // by value
  std::vector<bool> is_output_;            // by owner
  std::vector<std::int64_t> read_before_;  // by owner
  Reads reads_;                            // of the group at hand
  Traffic compulsory_;
};

/// The type of most MACs; without any, of most FLOPs, then bytes. float32 if nothing has a type.
NumberType main_type(const Workload& workload) {
  std::array<std::array<std::int64_t, 3>, number_type_count> amounts{};
  for (const Work& work : workload.works) {
    if (!work.type) continue;
    auto& [macs, flops, bytes] = amounts[static_cast<std::size_t>(*work.type)];
    macs += work.macs;
    flops = checked_add(flops, work.flops);
    bytes = checked_add(bytes, work.bytes.total());
  }
  const auto most = std::max_element(amounts.begin(), amounts.end());
  const bool has_none = *most == std::array<std::int64_t, 3>{};
  return has_none ? NumberType::float32 : static_cast<NumberType>(most - amounts.begin());
}

/// What a device computes work in at its best. Work without products may be of any type: it takes
/// the highest peak if its own is unknown, so that its time stays a lower bound.
double peak_for(const Device& device, const Work& work) {
  const std::optional<NumberType> used =
      work.type ? device.computes_in(*work.type) : std::optional<NumberType>();
  if (used) return device.peak(*used);
  return work.macs > 0 ? 0 : device.highest_peak();
}

AttainableSum& kind_entry(std::vector<AttainableKind>& kinds, const std::string& name) {
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [&](const AttainableKind& kind) { return kind.name == name; });
  if (found != kinds.end()) return found->sum;
  kinds.push_back({name, {}});
  return kinds.back().sum;
}

AttainableSum sum_of(const Work& work, std::int64_t moved, const Attainable& time) {
  return {.count = 1,
          .macs = work.macs,
          .flops = work.flops,
          .bytes = work.bytes.total(),
          .moved = moved,
          .compute = time.compute,
          .memory = time.memory,
          .seconds = time.seconds(),
          .memory_bound_seconds = time.is_memory_bound() ? time.memory : 0};
}

std::string types_of(const Device& device) {
  std::string text;
  for (std::size_t i = 0; i < number_type_count; ++i) {
    if (device.peaks[i] > 0)
      text += (text.empty() ? "" : ", ") + std::string(name_of(static_cast<NumberType>(i)));
  }
  return text;
}

}  // namespace

std::int64_t Traffic::total() const { return checked_add(checked_add(weights, boundary), between); }

Traffic& Traffic::operator+=(const Traffic& other) {
  weights = checked_add(weights, other.weights);
  boundary = checked_add(boundary, other.boundary);
  between = checked_add(between, other.between);
  return *this;
}

AttainableSum& AttainableSum::operator+=(const AttainableSum& other) {
  count += other.count;
  macs = checked_add(macs, other.macs);
  flops = checked_add(flops, other.flops);
  bytes = checked_add(bytes, other.bytes);
  moved = checked_add(moved, other.moved);
  compute += other.compute;
  memory += other.memory;
  seconds += other.seconds;
  memory_bound_seconds += other.memory_bound_seconds;
  return *this;
}

Workload workload_of(const Graph& graph, const WorkOptions& options) {
  return Workloads(graph, options).take();
}

std::optional<std::string> lacking_type(const Graph& graph, const Workload& workload,
                                        const Device& device) {
  for (const Work& work : workload.works) {
    if (work.macs == 0 || peak_for(device, work) > 0) continue;
    const NodeView first = graph.view(work.group.nodes.front());
    const std::string path = graph.module_path(work.module);
    return work.group.name + " in " + (path.empty() ? "the model" : path) + " is " +
           std::string(name_of(graph.dtype(first.input(0))));
  }
  return std::nullopt;
}

Roofline roofline_of(const Graph& graph, const Workload& workload, const Device& device,
                     const RooflineOptions& options) {
  if (const auto lacking = lacking_type(graph, workload, device)) {
    Error error(ErrorCode::usage, escape_controls(device.name) + " computes in " +
                                      types_of(device) + ", and " + escape_controls(*lacking));
    error.hint = "--dtype takes the model in another type";
    throw error;
  }
  Roofline result;
  result.device = &device;
  result.asked = main_type(workload);
  result.used = device.computes_in(result.asked).value_or(result.asked);
  result.peak = device.peak(result.used);

  const std::int64_t room =
      std::max(device.on_chip, options.cache ? device.largest_cache() : std::int64_t{0});
  result.activations_stay = room > 0 && workload.peak_activations <= room;
  const std::int64_t taken = result.activations_stay ? workload.peak_activations : 0;
  result.weights_stay = room > 0 && workload.weights <= room - taken;

  result.modules.resize(graph.modules().size());
  for (const Work& work : workload.works) {
    const std::int64_t moved =
        checked_add(checked_add(work.bytes.boundary, result.weights_stay ? 0 : work.bytes.weights),
                    result.activations_stay ? 0 : work.bytes.between);
    const double peak = peak_for(device, work);
    const Attainable time{work.flops > 0 ? static_cast<double>(work.flops) / peak : 0,
                          static_cast<double>(moved) / device.bandwidth};
    result.works.push_back(time);
    result.moved.push_back(moved);
    const AttainableSum sum = sum_of(work, moved, time);
    kind_entry(result.kinds, work.group.name) += sum;
    result.modules[work.module] += sum;
    result.total += sum;
  }
  for (std::size_t i = result.modules.size(); i-- > 1;)
    result.modules[graph.modules()[i].parent] += result.modules[i];
  std::stable_sort(result.kinds.begin(), result.kinds.end(),
                   [](const AttainableKind& a, const AttainableKind& b) {
                     return a.sum.seconds > b.sum.seconds;
                   });
  const std::int64_t once = checked_add(workload.compulsory.boundary,
                                        result.weights_stay ? 0 : workload.compulsory.weights);
  result.least_seconds =
      std::max(result.total.compute, static_cast<double>(once) / device.bandwidth);
  return result;
}

}  // namespace zoometer
