#pragma once

#include <string>

#include "registry/cache.hpp"
#include "registry/discovery.hpp"

namespace zoometer {

/// Tries to read every file below a folder; the models bear their paths within it. What a file
/// gave is kept for as long as the file does not change. Throws Error{io} where the folder cannot
/// be read.
Discovery discover_folder(const std::string& folder, const DiscoveryOptions& options, Cache& cache,
                          const Progress& progress);

}  // namespace zoometer
