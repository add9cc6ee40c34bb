#include "cli/format_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

struct FileEnding {
  std::string_view ending, format;
};

/// The endings of files that say which format they have.
constexpr FileEnding file_endings[] = {
    {".json", "json"},     {".csv", "csv"},          {".html", "html"},   {".htm", "html"},
    {".svg", "svg"},       {".png", "png"},          {".pdf", "pdf"},     {".dot", "dot"},
    {".onnx", "onnx"},     {".jsonl", "jsonl"},      {".md", "markdown"}, {".tex", "latex"},
    {".sqlite", "sqlite"}, {".markdown", "markdown"}};

std::string lower_ending(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return ending;
}

}  // namespace

void FormatWords::add_to(Arguments& arguments, std::string_view output_names) {
  output_option_ = output_names.substr(0, output_names.find(','));
  arguments.option({.names = "--format,-f",
                    .value = fmt::format("{}", fmt::join(formats_, "|")),
                    .help = output_names.empty()
                                ? "The format"
                                : "The format, else that of the ending of " + output_option_,
                    .standard = formats_.front(),
                    .read = [this](const std::string& value) { take(value, "--format"); }});
  for (const std::string_view format : {"json", "csv", "markdown"}) {
    if (!writes(format)) continue;
    arguments.option({.names = fmt::format("--{}", format),
                      .value = {},
                      .help = fmt::format("Short for --format {}", format),
                      .standard = {},
                      .read = [this, format](const std::string& /*true*/) {
                        take(std::string(format), fmt::format("--{}", format));
                      }});
  }
  if (output_names.empty()) return;
  arguments.option(std::string(output_names), output_, "Write to a file instead of standard output",
                   "FILE");
}

bool FormatWords::writes(std::string_view format) const noexcept {
  return std::ranges::find(formats_, format) != formats_.end();
}

void FormatWords::take(const std::string& format, std::string_view option) {
  if (!writes(format)) {
    const std::vector<std::string_view> names(formats_.begin(), formats_.end());
    Error error(ErrorCode::usage, "--format",
                {fmt::format("one of {}", fmt::join(formats_, ", ")), escape_controls(format)});
    error.hint = did_you_mean(format, names);
    throw error;
  }
  if (!format_.empty() && format_ != format) {
    throw Error(ErrorCode::usage,
                fmt::format("{} and {} contradict each other",
                            option_ == "--format" ? "--format " + format_ : option_, option));
  }
  format_ = format;
  option_ = option;
}

void FormatWords::settle() {
  if (format_.empty()) format_ = format_of_ending(output_, formats_, output_option_);
  if (format_.empty()) format_ = formats_.front();
}

int FormatWords::width() const noexcept { return output_.empty() ? terminal_width() : 0; }

bool FormatWords::colour() const noexcept { return output_.empty() && wants_colour(); }

void FormatWords::write(std::string_view text) const {
  const auto columns = static_cast<std::size_t>(is("text") ? width() : 0);
  if (columns == 0) return write_output(output_, text);
  write_stdout(wrapped_lines(text, columns));
}

std::string format_of_ending(const std::string& path, const std::vector<std::string>& formats,
                             std::string_view option) {
  if (path.empty() || path == "-" || is_written_in_place(path)) return {};
  const auto has = [&](std::string_view format) {
    return std::ranges::find(formats, format) != formats.end();
  };
  const std::string ending = lower_ending(path);
  for (const FileEnding& each : file_endings) {
    if (each.ending != ending) continue;
    if (has(each.format)) return std::string(each.format);
    if (each.format == "html" && has("html-table")) return "html-table";
    Error error(ErrorCode::usage, fmt::format("{} {}", option, escape_controls(path)),
                {fmt::format("a file of one of the formats {}", fmt::join(formats, ", ")), ending});
    error.hint = "--format " + formats.front() + " writes " + formats.front() + " to any name";
    throw error;
  }
  return {};
}

std::vector<std::string> table_formats(std::vector<std::string> first) {
  for (const char* format : {"csv", "markdown", "latex", "html-table"}) {
    if (std::ranges::find(first, format) == first.end()) first.emplace_back(format);
  }
  return first;
}

}  // namespace zoometer
