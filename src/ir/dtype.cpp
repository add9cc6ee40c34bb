#include "zoometer/ir/dtype.hpp"

#include <array>

namespace zoometer {
namespace {

struct Row {
  std::string_view name;
  std::int64_t bits;
  int category;  // PyTorch promotes to the higher one: bool < integer < floating < complex
};

constexpr std::array<Row, 30> rows = {{
    {"float32", 32, 2},       {"float64", 64, 2},        {"float16", 16, 2},
    {"bfloat16", 16, 2},      {"float8_e4m3fn", 8, 2},   {"float8_e5m2", 8, 2},
    {"float8_e8m0fnu", 8, 2}, {"float4_e2m1fn", 4, 2},   {"int64", 64, 1},
    {"int32", 32, 1},         {"int16", 16, 1},          {"int8", 8, 1},
    {"int4", 4, 1},           {"uint64", 64, 1},         {"uint32", 32, 1},
    {"uint16", 16, 1},        {"uint8", 8, 1},           {"uint4", 4, 1},
    {"bool", 8, 0},           {"complex64", 64, 3},      {"complex128", 128, 3},
    {"qint8", 8, 1},          {"quint8", 8, 1},          {"qint32", 32, 1},
    {"string", 0, -1},        {"unknown", 0, -1},        {"int2", 2, 1},
    {"uint2", 2, 1},          {"float8_e4m3fnuz", 8, 2}, {"float8_e5m2fnuz", 8, 2},
}};

constexpr const Row& row(DType dtype) { return rows[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view name_of(DType dtype) noexcept { return row(dtype).name; }

std::int64_t bits_of(DType dtype) noexcept { return row(dtype).bits; }

bool is_floating(DType dtype) noexcept { return row(dtype).category >= 2; }

bool is_real_floating(DType dtype) noexcept { return row(dtype).category == 2; }

std::optional<DType> dtype_from_name(std::string_view name) noexcept {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

DType promote(DType a, DType b) noexcept {
  if (a == b) return a;
  const Row& left = row(a);
  const Row& right = row(b);
  if (left.category != right.category) return left.category > right.category ? a : b;
  if (left.bits != right.bits) return left.bits > right.bits ? a : b;
  return left.category == 2 ? DType::float32 : a;
}

}  // namespace zoometer
