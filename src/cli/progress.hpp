#pragma once

#include <cstddef>
#include <string_view>

#include "registry/discovery.hpp"

namespace zoometer {

/// "[37/118] densenet121": one line of standard error that goes away at the end; nothing where that
/// is not a terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Finding& finding, std::size_t total);
  /// A note instead of the line, which returns with the next model.
  void note(std::string_view text);

 private:
  void clear();

  bool is_terminal_;
  bool is_shown_ = false;
  std::size_t count_ = 0;
};

}  // namespace zoometer
