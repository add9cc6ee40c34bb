#include "util/seeded_hash.hpp"

#include <sys/auxv.h>

#include <cstdlib>

namespace zoometer {
namespace {

HashSeed spread(std::uint64_t number) noexcept {
  constexpr std::uint64_t one = 0x9E3779B97F4A7C15ULL, other = 0xD1B54A32D192ED03ULL;
  return {folded_product(number ^ one, other), folded_product(number ^ other, one)};
}

/// The kernel gives every program 16 random bytes.
HashSeed random_seed() noexcept {
  if (const char* given = std::getenv("ZOOMETER_HASH_SEED"))
    return spread(std::strtoull(given, nullptr, 10));
  HashSeed seed;
  const auto address = getauxval(AT_RANDOM);
  if (address == 0) return spread(0);
  std::memcpy(&seed, reinterpret_cast<const void*>(address), sizeof seed);  // NOLINT: an address
  // The same bytes guard the stack: what is derived of them shows nothing of them.
  return {spread(seed.first).first, spread(seed.second).second};
}

}  // namespace

const HashSeed hash_seed = random_seed();

}  // namespace zoometer
