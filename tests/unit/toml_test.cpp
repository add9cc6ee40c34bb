// The additions to the parser: positions in the text, and input that it does not handle.
#include "util/toml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using ::testing::HasSubstr;

std::string text_at(const std::string& text, const TomlValue& value) {
  return text.substr(value.begin, value.end - value.begin);
}

std::string refusal(const std::string& text) {
  try {
    parse_toml(text, "a.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::malformed);
    return error.what();
  }
  return "taken";
}

TEST(Toml, ReportsThePositionOfAValue) {
  const std::string text = "é = 1\n";
  EXPECT_NE(refusal(text), "taken");
  const std::string good = "# é\na = [\"ü\", 12] # ö\nb = \"x\"\n";
  const TomlValue file = parse_toml(good, "a.toml");
  const TomlValue& list = *file.find("a");
  EXPECT_EQ(text_at(good, list), "[\"ü\", 12]");
  EXPECT_EQ(text_at(good, list.items[0]), "\"ü\"");
  EXPECT_EQ(text_at(good, list.items[1]), "12");
  EXPECT_EQ(text_at(good, *file.find("b")), "\"x\"");
  EXPECT_EQ(file.find("b")->line, 3U);
}

TEST(Toml, DoesNotCountTheByteOrderMark) {
  const std::string text = "\xEF\xBB\xBF"
                           "a = 12\n";
  EXPECT_EQ(text_at(text, *parse_toml(text, "a.toml").find("a")), "12");
}

TEST(Toml, RefusesLettersBeyondAsciiInNames) {
  EXPECT_THAT(refusal("a = 1\né = 2\n"), ::testing::StartsWith("a.toml: line 2: "));
  EXPECT_THAT(refusal("[x.é]\n"), ::testing::StartsWith("a.toml: line 1: "));
  EXPECT_THAT(refusal("a = \"\\é\"\n"), ::testing::StartsWith("a.toml: line 1: "));
}

TEST(Toml, AcceptsLettersBeyondAsciiAfterALineEndingBackslash) {
  const TomlValue file = parse_toml("a = \"\"\"\\\n  é\"\"\"\n", "a.toml");
  EXPECT_EQ(file.find("a")->text, "é");
}

TEST(Toml, RefusesTablesWithoutAName) {
  EXPECT_EQ(refusal("a = 1\n[;b]\n"), "a.toml: invalid TOML: missing name or value");
  EXPECT_EQ(refusal("a = [}\n"), "a.toml: invalid TOML: missing name or value");
}

TEST(Toml, IsReadInLinearTime) {
  std::string text = "a = [";
  constexpr int count = 100'000;
  for (int i = 0; i < count; ++i) text += "1,";
  text += "]\n";
  const TomlValue file = parse_toml(text, "a.toml");
  EXPECT_EQ(file.find("a")->items.size(), static_cast<std::size_t>(count));
}

/// The parser and what it makes recurse into each level.
TEST(Toml, LimitsTheDepthOfKeysAndValues) {
  const auto repeated = [](std::string_view text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  const std::string too_deep = "line 2: nested too deeply: expected at most 64 levels";
  EXPECT_EQ(refusal("[" + repeated("a.", 60) + "a]\n"), "taken");
  EXPECT_THAT(refusal("\n[" + repeated("a.", 30000) + "a]\n"), HasSubstr(too_deep));
  EXPECT_THAT(refusal("\n" + repeated("a.", 65) + "a = 1\n"), HasSubstr(too_deep));
  EXPECT_THAT(refusal("\na = " + repeated("[", 65) + repeated("]", 65)), HasSubstr(too_deep));
  EXPECT_THAT(refusal("\na = " + repeated("{b = ", 65)), HasSubstr(too_deep));
  // Dots in strings and comments, and of the numbers of a list, are no levels.
  const std::string dots = repeated(".", 100);
  EXPECT_EQ(refusal("# " + dots + "\na = \"" + dots + "\\\"" + dots + "\"\nb = '" + dots + "'\n"),
            "taken");
  EXPECT_EQ(refusal("a = \"\"\"\n" + dots + "\"\n" + dots + "\"\"\"\nb = '''" + dots + "'''\n"),
            "taken");
  EXPECT_EQ(refusal("a = [" + repeated("1.5,\n", 100) + "]\n"), "taken");
}

}  // namespace
}  // namespace zoometer
