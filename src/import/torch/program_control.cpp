// Higher-order operators: branches, loops, and graphs that are applied as they are.
#include <algorithm>

#include "import/torch/decompositions.hpp"
#include "import/torch/program_graph.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// Whether a higher-order operator is nothing but its (first) graph applied to its operands.
bool is_transparent(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"wrap_with_set_grad_enabled",
                                        "wrap_with_autocast",
                                        "strict_mode",
                                        "hints_wrapper",
                                        "invoke_subgraph",
                                        "tag_activation_checkpoint",
                                        "wrap",
                                        "wrap_activation_checkpoint"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// The type of autocast's products: device, type, whether it is on, whether casts are cached.
std::optional<DType> autocast_of(const std::vector<const Json*>& settings) {
  if (settings.size() < 3) return std::nullopt;
  const Json* enabled = find_member(*settings[2], "as_bool");
  if (enabled == nullptr || !enabled->IsTrue()) return std::nullopt;
  const Json* type = find_member(*settings[1], "as_scalar_type");
  if (type != nullptr && type->IsInt64()) return dtype_of(type->GetInt64());
  const std::string_view device = find_text(*settings[0], "as_string");
  return device == "cpu" ? DType::bfloat16 : DType::float16;
}

}  // namespace

/// The graphs of a higher-order operator, and the tensors of each argument after the first graph.
struct GraphReader::Inlined {
  std::vector<const Json*> settings;  ///< the arguments before the first graph
  std::vector<const Json*> graphs;
  std::vector<std::vector<ValueId>> lists;

  std::vector<ValueId> operands(std::size_t first = 0) const {
    std::vector<ValueId> all;
    for (std::size_t i = first; i < lists.size(); ++i)
      all.insert(all.end(), lists[i].begin(), lists[i].end());
    return all;
  }
};

GraphReader::Inlined GraphReader::parse_inlined(const Json& node) {
  Inlined inlined;
  for (const Json& input : get_array(node, "inputs").GetArray()) {
    const Json& argument = get_member(input, "arg");
    if (const Json* graph = graph_in(argument)) {
      inlined.graphs.push_back(graph);
    } else if (!inlined.graphs.empty()) {
      std::vector<ValueId>& list = inlined.lists.emplace_back();
      for_each_tensor_name(argument,
                           [&](std::string_view name) { list.push_back(get_value(name)); });
    } else {
      inlined.settings.push_back(&argument);
    }
  }
  return inlined;
}

/// Reads the nodes of an inner graph; its results, or nothing where it takes other operands or does
/// not make them all.
std::optional<std::vector<ValueId>> GraphReader::run_graph(
    const Json& graph, std::span<const ModuleScopes::Level> around,
    std::span<const ValueId> operands) {
  session_.spend(values_in(graph));
  GraphReader inner(session_, graph, around, depth_ + 1);
  if (inner.inputs().size() != operands.size()) return std::nullopt;
  for (std::size_t i = 0; i < operands.size(); ++i) inner.bind(inner.inputs()[i], operands[i]);
  inner.read_nodes();
  written_.clear();
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const ValueId now = inner.find(inner.inputs()[i]);
    if (now != operands[i]) written_.emplace_back(i, now);
  }
  std::vector<ValueId> results;
  for (const std::string_view name : inner.outputs()) {
    const ValueId value = inner.find(name);
    if (value == no_id) return std::nullopt;
    results.push_back(value);
  }
  return results;
}

/// Reads a graph that is applied as it is, and says what the operator around it does to gradients.
bool GraphReader::inline_once(const OperatorTarget& target, const Inlined& inlined,
                              std::span<const ModuleScopes::Level> around) {
  Graph& graph = session_.graph;
  const auto first = static_cast<NodeId>(graph.nodes().size());
  const auto first_value = static_cast<ValueId>(graph.values().size());
  const std::optional<DType> cast_before = session_.autocast;
  if (target.name == "wrap_with_autocast") session_.autocast = autocast_of(inlined.settings);
  auto results = run_graph(*inlined.graphs[0], around, inlined.operands());
  session_.autocast = cast_before;
  if (!results) return false;
  const auto end = static_cast<NodeId>(graph.nodes().size());
  const Json* enabled = target.name == "wrap_with_set_grad_enabled" && !inlined.settings.empty()
                            ? find_member(*inlined.settings[0], "as_bool")
                            : nullptr;
  if (enabled != nullptr && enabled->IsFalse()) {
    for (ValueId id = first_value; id < graph.values().size(); ++id) graph.mark_detached(id);
  }
  if (target.name.find("activation_checkpoint") != std::string_view::npos)
    graph.add_region({.first_node = first, .end_node = end, .kind = Region::Kind::recomputed});
  results_ = std::move(*results);
  return true;
}

/// Reads the costlier branch.
bool GraphReader::inline_branches(const Json& node, const Inlined& inlined,
                                  std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 2) return false;
  Graph& graph = session_.graph;
  const ProgramSession::Checkpoint before = session_.checkpoint();
  const std::vector<ValueId> operands = inlined.operands();
  const auto run = [&](std::size_t branch) {
    session_.rewind(before);
    return run_graph(*inlined.graphs[branch], around, operands);
  };
  if (!run(1)) return false;
  const std::int64_t otherwise = flops_from(graph, before.mark.nodes);
  auto results = run(0);
  if (!results) return false;
  const bool is_first = flops_from(graph, before.mark.nodes) >= otherwise;
  if (!is_first) results = run(1);
  mark_stand_ins(before.mark.nodes, "cond");
  session_.note(std::string(node_name(node)) + ": the branch for " + (is_first ? "true" : "false") +
                ", the costlier one, is counted");
  results_ = std::move(*results);
  return true;
}

/// Reads one iteration, since their number depends on data.
bool GraphReader::inline_while(const Json& node, const Inlined& inlined,
                               std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 2) return false;
  const std::vector<ValueId> operands = inlined.operands();
  const std::size_t first_node = session_.graph.nodes().size();
  if (!run_graph(*inlined.graphs[0], around, operands)) return false;
  auto results = run_graph(*inlined.graphs[1], around, operands);
  if (!results) return false;
  mark_stand_ins(first_node, "while_loop");
  session_.note(std::string(node_name(node)) + ": a loop whose end depends on data, counted once");
  results_ = std::move(*results);
  return true;
}

/// Reads every iteration over the first axis of the sequences. Before their list there are as many
/// lists of states as `state_lists` says. Results are the last states, and the stacked results of
/// all iterations.
bool GraphReader::inline_scan(const Json& node, const Inlined& inlined, std::size_t state_lists,
                              std::span<const ModuleScopes::Level> around) {
  if (inlined.graphs.size() != 1 || inlined.lists.size() <= state_lists) return false;
  Graph& graph = session_.graph;
  std::vector<ValueId> states = state_lists == 0 ? std::vector<ValueId>() : inlined.lists[0];
  const std::vector<ValueId>& sequences = inlined.lists[state_lists];
  const std::vector<ValueId> rest = inlined.operands(state_lists + 1);
  if (sequences.empty()) return false;
  for (const ValueId sequence : sequences) {
    if (graph.shape(sequence).rank() == 0) return false;
  }
  const std::int64_t length = graph.shape(sequences[0]).dim(0);
  const Json& body = *inlined.graphs[0];
  constexpr std::int64_t most_pieces = 0xFFFF;  // the inputs that one node can have
  const bool all = length <= most_pieces && session_.affords(values_in(body), length);
  if (length < 1) return false;
  const std::size_t first_node = graph.nodes().size();
  std::vector<std::vector<Tensor>> given;
  for (std::int64_t t = 0; t < (all ? length : 1); ++t) {
    std::vector<ValueId> operands = states;
    for (const ValueId sequence : sequences)
      operands.push_back(select(Tensor{&graph, sequence}, 0, t).id);
    operands.insert(operands.end(), rest.begin(), rest.end());
    const auto results = run_graph(body, around, operands);
    if (!results || results->size() < states.size()) return false;
    std::copy_n(results->begin(), states.size(), states.begin());
    given.resize(results->size() - states.size());
    for (std::size_t i = 0; i < given.size(); ++i)
      given[i].push_back({&graph, (*results)[states.size() + i]});
  }
  if (!all)
    session_.note(std::string(node_name(node)) + ": a loop of " + std::to_string(length) +
                  " iterations, counted once");
  results_ = states;
  for (const std::vector<Tensor>& pieces : given) {
    Tensor stacked = stack(pieces, 0);
    Ints sizes(stacked.shape());
    sizes[0] = length;
    results_.push_back((all ? stacked : expand(stacked, sizes)).id);
  }
  if (!all) mark_stand_ins(first_node, "scan");
  return true;
}

/// Remembers the operands that the inner graph wrote, by their names here.
void GraphReader::keep_written(const Json& node) {
  std::vector<std::string_view> names;
  bool after_graph = false;
  for (const Json& input : get_array(node, "inputs").GetArray()) {
    const Json& argument = get_member(input, "arg");
    if (after_graph)
      for_each_tensor_name(argument, [&](std::string_view name) { names.push_back(name); });
    after_graph = after_graph || graph_in(argument) != nullptr;
  }
  for (const auto& [operand, value] : written_) {
    if (operand < names.size()) stored_.emplace_back(names[operand], value);
  }
}

bool GraphReader::inline_graph(const Json& node, const OperatorTarget& target,
                               std::span<const ModuleScopes::Level> levels) {
  enum class Kind : std::uint8_t { once, branches, loop, scan, map };
  Kind kind = Kind::once;
  if (target.name == "cond") kind = Kind::branches;
  if (target.name == "while_loop") kind = Kind::loop;
  if (target.name == "scan") kind = Kind::scan;
  if (target.name == "map_impl") kind = Kind::map;
  if (kind == Kind::once && !is_transparent(target.name)) return false;
  const Inlined inlined = parse_inlined(node);
  if (inlined.graphs.empty()) return false;
  // The outer levels may move while the inner graph is read.
  const std::vector<ModuleScopes::Level> around(levels.begin(), levels.end());
  const ProgramSession::Checkpoint before = session_.checkpoint();
  const auto run = [&] {
    switch (kind) {
    case Kind::branches: return inline_branches(node, inlined, around);
    case Kind::loop: return inline_while(node, inlined, around);
    case Kind::scan: return inline_scan(node, inlined, 1, around);
    case Kind::map: return inline_scan(node, inlined, 0, around);
    case Kind::once: break;
    }
    if (!inline_once(target, inlined, around)) return false;
    keep_written(node);
    return true;
  };
  const bool is_read = run();
  arguments_.clear();
  session_.graph.set_current_module(around.empty() ? 0 : around.back().module);
  if (!is_read) {
    session_.rewind(before);
    results_.clear();
  }
  return is_read;
}

}  // namespace zoometer
