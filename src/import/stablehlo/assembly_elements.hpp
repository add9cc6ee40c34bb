#pragma once

#include <string>
#include <string_view>

#include "zoometer/ir/dtype.hpp"

namespace zoometer {

/// Little-endian bytes of a number.
std::string little_endian(std::uint64_t bits, std::int64_t bytes);

/// The bytes of an element, "-1.5", "true" or "0x7FC0", as StableHLO's bytecode stores it; zeros
/// for a type whose numbers are not read.
std::string stored_element(std::string_view text, DType dtype);

/// The bytes of pairs of hexadecimal digits.
std::string bytes_of_hexadecimal(std::string_view digits);

}  // namespace zoometer
