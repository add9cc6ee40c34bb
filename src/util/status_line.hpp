#pragma once

#include <cstddef>
#include <string_view>

namespace zoometer {

/// "[37/118] densenet121": one line of standard error that goes away at the end; nothing where that
/// is not a terminal.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(std::size_t count, std::size_t total, std::string_view name);
  void clear();

 private:
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace zoometer
