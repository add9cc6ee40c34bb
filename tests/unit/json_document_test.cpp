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

}  // namespace
}  // namespace zoometer
