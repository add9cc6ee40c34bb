#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace zoometer {

/// The kind of a failure: a stable name for scripts, and the exit status that the program ends
/// with.
enum class ErrorCode : std::uint8_t {
  usage,         ///< wrong words on the command line
  unknown_name,  ///< a model, file or column that does not exist
  shape,         ///< shapes that an operator cannot take
  overflow,      ///< a product of sizes beyond what 64 bits or the limits hold
  malformed,     ///< a file whose bytes contradict its format
  unsupported,   ///< a file or feature that is recognised and cannot be handled
  limit,         ///< a limit on memory, depth or size
  io,            ///< the operating system refused a read or a write
  check,         ///< a check that the user asked for did not hold
  internal,      ///< a bug of ours
};

/// The stable name of a code, as written in JSON ("shape", "overflow", ...).
std::string_view name_of(ErrorCode code) noexcept;

/// Where a failure happened. Empty members are unknown.
struct ErrorPlace {
  std::string model;                         ///< model or file name
  std::string module_path;                   ///< "layer1.0.conv1"
  std::string node;                          ///< operator or node name
  std::optional<std::uint64_t> byte_offset;  ///< in the file
};

/// Words that were given, and which bytes of them are wrong. Without words there is none.
struct ErrorExcerpt {
  std::string text;       ///< the words
  std::size_t begin = 0;  ///< the first wrong byte
  std::size_t end = 0;    ///< behind the last one
};

/// The only exception type of the library: what went wrong, where, what was expected and what came.
class Error : public std::exception {
 public:
  /// What was wanted and what there was; either may be empty.
  struct Detail {
    std::string expected;  ///< "4 sizes like 1x3x224x224"
    std::string got;       ///< "2: 1x3"
  };

  /// A failure that its message tells whole.
  Error(ErrorCode error_code, std::string text) : code(error_code), message(std::move(text)) {}
  /// A failure to find what was expected.
  Error(ErrorCode error_code, std::string text, Detail what_came)
      : code(error_code),
        message(std::move(text)),
        detail(std::move(what_came)) {}

  /// The whole message on one line: place, message, expectation.
  const char* what() const noexcept override;

  ErrorCode code;        ///< the kind
  std::string message;   ///< what went wrong
  ErrorPlace place;      ///< where, as far as it is known
  Detail detail;         ///< what was expected against what came
  std::string hint;      ///< what the user could do, or empty
  ErrorExcerpt excerpt;  ///< the words that were wrong, where they were words

 private:
  mutable std::string text_;
};

}  // namespace zoometer
