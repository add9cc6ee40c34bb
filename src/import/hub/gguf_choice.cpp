#include "import/hub/gguf_choice.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view ending = ".gguf";
constexpr std::string_view split_pattern = "-00000-of-00000";

/// The name without its ending and the number of a part.
std::string_view stem_of(std::string_view file) {
  file.remove_suffix(ending.size());
  if (file.size() < split_pattern.size()) return file;
  const std::string_view end = file.substr(file.size() - split_pattern.size());
  for (std::size_t i = 0; i < end.size(); ++i) {
    const bool is_digit = end[i] >= '0' && end[i] <= '9';
    if (split_pattern[i] == '0' ? !is_digit : end[i] != split_pattern[i]) return file;
  }
  return file.substr(0, file.size() - split_pattern.size());
}

bool is_beside_models(std::string_view file) {
  const std::string name = upper(std::string(file.substr(file.rfind('/') + 1)));
  return name.find("MMPROJ") != std::string::npos || name.find("IMATRIX") != std::string::npos;
}

/// Whether a model's name is the word, or has it as its last part.
bool is_named(std::string_view stem, const std::string& upper_word) {
  const std::string name = upper(std::string(stem));
  if (!name.ends_with(upper_word)) return false;
  if (name.size() == upper_word.size()) return true;
  const char before = name[name.size() - upper_word.size() - 1];
  return before == '-' || before == '.' || before == '_' || before == '/';
}

std::string list_of(std::span<const GgufModel> models) {
  constexpr std::size_t most = 40;
  std::string text;
  for (std::size_t i = 0; i < models.size() && i < most; ++i)
    text.append(text.empty() ? "" : ", ").append(escape_controls(models[i].tag));
  return models.size() > most ? text + ", ..." : text;
}

}  // namespace

std::vector<GgufModel> gguf_models(std::span<const std::string> files) {
  std::vector<std::string> sorted;
  for (const std::string& file : files) {
    if (file.ends_with(ending) && !is_beside_models(file)) sorted.push_back(file);
  }
  std::ranges::sort(sorted, natural_less);
  std::vector<GgufModel> models;
  for (const std::string& file : sorted) {
    const std::string_view stem = stem_of(file);
    if (models.empty() || stem_of(models.back().files.front()) != stem)
      models.push_back({std::string(stem.substr(stem.find_last_of("-./") + 1)), {}});
    models.back().files.push_back(file);
  }
  // Where two have the same last part, their whole names differ.
  for (GgufModel& model : models) {
    const auto same = std::ranges::count(models, model.tag, &GgufModel::tag);
    if (same > 1) model.tag = stem_of(model.files.front());
  }
  return models;
}

GgufModel choose_gguf(std::vector<GgufModel> models, const HubName& name) {
  if (name.which.empty() && models.size() == 1) return std::move(models.front());
  std::vector<GgufModel> fitting;
  const std::string word = upper(name.which);
  for (const GgufModel& model : models) {
    const bool is_file = std::ranges::find(model.files, name.which) != model.files.end();
    const bool fits = is_file || upper(model.tag) == word ||
                      (!word.empty() && is_named(stem_of(model.files.front()), word));
    if (is_file || (fits && upper(model.tag) == word)) return model;
    if (fits) fitting.push_back(model);
  }
  if (fitting.size() == 1) return std::move(fitting.front());
  std::vector<std::string_view> tags;
  for (const GgufModel& model : models) tags.push_back(model.tag);
  HubName example = name;
  const auto usual = std::ranges::find(tags, "Q4_K_M");
  example.which = usual != tags.end() ? *usual : tags.front();
  Error error(ErrorCode::usage, name.text(),
              {"one of " + list_of(models), name.which.empty()
                                                ? fmt::format("none, of {} models", models.size())
                                                : escape_controls(name.which)});
  error.hint = name.which.empty() ? std::string() : did_you_mean(name.which, tags);
  if (error.hint.empty()) error.hint = "for example " + escape_controls(example.text());
  throw error;
}

}  // namespace zoometer
