#include "analysis/totals.hpp"

#include <fmt/core.h>

#include "util/text.hpp"
#include "util/to_integer.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

template <auto member>
long double figure(const Totals& totals) {
  return static_cast<long double>(totals.metrics.*member);
}

template <auto member>
long double total(const Totals& totals) {
  return static_cast<long double>(totals.*member);
}

long double traffic(const Totals& totals) {
  return figure<&Metrics::bytes_read>(totals) + figure<&Metrics::bytes_written>(totals);
}

long double memory(const Totals& totals) {
  return figure<&Metrics::parameter_bytes>(totals) + total<&Totals::peak_bytes>(totals);
}

long double intensity(const Totals& totals) { return totals.metrics.intensity(); }

using enum MetricUnit;

constexpr TotalsField fields[] = {
    {"parameters", count, "elements of learnt tensors", figure<&Metrics::parameters>},
    {"buffers", count, "elements of stored tensors that are not learnt", figure<&Metrics::buffers>},
    {"macs", count, "multiply-accumulates", figure<&Metrics::macs>},
    {"flops", count, "2 x macs and every other operation", figure<&Metrics::flops>},
    {"activations", count, "elements of the outputs of operators that have MACs",
     figure<&Metrics::activations>},
    {"peak", bytes, "the most bytes of activations that live at once", total<&Totals::peak_bytes>},
    {"parameter_bytes", bytes, "bytes of parameters and buffers",
     figure<&Metrics::parameter_bytes>},
    {"memory", bytes, "parameter_bytes + peak: what a run needs", memory},
    {"bytes_read", bytes, "read by operators, weights included", figure<&Metrics::bytes_read>},
    {"bytes_written", bytes, "written by operators", figure<&Metrics::bytes_written>},
    {"traffic", bytes, "bytes_read + bytes_written", traffic},
    {"intensity", ratio, "flops / traffic", intensity},
    {"nodes", count, "operators of the graph", total<&Totals::nodes>},
    {"unknown", count, "operators whose cost is unknown", total<&Totals::unknown>},
};

}  // namespace

Totals totals_of(const Graph& graph, const Profile& profile) {
  Totals totals{profile.total, profile.memory.peak_bytes,
                static_cast<std::int64_t>(graph.nodes().size()), 0};
  checked_add(totals.metrics.parameter_bytes, totals.peak_bytes);  // reports add both
  for (const CoverageLedger::Unknown& unknown : profile.coverage.unknown)
    totals.unknown += unknown.count;
  return totals;
}

std::span<const TotalsField> totals_fields() noexcept { return fields; }

std::string format_figure(MetricUnit unit, long double value) {
  if (value < 0) return "-" + format_figure(unit, -value);
  switch (unit) {
  case count: return format_count(to_integer<std::int64_t>(value));
  case bytes: return format_bytes(to_integer<std::int64_t>(value));
  case ratio: return fmt::format("{:.4g}", static_cast<double>(value));
  case percent: return fmt::format("{:.3f}", static_cast<double>(value));
  }
  return {};
}

std::string exact_figure(MetricUnit unit, long double value) {
  const bool is_integer = unit == count || unit == bytes;
  return is_integer ? fmt::format("{}", to_integer<std::int64_t>(value))
                    : fmt::format("{}", static_cast<double>(value));
}

}  // namespace zoometer
