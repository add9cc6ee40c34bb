// Keys that collide whatever was hashed before and after them, as libstdc++'s hash has them.
#include "util/seeded_hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "zoometer/ir/graph.hpp"

namespace zoometer {
namespace {

TEST(SeededHash, DependsOnEveryByteAndTheLength) {
  std::set<std::uint64_t> hashes;
  std::size_t count = 0;
  for (std::size_t size = 0; size < 40; ++size) {
    std::string text(size, 'a');
    hashes.insert(seeded_hash(text));
    ++count;
    for (std::size_t i = 0; i < size; ++i, ++count) {
      text[i] = 'b';
      hashes.insert(seeded_hash(text));
      text[i] = 'a';
    }
  }
  EXPECT_EQ(hashes.size(), count);
}

/// What a difference of MurmurHash64A's state takes as a block.
std::uint64_t murmur_key(std::uint64_t difference) {
  constexpr std::uint64_t inverse = 0x5F7A0EA7E59B19BDULL;
  static_assert(inverse * 0xC6A4A7935BD1E995ULL == 1);
  const std::uint64_t value = difference * inverse;
  return (value ^ (value >> 47)) * inverse;
}

TEST(SeededHash, KeysThatCollideForMurmurDoNot) {
  constexpr std::uint64_t top = std::uint64_t{1} << 63;
  std::set<std::uint64_t> seeded, usual;
  constexpr unsigned blocks = 8;
  for (unsigned choice = 0; choice < 1U << blocks; ++choice) {
    std::string key;
    for (unsigned block = 0; block < blocks; ++block) {
      const std::uint64_t other = (choice >> block & 1U) != 0 ? top : 0;
      for (const std::uint64_t start : {0x1234567ULL * (block + 1), 0x89ABCDEULL * (block + 1)}) {
        const std::uint64_t word = murmur_key(start ^ other);
        key.append(reinterpret_cast<const char*>(&word), sizeof word);
      }
    }
    usual.insert(std::hash<std::string>()(key));
    seeded.insert(seeded_hash(key));
  }
  EXPECT_EQ(usual.size(), 1U) << "the keys of this test do not collide";
  EXPECT_EQ(seeded.size(), std::size_t{1} << blocks);
}

TEST(SeededHash, ShapesOfEqualHalvesAreFoundAtOnce) {
  Graph graph;
  for (std::int64_t i = 1; i < 20'000; ++i) graph.intern(Shape{i << 32 | i});
  EXPECT_EQ(graph.intern(Shape{5LL << 32 | 5}), graph.intern(Shape{5LL << 32 | 5}));
}

}  // namespace
}  // namespace zoometer
