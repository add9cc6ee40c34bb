#include "util/unique_names.hpp"

#include "util/text.hpp"

namespace zoometer {

std::string UniqueNames::next(std::string_view name) {
  const std::string base = name.empty() ? "tensor" : to_utf8(name);
  const auto [own, is_new] = given_.emplace(base, 0);
  if (is_new) return base;
  while (true) {
    std::string result = base + "_" + std::to_string(++own->second);
    if (given_.emplace(result, 0).second) return result;
  }
}

}  // namespace zoometer
