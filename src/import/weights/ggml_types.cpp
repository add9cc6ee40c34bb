// The types of ggml by their blocks, as ggml-common.h has them. (gguf-py's table has 40 bytes for
// Q8_1, which has 36.)
#include "import/weights/ggml_types.hpp"

#include <algorithm>

namespace zoometer {
namespace {

constexpr DType none = DType::unknown;

constexpr StorageType types[] = {
    {"F32", 1, 32, DType::float32},   {"F16", 1, 16, DType::float16},
    {"Q4_0", 32, 144, none},          {"Q4_1", 32, 160, none},
    {"Q5_0", 32, 176, none},          {"Q5_1", 32, 192, none},
    {"Q8_0", 32, 272, none},          {"Q8_1", 32, 288, none},
    {"Q2_K", 256, 672, none},         {"Q3_K", 256, 880, none},
    {"Q4_K", 256, 1152, none},        {"Q5_K", 256, 1408, none},
    {"Q6_K", 256, 1680, none},        {"Q8_K", 256, 2336, none},
    {"IQ2_XXS", 256, 528, none},      {"IQ2_XS", 256, 592, none},
    {"IQ3_XXS", 256, 784, none},      {"IQ1_S", 256, 400, none},
    {"IQ4_NL", 32, 144, none},        {"IQ3_S", 256, 880, none},
    {"IQ2_S", 256, 656, none},        {"IQ4_XS", 256, 1088, none},
    {"I8", 1, 8, DType::int8},        {"I16", 1, 16, DType::int16},
    {"I32", 1, 32, DType::int32},     {"I64", 1, 64, DType::int64},
    {"F64", 1, 64, DType::float64},   {"IQ1_M", 256, 448, none},
    {"BF16", 1, 16, DType::bfloat16}, {"TQ1_0", 256, 432, none},
    {"TQ2_0", 256, 528, none},        {"MXFP4", 32, 136, none},
    {"NVFP4", 64, 288, none},         {"Q1_0", 128, 144, none},
    {"Q2_0", 64, 144, none},
};

/// The numbers of these types in files. Those that are missing were taken back.
constexpr std::uint32_t numbers[] = {0,  1,  2,  3,  6,  7,  8,  9,  10, 11, 12, 13,
                                     14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                     26, 27, 28, 29, 30, 34, 35, 39, 40, 41, 42};
static_assert(std::size(types) == std::size(numbers));

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::span<const StorageType> ggml_types() noexcept { return types; }

const StorageType* ggml_type(std::string_view name) noexcept {
  for (const StorageType& type : types) {
    if (std::ranges::equal(type.name, name, {}, {}, upper)) return &type;
  }
  return nullptr;
}

const StorageType* ggml_type(std::uint32_t number) noexcept {
  const auto* found = std::ranges::find(numbers, number);
  return found == std::end(numbers) ? nullptr : &types[found - std::begin(numbers)];
}

}  // namespace zoometer
