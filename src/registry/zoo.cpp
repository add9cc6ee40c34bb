#include "registry/zoo.hpp"

#include <algorithm>

namespace zoometer {

std::vector<ZooEntry> zoo() {
  std::vector<ZooEntry> entries;
  for (const Family* family : families()) {
    for (const Model& model : family->models) entries.push_back({&model, family});
  }
  std::sort(entries.begin(), entries.end(),
            [](const ZooEntry& a, const ZooEntry& b) { return a.model->name < b.model->name; });
  return entries;
}

ZooEntry find_in_zoo(std::string_view name) noexcept {
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      if (model.name == name) return {&model, family};
    }
  }
  return {};
}

}  // namespace zoometer
