#pragma once

#include <cmath>
#include <concepts>
#include <limits>

namespace zoometer {

/// A real number as an integer, towards zero: 0 for NaN, the nearest integer of the type for one
/// out of its range, whose conversion by C++ would be undefined.
template <class Integer, std::floating_point Real>
Integer to_integer(Real value) noexcept {
  using Range = std::numeric_limits<Integer>;
  if (std::isnan(value)) return 0;
  if (value >= std::ldexp(Real{1}, Range::digits)) return Range::max();
  if (value <= static_cast<Real>(Range::min())) return Range::min();
  return static_cast<Integer>(value);
}

}  // namespace zoometer
