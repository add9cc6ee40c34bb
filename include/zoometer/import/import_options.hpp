#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// What the user may ask of a file.
struct ImportOptions {
  /// An input's size.
  struct Input {
    std::string name;  ///< empty: by position
    Shape shape;       ///< the size of each dimension
  };
  std::vector<Input> inputs = {};  ///< empty: what the file declares
  std::vector<std::pair<std::string, std::int64_t>> dims =
      {};                  ///< values of symbolic sizes, by name
  std::string model = {};  ///< which one of several in an archive
};

}  // namespace zoometer
