#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "util/output.hpp"
#include "util/text.hpp"

namespace zoometer {

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (is_shown_) std::fputs("\r\x1b[K", stderr);
  is_shown_ = false;
}

void ProgressLine::show(const Finding& finding, std::size_t total) {
  ++count_;
  if (!is_terminal_) return;
  // A line that breaks could not be taken back.
  constexpr std::size_t widest = 50;
  const std::string name = escape_controls(finding.name);
  std::fprintf(stderr, "\r\x1b[K[%zu/%zu] %.*s", count_, total,
               static_cast<int>(std::min(name.size(), widest)), name.c_str());
  std::fflush(stderr);
  is_shown_ = true;
}

void ProgressLine::note(std::string_view text) {
  clear();
  write_note(text);
}

}  // namespace zoometer
