#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.hpp"
#include "util/text_table.hpp"

namespace zoometer {

/// How figures of a table are written.
enum class FigureUnits : std::uint8_t {
  four_digits,  ///< "4.089 G"
  mega,         ///< "4089.184 M"; bytes as MiB
  giga,         ///< "4.089 G"; bytes as GiB
  exact,        ///< all digits
};

/// What a table of modules shows.
struct ModuleTableOptions {
  std::string sort;                  ///< a column; largest first. Empty: the order of the model
  bool ascending = false;            ///< of `sort`
  std::optional<std::int64_t> top;   ///< only so many rows; nothing: all
  std::string group_by;              ///< "type", "operator" or "module-name"; empty: modules
  std::vector<std::string> columns;  ///< empty: the usual ones
  FigureUnits units = FigureUnits::four_digits;

  /// Whether leaf modules have rows instead of the module tree.
  bool is_flat() const noexcept { return !sort.empty() || top.has_value() || !group_by.empty(); }
};

/// The names of the columns.
std::vector<std::string_view> module_table_columns();

/// A row for each module of the tree to a depth, leaf module, or group of leaf modules, and one for
/// the total. A module with modules inside has a row among leaf modules for what it computes
/// itself. Throws Error{usage} for an unknown column.
TextTable module_table(const ReportInput& input, const ModuleTableOptions& options, int depth);

}  // namespace zoometer
