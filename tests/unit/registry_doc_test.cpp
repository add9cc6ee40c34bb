// docs/registry.md tells every reason code.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "registry/discovery.hpp"

namespace zoometer {
namespace {

TEST(RegistryDoc, TellsEveryReasonCode) {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/docs/registry.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(page.empty());
  for (const ReasonCode& reason : reason_codes()) {
    const std::string advice = reason.advice.empty() ? "-" : std::string(reason.advice);
    const std::string row = "| `" + std::string(reason.code) + "` | " +
                            std::string(reason.meaning) + " | " + advice + " |";
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace zoometer
