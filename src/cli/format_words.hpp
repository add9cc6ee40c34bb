#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"

namespace zoometer {

/// The options that say how and where a command writes: `--format`, `--output`, and the short forms
/// `--json`, `--csv` and `--markdown`. Without them the ending of the file's name chooses.
class FormatWords {
 public:
  /// `formats` are what the command writes; the first is the usual one.
  explicit FormatWords(std::vector<std::string> formats) : formats_(std::move(formats)) {}

  /// Without `output_names` there is no option for a file.
  void add_to(Arguments& arguments, std::string_view output_names = "--output,-o");

  /// Settles the format, once the words are read. Throws Error{usage} for short forms that
  /// contradict each other, and for a file whose ending is that of a format which the command does
  /// not write.
  void settle();

  const std::string& format() const noexcept { return format_; }
  const std::string& output() const noexcept { return output_; }
  bool is(std::string_view format) const noexcept { return format_ == format; }
  /// The columns of the terminal that the text is for; 0 for a file and for a pipe.
  int width() const noexcept;
  /// Whether the text may be coloured.
  bool colour() const noexcept;
  /// Writes what the command has to say. Lines of text that are wider than the terminal continue
  /// below; other formats are written as they are.
  void write(std::string_view text) const;

 private:
  void take(const std::string& format, std::string_view option);
  bool writes(std::string_view format) const noexcept;

  std::vector<std::string> formats_;
  std::string format_;
  std::string output_;
  std::string option_;         ///< that chose the format
  std::string output_option_;  ///< the long name of the option for the file
};

/// The format that the ending of a file's name says, one of `formats`; empty for no ending, other
/// endings and devices. Throws Error{usage} for the ending of another format.
std::string format_of_ending(const std::string& path, const std::vector<std::string>& formats,
                             std::string_view option = "--output");

/// The formats of a table beside text: "csv", "markdown", "latex", "html-table", after `first`.
std::vector<std::string> table_formats(std::vector<std::string> first);

}  // namespace zoometer
