#pragma once

// The program in this process: in an empty folder, where it finds no other program and nobody's
// files, and where what it prints is lost.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/dispatch.hpp"
#include "cli/limit_words.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"
#include "scratch_folder.hpp"

#ifdef ZOOMETER_COUNTS_MEMORY
#include <sanitizer/common_interface_defs.h>
#endif

namespace zoometer::fuzz {

/// A folder of this process alone as home and working folder.
inline const std::string& home() {
  static const ScratchFolder folder;
  static const bool is_set = [] {
    for (const char* name : {"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
      setenv(name, folder.path().c_str(), 1);
    unsetenv("ZOOMETER_REGISTRY");
    setenv("PATH", folder.path().c_str(), 1);
    // Where none is named, a Python is looked for in /usr/bin, too.
    setenv("ZOOMETER_PYTHON", "/none", 1);
    std::filesystem::current_path(folder.path());
    return true;
  }();
  (void)is_set;
  return folder.path();
}

inline void empty(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    std::filesystem::remove_all(entry.path());
}

/// Sends what is printed into nothing; the sanitizers' reports still go to standard error.
class Silence {
 public:
  Silence() {
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int& saved : saved_) {
      const int fd = static_cast<int>(&saved - saved_) + 1;
      saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      dup2(nothing, fd);
    }
    close(nothing);
#ifdef ZOOMETER_COUNTS_MEMORY
    __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<std::intptr_t>(saved_[1])));
#endif
  }
  ~Silence() {
    for (int& saved : saved_) {
      dup2(saved, static_cast<int>(&saved - saved_) + 1);
      close(saved);
    }
#ifdef ZOOMETER_COUNTS_MEMORY
    __sanitizer_set_report_fd(reinterpret_cast<void*>(std::intptr_t{STDERR_FILENO}));
#endif
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int saved_[2] = {-1, -1};
};

/// Runs a command line: the program answers or throws Error.
inline void run_program(std::vector<std::string> words) {
  const Silence silence;
  is_taken([&] {
    Limits limits;
    take_limits(words, limits);
    dispatch("zoometer", words);
  });
}

}  // namespace zoometer::fuzz
