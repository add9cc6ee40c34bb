#pragma once

#include <string>

#include "analysis/diff.hpp"
#include "report/report.hpp"

namespace zoometer {

/// The input of the writers of a diff.
struct DiffInput {
  const ReportInput& before;
  const ReportInput& after;
  const Diff& diff;
  bool show_all = false;  ///< in text, also unchanged modules
};

/// For people: totals, the modules that differ down to `options.depth` (2), operators.
std::string diff_text(const DiffInput& input, const ReportOptions& options);

/// A JSON document, schema zoometer.diff/1.
std::string diff_json(const DiffInput& input, const ReportOptions& options);

/// A page for a browser.
std::string diff_html(const DiffInput& input, const ReportOptions& options);

}  // namespace zoometer
