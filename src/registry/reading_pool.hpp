#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "util/sandbox.hpp"

namespace zoometer {

/// Reads many files in children of this process that are shut in (`enter_sandbox`), some at a time.
/// A child that a file ends is replaced, and reads the rest.
struct ReadingPool {
  Sandbox sandbox;
  std::size_t children = 1;
  unsigned seconds = 60;  ///< of processor time for one file, and half as long as its elapsed time
  /// Runs in a child: what there is to say of file `index`.
  std::function<std::string(std::size_t index)> read;
  /// Runs in this process, in the order of the files.
  std::function<void(std::size_t index, const std::string& text)> take;
  /// The same for a file that ended the child, or for which it took too long.
  std::function<void(std::size_t index, const ChildEnd& end, bool is_too_long)> take_end;

  /// Reads files 0 to `count` - 1. Where no child can be started, this process reads them.
  void run(std::size_t count) const;
};

}  // namespace zoometer
