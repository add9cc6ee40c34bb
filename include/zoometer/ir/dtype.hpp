#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace zoometer {

/// Element types, named as in PyTorch ("float32", "int64", ...).
enum class DType : std::uint8_t {
  float32,         ///< IEEE 754 single precision
  float64,         ///< IEEE 754 double precision
  float16,         ///< IEEE 754 half precision
  bfloat16,        ///< the upper half of a float32
  float8_e4m3fn,   ///< 4 bits of exponent, 3 of fraction, no infinities
  float8_e5m2,     ///< 5 bits of exponent, 2 of fraction
  float8_e8m0fnu,  ///< a power of two: scales of blocks
  float4_e2m1fn,   ///< 2 bits of exponent, 1 of fraction; two in a byte
  int64,           ///< 8 bytes, signed
  int32,           ///< 4 bytes, signed
  int16,           ///< 2 bytes, signed
  int8,            ///< 1 byte, signed
  int4,            ///< half a byte, signed; two in a byte
  uint64,          ///< 8 bytes, unsigned
  uint32,          ///< 4 bytes, unsigned
  uint16,          ///< 2 bytes, unsigned
  uint8,           ///< 1 byte, unsigned
  uint4,           ///< half a byte, unsigned; two in a byte
  boolean,         ///< 1 byte: PyTorch's "bool"
  complex64,       ///< two float32
  complex128,      ///< two float64
  qint8,           ///< int8 with a scale and a zero point: quantized weights
  quint8,          ///< uint8 with a scale and a zero point: quantized activations
  qint32,          ///< int32 with a scale and a zero point: quantized biases
  string,          ///< text, as in ONNX's string tensors
  unknown,         ///< a type that zoometer does not know
  // Later ones are at the end, so that plug-ins built before keep their numbers.
  int2,             ///< a quarter of a byte, signed; four in a byte
  uint2,            ///< a quarter of a byte, unsigned; four in a byte
  float8_e4m3fnuz,  ///< float8_e4m3fn without a negative zero
  float8_e5m2fnuz,  ///< float8_e5m2 without infinities and a negative zero
};

/// PyTorch's name of the type: "float32", "bool".
std::string_view name_of(DType dtype) noexcept;

/// Bits of one element; 0 for strings and unknown types.
std::int64_t bits_of(DType dtype) noexcept;

/// Bytes of that many elements, at most 2^56; packed types round up.
inline std::int64_t bytes_of(std::int64_t elements, DType dtype) noexcept {
  const std::int64_t bits = bits_of(dtype);
  return elements / 8 * bits + (elements % 8 * bits + 7) / 8;
}

/// Whether the type is floating-point or complex.
bool is_floating(DType dtype) noexcept;

/// Whether the type is complex.
constexpr bool is_complex(DType dtype) noexcept {
  return dtype == DType::complex64 || dtype == DType::complex128;
}

/// Whether the type is floating-point and not complex.
bool is_real_floating(DType dtype) noexcept;

/// The type with this PyTorch name, or nothing.
std::optional<DType> dtype_from_name(std::string_view name) noexcept;

/// The type of an arithmetic result, by PyTorch's type promotion.
DType promote(DType a, DType b) noexcept;

}  // namespace zoometer
