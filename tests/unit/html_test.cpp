#include "report/html.hpp"

#include <gmock/gmock.h>

namespace zoometer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Html, DataCannotEndItsElement) {
  EXPECT_EQ(script_json(R"(["</script>", "<!--<script>"])"),
            R"(["\u003c/script\u003e","\u003c!--\u003cscript\u003e"])");
}

// What reorders or hides text, and what is no text, is shown as its number.
TEST(Html, MarksAreShown) {
  EXPECT_EQ(script_json("[\"a\u2028b\u2029c\u2030\"]"), "[\"a\\\\u2028b\\\\u2029c\u2030\"]");
  EXPECT_EQ(script_json("[\"a\u202eb\u009bc\u00e9\"]"), "[\"a\\\\u202eb\\\\u009bc\u00e9\"]");
  EXPECT_EQ(script_json("[\"a\xff\"]"), "[\"a\\\\xff\"]");
  EXPECT_EQ(script_json(R"(["\u001b[31m"])"), R"(["\\u001b[31m"])");
}

TEST(Html, OnlySpaceBetweenTokensGoes) {
  EXPECT_EQ(script_json("{\n \"a b\": [1, \"x \\\" y\\\\\", 2]\n}\n"),
            R"({"a b":[1,"x \" y\\",2]})");
}

TEST(Html, TitleIsText) {
  const std::string page = html_page("</title><script>alert(1)</script>", "{}");
  EXPECT_THAT(page,
              HasSubstr("<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("id=\"data\">{}</script>"));
}

TEST(Html, MarksInNamesAreNoMarks) {
  const std::string page = html_page("@zoometer-data@", "[\"@zoometer-title@\"]");
  EXPECT_THAT(page, HasSubstr("<title>@zoometer-data@</title>"));
  EXPECT_THAT(page, HasSubstr("id=\"data\">[\"@zoometer-title@\"]</script>"));
}

TEST(Html, PolicyAllowsNoRequest) {
  const std::string page = html_page("model", "{}");
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe-inline")));
}

}  // namespace
}  // namespace zoometer
