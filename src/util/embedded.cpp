#include "util/embedded.hpp"

#include <algorithm>
#include <cassert>

namespace zoometer {

std::string_view embedded_file(std::string_view name) {
  const auto files = embedded_files();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const EmbeddedFile& file) { return file.name == name; });
  assert(found != files.end());
  return found->text;
}

}  // namespace zoometer
