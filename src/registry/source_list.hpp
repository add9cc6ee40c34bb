#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/cache.hpp"
#include "registry/registry.hpp"

namespace zoometer {

/// A source of models as it is known without asking it.
struct SourceInfo {
  std::string name;     ///< "builtin", "torchvision", "python:MODULE", "file:/path"
  std::string version;  ///< empty where there is none
  std::string where;    ///< the interpreter with its PyTorch, or the file that declares it
  std::string advice;   ///< what to do where it was never asked or has changed since; else empty
  std::size_t models = 0;
  std::optional<std::int64_t> since;  ///< seconds since 1970: when it was asked, or last written
};

/// The built-in models, what live sources told earlier, and every model or folder of the user's own
/// registry.toml. Starts no Python.
std::vector<SourceInfo> list_sources(const Registry& registry, Cache& cache);

}  // namespace zoometer
