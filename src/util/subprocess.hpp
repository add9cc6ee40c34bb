#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A file in memory that a child process can open by its path, to read or to write it.
class MemoryFile {
 public:
  /// Throws Error{io}.
  explicit MemoryFile(const char* name, std::string_view text = {});
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// Valid in this process and in its children.
  const std::string& path() const noexcept { return path_; }
  /// The current content. Throws Error{io}.
  std::string text() const;

 private:
  int fd_;
  std::string path_;
};

/// How a process ended.
struct Ending {
  enum class Kind : std::uint8_t {
    exited,       ///< `status` is the exit status
    signalled,    ///< ended by a signal; `status` is its number
    silent,       ///< killed: it wrote no result for too long
    stopped,      ///< killed: `on_line` returned false
    interrupted,  ///< killed: this process was interrupted; `status` is the signal
    refused,      ///< not started; `status` is the errno
  };
  Kind kind = Kind::exited;
  int status = 0;

  bool is_success() const noexcept { return kind == Kind::exited && status == 0; }
  /// "exit status 3", "signal 11 (Segmentation fault)", ...
  std::string text() const;
};

/// A program to run. It has no input, and ends when this process ends.
struct ProcessRequest {
  std::vector<std::string> words;  ///< the program (a path or a name on the PATH) and its arguments
  /// The word that is replaced by the path of the pipe for results.
  static constexpr std::string_view results_path = "{results}";
  /// Called with each line of the results; false ends the process.
  std::function<bool(std::string_view line)> on_line;
  /// Called with the text that the process prints to standard output and error.
  std::function<void(std::string_view text)> on_print;
  /// A text that the program prints before each result. It keeps prints and results in order,
  /// although they come through two pipes: `on_print` gets the text before the mark before
  /// `on_line` gets the result.
  std::string_view mark;
  double first_limit = 60;  ///< seconds until the first result
  double limit = 60;        ///< seconds between results
};

/// Runs a program to its end. The program and its children form a process group. The group is
/// killed if a limit passes or this process is interrupted (SIGINT, SIGTERM; not if ignored).
Ending run_process(const ProcessRequest& request);

}  // namespace zoometer
