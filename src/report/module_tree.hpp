#pragma once

#include <string>

#include "report/report.hpp"

namespace zoometer {

/// Appends the table of the modules, down to the depth of the options, to a text.
void append_module_tree(std::string& text, const ReportInput& input, const ReportOptions& options);

}  // namespace zoometer
