#pragma once

#include <span>
#include <string_view>

namespace zoometer {

/// A file that the build embeds into the library; `name` is its path in the source tree.
struct EmbeddedFile {
  std::string_view name, text;
};

/// All embedded files, sorted by path.
std::span<const EmbeddedFile> embedded_files() noexcept;

/// The text of an embedded file. The file must exist.
std::string_view embedded_file(std::string_view name);

}  // namespace zoometer
