#include "analysis/recomputation.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "util/text.hpp"

namespace zoometer {
namespace {

/// Sorts, and leaves out what is within a range that begins earlier.
std::vector<NodeRange> outermost(std::vector<NodeRange> ranges) {
  std::ranges::sort(ranges, [](const NodeRange& a, const NodeRange& b) {
    return a.first != b.first ? a.first < b.first : a.end > b.end;
  });
  std::vector<NodeRange> result;
  for (const NodeRange& range : ranges) {
    if (range.first < range.end && (result.empty() || range.first >= result.back().end))
      result.push_back(range);
  }
  return result;
}

/// The calls of modules.
std::vector<NodeRange> calls_of(const Graph& graph, const std::vector<bool>& modules) {
  std::vector<NodeRange> ranges;
  for (const ModuleCall& call : graph.calls()) {
    if (modules[call.module]) ranges.push_back({call.first_node, call.end_node});
  }
  return outermost(std::move(ranges));
}

std::vector<NodeRange> calls_matching(const Graph& graph, std::string_view pattern) {
  std::vector<bool> chosen(graph.modules().size(), false);
  for (ModuleId id = 1; id < chosen.size(); ++id)
    chosen[id] = matches_wildcard(pattern, graph.module_path(id));
  std::vector<NodeRange> calls = calls_of(graph, chosen);
  if (calls.empty()) {
    Error error(ErrorCode::unknown_name,
                "--checkpoint: no module that runs matches " + std::string(pattern));
    error.hint = "modules are listed by profile --depth 2";
    throw error;
  }
  return calls;
}

/// The outermost modules with parts that have a sibling of their class.
std::vector<NodeRange> blocks_of(const Graph& graph) {
  const auto modules = graph.modules();
  std::vector<bool> has_parts(modules.size(), false);
  for (const ModuleInfo& module : modules) {
    if (module.parent != no_id) has_parts[module.parent] = true;
  }
  std::vector<std::pair<ModuleId, std::string_view>> kinds;  // of each module with parts
  const auto kind_of = [&](ModuleId id) {
    const ModuleInfo& module = modules[id];
    return std::pair(module.parent, module.has_class ? module.kind : std::string_view());
  };
  for (ModuleId id = 1; id < modules.size(); ++id) {
    if (has_parts[id]) kinds.push_back(kind_of(id));
  }
  std::ranges::sort(kinds);
  std::vector<bool> chosen(modules.size(), false);
  for (ModuleId id = 1; id < modules.size(); ++id) {
    const auto [first, last] = std::equal_range(kinds.begin(), kinds.end(), kind_of(id));
    chosen[id] = has_parts[id] && last - first >= 2;
  }
  std::vector<NodeRange> blocks = calls_of(graph, chosen);
  if (blocks.empty())
    throw Error(ErrorCode::unknown_name,
                "--checkpoint: the model has no blocks: modules with parts and a sibling of their "
                "class");
  return blocks;
}

std::vector<NodeRange> runs_of_blocks(const std::vector<NodeRange>& blocks, std::size_t length) {
  std::vector<NodeRange> runs;
  for (std::size_t i = 0; i < blocks.size(); i += std::min(length, blocks.size() - i))
    runs.push_back({blocks[i].first, blocks[std::min(i + length, blocks.size()) - 1].end});
  return runs;
}

std::vector<NodeRange> ranges_asked_for(const Graph& graph, std::string_view checkpoint) {
  constexpr std::string_view every = "every=";
  if (checkpoint.empty()) return {};
  if (checkpoint == "sqrt") {
    const std::vector<NodeRange> blocks = blocks_of(graph);
    const double root = std::sqrt(static_cast<double>(blocks.size()));
    return runs_of_blocks(blocks, static_cast<std::size_t>(std::ceil(root)));
  }
  if (!checkpoint.starts_with(every)) return calls_matching(graph, checkpoint);
  const std::string_view text = checkpoint.substr(every.size());
  std::uint32_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc{} || end != text.data() + text.size() || length == 0)
    throw Error(ErrorCode::usage, "--checkpoint every=N",
                {"a number of blocks from 1 on", std::string(text)});
  return runs_of_blocks(blocks_of(graph), length);
}

}  // namespace

std::vector<NodeRange> recomputed_nodes(const Graph& graph, std::string_view checkpoint) {
  std::vector<NodeRange> ranges = ranges_asked_for(graph, checkpoint);
  for (const Region& region : graph.regions()) {
    if (region.kind == Region::Kind::recomputed)
      ranges.push_back({region.first_node, region.end_node});
  }
  return outermost(std::move(ranges));
}

}  // namespace zoometer
