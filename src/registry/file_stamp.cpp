#include "registry/file_stamp.hpp"

#include <sys/stat.h>

#include <fmt/core.h>

namespace zoometer {

std::string stamp_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "absent";
  // The status change time cannot be set back, unlike the modification time.
  return fmt::format("{}.{}.{}.{}.{}.{}.{}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

std::vector<std::string> stamps_of(const std::vector<std::string>& paths) {
  std::vector<std::string> stamps;
  for (const std::string& path : paths) {
    stamps.push_back(path);
    stamps.push_back(stamp_of(path));
  }
  return stamps;
}

bool are_unchanged(const std::vector<std::string>& stamps) {
  for (std::size_t i = 0; i + 1 < stamps.size(); i += 2) {
    if (stamp_of(stamps[i]) != stamps[i + 1]) return false;
  }
  return true;
}

}  // namespace zoometer
