#include "analysis/traffic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "zoometer/ir/layout.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// Whether a node writes into the memory of its first input and leaves the rest of it as it is.
bool updates(const Graph& graph, const Node& node) {
  return node.op->memory->update != nullptr && node.output_count > 0 &&
         graph.value(node.first_output).has(Value::shares);
}

/// The operands of which an operator reads as many elements as it writes; it reads the others
/// whole. A view that is a copy reads what it writes.
bool reads_what_it_writes(const OpDef& op, std::size_t index) {
  const Memory& memory = op.memory;
  return (memory.parts | memory.rows).has(index) || memory.storage == Storage::view;
}

std::int64_t rows_of(const NodeView& node) {
  const std::int64_t width = node.out().rank() == 0 ? 1 : node.out().dim(-1);
  return width == 0 ? 0 : node.out_numel() / width;
}

/// The part of an operand that belongs to the experts that are read.
std::int64_t of_experts(const NodeView& node, std::int64_t bytes, Routing routing) {
  const std::int64_t all = node.op().memory->experts(node);
  if (all <= 1) return bytes;
  const ExpertCount read = experts_of(node);
  const std::int64_t count = routing == Routing::least ? read.least : read.most;
  return checked_mul(bytes / all, count) + bytes % all * count / all;
}

/// Whether an operator reads each operand whole.
bool reads_all(const Memory& memory) {
  return memory.storage != Storage::view && memory.update == nullptr &&
         (memory.parts | memory.rows | memory.by_expert).bits == 0;
}

/// The most bytes that a node reads of an operand, of which it reads all or a part.
std::int64_t limit_of(const NodeView& node, std::size_t index, Routing routing) {
  const Graph& graph = node.graph();
  const std::int64_t whole = graph.bytes(node.input(index));
  if (node.op().kind == OpKind::movement && node.op().memory->parts.has(index))
    return bytes_written_by(node);  // of every iteration of a loop
  if (index == 0 && updates(graph, node.node()))
    return bytes_of(node.op().memory->update(node).read, graph.dtype(node.input(0)));
  if (reads_what_it_writes(node.op(), index)) return std::min(whole, bytes_written_by(node));
  if (node.op().memory->by_expert.has(index)) return of_experts(node, whole, routing);
  return whole;
}

/// What chose the experts of a node.
struct Choice {
  ValueId by = no_id;     ///< the choice itself; `no_id` if it is not found
  std::int64_t each = 1;  ///< experts of a token
};

/// The `topk` before a node that chooses among as many for as many rows.
Choice topk_before(const NodeView& node) {
  constexpr NodeId farthest = 64;  // nodes between the choice and the product
  const Graph& graph = node.graph();
  const auto own = static_cast<NodeId>(&node.node() - graph.nodes().data());
  const std::int64_t experts = node.op().memory->experts(node);
  const std::int64_t rows = rows_of(node);
  for (NodeId id = own; id-- > (own > farthest ? own - farthest : 0);) {
    const NodeView before = graph.view(id);
    if (&before.op() != &topk_op || before.in(0).rank() == 0) continue;
    const auto& attrs = before.attrs<TopkAttrs>();
    const Shape& scores = before.in(0);
    const std::int64_t dim = attrs.dim < 0 ? attrs.dim + scores.rank() : attrs.dim;
    if (scores[static_cast<std::size_t>(dim)] == experts && before.out_numel() == rows)
      return {before.node().first_output, std::max<std::int64_t>(1, attrs.k)};
  }
  return {};
}

Choice choice_of(const NodeView& node) {
  const OperandSet choice = node.op().memory->choice;
  if (choice.bits == 0) return topk_before(node);
  const auto index = static_cast<std::size_t>(std::countr_zero(choice.bits));
  return {node.input(index), node.in(index).dim(-1)};
}

ExpertCount experts_of(const NodeView& node, const Choice& choice) {
  const std::int64_t all = node.op().memory->experts(node);
  const std::int64_t rows = rows_of(node);
  ExpertCount count;
  count.most = std::min(all, rows);
  count.least = std::min(choice.each, count.most);
  if (all < 1) return count;
  const auto each = static_cast<double>(choice.each);
  const double tokens = static_cast<double>(rows) / each;
  const double missed = 1 - each / static_cast<double>(all);
  const double expected = static_cast<double>(all) * (1 - std::pow(std::max(0.0, missed), tokens));
  count.expected =
      std::clamp(expected, static_cast<double>(count.least), static_cast<double>(count.most));
  return count;
}

}  // namespace

ExpertCount experts_of(const NodeView& node) {
  if (node.op().memory->experts == nullptr) return {};
  return experts_of(node, choice_of(node));
}

std::optional<ExpertCount> all_experts_of(const Graph& graph) {
  std::optional<ExpertCount> sum;
  ValueId last = no_id;
  for (const Node& own : graph.nodes()) {
    const NodeView node(graph, own);
    if (own.op->memory->experts == nullptr || own.op->memory->experts(node) <= 1) continue;
    const Choice choice = choice_of(node);
    if (choice.by != no_id && choice.by == last) continue;
    last = choice.by;
    const ExpertCount count = experts_of(node, choice);
    if (!sum) sum.emplace();
    sum->least = checked_add(sum->least, count.least);
    sum->expected += count.expected;
    sum->most = checked_add(sum->most, count.most);
  }
  return sum;
}

bool moves_nothing(const Graph& graph, const Node& node) {
  const Storage storage = node.op->memory->storage;
  if (storage == Storage::fresh || storage == Storage::updated) return false;
  return node.output_count > 0 && graph.value(node.first_output).has(Value::shares);
}

bool runs_nothing(const Graph& graph, const Node& node) {
  return node.op->coverage == Coverage::zero && moves_nothing(graph, node);
}

ValueId Reads::owner_of(ValueId value) {
  const Value& own = graph_.value(value);
  if (own.is_computed() && !own.has(Value::shares)) return value;
  if (owners_.empty()) owners_ = owners_of(graph_);
  return owners_[value];
}

bool Reads::are_apart(std::span<const ValueId> inputs) {
  constexpr std::size_t few = 8;
  if (inputs.size() > few) return false;
  std::array<ValueId, few> owners;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    owners[i] = inputs[i];
    if (inputs[i] == no_id) continue;
    if (graph_.value(inputs[i]).has(Value::overlaps)) return false;
    owners[i] = owner_of(inputs[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (owners[i] == owners[j]) return false;
    }
  }
  return true;
}

void Reads::add(const NodeView& node, std::size_t index) {
  const ValueId value = node.input(index);
  const std::int64_t limit = limit_of(node, index, routing_);
  if (limit == 0) return;
  const DType dtype = graph_.dtype(value);
  const ValueId owner = owner_of(value);
  const Extent extent = extent_of(graph_, value, owner);
  parts_.push_back({owner, bytes_of(extent.first, dtype), bytes_of(extent.end, dtype),
                    std::min(limit, bytes_of(extent.elements, dtype))});
}

std::span<const Read> Reads::sums() {
  sums_.clear();
  std::sort(parts_.begin(), parts_.end());
  parts_.erase(std::unique(parts_.begin(), parts_.end()), parts_.end());
  std::int64_t covered = 0, end = 0;
  for (const Part& part : parts_) {
    if (sums_.empty() || sums_.back().owner != part.owner) {
      sums_.push_back({part.owner, 0});
      covered = 0;
      end = part.first;
    }
    // What the parts of a tensor have in common is read once.
    covered += std::max<std::int64_t>(0, part.end - std::max(part.first, end));
    end = std::max(end, part.end);
    sums_.back().bytes = std::min(checked_add(sums_.back().bytes, part.bytes), covered);
  }
  parts_.clear();
  return sums_;
}

std::int64_t bytes_read_by(const NodeView& node, Reads& reads) {
  const Graph& graph = node.graph();
  if (moves_nothing(graph, node.node())) return 0;
  const std::span<const ValueId> inputs = graph.inputs_of(node.node());
  std::int64_t bytes = 0;
  if (reads.are_apart(inputs)) {
    const bool all = reads_all(node.op().memory);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == no_id) continue;
      const std::int64_t read = all ? graph.bytes(inputs[i]) : limit_of(node, i, Routing::most);
      bytes = checked_add(bytes, read);
    }
    return bytes;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] != no_id) reads.add(node, i);
  }
  for (const Read& read : reads.sums()) bytes = checked_add(bytes, read.bytes);
  return bytes;
}

namespace {

/// What a node that moves something writes of an output.
std::int64_t bytes_moved_into(const NodeView& node, std::size_t index) {
  const Graph& graph = node.graph();
  const std::int64_t whole = graph.bytes(node.output(index));
  if (index > 0 || !updates(graph, node.node())) return whole;
  const std::int64_t written = node.op().memory->update(node).written;
  return std::min(whole, bytes_of(written, graph.dtype(node.output(0))));
}

}  // namespace

std::int64_t bytes_written_of(const NodeView& node, std::size_t index) {
  return moves_nothing(node.graph(), node.node()) ? 0 : bytes_moved_into(node, index);
}

std::int64_t bytes_written_by(const NodeView& node) {
  if (moves_nothing(node.graph(), node.node())) return 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < node.output_count(); ++i)
    bytes = checked_add(bytes, bytes_moved_into(node, i));
  return bytes;
}

}  // namespace zoometer
