#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/cache.hpp"

namespace zoometer {

/// A Python of the user, examined without importing packages.
struct Interpreter {
  std::string path;     ///< as found on the PATH or given
  std::string version;  ///< "3.11.2"; empty if it does not run
  bool has_torch = false, has_torchvision = false;
  std::string problem;   ///< why it is not usable; empty if it is
  std::string identity;  ///< changes when the interpreter or its packages change
};

/// Paths of interpreters to try, without duplicates: only `given` if it is not empty (an option,
/// the configuration or ZOOMETER_PYTHON), else the active virtual environment, the folders of PATH,
/// and the usual system folders, in this order.
std::vector<std::string> interpreter_candidates(const std::string& given);

/// Examines an interpreter. The result is cached until anything that it depends on changes.
Interpreter examine_interpreter(const std::string& path, bool needs_torchvision, Cache& cache);

}  // namespace zoometer
