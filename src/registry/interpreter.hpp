#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/cache.hpp"

namespace zoometer {

/// A Python of the user's that was looked at without importing anything.
struct Interpreter {
  std::string path;     ///< as it was found
  std::string version;  ///< "3.11.2"; empty where it did not answer
  bool has_torch = false, has_torchvision = false;
  std::string problem;   ///< why it cannot be taken; empty where it can
  std::string identity;  ///< changes when the interpreter or its packages may have
};

/// Where to look for a Python, in this order: `given` alone where it is not empty (an option, the
/// configuration or ZOOMETER_PYTHON), else the active virtual environment, each folder of PATH, and
/// the usual system folders. Every interpreter once.
std::vector<std::string> interpreter_candidates(const std::string& given);

/// Looks at one. The answer is kept in the cache for as long as nothing that it depends on changes.
Interpreter examine_interpreter(const std::string& path, bool needs_torchvision, Cache& cache);

}  // namespace zoometer
