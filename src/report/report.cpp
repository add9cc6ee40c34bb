#include "report/report.hpp"

#include <algorithm>

namespace zoometer {

const Report* find_report(std::string_view name) noexcept {
  for (const Report* report : reports()) {
    if (report->name == name) return report;
  }
  return nullptr;
}

int depth_limit(const ReportOptions& options, int usual) noexcept {
  const int depth = options.depth.value_or(usual);
  return depth < 0 ? all_levels : depth;
}

int depth_of(const Graph& graph, ModuleId module) noexcept {
  int depth = 0;
  for (ModuleId at = graph.modules()[module].parent; at != no_id; at = graph.modules()[at].parent)
    ++depth;
  return depth;
}

CallOutputs::CallOutputs(const Graph& graph)
    : first_(graph.modules().size() + 1),
      counts_(graph.modules().size()) {
  for (const ModuleCall& call : graph.calls()) first_[call.module + 1] += call.output_count;
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  values_.resize(first_.back());
  std::vector<std::size_t> next = first_;
  for (const ModuleCall& call : graph.calls()) {
    const auto values = graph.outputs_of(call);
    if (next[call.module] == first_[call.module]) counts_[call.module] = call.output_count;
    std::ranges::copy(values, values_.begin() + static_cast<std::ptrdiff_t>(next[call.module]));
    next[call.module] += values.size();
  }
}

}  // namespace zoometer
