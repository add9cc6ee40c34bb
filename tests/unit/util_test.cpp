// Common utilities: numbers as text, the hash index.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include "util/text.hpp"
#include "util/to_integer.hpp"
#include "zoometer/util/hash_index.hpp"

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

TEST(Text, EscapesWhatATerminalObeysAndWhatHidesOrReorders) {
  EXPECT_EQ(escape_controls("a\x1b[31m\x7f\n"), "a\\x1b[31m\\x7f\\x0a");
  EXPECT_EQ(escape_controls("\xC2\x9B\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8B\xEF\xBB\xBF"),
            "\\u009b\\u202e\\u2066\\u200b\\ufeff");
  EXPECT_EQ(escape_controls("\xFF\xC2 \xE2\x80"), "\\xff\\xc2 \\xe2\\x80");
  EXPECT_EQ(escape_controls("é ≤ 日本 😀"), "é ≤ 日本 😀");
}

/// A spreadsheet runs what begins with one of these.
TEST(Text, MarksFormulasInCsvAsText) {
  EXPECT_EQ(csv_field("=1+1"), "'=1+1");
  EXPECT_EQ(csv_field("@sum,1"), "\"'@sum,1\"");
  EXPECT_EQ(csv_field("+1+cmd|' /c calc'!A0"), "'+1+cmd|' /c calc'!A0");
  EXPECT_EQ(csv_field("-x"), "'-x");
  for (const char* number : {"-1", "+12.5", "-1e-05", "+7.3%", "-", "conv-2"})
    EXPECT_EQ(csv_field(number), number);
  EXPECT_EQ(csv_field("a\x1b[31m\nb"), "\"a\\x1b[31m\nb\"");
}

TEST(ToInteger, GoesTowardsZero) {
  EXPECT_EQ(to_integer<std::int8_t>(-1.9), -1);
  EXPECT_EQ(to_integer<std::uint8_t>(255.9), 255);
  EXPECT_EQ(to_integer<std::uint8_t>(-0.5), 0);
  EXPECT_EQ(to_integer<std::int64_t>(-0x1p62), -(std::int64_t{1} << 62));
}

TEST(ToInteger, TakesTheNearestOfWhatIsOutOfRange) {
  EXPECT_EQ(to_integer<std::int32_t>(6.0e16), INT32_MAX);
  EXPECT_EQ(to_integer<std::int16_t>(-1e300), INT16_MIN);
  EXPECT_EQ(to_integer<std::int64_t>(0x1p63), INT64_MAX);
  EXPECT_EQ(to_integer<std::uint64_t>(0x1p64), UINT64_MAX);
  EXPECT_EQ(to_integer<std::uint32_t>(-1.0), 0U);
  EXPECT_EQ(to_integer<std::int32_t>(std::numeric_limits<double>::infinity()), INT32_MAX);
  EXPECT_EQ(to_integer<std::int32_t>(std::numeric_limits<double>::quiet_NaN()), 0);
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

TEST(HashIndex, KeepsItsMemoryButNoEntryWhenItIsCleared) {
  HashIndex index;
  const auto any = [](std::uint32_t) { return true; };
  EXPECT_EQ(index.find(7, any), HashIndex::none);
  for (std::uint32_t at = 0; at < 100; ++at) index.insert(at % 2, at);
  EXPECT_EQ(index.find(1, [](std::uint32_t at) { return at == 99; }), 99);
  index.clear();
  EXPECT_EQ(index.find(1, any), HashIndex::none);
  index.insert(1, 5);
  EXPECT_EQ(index.find(1, any), 5);
}

}  // namespace
}  // namespace zoometer
