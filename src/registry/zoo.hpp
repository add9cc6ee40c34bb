#pragma once

#include <string_view>
#include <vector>

#include "zoometer/models/model.hpp"

namespace zoometer {

/// A built-in model with its family.
struct ZooEntry {
  const Model* model = nullptr;
  const Family* family = nullptr;
};

/// All built-in models, sorted by name.
std::vector<ZooEntry> zoo();

/// The built-in model with this name, or an empty entry.
ZooEntry find_in_zoo(std::string_view name) noexcept;

}  // namespace zoometer
