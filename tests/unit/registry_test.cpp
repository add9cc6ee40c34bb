// The registries: the table built from data/registry.toml, families, natural order.
#include "registry/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/defaults.hpp"
#include "registry/registry_file.hpp"
#include "util/embedded.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"

namespace zoometer {
namespace {

std::vector<std::string> strings(const TomlValue& file, std::string_view key) {
  std::vector<std::string> result;
  for (const TomlValue& item : file.find(key)->items) result.push_back(item.text);
  return result;
}

TEST(Registry, DefaultsAreThoseOfTheFile) {
  const TomlValue file = parse_toml(embedded_file("data/registry.toml"), "data/registry.toml");
  EXPECT_THAT(default_curated(), testing::ElementsAreArray(strings(file, "curated")));
  EXPECT_THAT(default_skip_patterns(), testing::ElementsAreArray(strings(file, "skip_patterns")));
  EXPECT_EQ(file.members.size(), 2U);
}

TEST(Registry, CuratedNamesAreModels) {
  const Registry registry;
  for (const std::string& name : registry.curated())
    EXPECT_NE(registry.find(name), nullptr) << name;
}

TEST(NaturalOrder, NumbersCountAsNumbers) {
  EXPECT_TRUE(natural_less("resnet18", "resnet101"));
  EXPECT_FALSE(natural_less("resnet101", "resnet18"));
  EXPECT_TRUE(natural_less("vgg11", "vgg11_bn"));
  EXPECT_FALSE(natural_less("vgg11", "vgg11"));
  EXPECT_TRUE(natural_less("DenseNet", "efficientnet"));
  EXPECT_TRUE(natural_less("a007", "a8"));
}

TEST(Toml, PositionsAreBytes) {
  const std::string text = "# ä\nname = \"ö\"\nlist = [1, 2]\n";
  const TomlValue file = parse_toml(text, "test.toml");
  const TomlValue& list = *file.find("list");
  EXPECT_EQ(text.substr(list.begin, list.end - list.begin), "[1, 2]");
  EXPECT_EQ(list.line, 3U);
}

TEST(Toml, AnErrorNamesTheLine) {
  try {
    parse_toml("a = 1\nb = = 2\n", "test.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::malformed);
    EXPECT_EQ(error.place.model, "test.toml");
    EXPECT_THAT(error.message, testing::HasSubstr("line 2"));
  }
}

TEST(RegistryText, EditsNothingButArrays) {
  RegistryText text("curated = 7\n", "registry.toml");
  try {
    text.add_curated({"resnet18"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::malformed);
    EXPECT_EQ(error.place.model, "registry.toml");
  }
  EXPECT_EQ(text.text(), "curated = 7\n");
}

TEST(Toml, StringsAreQuoted) {
  const std::string text = "a \"b\" \\ \n \x01 ä";
  EXPECT_EQ(parse_toml("key = " + toml_string(text), "test").find("key")->text, text);
}

}  // namespace
}  // namespace zoometer
