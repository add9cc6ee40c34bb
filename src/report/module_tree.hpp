#pragma once

#include <string>

#include "report/report.hpp"

namespace zoometer {

/// Writes the table of the modules, down to the depth that the options say, behind a text.
void append_module_tree(std::string& text, const ReportInput& input, const ReportOptions& options);

}  // namespace zoometer
