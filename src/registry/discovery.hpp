#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

enum class Status : std::uint8_t { traceable, failed, skipped };
std::string_view name_of(Status status) noexcept;

/// What came of one model.
struct Finding {
  std::string name, family, task;
  Status status = Status::traceable;
  std::string reason;       ///< a stable code (see `reason_codes`); empty for traceable
  std::string message;      ///< why, in the words of what refused it
  std::string module_path;  ///< where it failed; empty where that is not known
  std::string op;           ///< the operator that failed; empty where that is not known
  /// Live sources: what PyTorch tells of the model's structure. A line with parameters and nodes,
  /// and a line with a digest of its state dict.
  std::string structure;
  std::string note;  ///< what else is worth telling: "printed 3 lines"
  std::optional<std::int64_t> nodes, parameters, macs;
  double seconds = 0;  ///< that the test took, also where the answer was remembered
};

/// What came of a source's models.
struct Discovery {
  std::string source;          ///< "builtin", "torchvision", a folder
  std::string source_version;  ///< of the source, not of zoometer; empty for a folder
  std::vector<Finding> findings;
  bool has_files = false;          ///< the findings are files, which no curated registry holds
  std::vector<std::string> notes;  ///< which interpreter was taken, what changed since last time

  std::size_t count(Status status) const noexcept;
};

/// A reason code with what it means and what can be done.
struct ReasonCode {
  std::string_view code, meaning, advice;
};
/// Every code that a finding may bear.
std::span<const ReasonCode> reason_codes() noexcept;
/// What can be done about a reason, or empty.
std::string_view advice_for(std::string_view code) noexcept;

/// Which of a source's models to try.
struct DiscoveryOptions {
  std::vector<std::string> patterns;       ///< names, with * and ?; empty: all
  std::vector<std::string> skip_patterns;  ///< parts of names that are left out

  bool wants(std::string_view name) const noexcept;
};

/// Called with each finding as it is made, and how many there will be.
using Progress = std::function<void(const Finding& finding, std::size_t total)>;

/// Fills nodes, parameters and MACs of a finding from its graph. Throws Error.
void take_metrics(Finding& finding, const Graph& graph);

/// Turns an error into a failed finding.
void take_error(Finding& finding, const Error& error);

/// A finding as the cache keeps it: all but its name, family and task. False where the value is
/// not of that form.
std::string pack_finding(const Finding& finding);
bool unpack_finding(std::string_view value, Finding& finding);

/// Traces every built-in model.
Discovery discover_builtin(const Registry& registry, const DiscoveryOptions& options,
                           const Progress& progress);

/// The traceable models that the curated list lacks; those of the user's own are in every registry.
std::vector<std::string_view> missing_from_curated(const Registry& registry,
                                                   const Discovery& discovery);

}  // namespace zoometer
