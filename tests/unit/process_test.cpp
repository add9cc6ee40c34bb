#include "zoometer/util/process.hpp"

#include <gtest/gtest.h>

#include "failure.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

TEST(Process, ExitStatusesAreTheContract) {
  EXPECT_EQ(exit_status(ErrorCode::usage), 2);
  EXPECT_EQ(exit_status(ErrorCode::unknown_name), 2);
  EXPECT_EQ(exit_status(ErrorCode::check), 1);
  EXPECT_EQ(exit_status(ErrorCode::malformed), 3);
  EXPECT_EQ(exit_status(ErrorCode::internal), 3);
}

TEST(Process, DescribesAnErrorWithTheWrongWords) {
  Error error(ErrorCode::usage, "--where", {"a figure", "mcas\x1b"});
  EXPECT_EQ(describe(error), "--where: expected a figure, got mcas\\x1b");
  error.excerpt = {"mcas < 1G", 0, 4};
  EXPECT_EQ(describe(error), "--where: expected a figure, got mcas\\x1b\n  mcas < 1G\n  ^^^^");
}

TEST(Process, CutsMessagesWithLongNames) {
  std::string name;
  while (name.size() < 100'000) name += "\xc3\xa9";
  Error error(ErrorCode::limit, "the graph is too large");
  error.place.node = "x" + name;
  const std::string text = describe(error);
  EXPECT_LT(text.size(), 4100U);
  EXPECT_TRUE(text.starts_with("x\xc3\xa9"));
  EXPECT_TRUE(text.ends_with("\xc3\xa9: the graph is too large"));
  EXPECT_NE(text.find("\xc3\xa9...\xc3\xa9"), std::string::npos);
}

TEST(Process, ParsesMemoryLimits) {
  EXPECT_EQ(parse_memory_limit("512M", "limit"), 512 << 20);
  EXPECT_EQ(parse_memory_limit("1.5KiB", "limit"), 1536);
  EXPECT_EQ(failure_of([] { parse_memory_limit("2X", "limit"); }),
            "usage: limit: expected a size like 512M or 2G, got 2X");
  EXPECT_GT(usual_limits().memory, 0);
  EXPECT_EQ(usual_limits().seconds, 0);
}

}  // namespace
}  // namespace zoometer
