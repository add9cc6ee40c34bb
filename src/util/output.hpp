#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// A file that is written piece by piece: beside its place first, and put there by `finish`, so
/// that the file is whole or as it was. Each step throws Error{io} that names the file and the
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
