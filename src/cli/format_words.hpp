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
  /// Whether the text may be fitted to the terminal, and coloured.
  bool is_for_terminal() const noexcept { return output_.empty(); }

 private:
  void take(const std::string& format, std::string_view option);
  bool writes(std::string_view format) const noexcept;

  std::vector<std::string> formats_;
  std::string format_;
  std::string output_;
  std::string option_;  ///< that chose the format
};

/// The format that the ending of a file's name says, one of `formats`; empty for no ending, other
/// endings and devices. Throws Error{usage} for the ending of another format.
std::string format_of_ending(const std::string& path, const std::vector<std::string>& formats);

/// The formats of a table beside text: "csv", "markdown", "latex", "html-table", after `first`.
std::vector<std::string> table_formats(std::vector<std::string> first);

}  // namespace zoometer
