#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace zoometer {

/// Element types, named as in PyTorch ("float32", "int64", ...).
enum class DType : std::uint8_t {
  float32,
  float64,
  float16,
  bfloat16,
  float8_e4m3fn,
  float8_e5m2,
  float8_e8m0fnu,
  float4_e2m1fn,
  int64,
  int32,
  int16,
  int8,
  int4,
  uint64,
  uint32,
  uint16,
  uint8,
  uint4,
  boolean,
  complex64,
  complex128,
  qint8,
  quint8,
  qint32,
  string,
  unknown,
};

std::string_view name_of(DType dtype) noexcept;

/// Bits of one element; a string or an unknown type counts as 0.
std::int64_t bits_of(DType dtype) noexcept;

/// Bytes of so many elements, of at most 2^56; packed types round up.
inline std::int64_t bytes_of(std::int64_t elements, DType dtype) noexcept {
  const std::int64_t bits = bits_of(dtype);
  return elements / 8 * bits + (elements % 8 * bits + 7) / 8;
}

/// Floating-point or complex.
bool is_floating(DType dtype) noexcept;

/// Floating-point and not complex.
bool is_real_floating(DType dtype) noexcept;

/// The type of that PyTorch name, or nothing.
std::optional<DType> dtype_from_name(std::string_view name) noexcept;

/// The type of an arithmetic result, by PyTorch's promotion order of categories and widths.
DType promote(DType a, DType b) noexcept;

}  // namespace zoometer
