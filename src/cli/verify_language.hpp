#pragma once

#include <string>
#include <vector>

#include "cli/format_words.hpp"

namespace zoometer {

/// Whether every pattern matches a language model, so that these are meant where no registry is
/// named.
bool are_language_models(const std::vector<std::string>& patterns);

/// Compares the language models that fit the patterns (all where there are none) with the figures
/// of their rows and prints the table. Returns the exit status. Throws Error{unknown_name} for a
/// pattern that fits none.
int run_verify_language(const std::vector<std::string>& patterns, bool is_verbose,
                        const FormatWords& out);

}  // namespace zoometer
