#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/memory.hpp"
#include "analysis/profile.hpp"
#include "analysis/training.hpp"
#include "zoometer/report/report_options.hpp"

namespace zoometer {

/// The input of a report.
struct ReportInput {
  const Graph& graph;
  const Profile& profile;
  std::string model;                          ///< a model's name or a file's path
  std::string source;                         ///< "builtin", "onnx", ...
  std::string variant;                        ///< "published", "untrained", or empty
  const Convention* convention = nullptr;     ///< null: native
  std::vector<std::string> notes;             ///< assumptions of the figures
  const MemoryProfile* memory = nullptr;      ///< for `--memory`, or null
  const TrainingProfile* training = nullptr;  ///< for `--training`, or null
};

/// One way to write a profile.
struct Report {
  std::string_view name;  ///< as in `--format`
  std::string_view summary;
  std::string (*write)(const ReportInput& input, const ReportOptions& options);
};

/// Every report, by object name.
std::span<const Report* const> reports() noexcept;

/// The report of that name, or null.
const Report* find_report(std::string_view name) noexcept;

// -- shared by the reports --------------------------------------------------------------------

/// More levels than a module tree has.
inline constexpr int all_levels = 1 << 30;

/// The deepest level that a report shows: `usual` where no depth is given, all for a negative one.
int depth_limit(const ReportOptions& options, int usual = all_levels) noexcept;

/// The depth of a module: 0 for the root.
int depth_of(const Graph& graph, ModuleId module) noexcept;

/// The results of each module's calls, joined.
class CallOutputs {
 public:
  explicit CallOutputs(const Graph& graph);

  std::span<const ValueId> operator[](ModuleId module) const noexcept {
    return std::span(values_).subspan(first_[module], first_[module + 1] - first_[module]);
  }

  /// The results of a module's first call.
  std::span<const ValueId> of_first(ModuleId module) const noexcept {
    return std::span(values_).subspan(first_[module], counts_[module]);
  }

 private:
  std::vector<std::size_t> first_;     // by module id, and the end
  std::vector<std::uint32_t> counts_;  // by module id: results of its first call
  std::vector<ValueId> values_;
};

}  // namespace zoometer
