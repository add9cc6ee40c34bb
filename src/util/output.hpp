#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// A file that is written piece by piece. It is written under a temporary name, and `finish`
/// renames it, so the file is either complete or unchanged. A replaced file keeps its owner and
/// permissions, and a link stays a link. Each step throws Error{io} with the file and the reason.
/// An unfinished file is removed.
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

/// Writes all bytes, in as many calls as it takes. Returns 0 or an errno.
int write_fully(int fd, std::string_view bytes) noexcept;

/// Flushes the file to the disk, if it is on one, and closes it. Returns 0 or an errno.
int close_safely(int fd) noexcept;

/// Whether what is written to a path goes to what is there, as a shell's `>>` does: to a device, to
/// a pipe, or to an open descriptor such as /dev/stdout. Nothing can be renamed to these.
bool is_written_in_place(const std::string& path);

/// A descriptor for such a path. Throws Error{io}.
int open_in_place(const std::string& path);

/// Throws Error{io} if `path` is a folder or a file without write permission.
void check_replaceable(const std::string& path);

/// Writes a text to a file as OutputFile does; "-" is standard output. Throws Error{io} with the
/// file and the reason.
void write_output(const std::string& path, std::string_view text);

/// The reader of standard output has closed it, as `head` does: it has all that it wants.
struct ClosedPipe {};

/// Writes to standard output. Throws Error{io} if that fails, and ClosedPipe.
void write_stdout(std::string_view text);

/// Writes "zoometer: " and one line to standard error, with control characters escaped.
void write_note(std::string_view text) noexcept;

/// The width to which text is fitted: that of the variable COLUMNS, else of the terminal; 0 (no
/// limit) if standard output is not a terminal.
int terminal_width() noexcept;

/// Whether to use colours: standard output is a terminal, and NO_COLOR is not set.
bool wants_colour() noexcept;

}  // namespace zoometer
