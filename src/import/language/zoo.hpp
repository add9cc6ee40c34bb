#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace zoometer {

/// A well-known open model, a line of data/language_models.jsonl: its configuration without the
/// keys that sizes do not depend on. Views of the embedded file.
struct LanguageRow {
  std::string_view name;                              ///< "llama-3.1-8b"
  std::string_view family;                            ///< "Llama"
  std::string_view task;                              ///< "text"
  std::string_view source;                            ///< where the configuration is from
  std::int64_t parameters = 0;                        ///< of the main model, tied ones once
  std::int64_t active = 0;                            ///< of those, for one token
  std::optional<std::int64_t> published = {};         ///< elements of the published checkpoint
  std::optional<std::int64_t> published_active = {};  ///< of those, for one token
  std::string_view exception = {};                    ///< why the published checkpoint has others
  std::string_view config;                            ///< JSON
};

/// All of them, by name.
std::vector<LanguageRow> language_rows();

/// The row of that name, or nothing.
std::optional<LanguageRow> find_language_row(std::string_view name);

/// The row that a name means: the one of that name, else the one whose name differs in case,
/// hyphens and underscores only ("Llama_3.1_8B"). Nothing if there is none.
std::optional<LanguageRow> resolve_language_row(std::string_view name);

}  // namespace zoometer
