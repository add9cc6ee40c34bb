// What is shared below everything else: numbers as text, large vectors, the index of hashes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "util/hash_index.hpp"
#include "util/text.hpp"
#include "zoometer/util/huge_pages.hpp"

namespace zoometer {
namespace {

/// Four digits by the C library, which rounds the exact value of the double.
std::string printed(double scaled) {
  int decimals = 0;
  if (scaled < 9.9995) {
    decimals = 3;
  } else if (scaled < 99.995) {
    decimals = 2;
  } else if (scaled < 999.95) {
    decimals = 1;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, scaled);
  return text;
}

TEST(Text, CountsAreRoundedAsTheCLibraryRounds) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const std::int64_t any = 1'000'000 + static_cast<std::int64_t>(random() % 998'000'000);
    const std::int64_t middle = any / 10'000 * 10'000 + 5'000;  // between two results
    const std::int64_t beside = middle + static_cast<std::int64_t>(random() % 3) - 1;
    for (const std::int64_t count : {any, middle, beside}) {
      if (count >= 999'950'000) continue;
      ASSERT_EQ(format_count(count), printed(static_cast<double>(count) / 1000 / 1000) + " M");
    }
  }
}

TEST(Text, SharesAreRoundedAsTheCLibraryRounds) {
  for (int part = 0; part <= 20'000; ++part) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f%%", 100.0 * part / 20'000);
    ASSERT_EQ(format_share(part, 20'000), text);
  }
  EXPECT_EQ(format_share(1, 0), "-");
}

TEST(Text, SuggestsEachNameOnce) {
  const std::vector<std::string_view> names = {"resnet101", "resnet18", "resnet101", "vgg11"};
  EXPECT_EQ(did_you_mean("resnet81", names), "did you mean resnet18 or resnet101?");
}

TEST(LargeVector, KeepsItsItemsWhileItGrows) {
  LargeVector<std::uint32_t> items;
  constexpr std::uint32_t count = 3'000'000;
  for (std::uint32_t i = 0; i < count; ++i) items.push_back(i * 2654435761U);
  for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(items[i], i * 2654435761U);
  EXPECT_THROW(items.reserve(static_cast<std::size_t>(-1) / 2), std::length_error);
  const LargeVector<std::uint32_t> copy = items;
  EXPECT_EQ(copy, items);
}

TEST(HashIndex, FindsWhatWasInsertedOnce) {
  // Few hashes, so that most entries share theirs.
  HashIndex index;
  std::vector<int> entries;
  const auto add = [&](int entry) {
    const auto hash = static_cast<std::uint32_t>(entry % 1000);
    const std::uint32_t found =
        index.find_or_insert(hash, static_cast<std::uint32_t>(entries.size()),
                             [&](std::uint32_t at) { return entries[at] == entry; });
    if (found == HashIndex::none) entries.push_back(entry);
    return found;
  };
  for (int entry = 0; entry < 5000; ++entry) ASSERT_EQ(add(entry), HashIndex::none);
  for (int entry = 0; entry < 5000; ++entry)
    ASSERT_EQ(add(entry), static_cast<std::uint32_t>(entry));
  EXPECT_EQ(index.find(7, [&](std::uint32_t at) { return entries[at] == 8; }), HashIndex::none);
}

TEST(HashIndex, TakesManyEntriesAtOnceAndTellsTheFirstThatIsThereTwice) {
  constexpr std::uint32_t count = 200'000;
  std::vector<std::uint32_t> entries;
  for (std::uint32_t i = 0; i < count; ++i) entries.push_back(i * 2654435761U);
  const auto is_same = [&](std::uint32_t one, std::uint32_t other) {
    return entries[one] == entries[other];
  };
  HashIndex index;
  const std::span<const std::uint32_t> hashes = entries;  // each is its own hash
  EXPECT_EQ(index.insert_all(hashes.first(10), 0, is_same), HashIndex::none);
  EXPECT_EQ(index.insert_all(hashes.subspan(10), 10, is_same), HashIndex::none);
  for (std::uint32_t i = 0; i < count; ++i)
    ASSERT_EQ(index.find(entries[i], [&](std::uint32_t at) { return at == i; }), i);

  entries.insert(entries.end(), {7, entries[count / 2], entries[3]});
  EXPECT_EQ(index.insert_all(std::span(entries).subspan(count), count, is_same), count + 1);
  HashIndex other;
  EXPECT_EQ(other.insert_all(entries, 0, is_same), count + 1);
}

TEST(HashIndex, TellsTheHashesThatAreThereMoreThanOnce) {
  std::mt19937 random(1);
  const std::vector<std::uint32_t> edges = {0, 0xFFFFFFFF, 1, 0x80000000};
  for (const std::size_t count : {0U, 1U, 10U, 3000U, 300'000U}) {
    std::vector<std::uint32_t> hashes;
    std::map<std::uint32_t, int> counts;
    for (std::size_t i = 0; i < count; ++i)
      hashes.push_back(i % 100 == 0 ? edges[i / 100 % edges.size()]
                                    : static_cast<std::uint32_t>(random()));
    std::vector<std::uint32_t> expected;
    for (const std::uint32_t hash : hashes) ++counts[hash];
    for (const auto& [hash, times] : counts) {
      if (times > 1) expected.push_back(hash);
    }
    EXPECT_EQ(repeated_hashes(hashes), expected);
  }
}

}  // namespace
}  // namespace zoometer
