// docs/registry.md has every reason code and every parameter of a family.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "models/parametrised.hpp"
#include "registry/discovery.hpp"

namespace zoometer {
namespace {

std::string read_page() {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/docs/registry.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(RegistryDoc, ListsEveryParameterOfAFamily) {
  const std::string page = read_page();
  for (const Parametrised* family : parametrised_families()) {
    for (const FamilyParameter& parameter : family->parameters) {
      const std::string row =
          "| `" + std::string(family->name) + "` | `" + std::string(parameter.name) + "` | `" +
          std::string(parameter.standard) + "` | " + std::string(parameter.meaning) + " |";
      EXPECT_NE(page.find(row), std::string::npos) << row;
    }
  }
}

TEST(RegistryDoc, ListsEveryReasonCode) {
  const std::string page = read_page();
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
