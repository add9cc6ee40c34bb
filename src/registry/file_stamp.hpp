#pragma once

#include <string>
#include <vector>

namespace zoometer {

/// A text that changes when a file or folder does: inode, size and times. "absent" if it does not
/// exist.
std::string stamp_of(const std::string& path);

/// The paths and stamps of files, in turn: path, stamp, path, stamp, ...
std::vector<std::string> stamps_of(const std::vector<std::string>& paths);

/// Whether every file still has its stamp.
bool are_unchanged(const std::vector<std::string>& stamps);

}  // namespace zoometer
