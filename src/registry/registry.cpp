#include "registry/registry.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "import/language/zoo.hpp"
#include "registry/defaults.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"

namespace zoometer {
namespace {

constexpr std::string_view registry_file = "registry.toml";
constexpr std::string_view registry_words = "curated, auto, all or language";

std::vector<std::string> strings(const std::string& path, const TomlValue& value,
                                 std::string_view key) {
  if (value.kind != TomlValue::Kind::array) refuse_toml(path, value, key, "an array of strings");
  std::vector<std::string> result;
  for (const TomlValue& item : value.items) {
    if (item.kind != TomlValue::Kind::string) refuse_toml(path, item, key, "only strings");
    result.push_back(item.text);
  }
  return result;
}

RegistryModel row_of(const Model& model, const Family& family, std::string_view source) {
  RegistryModel row;
  row.name = model.name;
  row.family = family.group.empty() ? family.name : family.group;
  row.architecture = family.name;
  row.paper = family.paper;
  row.task = family.task;
  row.source = source;
  row.inputs = model.inputs.list();
  if (model.parameters > 0) row.parameters = model.parameters;
  if (model.macs > 0) row.macs = model.macs;
  row.builtin = &model;
  return row;
}

RegistryModel own(const UserModel& model) {
  RegistryModel row;
  row.name = model.name;
  row.family = model.family;
  row.architecture = model.family;
  row.task = model.task;
  row.source = model.source;
  row.inputs = model.specs;
  row.user = &model;
  return row;
}

/// Inserts what has a name into a list in the natural order of names. Most of what comes is already
/// in order, and goes to the end after one comparison.
template <class Named>
void insert_in_order(std::vector<Named>& list, Named item) {
  auto place = list.end();
  if (!list.empty() && natural_less(item.name, list.back().name)) {
    place = std::upper_bound(list.begin(), list.end(), item, [](const Named& a, const Named& b) {
      return natural_less(a.name, b.name);
    });
  }
  list.insert(place, std::move(item));
}

std::string place_of(const RegistryModel& model) {
  if (model.user != nullptr) return model.user->declared_in;
  return model.is_plugin ? std::string(model.source) : "built in";
}

/// "resnet50" of "torchvision.models.resnet50", "quantized_resnet50" of
/// "torchvision.models.quantization.resnet50"; other names as they are.
std::string without_package(std::string_view name) {
  constexpr std::string_view package = "torchvision.models.";
  if (!name.starts_with(package)) return std::string(name);
  name.remove_prefix(package.size());
  const bool is_quantized = name.starts_with("quantization.");
  name.remove_prefix(name.rfind('.') + 1);
  return std::string(is_quantized && !name.starts_with("quantized_") ? "quantized_" : "")
      .append(name);
}

/// Letters and digits in lower case, so that "mobilenet_v2" equals "MobileNetV2".
std::string folded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') result += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) result += c;
  }
  return result;
}

}  // namespace

std::string_view name_of(RegistryKind kind) noexcept {
  switch (kind) {
  case RegistryKind::curated: return "curated";
  case RegistryKind::automatic: return "auto";
  case RegistryKind::all: return "all";
  case RegistryKind::language: return "language";
  }
  return "all";
}

std::optional<RegistryKind> registry_from_name(std::string_view name) noexcept {
  for (const RegistryKind kind : {RegistryKind::curated, RegistryKind::automatic, RegistryKind::all,
                                  RegistryKind::language}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

Registry::Registry(Defaults)
    : curated_(default_curated().begin(), default_curated().end()),
      skip_patterns_(default_skip_patterns().begin(), default_skip_patterns().end()) {}

Registry::Registry(std::string_view text, const std::string& path) : Registry(Defaults{}) {
  user_path_ = path;
  read(text, path);
  add_models({});
}

Registry::Registry(std::span<const std::string> plugins) : Registry(Defaults{}) {
  if (const auto folder = config_folder()) {
    user_path_ = *folder + "/" + std::string(registry_file);
    if (const auto text = read_file(user_path_)) read(*text, user_path_);
  }
  add_models(plugins);
}

void Registry::add_models(std::span<const std::string> plugins) {
  add_builtin();
  add_own();
  for (const std::string& path : plugin_paths_) add_plugin(path);
  for (const std::string& path : plugins) add_plugin(path);
  add_files();
}

void Registry::add_builtin() {
  struct Entry {
    std::string_view name;
    const Model* model;
    const Family* family;
  };
  std::vector<Entry> entries;
  entries.reserve(families().size() * 8);
  for (const Family* family : families()) {
    for (const Model& model : family->models)
      insert_in_order(entries, Entry{model.name, &model, family});
  }
  models_.reserve(entries.size() + own_.size());
  for (const Entry& entry : entries)
    models_.push_back(row_of(*entry.model, *entry.family, "builtin"));
}

void Registry::add_own() {
  for (const UserModel& model : own_) {
    if (!model.folder.empty()) continue;
    refuse_taken(model.name, model.declared_in);
    insert_in_order(models_, own(model));
  }
}

/// A file that a user puts into a folder must not make every command fail.
void Registry::add_files() {
  for (const UserModel& model : own_) {
    if (model.folder.empty()) continue;
    if (const RegistryModel* taken = find(model.name)) {
      write_note(fmt::format("{} is left out: the name {} is taken: {}", model.declared_in,
                             model.name, place_of(*taken)));
    } else {
      insert_in_order(models_, own(model));
    }
  }
}

void Registry::add_plugin(const std::string& path) {
  const Plugin& plugin = *plugins_.emplace_back(std::make_unique<Plugin>(path));
  for (const Family& family : plugin.families()) {
    for (const Model& model : family.models) {
      refuse_taken(model.name, plugin.source());
      RegistryModel row = row_of(model, family, plugin.source());
      row.is_plugin = true;
      insert_in_order(models_, std::move(row));
    }
  }
}

void Registry::refuse_taken(std::string_view name, const std::string& place) const {
  const RegistryModel* taken = find(name);
  if (taken == nullptr) return;
  throw Error(ErrorCode::malformed, fmt::format("duplicate name {}: {}, and {}",
                                                escape_controls(name), place_of(*taken), place));
}

void Registry::read_models(const TomlValue& table, const std::string& path) {
  if (table.kind != TomlValue::Kind::table) refuse_toml(path, table, "models", "a table");
  for (const auto& [name, entry] : table.members)
    own_.push_back(read_user_model(name, entry, path));
}

/// Paths are relative to the file's folder, since it means the same wherever the program is called.
void Registry::read_folders(const TomlValue& list, const std::string& path) {
  for (const std::string& word : strings(path, list, "folders")) {
    const std::filesystem::path around = std::filesystem::path(path).parent_path();
    const std::string folder = (around / word).lexically_normal().string();
    const std::string place = fmt::format("{}, line {}", path, list.line);
    std::error_code none;
    if (!std::filesystem::exists(folder, none)) {
      write_note(fmt::format("{}: there is no folder {}", place, folder));
      continue;
    }
    auto models = models_of_folder(folder, place);
    std::move(models.begin(), models.end(), std::back_inserter(own_));
  }
}

void Registry::read(std::string_view text, const std::string& path) {
  const TomlValue file = parse_toml(text, path);
  for (const auto& [key, value] : file.members) {
    if (key == "curated") {
      curated_ = strings(path, value, key);
    } else if (key == "skip_patterns") {
      skip_patterns_ = strings(path, value, key);
    } else if (key == "removed") {
      removed_ = strings(path, value, key);
    } else if (key == "torchvision") {
      if (value.kind != TomlValue::Kind::string) refuse_toml(path, value, key, "a version");
      torchvision_ = value.text;
    } else if (key == "registry") {
      const auto kind = registry_from_name(value.text);
      if (!kind) refuse_toml(path, value, key, registry_words);
      standard_ = *kind;
    } else if (key == "python") {
      if (value.kind != TomlValue::Kind::string) refuse_toml(path, value, key, "a path");
      python_ = value.text;
    } else if (key == "models") {
      read_models(value, path);
    } else if (key == "folders") {
      read_folders(value, path);
    } else if (key == "plugins") {
      const std::filesystem::path folder = std::filesystem::path(path).parent_path();
      for (const std::string& plugin : strings(path, value, key))
        plugin_paths_.push_back((folder / plugin).lexically_normal().string());
    } else {
      Error error(ErrorCode::malformed, fmt::format("line {}: unknown key {}", value.line, key));
      constexpr std::string_view keys[] = {"curated", "skip_patterns", "registry",
                                           "python",  "models",        "folders",
                                           "plugins", "removed",       "torchvision"};
      error.hint = did_you_mean(key, keys);
      error.place.model = path;
      throw error;
    }
  }
}

std::span<const RegistryModel> Registry::models(RegistryKind kind) const {
  if (kind != RegistryKind::language) return models_;
  if (!language_rows_.empty()) return language_rows_;
  const std::vector<LanguageRow> rows = language_rows();
  for (const LanguageRow& row : rows) {
    UserModel model;
    model.name = row.name;
    model.origin = {OriginKind::language, model.name};
    model.family = row.family;
    model.task = task_from_name(row.task).value_or(Task::text);
    model.source = "builtin";
    model.declared_in = "built in";
    language_models_.push_back(std::move(model));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    language_rows_.push_back(own(language_models_[i]));
    language_rows_.back().parameters = rows[i].parameters;
    language_rows_.back().paper = rows[i].source;  // of the configuration
    language_rows_.back().is_language = true;
  }
  std::ranges::sort(language_rows_, [](const RegistryModel& a, const RegistryModel& b) {
    return natural_less(a.name, b.name);
  });
  return language_rows_;
}

const RegistryModel* Registry::find(std::string_view name) const noexcept {
  // In the order of names, of which several may be equal in it: "a1" and "a01".
  auto found = std::lower_bound(models_.begin(), models_.end(), name,
                                [](const RegistryModel& model, std::string_view wanted) {
                                  return natural_less(model.name, wanted);
                                });
  for (; found != models_.end() && !natural_less(name, found->name); ++found) {
    if (found->name == name) return &*found;
  }
  const auto language = std::ranges::find(language_rows_, name, &RegistryModel::name);
  return language == language_rows_.end() ? nullptr : &*language;
}

const RegistryModel* Registry::resolve(std::string_view given) const {
  const std::string name = without_package(given);
  if (const RegistryModel* model = find(name)) return model;
  const std::string wanted = without_marks(name);
  std::vector<const RegistryModel*> found;
  for (const RegistryModel& model : models_) {
    if (without_marks(model.name) == wanted) found.push_back(&model);
  }
  if (found.size() < 2) return found.empty() ? nullptr : found.front();
  std::string names;
  for (const RegistryModel* model : found)
    names.append(names.empty() ? "" : ", ").append(escape_controls(model->name));
  throw Error(ErrorCode::unknown_name,
              fmt::format("{} means several models: {}", escape_controls(given), names));
}

bool Registry::holds(RegistryKind kind, const RegistryModel& model) const noexcept {
  if (model.is_language) return kind == RegistryKind::language;
  if (model.is_own()) return true;
  switch (kind) {
  case RegistryKind::curated:
    return std::find(curated_.begin(), curated_.end(), model.name) != curated_.end();
  case RegistryKind::automatic: return skip_pattern_of(model.name, skip_patterns_) == nullptr;
  case RegistryKind::all: return true;
  case RegistryKind::language: return false;
  }
  return true;
}

RegistryKind Registry::choose(std::string_view given) const {
  std::string_view name = given;
  std::string where = "--registry";
  if (name.empty()) {
    const char* variable = std::getenv("ZOOMETER_REGISTRY");
    if (variable == nullptr || *variable == '\0') return standard_;
    name = variable;
    where = "ZOOMETER_REGISTRY";
  }
  const auto kind = registry_from_name(name);
  if (kind) return *kind;
  Error error(ErrorCode::usage, where, {std::string(registry_words), escape_controls(name)});
  constexpr std::string_view names[] = {"curated", "auto", "all", "language"};
  error.hint = did_you_mean(name, names);
  throw error;
}

const std::string* skip_pattern_of(std::string_view name,
                                   std::span<const std::string> patterns) noexcept {
  for (const std::string& pattern : patterns) {
    if (name.find(pattern) != std::string_view::npos) return &pattern;
  }
  return nullptr;
}

bool is_of_family(const RegistryModel& model, std::string_view family) {
  const std::string wanted = folded(family);
  return folded(model.family) == wanted || folded(model.architecture) == wanted;
}

std::string inputs_text(std::span<const InputSpec> inputs) {
  if (inputs.size() == 1) return to_short_string(inputs[0].shape);
  std::string text;
  for (const InputSpec& input : inputs) {
    if (!text.empty()) text += ' ';
    text.append(input.name).append("=").append(to_short_string(input.shape));
  }
  return text;
}

}  // namespace zoometer
