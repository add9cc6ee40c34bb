#pragma once

#include <span>
#include <string>
#include <string_view>

#include "util/mapped_file.hpp"

namespace zoometer {

/// A well-known format of files or folders that has no importer.
struct UnsupportedFormat {
  std::string_view what;  ///< "a GGUF file"
  std::string_view hint;  ///< what to do instead
  /// Whether the file is of that format. Reads a few pages at most.
  bool (*recognises)(const MappedFile& file) = nullptr;
  /// What to add to `what`, such as the size that a pointer names. May be null.
  std::string (*detail)(const MappedFile& file) = nullptr;
  /// Ends of names, as " .engine .plan ", for files that no `recognises` accepts.
  std::string_view extensions = {};
};

/// The formats of files in the order in which they are tried, first by bytes and then by name.
std::span<const UnsupportedFormat> unsupported_formats() noexcept;

/// The formats of folders; only `what` and `hint` are set.
std::span<const UnsupportedFormat> unsupported_folders() noexcept;

/// Throws Error{unsupported} for a file that no importer reads. Well-known formats without a graph,
/// or with one that cannot be read, are named in the message, with a hint what to do instead.
/// Throws Error{malformed} for a damaged zip archive.
[[noreturn]] void refuse_unsupported(const MappedFile& file);

/// Throws Error{unsupported} if the path is a folder: it names what the folder is, such as an
/// unpacked archive, or the models in it.
void refuse_folder(const std::string& path);

}  // namespace zoometer
