#pragma once

#include <cmath>
#include <limits>

namespace zoometer {

/// A real number as an integer, towards zero: 0 for NaN, the nearest integer of the type for one
/// out of its range, whose conversion by C++ would be undefined.
template <class Integer>
Integer to_integer(double value) noexcept {
  using Limits = std::numeric_limits<Integer>;
  if (std::isnan(value)) return 0;
  if (value >= std::ldexp(1.0, Limits::digits)) return Limits::max();
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  return static_cast<Integer>(value);
}

}  // namespace zoometer
