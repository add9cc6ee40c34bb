#include "registry/language_verification.hpp"

#include <algorithm>

#include "analysis/parameter_counts.hpp"
#include "import/importer.hpp"

namespace zoometer {
namespace {

ExpectedCount compared(std::int64_t expected, std::int64_t ours) {
  return {expected, ours, expected == ours ? Verdict::agrees : Verdict::differs};
}

void count(LanguageVerification& result) {
  const LanguageRow& row = result.row;
  Graph graph;
  import_file(MappedFile(std::string(row.name), std::as_bytes(std::span(row.config))), {}, graph);
  const ParameterCounts counts = count_parameters(graph);
  result.parameters = compared(row.parameters, counts.unique);
  result.active = compared(row.active, counts.active);
  if (row.published) {
    result.published = compared(*row.published, counts.unique);
    if (result.published->verdict == Verdict::differs && !row.exception.empty())
      result.published->verdict = Verdict::excepted;
  }
  if (row.published_active)
    result.published_active = compared(*row.published_active, counts.active);
}

}  // namespace

Verdict LanguageVerification::verdict() const noexcept {
  if (!error.empty()) return Verdict::differs;
  Verdict worst = std::max(parameters.verdict, active.verdict);
  for (const auto& count : {published, published_active})
    if (count) worst = std::max(worst, count->verdict);
  return worst;
}

LanguageVerification verify_language_row(const LanguageRow& row) {
  LanguageVerification result;
  result.row = row;
  try {
    count(result);
  } catch (const Error& error) {
    result.error = error.what();
  }
  return result;
}

}  // namespace zoometer
