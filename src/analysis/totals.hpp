#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "analysis/profile.hpp"
#include "zoometer/analysis/results.hpp"

namespace zoometer {

Totals totals_of(const Graph& graph, const Profile& profile);

/// How a figure is printed.
enum class MetricUnit : std::uint8_t {
  count,    ///< an integer: 4.089 G
  bytes,    ///< an integer: 97.5 MiB
  ratio,    ///< not an integer
  percent,  ///< hundredths
};

/// A figure by the name that expressions, sweeps and comparisons know it by.
struct TotalsField {
  std::string_view name;
  MetricUnit unit;
  std::string_view summary;
  long double (*value)(const Totals& totals);
};

/// Every such figure, the most used first.
std::span<const TotalsField> totals_fields() noexcept;

/// "4.089 G", "97.5 MiB", "80.858".
std::string format_figure(MetricUnit unit, long double value);
/// All digits of an integer, and as many of any other number as are needed to read it back.
std::string exact_figure(MetricUnit unit, long double value);

}  // namespace zoometer
