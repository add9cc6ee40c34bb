#pragma once

#include <string>

namespace zoometer {

/// Prints where models come from, each source with its version and age. Returns the exit status.
int run_list_sources(const std::string& format, const std::string& output);

}  // namespace zoometer
