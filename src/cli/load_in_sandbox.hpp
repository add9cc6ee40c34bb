#pragma once

#include <optional>
#include <string>

#include "cli/load.hpp"

namespace zoometer {

/// Continues in a child that can read the folder of the model's file and nothing else, as
/// `continue_in_sandbox` does. A model of the hub is fetched before, and its path taken. Throws
/// Error{usage} if the model is not a file or folder.
std::optional<int> load_in_sandbox(ModelWords& words, const std::string& output);

}  // namespace zoometer
