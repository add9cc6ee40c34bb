#include "import/stablehlo/assembly_elements.hpp"

#include <bit>
#include <charconv>
#include <cmath>

namespace zoometer {
namespace {

/// The bits of a float16, rounded to the nearest one.
std::uint16_t half_of(double number) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(number) ? 0x8000U : 0U);
  if (std::isnan(number)) return 0x7E00U;
  const double size = std::abs(number);
  constexpr double largest = 65504;
  if (size > largest) return static_cast<std::uint16_t>(sign | 0x7C00U);
  constexpr double smallest_normal = 0x1p-14;
  if (size < smallest_normal)
    return static_cast<std::uint16_t>(sign | static_cast<unsigned>(std::nearbyint(size * 0x1p24)));
  int exponent = 0;
  const double fraction = std::frexp(size, &exponent);  // 0.5 to 1
  const auto digits = static_cast<int>(std::nearbyint(fraction * 0x1p11)) - 1024;
  return static_cast<std::uint16_t>(sign | static_cast<unsigned>((exponent + 14) * 1024 + digits));
}

}  // namespace

std::string little_endian(std::uint64_t bits, std::int64_t bytes) {
  std::string text;
  for (std::int64_t i = 0; i < bytes; ++i) text += static_cast<char>(bits >> (8 * i) & 0xFFU);
  return text;
}

std::string stored_element(std::string_view text, DType dtype) {
  const std::int64_t size = bytes_of(1, dtype);
  if (dtype == DType::boolean) return std::string(1, text == "true" ? '\xFF' : '\0');
  const bool is_negative = text.starts_with('-');
  std::string_view digits = text.substr(is_negative ? 1 : 0);
  const bool is_hexadecimal = digits.starts_with("0x");
  if (is_hexadecimal) digits.remove_prefix(2);
  std::uint64_t bits = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bits, is_hexadecimal ? 16 : 10);
  if (is_hexadecimal || !is_floating(dtype))
    return little_endian(is_negative ? ~bits + 1 : bits, size);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  const auto single = std::bit_cast<std::uint32_t>(static_cast<float>(number));
  if (dtype == DType::float64) return little_endian(std::bit_cast<std::uint64_t>(number), size);
  if (dtype == DType::float32) return little_endian(single, size);
  if (dtype == DType::bfloat16) return little_endian(single >> 16U, size);
  return little_endian(dtype == DType::float16 ? half_of(number) : 0U, size);
}

std::string bytes_of_hexadecimal(std::string_view digits) {
  const auto value = [](char c) {
    return c <= '9' ? c - '0' : (c & 0x5F) - 'A' + 10;  // either case
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  return bytes;
}

}  // namespace zoometer
