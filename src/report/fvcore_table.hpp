#pragma once

#include "report/report.hpp"
#include "util/text_table.hpp"

namespace zoometer {

/// The rows of fvcore's table, without the indent of each level, for other formats than fvcore's
/// own.
TextTable fvcore_text_table(const ReportInput& input, const ReportOptions& options);

}  // namespace zoometer
