#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace zoometer {

/// The kind of an error. Each has a stable name for scripts and an exit status.
enum class ErrorCode : std::uint8_t {
  usage,         ///< wrong arguments on the command line
  unknown_name,  ///< a model, file or column that does not exist
  shape,         ///< shapes that an operator does not accept
  overflow,      ///< a product of sizes is too large
  malformed,     ///< a file that violates its format
  unsupported,   ///< a file or feature that is recognised but not supported
  limit,         ///< a limit on memory, depth or size is exceeded
  io,            ///< reading or writing failed
  check,         ///< a check that the user asked for failed
  internal,      ///< a bug in zoometer
};

/// The stable name of a code, as used in JSON: "shape", "overflow", ...
std::string_view name_of(ErrorCode code) noexcept;

/// Where an error happened. Empty members are unknown.
struct ErrorPlace {
  std::string model;                         ///< model or file name
  std::string module_path;                   ///< "layer1.0.conv1"
  std::string node;                          ///< operator or node name
  std::optional<std::uint64_t> byte_offset;  ///< offset in the file
};

/// The part of an argument that is wrong. Empty if the error is not in an argument.
struct ErrorExcerpt {
  std::string text;       ///< the argument
  std::size_t begin = 0;  ///< the first wrong byte
  std::size_t end = 0;    ///< the position after the last wrong byte
};

/// The only exception type of the library: what is wrong, where, what was expected and what was
/// found.
class Error : public std::exception {
 public:
  /// What was expected and what was found. Either may be empty.
  struct Detail {
    std::string expected;  ///< "4 sizes like 1x3x224x224"
    std::string got;       ///< "2: 1x3"
  };

  /// An error with a message only.
  Error(ErrorCode error_code, std::string text) : code(error_code), message(std::move(text)) {}
  /// An error with a message and what was expected.
  Error(ErrorCode error_code, std::string text, Detail what_came)
      : code(error_code),
        message(std::move(text)),
        detail(std::move(what_came)) {}

  /// The complete message on one line: place, message, expected, got.
  const char* what() const noexcept override;

  ErrorCode code;        ///< the kind
  std::string message;   ///< what is wrong
  ErrorPlace place;      ///< where, as far as known
  Detail detail;         ///< what was expected and what was found
  std::string hint;      ///< what the user can do, or empty
  ErrorExcerpt excerpt;  ///< the part of an argument that is wrong

 private:
  mutable std::string text_;
};

}  // namespace zoometer
