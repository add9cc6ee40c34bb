#include "cli/progress.hpp"

#include "util/output.hpp"

namespace zoometer {

void ProgressLine::note(std::string_view text) {
  line_.clear();
  write_note(text);
}

}  // namespace zoometer
