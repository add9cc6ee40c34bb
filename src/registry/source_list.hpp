#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/cache.hpp"
#include "registry/registry.hpp"

namespace zoometer {

/// A source of models, as it is known without starting it.
struct SourceInfo {
  std::string name;     ///< "builtin", "torchvision", "python:MODULE", "file:/path"
  std::string version;  ///< empty if there is none
  std::string where;    ///< the interpreter and its PyTorch, or the file that declares it
  std::string advice;   ///< what to do if it was never listed or has changed since; else empty
  std::size_t models = 0;
  std::optional<std::int64_t> since;  ///< seconds since 1970: when it was listed, or last written
};

/// The built-in models, the live sources that were listed earlier, and every model or folder of the
/// user's registry.toml. Does not start a Python.
std::vector<SourceInfo> list_sources(const Registry& registry, Cache& cache);

}  // namespace zoometer
