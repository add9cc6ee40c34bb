#pragma once

#include <string>

#include "registry/cache.hpp"
#include "registry/discovery.hpp"

namespace zoometer {

/// Tries to read every file below a folder. The models are named by their paths in it. Answers are
/// kept in the cache until the file changes. Throws Error{io} if the folder cannot be read.
Discovery discover_folder(const std::string& folder, const DiscoveryOptions& options, Cache& cache,
                          const Progress& progress);

}  // namespace zoometer
