#include "analysis/diff.hpp"

#include "api/network.hpp"
#include "zoometer/analysis.hpp"

namespace zoometer {
namespace {

/// One of the two networks, with what its modules are made from.
struct Side {
  explicit Side(const Network& network)
      : graph(network.graph()),
        profile(zoometer::profile(graph)),
        modules(module_profiles(network, profile)),
        places(module_places(graph)) {}

  std::optional<ModuleProfile> module(ModuleId id) const {
    return id == no_id ? std::nullopt : std::optional(modules[places[id]]);
  }

  const Graph& graph;
  Profile profile;
  std::vector<ModuleProfile> modules;
  std::vector<std::size_t> places;
};

}  // namespace

NetworkDiff diff(const Network& before, const Network& after) {
  const Side first(before);
  const Side second(after);
  Diff found = diff({first.graph, first.profile}, {second.graph, second.profile});
  NetworkDiff result;
  result.before = totals_of(first.graph, first.profile);
  result.after = totals_of(second.graph, second.profile);
  result.counts = found.counts;
  result.operators = std::move(found.operators);
  for (ModuleDiff& each : found.modules) {
    ModuleChange& change = result.modules.emplace_back();
    change.state = each.state;
    if (each.parent != no_id) change.parent = each.parent;
    change.depth = static_cast<std::size_t>(each.depth);
    change.renamed = each.renamed;
    change.moved = each.moved;
    change.before = first.module(each.before);
    change.after = second.module(each.after);
    change.details = std::move(each.details);
  }
  return result;
}

}  // namespace zoometer
