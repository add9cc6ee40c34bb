#pragma once

#include <string>

#include "analysis/diff.hpp"
#include "report/report.hpp"

namespace zoometer {

/// What a diff is written from.
struct DiffInput {
  const ReportInput& before;
  const ReportInput& after;
  const Diff& diff;
  bool show_all = false;  ///< in text, also modules that are the same
};

/// For people: totals, the modules that differ down to `options.depth` (2), operators.
std::string diff_text(const DiffInput& input, const ReportOptions& options);

/// One document, schema zoometer.diff/1.
std::string diff_json(const DiffInput& input, const ReportOptions& options);

/// A page for a browser.
std::string diff_html(const DiffInput& input, const ReportOptions& options);

}  // namespace zoometer
