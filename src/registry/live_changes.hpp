#pragma once

#include <string>
#include <vector>

#include "registry/discovery.hpp"
#include "registry/live_listing.hpp"

namespace zoometer {

/// What changed in a live source since its models were last listed: the source's version, and
/// models that appeared, changed or vanished. Keeps the new state in the cache.
std::vector<std::string> live_changes(const LiveListing& listing,
                                      const std::vector<Finding>& findings, Cache& cache);

}  // namespace zoometer
