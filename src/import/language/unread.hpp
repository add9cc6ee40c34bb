#pragma once

#include <string>
#include <vector>

#include "models/language/configuration.hpp"

namespace zoometer {

/// Adds a note that names the keys of a configuration that nothing read, but for those that change
/// no size and no cost: numbers of tokens, rates of dropout, how training went.
void note_unread(const Setting& root, std::vector<std::string>& notes);

}  // namespace zoometer
