#include "import/torch/aten.hpp"

namespace zoometer {
namespace {

const AtenOperator* find_exactly(std::string_view name) noexcept {
  for (const AtenOperators* group : aten_operators()) {
    const auto found = std::ranges::lower_bound(group->names, name, std::less<>(), &AtenName::name);
    if (found != group->names.end() && found->name == name) return found->row;
  }
  return nullptr;
}

}  // namespace

const AtenOperator* find_aten(std::string_view name) noexcept {
  if (const AtenOperator* found = find_exactly(name)) return found;
  // Some backends ask for views as copies: slice_copy, permute_copy.
  constexpr std::string_view copy = "_copy";
  return name.ends_with(copy) ? find_exactly(name.substr(0, name.size() - copy.size())) : nullptr;
}

}  // namespace zoometer
