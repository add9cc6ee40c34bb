#pragma once

#include <optional>

namespace zoometer {

/// How a report looks.
struct ReportOptions {
  std::optional<int> depth = {};  ///< levels of the module tree; nothing: the report's own default
  bool show_shapes = false;       ///< keep the output shapes even if they do not fit the width
  bool colour = false;            ///< colour the text with terminal escapes
  int width = 0;                  ///< columns of the terminal; 0: no terminal, no limit
};

}  // namespace zoometer
