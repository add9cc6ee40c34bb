// The registry of language models: every row traces, and has the parameters that it says.
#include <gtest/gtest.h>

#include <set>

#include "analysis/parameter_counts.hpp"
#include "import/importer.hpp"
#include "import/language/zoo.hpp"
#include "registry/language_verification.hpp"

namespace zoometer {
namespace {

TEST(LanguageZoo, HasTheParametersOfItsRows) {
  std::set<std::string_view> names;
  for (const LanguageRow& row : language_rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.family.empty() || row.task.empty() || row.source.empty()) << row.name;
    Graph graph;
    import_file(MappedFile(std::string(row.name), std::as_bytes(std::span(row.config))), {}, graph);
    const ParameterCounts counts = count_parameters(graph);
    EXPECT_EQ(counts.unique, row.parameters) << row.name;
    EXPECT_EQ(counts.active, row.active) << row.name;
    const auto found = find_language_row(row.name);
    ASSERT_TRUE(found) << row.name;
    EXPECT_EQ(found->config, row.config) << row.name;
  }
  EXPECT_GE(names.size(), 100U);
}

TEST(LanguageZoo, FindsOnlyWholeNames) {
  EXPECT_TRUE(find_language_row("llama-3.1-8b"));
  EXPECT_FALSE(find_language_row("llama-3.1-8"));
  EXPECT_FALSE(find_language_row(""));
  EXPECT_FALSE(find_language_row("x\",\"family\":\"Llama"));
}

TEST(LanguageZoo, FindsOtherSpellings) {
  EXPECT_EQ(resolve_language_row("Llama_3.1_8B")->name, "llama-3.1-8b");
  EXPECT_EQ(resolve_language_row("gpt2")->name, "gpt2");
  EXPECT_FALSE(resolve_language_row("llama-3-1-8b"));
  EXPECT_FALSE(resolve_language_row("--"));
}

TEST(LanguageZoo, AgreesWithWhatIsPublished) {
  std::size_t published = 0;
  for (const LanguageRow& row : language_rows()) {
    const LanguageVerification result = verify_language_row(row);
    EXPECT_EQ(result.error, "") << row.name;
    EXPECT_EQ(result.verdict() == Verdict::excepted, !row.exception.empty()) << row.name;
    EXPECT_NE(result.verdict(), Verdict::differs) << row.name;
    published += result.published ? 1 : 0;
  }
  EXPECT_GE(published, 23U);
}

TEST(LanguageZoo, ReportsWhatDiffers) {
  LanguageRow row = *find_language_row("gpt2");
  ++row.parameters;
  const LanguageVerification result = verify_language_row(row);
  EXPECT_EQ(result.parameters.verdict, Verdict::differs);
  EXPECT_EQ(result.verdict(), Verdict::differs);
  row.config = R"({"model_type": "abacus"})";
  EXPECT_NE(verify_language_row(row).error, "");
}

}  // namespace
}  // namespace zoometer
