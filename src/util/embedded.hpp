#pragma once

#include <span>
#include <string_view>

namespace zoometer {

/// A file that the build put into the library; `name` is its path in the source tree.
struct EmbeddedFile {
  std::string_view name, text;
};

/// All of them, in alphabetical order of their paths.
std::span<const EmbeddedFile> embedded_files() noexcept;

/// The text of one, which must be there.
std::string_view embedded_file(std::string_view name);

}  // namespace zoometer
