#include "util/status_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "util/text.hpp"

namespace zoometer {

StatusLine::StatusLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

void StatusLine::clear() {
  if (is_shown_) std::fputs("\r\x1b[K", stderr);
  is_shown_ = false;
}

void StatusLine::show(std::size_t count, std::size_t total, std::string_view name) {
  if (!is_terminal_) return;
  // A line that breaks could not be taken back.
  constexpr std::size_t widest = 50;
  const std::string shown = escape_controls(name);
  std::fprintf(stderr, "\r\x1b[K[%zu/%zu] %.*s", count, total,
               static_cast<int>(std::min(shown.size(), widest)), shown.c_str());
  std::fflush(stderr);
  is_shown_ = true;
}

}  // namespace zoometer
