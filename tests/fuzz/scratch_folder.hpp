#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace zoometer::fuzz {

/// A folder of this process alone, in memory if the machine has such a place; removed when the
/// process ends.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = "/zoometer_fuzz.XXXXXX";
    for (const std::string place : {"/dev/shm", "/tmp"}) {
      path_ = place + name;
      if (mkdtemp(path_.data()) != nullptr) return;
    }
    throw std::filesystem::filesystem_error("no temporary folder", path_, {});
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace zoometer::fuzz
