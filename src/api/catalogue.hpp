#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/plugin.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/zoometer.hpp"

namespace zoometer {

/// A model and what added it.
struct CatalogueEntry {
  const Model* model = nullptr;
  const Family* family = nullptr;
  std::string source;
};

struct Catalogue::State {
  std::vector<std::unique_ptr<Plugin>> plugins;
  std::vector<CatalogueEntry> entries;  // by name

  /// The model of that name, or null.
  const CatalogueEntry* find(std::string_view name) const;
  /// Throws Error{unknown_name} with a suggestion.
  [[noreturn]] void refuse(std::string_view name) const;
};

}  // namespace zoometer
