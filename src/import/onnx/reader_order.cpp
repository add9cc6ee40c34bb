// The order of nodes in files that have no topological one.
#include <algorithm>
#include <cstdint>

#include "import/onnx/reader.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

constexpr int deepest_graphs = 48;

/// The names that a node reads: its inputs, and what its subgraphs take from around them.
class NamesRead {
 public:
  explicit NamesRead(const OnnxRecords& records) : records_(records) {}

  const std::vector<std::string_view>& of(const OnnxNode& node) {
    names_.clear();
    add(node, 0);
    return names_;
  }

 private:
  void add(const OnnxNode& node, int depth) {
    if (depth > deepest_graphs) return;  // refused when it is read
    for (const std::string_view name : node.inputs) add(name);
    for (const OnnxAttribute& attribute : node.attributes) {
      if (!attribute.graph.empty()) add_graph(records_.graph(attribute.graph), depth + 1);
    }
  }

  void add(std::string_view name) {
    const auto has_name = [&](const Names& names) { return names.contains(name); };
    if (std::ranges::none_of(own_, has_name)) names_.push_back(name);
  }

  void add_graph(const OnnxGraph& graph, int depth) {
    OnnxNode node;
    Names own;
    for (const OnnxValueInfo& input : graph.inputs) own.insert(input.name);
    for (const OnnxInitializer& initializer : graph.initializers)
      own.insert(records_.tensor(initializer).name);
    for (const std::string_view message : graph.nodes) {
      records_.node(message, node);
      own.insert(node.outputs.begin(), node.outputs.end());
    }
    own_.push_back(std::move(own));
    for (const std::string_view message : graph.nodes) {
      records_.node(message, node);
      add(node, depth);
    }
    for (const OnnxValueInfo& output : graph.outputs) add(output.name);
    own_.pop_back();
  }

  using Names = NameSet;

  const OnnxRecords& records_;
  std::vector<std::string_view> names_;
  std::vector<Names> own_;  // of the subgraphs that are being read
};

/// Puts what a node reads before it, and leaves the order as it is elsewhere: depth first, from
/// each node in the order of the file. Takes time in proportion to the nodes and their inputs.
class OnnxSorter {
 public:
  OnnxSorter(const OnnxRecords& records, std::span<const std::string_view> nodes)
      : records_(records),
        nodes_(nodes),
        needs_(nodes.size()),
        states_(nodes.size(), State::waiting) {
    OnnxNode node;
    NameMap<std::size_t> makers;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      records.node(nodes[i], node);
      for (const std::string_view name : node.outputs) {
        if (!name.empty()) makers.try_emplace(name, i);
      }
    }
    NamesRead names(records);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      records.node(nodes[i], node);
      for (const std::string_view name : names.of(node)) {
        const auto maker = makers.find(name);
        if (maker != makers.end()) needs_[i].push_back(maker->second);
      }
    }
  }

  std::vector<std::string_view> sort() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) visit(i);
    return std::move(sorted_);
  }

 private:
  enum class State : std::uint8_t { waiting, open, done };
  struct Open {
    std::size_t node;
    std::size_t next = 0;  // the position in its needs
  };

  void visit(std::size_t first) {
    if (states_[first] != State::waiting) return;
    open(first);
    while (!open_.empty()) {
      Open& top = open_.back();
      if (top.next == needs_[top.node].size()) {
        states_[top.node] = State::done;
        sorted_.push_back(nodes_[top.node]);
        open_.pop_back();
        continue;
      }
      const std::size_t need = needs_[top.node][top.next++];
      if (states_[need] == State::open) refuse_cycle(need);
      if (states_[need] == State::waiting) open(need);
    }
  }

  void open(std::size_t node) {
    states_[node] = State::open;
    open_.push_back({node});
  }

  [[noreturn]] void refuse_cycle(std::size_t first) const {
    constexpr std::size_t most = 4;
    const auto begin = std::ranges::find(open_, first, &Open::node);
    const auto count = static_cast<std::size_t>(open_.end() - begin);
    std::string text = count == 1 ? "a node reads its own output: " : "nodes form a cycle: ";
    OnnxNode node;
    for (std::size_t i = 0; i < std::min(count, most); ++i) {
      records_.node(nodes_[(begin + static_cast<std::ptrdiff_t>(i))->node], node);
      text.append(i == 0 ? "" : ", ").append(node_title(node));
    }
    if (count > most) text.append(" and ").append(std::to_string(count - most)).append(" more");
    records_.fail(nodes_[first], text);
  }

  const OnnxRecords& records_;
  std::span<const std::string_view> nodes_;
  std::vector<std::vector<std::size_t>> needs_;  // by node: the nodes whose outputs it reads
  std::vector<State> states_;
  std::vector<Open> open_;
  std::vector<std::string_view> sorted_;
};

}  // namespace

std::span<const std::string_view> OnnxReader::in_order(std::span<const std::string_view> nodes) {
  if (order_ == OnnxOrder::as_written || nodes.empty()) return nodes;
  auto found = sorted_.find(nodes.front().data());
  if (found == sorted_.end() || found->second.size() != nodes.size())
    found =
        sorted_.insert_or_assign(nodes.front().data(), OnnxSorter(records_, nodes).sort()).first;
  return found->second;
}

}  // namespace zoometer
