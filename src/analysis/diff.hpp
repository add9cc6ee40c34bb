#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/profile.hpp"
#include "analysis/totals.hpp"

namespace zoometer {

enum class ModuleState : std::uint8_t { same, changed, added, removed };
std::string_view name_of(ModuleState state) noexcept;

/// A difference between modules that is not a figure: the type, an output's shape, how often it
/// is called, a parameter, an operator's attribute.
struct ModuleDetail {
  std::string what;  ///< "type", "output", "calls", "weight", "groups"
  std::string before;
  std::string after;  ///< empty if there is none
};

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

/// One operator kind, before and after.
struct OperatorDiff {
  std::string name;
  std::int64_t count_before = 0;
  std::int64_t count_after = 0;
  Metrics before;
  Metrics after;
};

struct DiffCounts {
  std::int64_t same = 0, changed = 0, added = 0, removed = 0, renamed = 0, moved = 0;
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
