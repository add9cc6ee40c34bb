#pragma once

#include <string>
#include <vector>

#include "analysis/explanation.hpp"
#include "util/text_table.hpp"

namespace zoometer {

/// The input of the writers of an explanation.
struct ExplanationReport {
  const Explanation& explanation;
  std::string model;
  std::string source;
  std::vector<std::string> notes;  ///< assumptions of the figures
};

/// Operator by operator, one column per tool, and what each tool counts besides products; within
/// `width` columns, 0: any.
std::string explanation_text(const ExplanationReport& report, int width);

/// The costs by operator, and the total; `exact` writes all digits.
TextTable explanation_table(const Explanation& explanation, bool exact);

/// A JSON document, schema zoometer.explanation/1.
std::string explanation_json(const ExplanationReport& report);

}  // namespace zoometer
