#pragma once

#include <bit>
#include <cstdint>

namespace zoometer {

/// Throws Error{overflow} with the operation and both operands.
[[noreturn]] void throw_overflow(char operation, std::int64_t a, std::int64_t b);

/// a * b. Throws Error{overflow}.
inline std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) [[unlikely]]
    throw_overflow('*', a, b);
  return result;
}

/// a + b. Throws Error{overflow}.
inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) [[unlikely]]
    throw_overflow('+', a, b);
  return result;
}

/// The product of any number of factors. Throws Error{overflow}.
template <class... Rest>
std::int64_t product(std::int64_t first, Rest... rest) {
  std::int64_t result = first;
  ((result = checked_mul(result, static_cast<std::int64_t>(rest))), ...);
  return result;
}

/// The smallest n with 2^n >= count; 0 for counts below 2. A merge sort or a heap makes that many
/// comparisons per element.
constexpr std::int64_t log2_ceil(std::int64_t count) {
  if (count < 2) return 0;
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(count - 1)));
}

/// a / b, rounded up. Requires a >= 0, b > 0, and a + b within 63 bits.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace zoometer
