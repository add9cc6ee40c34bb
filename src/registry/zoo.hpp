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

/// All built-in models, by name.
std::vector<ZooEntry> zoo();

/// The built-in model of that name, or an empty entry.
ZooEntry find_in_zoo(std::string_view name) noexcept;

}  // namespace zoometer
