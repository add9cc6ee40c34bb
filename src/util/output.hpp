#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// A file that is written piece by piece: beside its place first, and put there by `finish`, so
/// that the file is whole or as it was. A file that is replaced keeps its permissions, and a link
/// stays. Each step throws Error{io} that names the file and the
/// reason; what is not finished is removed.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void finish();

 private:
  [[noreturn]] void fail(int reason);
  void discard() noexcept;

  std::string path_;
  std::string beside_;
  int fd_ = -1;
};

/// Writes all bytes, however few the system takes at a time; returns 0, or the errno that ended it.
int write_fully(int fd, std::string_view bytes) noexcept;

/// Has the disk take what was written, where the file has one, and closes; returns 0 or an errno.
int close_safely(int fd) noexcept;

/// Throws Error{io} where `path` is a folder, or a file that may not be written.
void check_replaceable(const std::string& path);

/// Writes all of `text` to a file: beside it first, then renamed, so that the file is whole or as
/// it was. "-" is standard output. Throws Error{io} that names the file and the reason.
void write_output(const std::string& path, std::string_view text);

/// Writes to standard output; Error{io} where it cannot, also where the reader closed the pipe.
void write_stdout(std::string_view text);

/// One line to standard error, "zoometer: " before it, control characters escaped.
void write_note(std::string_view text) noexcept;

/// The terminal's width, or nothing useful (0) where standard output is no terminal.
int terminal_width() noexcept;

/// Whether colours are wanted: a terminal, and NO_COLOR is not set.
bool wants_colour() noexcept;

}  // namespace zoometer
