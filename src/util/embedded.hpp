#pragma once

#include <span>
#include <string_view>

namespace zoometer {

// A file of data/ that the build put into the library; `name` is its path below data/.
struct EmbeddedFile {
  std::string_view name, text;
};

// All of them, in alphabetical order of their paths.
std::span<const EmbeddedFile> embedded_files() noexcept;

}  // namespace zoometer
