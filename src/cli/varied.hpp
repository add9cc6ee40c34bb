#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// What `serve --vary` runs over.
struct Varied {
  std::string name;                 ///< "batch"
  std::vector<std::string> values;  ///< in the order of the words
};

/// "batch=1,2,4..256": values, and `..` for those between two numbers. They continue as the numbers
/// before them do: 1..256 and 1,2..256 by ones, 512,1024..8192 by 512, 1,2,4..256 by doubling.
/// Throws Error{usage}; at most 4096 values.
Varied parse_varied(std::string_view text);

/// A value that is a number from 1 to 2^40. Throws Error{usage}.
std::int64_t number_of_value(const Varied& varied, const std::string& value);

}  // namespace zoometer
