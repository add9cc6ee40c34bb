#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A file that lives in memory, for a child process to open by its path: to read or to write it.
class MemoryFile {
 public:
  /// Throws Error{io}.
  explicit MemoryFile(const char* name, std::string_view text = {});
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// Valid in this process and in those that it starts.
  const std::string& path() const noexcept { return path_; }
  /// What it holds now. Throws Error{io}.
  std::string text() const;

 private:
  int fd_;
  std::string path_;
};

/// How a process ended.
struct Ending {
  enum class Kind : std::uint8_t {
    exited,       ///< by itself; `status` is its exit status
    signalled,    ///< by a signal; `status` is its number
    silent,       ///< killed: it wrote nothing for too long
    stopped,      ///< killed: the reader asked for it
    interrupted,  ///< killed: we were told to end; `status` is the signal
    refused,      ///< it could not be started; `status` is the errno
  };
  Kind kind = Kind::exited;
  int status = 0;

  bool is_success() const noexcept { return kind == Kind::exited && status == 0; }
  /// "exit status 3", "signal 11 (Segmentation fault)", ...
  std::string text() const;
};

/// A program to run and what to do with what it writes. It has no input; it ends when we do.
struct ProcessRequest {
  std::vector<std::string> words;  ///< the program first, by its path or as a name on the PATH
  /// Stands in `words` where the path of the results' pipe goes.
  static constexpr std::string_view results_path = "{results}";
  /// Called with each whole line of the results, if there are any; false ends the process.
  std::function<bool(std::string_view line)> on_line;
  /// Called with what the process prints to its standard output and error.
  std::function<void(std::string_view text)> on_print;
  /// What the program prints before each result, if it does: what was printed before a result is
  /// then handed over before it, although they come in two pipes. It is no part of the prints.
  std::string_view mark;
  double first_limit = 60;  ///< seconds until the first result
  double limit = 60;        ///< seconds between results
};

/// Runs a program to its end. The program and what it starts form a process group, which is
/// killed where a limit passes or where we are interrupted (SIGINT, SIGTERM; not if ignored).
Ending run_process(const ProcessRequest& request);

}  // namespace zoometer
