#pragma once

#include "cli/format_words.hpp"

namespace zoometer {

/// Prints where models come from, each source with its version and age. Returns the exit status.
int run_list_sources(const FormatWords& out);

}  // namespace zoometer
