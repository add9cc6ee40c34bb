#pragma once

#include <string>
#include <vector>

#include "import/stablehlo/reader.hpp"

// Folders that torch_xla writes for a program (torch_xla/stablehlo.py): functions/NAME.bytecode,
// NAME.mlir with the same as text, and NAME.meta, JSON that says what each argument is. Weights are
// in data/, which is not read.

namespace zoometer {

/// The program of such a folder: that of `entry`, or the only one. Empty: the path is no such
/// folder. Throws Error{usage} where there are several, Error{unknown_name} where there is none of
/// that name.
std::string torch_xla_program_in(const std::string& path, const std::string& entry);

/// What the arguments of the program in that file are, by the description beside it; none where
/// there is no such description. Throws Error{malformed}.
std::vector<HloArgument> torch_xla_arguments(const std::string& path);

}  // namespace zoometer
