// Texts of every length, because the parser takes several bytes at a time: a sanitizer reports
// reads beyond the end.
#include <gtest/gtest.h>

#include "import/json.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

TEST(JsonDocument, ReadsTextsOfEveryLength) {
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string content(length, 'x');
    std::string text = "[\"" + content + "\", \"\\n" + content + "\"]";
    const JsonDocument document(text);
    EXPECT_EQ(view_of(document.root()[0]), content);
    EXPECT_EQ(view_of(document.root()[1]), "\n" + content);
  }
}

TEST(JsonDocument, LocatesTheEndOfATruncatedText) {
  for (std::size_t length = 0; length < 70; ++length) {
    std::string text = "\"" + std::string(length, 'x');
    try {
      const JsonDocument document(text);
      ADD_FAILURE() << length;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::malformed);
      EXPECT_EQ(error.place.byte_offset, length + 1);
    }
  }
}

// Other readers take the first or the last of two members of one name.
TEST(JsonDocument, RefusesANameTwice) {
  const auto is_refused = [](std::string text) {
    try {
      const JsonDocument document(text);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("twice"), std::string::npos) << error.what();
      return true;
    }
    return false;
  };
  std::string many, others;
  for (int i = 0; i < 40; ++i) {
    many += "\"n" + std::to_string(i) + "\": [], ";
    others += "{\"n\": {\"n\": 1}}, ";
  }
  EXPECT_TRUE(is_refused(R"({"a": 1, "a": 2})"));
  EXPECT_TRUE(is_refused(R"({"a": 1, "\u0061": 2})"));
  EXPECT_TRUE(is_refused(R"([{"b": {"c": {"a": [{}], "b": 1, "a": null}}}])"));
  EXPECT_TRUE(is_refused(R"({"": 1, "b": 2, "": 3})"));
  EXPECT_TRUE(is_refused("{" + many + "\"n7\": 1}"));
  EXPECT_FALSE(is_refused("{" + many + "\"m\": 1}"));
  EXPECT_FALSE(is_refused("[" + others + "{\"a\": {\"a\": {\"b\": 1, \"a\": 2}}, \"b\": 1}]"));
}

// A few kilobytes of an archive may inflate to millions of values.
TEST(JsonDocument, TakesNoMoreThanAnArchiveIsWorth) {
  constexpr std::size_t numbers = 20'000'000;
  ZipText text(2 * numbers + 1, 100);
  text.data()[0] = '[';
  for (std::size_t i = 0; i < numbers; ++i) {
    text.data()[2 * i + 1] = '1';
    text.data()[2 * i + 2] = i + 1 < numbers ? ',' : ']';
  }
  try {
    const JsonDocument document(text);
    ADD_FAILURE() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::limit);
  }
}

}  // namespace
}  // namespace zoometer
