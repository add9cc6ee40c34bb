#pragma once

#include <string>

namespace zoometer::testing {

/// docs/operators.md, from the declarations of all operators.
std::string operators_page();

/// The rows of the table of kept tensors in docs/memory.md: operators that keep the same in
/// one row, those that keep nothing in the last one.
std::string kept_table();

}  // namespace zoometer::testing
