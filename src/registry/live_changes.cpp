#include "registry/live_changes.hpp"

#include <fmt/core.h>

#include <map>

#include "registry/cache_value.hpp"

namespace zoometer {
namespace {

using Structures = std::map<std::string, std::string>;  ///< by model

/// A snapshot is a list of texts: two versions, then the name and the structure of each model.
constexpr std::size_t snapshot_versions = 2;

Structures structures_of(const std::vector<std::string>& snapshot) {
  Structures result;
  for (std::size_t i = snapshot_versions; i + 1 < snapshot.size(); i += 2)
    result[snapshot[i]] = snapshot[i + 1];
  return result;
}

std::string change_text(const std::string& before, const std::string& now) {
  const std::string metrics = now.substr(0, now.find('\n'));
  const std::string old_metrics = before.substr(0, before.find('\n'));
  if (metrics == old_metrics) return "names or shapes in its state dict";
  return metrics + ", before " + old_metrics;
}

void add_changes(const Structures& before, const Structures& now, std::vector<std::string>& notes) {
  for (const auto& [model, structure] : now) {
    const auto old = before.find(model);
    if (old == before.end()) {
      notes.push_back(model + " appeared");
    } else if (old->second != structure) {
      notes.push_back(model + " changed: " + change_text(old->second, structure));
    }
  }
  for (const auto& [model, structure] : before) {
    if (!now.contains(model)) notes.push_back(model + " vanished");
  }
}

}  // namespace

std::vector<std::string> live_changes(const LiveListing& listing,
                                      const std::vector<Finding>& findings, Cache& cache) {
  const std::string scope = pack({listing.source, listing.folder, "2"});
  std::vector<std::string> now = {listing.version, listing.torch};
  for (const Finding& finding : findings) {
    now.push_back(finding.name);
    now.push_back(finding.structure);
  }
  const auto value = cache.get("snapshot", scope, listing.path);
  const auto before = value ? unpack(*value) : std::nullopt;
  if (before && *before == now) return {};
  cache.put("snapshot", scope, listing.path, pack(now));
  if (!before || before->size() < snapshot_versions) return {};
  std::vector<std::string> notes = {fmt::format("{} {} with torch {} was {} with torch {} the last"
                                                " time",
                                                listing.source, now[0], now[1], (*before)[0],
                                                (*before)[1])};
  add_changes(structures_of(*before), structures_of(now), notes);
  return notes;
}

}  // namespace zoometer
