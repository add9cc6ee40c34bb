#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace zoometer {

/// Names that no two tensors of a graph share, for files whose names are not unique.
class UniqueNames {
 public:
  /// The name in UTF-8, and "tensor" for none; `_1`, `_2`, ... after it where it was given before.
  std::string next(std::string_view name);
  void clear() noexcept { given_.clear(); }

 private:
  /// And how many were made of each: a file may have one name for all of its tensors.
  std::map<std::string, std::size_t, std::less<>> given_;
};

}  // namespace zoometer
