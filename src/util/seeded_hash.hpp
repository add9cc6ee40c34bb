#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace zoometer {

/// Numbers that no file can foresee, so that it cannot choose keys which all collide. They differ
/// from run to run; ZOOMETER_HASH_SEED=N sets them, so that runs take the same number of
/// instructions. Nothing that is printed may depend on them.
struct HashSeed {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
extern const HashSeed hash_seed;

/// Both halves of a product: bits of both factors decide each bit, and which factors collide
/// depends on the seed that is in them.
inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

inline std::uint64_t seeded_hash(std::string_view text) noexcept {
  const auto eight = [](const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  const auto four = [](const char* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return std::uint64_t{value};
  };
  const char* at = text.data();
  std::size_t left = text.size();
  // Added, since the text's own bytes could take back what is combined by xor.
  std::uint64_t hash = hash_seed.first + left * 0x9E3779B97F4A7C15ULL;
  for (; left > 16; left -= 16, at += 16)
    hash = folded_product(eight(at) ^ hash, eight(at + 8) ^ hash_seed.second);
  std::uint64_t a = 0, b = 0;
  if (left >= 8) {
    a = eight(at);
    b = eight(at + left - 8);
  } else if (left >= 4) {
    a = four(at);
    b = four(at + left - 4);
  } else if (left > 0) {
    const auto byte = [&](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    a = byte(0) | byte(left / 2) << 8U | byte(left - 1) << 16U;
  }
  return folded_product(a ^ hash, b ^ hash_seed.second);
}

/// Not noexcept: libstdc++ then keeps each key's hash beside it.
struct SeededHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return seeded_hash(text); }
};

// Tables whose keys a file chooses. The order of their entries depends on the seed.
template <class Value>
using NameMap = std::unordered_map<std::string_view, Value, SeededHash, std::equal_to<>>;
using NameSet = std::unordered_set<std::string_view, SeededHash, std::equal_to<>>;
template <class Value>
using TextMap = std::unordered_map<std::string, Value, SeededHash, std::equal_to<>>;
using TextSet = std::unordered_set<std::string, SeededHash, std::equal_to<>>;

}  // namespace zoometer
