#pragma once

#include <string>
#include <vector>

namespace zoometer {

/// What tells that a file or folder is the one it was: place, size and times of change. "absent"
/// where there is none.
std::string stamp_of(const std::string& path);

/// Files with their stamps, as texts that a cache can keep: path, stamp, path, stamp ...
std::vector<std::string> stamps_of(const std::vector<std::string>& paths);

/// Whether every file still has its stamp.
bool are_unchanged(const std::vector<std::string>& stamps);

}  // namespace zoometer
