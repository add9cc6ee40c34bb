#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "import/language/zoo.hpp"
#include "registry/verification.hpp"

namespace zoometer {

/// A figure that a row of the registry of language models expects, and zoometer's.
struct ExpectedCount {
  std::int64_t expected = 0;
  std::int64_t ours = 0;
  Verdict verdict = Verdict::agrees;
};

/// The figures of a language model's row, compared with the traced model.
struct LanguageVerification {
  LanguageRow row;
  ExpectedCount parameters;  ///< of the main model, tied ones once
  ExpectedCount active;      ///< of those, for one token
  /// The total that others published.
  std::optional<ExpectedCount> published = {};
  std::optional<ExpectedCount> published_active = {};  ///< the same of `active`
  std::string error = {};                              ///< why the model could not be traced

  Verdict verdict() const noexcept;
};

/// Traces the model of a row, and compares.
LanguageVerification verify_language_row(const LanguageRow& row);

}  // namespace zoometer
