#pragma once

#include <cstdint>
#include <string>

namespace zoometer {

/// The memory in bytes that the control groups of this process leave it: the smallest limit from
/// its own group up to the root, of version 1 or 2. 0 without a limit. `root` is put before the
/// paths of /proc and /sys, for tests.
std::int64_t container_memory(const std::string& root = {});

}  // namespace zoometer
