#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/profile.hpp"
#include "analysis/totals.hpp"
#include "zoometer/analysis/results.hpp"

namespace zoometer {

/// A module before, after, or both.
struct ModuleDiff {
  ModuleId before = no_id;
  ModuleId after = no_id;
  std::uint32_t parent = no_id;  ///< its place in `Diff::modules`; no_id: none
  int depth = 0;
  ModuleState state = ModuleState::same;
  bool renamed = false;        ///< has another name within its parent
  bool moved = false;          ///< has another parent
  bool holds_changes = false;  ///< it has changed, or a module below it has
  std::vector<ModuleDetail> details;
};

/// What differs between two graphs, module by module.
struct Diff {
  std::vector<ModuleDiff> modules;      ///< depth-first; removed modules are listed where they were
  std::vector<OperatorDiff> operators;  ///< those whose figures differ, most FLOPs first
  DiffCounts counts;
};

/// A graph with its profile; both must outlive the results.
struct DiffSide {
  const Graph& graph;
  const Profile& profile;

  Metrics metrics(ModuleId module) const {
    return module == no_id ? Metrics{} : profile.modules[module];
  }
};

Diff diff(const DiffSide& before, const DiffSide& after);

/// (after - before) / before: 0.01 is one percent more. Nothing if only `before` is 0.
std::optional<double> relative_change(long double before, long double after) noexcept;

}  // namespace zoometer
