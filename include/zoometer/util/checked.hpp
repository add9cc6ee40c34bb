#pragma once

#include <bit>
#include <cstdint>

namespace zoometer {

/// Throws Error{overflow}, naming the operation and both operands.
[[noreturn]] void throw_overflow(char operation, std::int64_t a, std::int64_t b);

/// a * b, or Error{overflow}.
inline std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) [[unlikely]]
    throw_overflow('*', a, b);
  return result;
}

/// a + b, or Error{overflow}.
inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) [[unlikely]]
    throw_overflow('+', a, b);
  return result;
}

/// The product of any number of factors, or Error{overflow}.
template <class... Rest>
std::int64_t product(std::int64_t first, Rest... rest) {
  std::int64_t result = first;
  ((result = checked_mul(result, static_cast<std::int64_t>(rest))), ...);
  return result;
}

/// The smallest n with 2^n >= count, 0 for counts below 2: the comparisons per element of a merge
/// sort or a heap.
constexpr std::int64_t log2_ceil(std::int64_t count) {
  if (count < 2) return 0;
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(count - 1)));
}

/// a / b, rounded up: a >= 0, b > 0 and a + b within 63 bits.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace zoometer
