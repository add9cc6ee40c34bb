#include "analysis/fusion.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <span>

#include "analysis/element_types.hpp"
#include "analysis/profile.hpp"
#include "analysis/traffic.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t no_group = no_id;
constexpr std::uint32_t with_reader = no_id - 1;  // joins the group of the product that reads it

class Fusion {
 public:
  explicit Fusion(const Graph& graph)
      : graph_(graph),
        group_(graph.nodes().size(), no_group),
        is_member_(graph.nodes().size(), false),
        is_output_(graph.values().size(), false),
        first_reader_(graph.values().size() + 1, 0) {
    for (const Port& output : graph.outputs()) is_output_[output.value] = true;
    for_each_use([&](NodeId, ValueId input) { ++first_reader_[input + 1]; });
    for (std::size_t i = 1; i < first_reader_.size(); ++i) first_reader_[i] += first_reader_[i - 1];
    readers_.resize(first_reader_.back());
    std::vector<std::uint32_t> next(first_reader_.begin(), first_reader_.end() - 1);
    for_each_use([&](NodeId node, ValueId input) { readers_[next[input]++] = node; });
  }

  /// Products unpack integers while they multiply: what makes them real numbers, and is read by one
  /// product alone, joins it.
  void find_unpacking() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      const bool is_written_out = &op_of(node) == &to_op && unpacks_weight(node);
      if (group_[node] != no_group || (&op_of(node) != &dequantize_op && !is_written_out)) continue;
      std::vector<NodeId> nodes = {node};
      NodeId reader = only_reader(node);
      while (reader != no_id && (is_view(reader) || (is_written_out && unpacks_weight(reader)))) {
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

  /// Concatenations of all pieces of another one, such as shifts along several axes: one copy puts
  /// each piece in its last place.
  void find_rearrangements() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || &op_of(node) != &cat_op) continue;
      std::vector<NodeId> nodes = {node};
      while (rearrange(nodes)) {}
      if (nodes.size() == 1) continue;
      std::string name = name_of_chain(nodes);
      add({std::move(nodes), std::move(name)});
    }
  }

  void find_attention() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || fusion_of(node) != Fuse::absorbs) continue;
      std::vector<NodeId> nodes = attention_from(node);
      if (!nodes.empty()) add({with_unpacking(std::move(nodes)), "attention"});
    }
  }

  /// Norms and softmaxes that are written out: a reduction of rows, and what reads the rows again
  /// together with it.
  void find_rows() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || !reduces_rows(node)) continue;
      std::vector<NodeId> nodes = rows_from(node);
      if (nodes.empty()) continue;
      std::string name = name_of_chain(nodes);
      add({std::move(nodes), std::move(name)});
    }
  }

  void find_chains() {
    for (NodeId node = 0; node < group_.size(); ++node) {
      if (group_[node] != no_group || !can_lead(node)) continue;
      if (graph_.nodes()[node].output_count != 1) continue;
      grow({node}, {size_of(node), no_rows});
      std::vector<NodeId> nodes = with_unpacking(take_members());
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
  /// The sizes of the results in a group: of all elements, and of one for each row.
  struct Sizes {
    std::int64_t elements;
    std::int64_t rows;  ///< no_rows: the group reduces none
  };
  static constexpr std::int64_t no_rows = -1;

  template <class Use>
  void for_each_use(const Use& use) const {
    for (NodeId node = 0; node < graph_.nodes().size(); ++node) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
        if (input != no_id) use(node, input);
      }
    }
  }
  std::span<const NodeId> readers_of(ValueId value) const {
    return std::span(readers_).subspan(first_reader_[value],
                                       first_reader_[value + 1] - first_reader_[value]);
  }
  bool is_computed(ValueId value) const {
    return value != no_id && graph_.value(value).is_computed();
  }
  /// Whether a node of the group at hand makes the value.
  bool is_inside(ValueId value) const {
    return is_computed(value) && is_member_[graph_.value(value).producer];
  }
  std::int64_t size_of(NodeId node) const {
    const Node& own = graph_.nodes()[node];
    return own.output_count == 0 ? 0 : graph_.numel(own.first_output);
  }
  template <class Use>
  void for_each_output(NodeId node, const Use& use) const {
    const Node& own = graph_.nodes()[node];
    for (ValueId i = 0; i < own.output_count; ++i) use(own.first_output + i);
  }
  const OpDef& op_of(NodeId node) const { return *graph_.nodes()[node].op; }
  Fuse fusion_of(NodeId node) const { return op_of(node).fusion; }
  bool can_lead(NodeId node) const {
    const Fuse fusion = fusion_of(node);
    return fusion != Fuse::alone && fusion != Fuse::absorbed && !is_view(node);
  }

  bool is_view(NodeId node) const { return runs_nothing(graph_, graph_.nodes()[node]); }

  /// Whether a node reduces the last axes, or a single one: a kernel keeps such rows on the chip.
  bool reduces_rows(NodeId node) const {
    const NodeView view = graph_.view(node);
    const OpDef& op = view.op();
    if (op.kind != OpKind::reduction || view.output_count() != 1 ||
        op.attrs.layout != AttrType::of<ReduceAttrs>().layout)
      return false;
    const Ints& dims = view.attrs<ReduceAttrs>().dims;
    const auto rank = static_cast<std::int64_t>(view.in(0).size());
    if (dims.size() == 1) return rank > 1;
    const auto reduced = static_cast<std::int64_t>(dims.size());
    return reduced < rank && std::all_of(dims.begin(), dims.end(), [&](std::int64_t dim) {
             return (dim < 0 ? dim + rank : dim) >= rank - reduced;
           });
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

  /// Whether a node is a step from the integers of a weight to its real numbers.
  bool unpacks_weight(NodeId node) const {
    return fusion_of(node) == Fuse::follows && graph_.nodes()[node].output_count == 1 &&
           packed_weight_of(graph_, graph_.nodes()[node].first_output) != no_id;
  }

  /// Adds the views of the last node, a concatenation, and the concatenation of them; false if
  /// anything else reads or adds elements.
  bool rearrange(std::vector<NodeId>& nodes) const {
    const NodeId first = nodes.back();
    const ValueId joined = graph_.nodes()[first].first_output;
    std::vector<NodeId> views;
    NodeId last = no_id;
    if (is_output_[joined]) return false;
    for (const NodeId view : readers_of(joined)) {
      if (!views.empty() && views.back() == view) continue;
      if (group_[view] != no_group || !is_view(view)) return false;
      bool has_one_reader = true;
      for_each_output(view, [&](ValueId piece) {
        for (const NodeId reader : readers_of(piece)) {
          if (last == no_id) last = reader;
          has_one_reader = has_one_reader && reader == last && !is_output_[piece];
        }
      });
      if (!has_one_reader) return false;
      views.push_back(view);
    }
    if (last == no_id || group_[last] != no_group || &op_of(last) != &cat_op ||
        size_of(last) != size_of(first) || !run_together(first, last))
      return false;
    const std::span<const ValueId> pieces = graph_.inputs_of(graph_.nodes()[last]);
    const bool has_others = std::ranges::any_of(pieces, [&](ValueId piece) {
      return !is_computed(piece) ||
             !std::binary_search(views.begin(), views.end(), graph_.value(piece).producer);
    });
    if (has_others) return false;
    nodes.insert(nodes.end(), views.begin(), views.end());
    nodes.push_back(last);
    return true;
  }

  void add(FusedGroup group) {
    for (const NodeId node : group.nodes) group_[node] = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back(std::move(group));
  }

  /// The one node that reads a node's only output; no_id if there is none or more than one.
  NodeId only_reader(NodeId node) const {
    const Node& own = graph_.nodes()[node];
    if (own.output_count != 1 || is_output_[own.first_output]) return no_id;
    const std::span<const NodeId> readers = readers_of(own.first_output);
    if (readers.size() != 1) return no_id;
    const NodeId reader = readers.front();
    if (group_[reader] != no_group || graph_.nodes()[reader].output_count != 1) return no_id;
    return run_together(node, reader) ? reader : no_id;
  }
  /// Only nodes of the same loop run together.
  bool run_together(NodeId node, NodeId other) const {
    return graph_.runs_of(graph_.nodes()[node]).times ==
           graph_.runs_of(graph_.nodes()[other]).times;
  }

  // -- growing a group --------------------------------------------------------------------------

  /// Makes the group at hand: these nodes, and what may join them, in order. Then removes what
  /// reads a result that is needed outside, since that result ends the group.
  void grow(std::vector<NodeId> first, Sizes sizes) {
    members_.clear();
    escape_ = no_id;
    std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> waiting;
    const auto join = [&](NodeId node) {
      is_member_[node] = true;
      members_.push_back(node);
      for_each_output(node, [&](ValueId value) {
        for (const NodeId reader : readers_of(value)) waiting.push(reader);
      });
    };
    for (const NodeId node : first) join(node);
    constexpr std::size_t most = 4096;  // a limit to the work that hostile files cause
    while (!waiting.empty() && members_.size() < most) {
      const NodeId node = waiting.top();
      waiting.pop();
      if (is_member_[node]) continue;
      if (may_join(node, sizes)) {
        join(node);
      } else {
        escape_ = std::min(escape_, node);
      }
    }
    remove_readers_of_needed();
  }

  bool may_join(NodeId node, Sizes sizes) {
    const Node& own = graph_.nodes()[node];
    if (group_[node] != no_group || own.output_count != 1 || !run_together(members_.front(), node))
      return false;
    const std::int64_t size = size_of(node);
    const bool is_row = sizes.rows != no_rows && size == sizes.rows;
    if (size != sizes.elements && !is_row) return false;
    if (is_view(node)) return size == graph_.numel(graph_.inputs_of(own)[0]);
    const bool reduces =
        is_row && reduces_rows(node) && graph_.numel(graph_.inputs_of(own)[0]) == sizes.elements;
    return (reduces || fusion_of(node) == Fuse::follows) && is_computed_last(node) &&
           !needs_what_follows(node);
  }

  /// Whether no other input of the same size was computed after those of the group: a node joins
  /// the last one. Smaller inputs are scales and biases, with which no chain of that size ends.
  bool is_computed_last(NodeId node) const {
    const std::span<const ValueId> inputs = graph_.inputs_of(graph_.nodes()[node]);
    NodeId last = 0;
    for (const ValueId input : inputs) {
      if (is_inside(input)) last = std::max(last, graph_.value(input).producer);
    }
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      return !is_computed(input) || graph_.numel(input) != size_of(node) ||
             graph_.value(input).producer <= last;
    });
  }

  /// Whether an input from outside is, or may be, computed from a result of the group: the group
  /// would wait for itself. Looks back to the first node outside that reads such a result.
  bool needs_what_follows(NodeId node) {
    if (escape_ == no_id || escape_ > node) return false;
    constexpr std::size_t most = 256;  // then it may be
    visited_.clear();
    std::vector<NodeId> waiting;
    const auto visit_inputs = [&](NodeId of) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[of])) {
        if (!is_computed(input)) continue;
        const NodeId producer = graph_.value(input).producer;
        const std::uint32_t group = group_[producer];
        const NodeId latest = group < groups_.size() ? groups_[group].nodes.back() : producer;
        if (latest < escape_ || !visited_.insert(producer).second) continue;
        waiting.push_back(producer);
      }
    };
    for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
      if (!is_computed(input) || is_inside(input)) continue;
      const NodeId producer = graph_.value(input).producer;
      if (visited_.insert(producer).second) waiting.push_back(producer);
    }
    while (!waiting.empty()) {
      const NodeId before = waiting.back();
      waiting.pop_back();
      if (is_member_[before] || visited_.size() > most) return true;
      visit_inputs(before);
      const std::uint32_t group = group_[before];
      if (group >= groups_.size()) continue;
      for (const NodeId other : groups_[group].nodes) visit_inputs(other);
    }
    return false;
  }

  bool is_needed_outside(ValueId value) const {
    const std::span<const NodeId> readers = readers_of(value);
    return is_output_[value] || std::any_of(readers.begin(), readers.end(),
                                            [&](NodeId reader) { return !is_member_[reader]; });
  }

  void remove_readers_of_needed() {
    std::vector<NodeId> unchecked(members_.rbegin(), members_.rend());
    while (!unchecked.empty()) {
      const NodeId node = unchecked.back();
      unchecked.pop_back();
      for_each_output(node, [&](ValueId value) {
        if (is_member_[node] && !is_needed_outside(value)) return;
        for (const NodeId reader : readers_of(value)) {
          if (!is_member_[reader] || reader == members_.front()) continue;
          is_member_[reader] = false;
          unchecked.push_back(reader);
          for (const ValueId input : graph_.inputs_of(graph_.nodes()[reader])) {
            if (is_inside(input)) unchecked.push_back(graph_.value(input).producer);
          }
        }
      });
    }
    std::erase_if(members_, [&](NodeId node) { return !is_member_[node]; });
  }

  /// The group at hand, in order, without views at its end. Ends it.
  std::vector<NodeId> take_members() {
    std::vector<NodeId> nodes = std::move(members_);
    std::sort(nodes.begin(), nodes.end());
    for (std::size_t i = nodes.size(); i-- > 1;) {
      const bool ends = is_view(nodes[i]) && is_last(nodes[i]);
      if (ends) is_member_[nodes[i]] = false;
    }
    std::vector<NodeId> kept;
    for (const NodeId node : nodes) {
      if (is_member_[node]) kept.push_back(node);
      is_member_[node] = false;
    }
    return kept;
  }

  /// Whether no node of the group at hand reads what a node makes.
  bool is_last(NodeId node) const {
    const Node& own = graph_.nodes()[node];
    if (own.output_count == 0) return true;
    const std::span<const NodeId> readers = readers_of(own.first_output);
    return std::none_of(readers.begin(), readers.end(),
                        [&](NodeId reader) { return is_member_[reader]; });
  }

  // -- rows -------------------------------------------------------------------------------------

  /// The one tensor of that size that a node computes its result from, element by element; no_id
  /// if there is none or more than one.
  ValueId only_operand(NodeId node, std::int64_t size) const {
    if (fusion_of(node) != Fuse::follows) return no_id;
    ValueId only = no_id;
    for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
      if (input == no_id || graph_.numel(input) != size) continue;
      if (only != no_id && only != input) return no_id;
      only = input;
    }
    return only;
  }

  /// What makes a node's operand element by element for the node alone: the square of RMS norms.
  NodeId preparation_of(NodeId node) const {
    const ValueId operand = graph_.inputs_of(graph_.nodes()[node])[0];
    if (!is_computed(operand)) return no_id;
    const NodeId before = graph_.value(operand).producer;
    const bool is_its_own = group_[before] == no_group && only_reader(before) == node &&
                            size_of(before) == graph_.numel(operand) && !is_view(before);
    return is_its_own && only_operand(before, size_of(before)) != no_id ? before : no_id;
  }

  /// A reduction of rows, what prepares it, and what computes with its results and the rows; empty
  /// if nothing makes rows of them again.
  std::vector<NodeId> rows_from(NodeId reduction) {
    const ValueId operand = graph_.inputs_of(graph_.nodes()[reduction])[0];
    const Sizes sizes{graph_.numel(operand), size_of(reduction)};
    std::vector<NodeId> first = {reduction};
    if (const NodeId before = preparation_of(reduction); before != no_id)
      first.insert(first.begin(), before);
    const std::size_t begun = first.size();
    grow(std::move(first), sizes);
    std::vector<NodeId> nodes = take_members();
    const bool makes_rows = std::any_of(nodes.begin(), nodes.end(), [&](NodeId node) {
      return node > reduction && size_of(node) == sizes.elements;
    });
    if (nodes.size() <= begun || !makes_rows || sizes.elements == sizes.rows) return {};
    return with_conversions(std::move(nodes));
  }

  /// The nodes, and conversions of the element type that only they read.
  std::vector<NodeId> with_conversions(std::vector<NodeId> nodes) const {
    std::vector<NodeId> more;
    for (const NodeId node : nodes) {
      for (const ValueId input : graph_.inputs_of(graph_.nodes()[node])) {
        if (!is_computed(input)) continue;
        const NodeId before = graph_.value(input).producer;
        if (&op_of(before) != &to_op || group_[before] != no_group || is_output_[input] ||
            !run_together(before, node))
          continue;
        const std::span<const NodeId> readers = readers_of(input);
        const bool only_here = std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
          return std::binary_search(nodes.begin(), nodes.end(), reader);
        });
        if (only_here) more.push_back(before);
      }
    }
    nodes.insert(nodes.end(), more.begin(), more.end());
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
  }

  // -- attention --------------------------------------------------------------------------------

  /// Two products with a softmax between them and all nodes between; empty if the first product
  /// does not begin such a group.
  std::vector<NodeId> attention_from(NodeId first) {
    const std::int64_t size = size_of(first);
    const Shape& scores = graph_.shape(graph_.nodes()[first].first_output);
    const std::int64_t row = scores.empty() ? 1 : scores.back();
    std::vector<NodeId> nodes = {first};
    bool has_softmax = false, has_exponential = false;
    NodeId sum = no_id;
    // Nodes between the products whose results are not all read yet.
    std::set<NodeId> open;
    const auto read = [&](NodeId node) {
      bool is_inner = true;
      for_each_output(node, [&](ValueId value) {
        is_inner = is_inner && !is_output_[value] && !readers_of(value).empty();
        for (const NodeId reader : readers_of(value)) open.insert(reader);
      });
      return is_inner;
    };
    if (graph_.nodes()[first].output_count != 1 || !read(first)) return {};
    constexpr std::size_t most = 64;
    while (nodes.size() < most) {
      const NodeId node = *open.begin();
      open.erase(open.begin());
      const Node& own = graph_.nodes()[node];
      if (group_[node] != no_group || own.output_count != 1 || !run_together(first, node))
        return {};
      const Fuse fusion = fusion_of(node);
      if (fusion == Fuse::absorbs) {
        const ValueId weights = graph_.inputs_of(own)[0];
        const bool takes_weights =
            is_computed(weights) &&
            std::binary_search(nodes.begin(), nodes.end(), graph_.value(weights).producer);
        nodes.push_back(node);
        if (open.empty() && has_softmax && takes_weights) return nodes;
        return {};
      }
      const bool is_row = size_of(node) == size / std::max<std::int64_t>(1, row);
      const bool reduces = is_row && reduces_rows(node);
      const bool may_stand_between =
          fusion == Fuse::absorbed || fusion == Fuse::follows || is_view(node) || reduces;
      if (!may_stand_between || (size_of(node) != size && !is_row)) return {};
      has_exponential = has_exponential || &op_of(node) == &exp_op;
      if (reduces && has_exponential) sum = node;
      has_softmax = has_softmax || fusion == Fuse::absorbed || sum != no_id;
      nodes.push_back(node);
      if (!read(node)) return {};
    }
    return {};
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
  std::vector<bool> is_member_;                 // by node: of the group at hand
  std::vector<NodeId> members_;                 // of the group at hand
  NodeId escape_ = no_id;                       // the first node outside that reads of it
  std::set<NodeId> visited_;                    // while looking for what a node needs
  std::vector<bool> is_output_;                 // by value
  std::vector<std::uint32_t> first_reader_;     // by value: where its readers begin
  std::vector<NodeId> readers_;                 // in order; once per operand
  std::multimap<NodeId, NodeId> unpacked_for_;  // by product: what unpacks its operands
  std::vector<FusedGroup> groups_;
};

}  // namespace

std::vector<FusedGroup> fused_groups(const Graph& graph, bool fuse) {
  Fusion fusion(graph);
  if (fuse) {
    fusion.find_unpacking();
    fusion.find_rearrangements();
    fusion.find_attention();
    fusion.find_rows();
    fusion.find_chains();
  }
  fusion.add_the_rest();
  return fusion.take();
}

}  // namespace zoometer
