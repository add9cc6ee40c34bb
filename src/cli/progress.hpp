#pragma once

#include <cstddef>
#include <string_view>

#include "registry/discovery.hpp"
#include "util/status_line.hpp"

namespace zoometer {

/// The model that is tried, of how many, as a StatusLine shows it.
class ProgressLine {
 public:
  void show(const Finding& finding, std::size_t total) {
    line_.show(++count_, total, finding.name);
  }
  /// A note instead of the line, which returns with the next model.
  void note(std::string_view text);

 private:
  StatusLine line_;
  std::size_t count_ = 0;
};

}  // namespace zoometer
