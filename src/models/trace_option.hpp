#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "zoometer/models/model.hpp"

namespace zoometer {

/// An option of a trace, declared once for every front end: `--batch 8` on the command line,
/// `MODEL@batch=8` for one of two models, and the request to a plug-in, which has names and values
/// as text.
struct TraceOption {
  /// Where the value is stored. Its type decides how the value is written:
  ///
  /// - bool: "true" or "false"
  /// - integer: "8"
  /// - Variant: "published" or "untrained"
  /// - string: as it is
  /// - InputShape: "1,3,224,224", "1x3x224x224" or "NAME=1,3,224,224"; "()" without dimensions;
  ///   ":int64" at the end is its element type
  /// - InputType: "int64", "NAME=int64"
  /// - NamedSize: "batch=8"
  /// - InputAxis: "NAME=1", "NAME=-2"
  /// - NamedValue: "NAME=16000", "NAME=1,2"
  using Member =
      std::variant<bool TraceOptions::*, std::optional<std::int64_t> TraceOptions::*,
                   Variant TraceOptions::*, std::string TraceOptions::*,
                   std::vector<InputShape> TraceOptions::*, std::vector<NamedSize> TraceOptions::*,
                   std::vector<InputAxis> TraceOptions::*, std::vector<NamedValue> TraceOptions::*,
                   std::vector<InputType> TraceOptions::*>;

  static constexpr std::string_view any_file = "file";

  std::string_view name;   ///< "input-shape"
  std::string_view value;  ///< what help calls the value; empty for a flag
  std::string_view help;   ///< one sentence
  Member member;
  std::int64_t least = 0;             ///< of an integer, or of the sizes of a list
  bool sizes_inputs = false;          ///< whether it changes the inputs, and no parameter
  std::optional<Task> only = {};      ///< the task of the models that have a use for it
  std::string_view only_name = {};    ///< "a detector"
  std::string_view other_names = {};  ///< ",--batch-size,-b"
  /// The importer of the only files that have a use for it; `any_file`: every importer.
  std::string_view only_files = {};

  bool is_flag() const noexcept;
  /// Whether every value is added to those before it.
  bool repeats() const noexcept;
  /// The words that the value may be; none: any.
  std::span<const std::string_view> words() const noexcept;

  /// Reads a value. Throws Error that names the option, what was expected and what was given.
  void parse(std::string_view text, TraceOptions& options) const;
  /// The values as `parse` reads them; none where the option has its default.
  std::vector<std::string> format(const TraceOptions& options) const;
  /// Gives the option its default.
  void reset(TraceOptions& options) const;
};

/// Every option of a trace.
std::span<const TraceOption> trace_options() noexcept;
/// Throws Error{usage} where an option is given that only files have a use for.
void refuse_file_options(const TraceOptions& options);
/// The option of that name, or null.
const TraceOption* find_trace_option(std::string_view name) noexcept;

}  // namespace zoometer
