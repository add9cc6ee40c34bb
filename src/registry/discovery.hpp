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

/// The result of trying one model.
struct Finding {
  std::string name, family, task;
  std::string builder;  ///< Python: an import, a line break and an expression; empty if unknown
  Status status = Status::traceable;
  std::string reason;       ///< a stable code (see `reason_codes`); empty for traceable
  std::string message;      ///< why it failed, as the source reports it
  std::string module_path;  ///< where it failed; empty if unknown
  std::string op;           ///< the operator that failed; empty if unknown
  /// For live sources: the model's structure as PyTorch reports it. A line with parameters and
  /// nodes, and a line with a digest of the state dict.
  std::string structure;
  std::string note;  ///< anything else to report: "printed 3 lines"
  std::optional<std::int64_t> nodes, parameters, macs;
  double seconds = 0;  ///< that the model took; also if the answer is from the cache
};

/// The results for the models of a source.
struct Discovery {
  std::string source;          ///< "builtin", "torchvision", "timm", "python:MODULE", a folder
  std::string source_version;  ///< version of the source, not of zoometer; empty for a folder
  std::vector<Finding> findings;
  bool has_files = false;  ///< the findings are files, which are never in the curated registry
  std::vector<std::string> notes;  ///< the interpreter that was used, changes since the last time

  std::size_t count(Status status) const noexcept;
};

/// A reason code, its meaning and advice.
struct ReasonCode {
  std::string_view code, meaning, advice;
};
/// All codes that a finding may have.
std::span<const ReasonCode> reason_codes() noexcept;
/// Advice for a reason, or empty.
std::string_view advice_for(std::string_view code) noexcept;

/// Which of a source's models to try.
struct DiscoveryOptions {
  std::vector<std::string> patterns;       ///< names, with * and ?; empty: all
  std::vector<std::string> skip_patterns;  ///< models whose names contain one of these are left out

  bool wants(std::string_view name) const noexcept;
};

/// Called with each finding and the number of all findings.
using Progress = std::function<void(const Finding& finding, std::size_t total)>;

/// Fills nodes, parameters and MACs from a graph. Throws Error.
void take_metrics(Finding& finding, const Graph& graph);

/// Turns an error into a failed finding.
void take_error(Finding& finding, const Error& error);

/// A finding as a cache value, without name, family and task. False if the value is invalid.
std::string pack_finding(const Finding& finding);
bool unpack_finding(std::string_view value, Finding& finding);

/// Traces every built-in model.
Discovery discover_builtin(const Registry& registry, const DiscoveryOptions& options,
                           const Progress& progress);

/// Where a model of a live source comes from; nothing for built-in models and files.
std::optional<Origin> origin_of(const Discovery& discovery, const Finding& finding);

/// The traceable models that are missing from the curated list. The user's own models are in every
/// registry.
std::vector<std::string_view> missing_from_curated(const Registry& registry,
                                                   const Discovery& discovery);

}  // namespace zoometer
