#include "util/embedded.hpp"

#include <string>

#include "util/error.hpp"

namespace zoometer {

std::string_view embedded_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file.text;
  }
  throw Error(ErrorCode::internal, "no embedded file " + std::string(name));
}

}  // namespace zoometer
