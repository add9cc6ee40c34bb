#include "registry/user_model.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "import/hub/name.hpp"
#include "import/language/zoo.hpp"
#include "models/parametrised.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr OriginName names_of_origins[] = {
    {OriginKind::torchvision, "torchvision", "torchvision:", true},
    {OriginKind::timm, "timm", "timm:", true},
    {OriginKind::transformers, "transformers", "transformers:", true},
    {OriginKind::torch_hub, "hub", "torch.hub:", true},
    {OriginKind::python, "python", "python:", true},
    {OriginKind::hugging_face, "hf", "hf:", false},
    {OriginKind::ollama, "ollama", "ollama:", false},
    {OriginKind::language, "language", "", false},
};

const OriginName* name_of_origin(OriginKind wanted) noexcept {
  const auto* const found = std::ranges::find(names_of_origins, wanted, &OriginName::kind);
  return found == std::end(names_of_origins) ? nullptr : found;
}

std::string absolute(const std::string& target, const std::string& toml_path) {
  const std::filesystem::path folder = std::filesystem::path(toml_path).parent_path();
  return (folder / target).lexically_normal().string();
}

const std::string& text_of(const TomlValue& value, std::string_view key, const std::string& path) {
  if (value.kind != TomlValue::Kind::string || value.text.empty())
    refuse_toml(path, value, key, "a string");
  return value.text;
}

Task task_of(const TomlValue& value, const std::string& path) {
  if (const auto task = task_from_name(value.text)) return *task;
  std::string words;
  for (const Task task : all_tasks()) words.append(words.empty() ? "" : ", ").append(name_of(task));
  refuse_toml(path, value, "task", "one of " + words);
}

Shape shape_of(const TomlValue& value, const std::string& path) {
  if (value.kind != TomlValue::Kind::array || value.items.empty())
    refuse_toml(path, value, "inputs", "shapes like [1, 3, 224, 224]");
  Shape shape;
  for (const TomlValue& size : value.items) {
    if (size.kind != TomlValue::Kind::integer || size.integer < 1)
      refuse_toml(path, size, "inputs", "sizes of at least 1");
    shape.push_back(size.integer);
  }
  return shape;
}

/// [1, 3, 224, 224], or {name = "tokens", shape = [1, 128], dtype = "int64"}.
UserInput input_of(const TomlValue& value, const std::string& path) {
  UserInput input;
  if (value.kind != TomlValue::Kind::table) {
    input.shape = shape_of(value, path);
    return input;
  }
  for (const auto& [key, member] : value.members) {
    if (key == "name") {
      input.name = text_of(member, key, path);
    } else if (key == "shape") {
      input.shape = shape_of(member, path);
    } else if (key == "dtype") {
      const auto dtype = dtype_from_name(text_of(member, key, path));
      if (!dtype) refuse_toml(path, member, key, "a dtype like float32 or int64");
      input.dtype = *dtype;
    } else {
      refuse_toml(path, member, "inputs." + key, "the keys name, shape and dtype");
    }
  }
  if (input.shape.empty()) refuse_toml(path, value, "inputs", "a shape");
  return input;
}

void read_inputs(UserModel& model, const TomlValue& value, const std::string& path) {
  if (value.kind != TomlValue::Kind::array)
    refuse_toml(path, value, "inputs", "an array of shapes");
  for (const TomlValue& item : value.items) model.inputs.push_back(input_of(item, path));
}

std::string toml_text(const TomlValue& value) {
  if (value.kind == TomlValue::Kind::integer) return std::to_string(value.integer);
  if (value.kind == TomlValue::Kind::string) return toml_string(value.text);
  std::string text;
  for (const TomlValue& item : value.items)
    text.append(text.empty() ? "" : ", ").append(toml_text(item));
  return "[" + text + "]";
}

/// The call that the keys of an entry describe: family = "resnet", layers = [2, 2, 2, 2] is
/// "resnet(layers=[2, 2, 2, 2])". `family` may also be a complete call.
std::string family_call(const TomlValue& entry, const std::string& path) {
  const std::string& family = text_of(*entry.find("family"), "family", path);
  if (is_family_call(family)) return family;
  std::string arguments;
  for (const auto& [key, value] : entry.members) {
    if (key == "family" || key == "inputs" || key == "task" || key == "group") continue;
    arguments.append(arguments.empty() ? "" : ", ")
        .append(key)
        .append("=")
        .append(toml_text(value));
  }
  return family + "(" + arguments + ")";
}

std::string origin_keys() {
  std::string keys;
  for (const OriginName& name : names_of_origins)
    keys.append(keys.empty() ? "" : ", ").append(name.key);
  return keys;
}

void finish(UserModel& model) {
  model.source = model.origin.text();
  for (const UserInput& input : model.inputs)
    model.specs.push_back({input.name, input.shape, input.dtype.value_or(DType::float32)});
}

}  // namespace

std::string Origin::text() const {
  if (kind == OriginKind::file) return "file:" + target;
  if (kind == OriginKind::family) return target;
  return std::string(name_of_origin(kind)->prefix) + target;
}

bool Origin::runs_python() const noexcept {
  const OriginName* const name = name_of_origin(kind);
  return name != nullptr && name->runs_python;
}

std::string Origin::source() const {
  if (kind == OriginKind::torchvision) return {};
  const std::string_view prefix = name_of_origin(kind)->prefix;
  if (kind == OriginKind::python) return std::string(prefix) + target;
  if (kind == OriginKind::torch_hub)
    return std::string(prefix) + target.substr(0, target.rfind(':'));
  return std::string(prefix.substr(0, prefix.size() - 1));
}

std::string Origin::model() const {
  const bool has_place = kind == OriginKind::python || kind == OriginKind::torch_hub;
  if (!has_place) return target;
  // A folder may have a colon in its name; so may a model of a module's table.
  const std::size_t colon = kind == OriginKind::torch_hub ? target.rfind(':') : target.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == target.size()) {
    const bool is_hub = kind == OriginKind::torch_hub;
    throw Error(ErrorCode::usage, is_hub ? "torch.hub:" : "python:",
                {is_hub ? "torch.hub:FOLDER:NAME" : "python:package.module:function", text()});
  }
  return target.substr(colon + 1);
}

std::span<const OriginName> origin_names() noexcept { return names_of_origins; }

std::string_view name_of_source(OriginKind kind) noexcept {
  const OriginName* const name = name_of_origin(kind);
  if (name == nullptr) return {};
  return name->prefix.empty() ? name->key : name->prefix.substr(0, name->prefix.size() - 1);
}

Origin parse_origin(std::string_view word) {
  for (const OriginName& name : names_of_origins) {
    if (!name.prefix.empty() && word.starts_with(name.prefix))
      return {name.kind, std::string(word.substr(name.prefix.size()))};
  }
  if (auto name = hub_word_of_address(word)) return {OriginKind::hugging_face, std::move(*name)};
  if (is_family_call(word)) return {OriginKind::family, std::string(word)};
  if (find_language_row(word)) return {OriginKind::language, std::string(word)};
  if (is_anything(std::string(word))) return {OriginKind::file, std::string(word)};
  if (const auto row = resolve_language_row(word))
    return {OriginKind::language, std::string(row->name)};
  return {OriginKind::file, std::string(word)};
}

void refuse_toml(const std::string& path, const TomlValue& value, std::string_view key,
                 std::string_view expected) {
  std::string got(name_of(value.kind));
  if (value.kind == TomlValue::Kind::string) got = toml_string(value.text);
  if (value.kind == TomlValue::Kind::integer) got = std::to_string(value.integer);
  Error error(ErrorCode::malformed, fmt::format("line {}: {}", value.line, key),
              {std::string(expected), got});
  error.place.model = path;
  throw error;
}

UserModel read_user_model(const std::string& name, const TomlValue& entry,
                          const std::string& path) {
  if (entry.kind != TomlValue::Kind::table) refuse_toml(path, entry, "models." + name, "a table");
  UserModel model;
  model.name = name;
  model.family = "own";
  model.declared_in = fmt::format("{}, line {}", path, entry.line);
  int origins = 0;
  const auto origin = [&](OriginKind kind, std::string target) {
    model.origin = {kind, std::move(target)};
    ++origins;
  };
  for (const auto& [key, value] : entry.members) {
    if (key == "file") {
      origin(OriginKind::file, absolute(text_of(value, key, path), path));
    } else if (const auto* named = std::ranges::find(names_of_origins, key, &OriginName::key);
               named != std::end(names_of_origins)) {
      origin(named->kind, text_of(value, key, path));
    } else if (key == "family") {
      origin(OriginKind::family, family_call(entry, path));
    } else if (key == "inputs") {
      read_inputs(model, value, path);
    } else if (key == "task") {
      model.task = task_of(value, path);
    } else if (key == "group") {
      model.family = text_of(value, key, path);
    } else if (entry.find("family") == nullptr) {
      refuse_toml(path, value, "models." + name + "." + key,
                  "the keys file, " + origin_keys() + ", family, inputs, task and group");
    }
  }
  if (origins != 1)
    refuse_toml(path, entry, "models." + name,
                "one of the keys file, " + origin_keys() + " and family");
  finish(model);
  return model;
}

std::vector<UserModel> models_of_folder(const std::string& folder, const std::string& declared_in) {
  std::vector<UserModel> models;
  std::error_code problem;
  std::filesystem::directory_iterator entry(folder, problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    std::error_code none;  // a dangling link is not a model
    const std::string file = entry->path().filename().string();
    if (file.starts_with('.') || !entry->is_regular_file(none)) continue;
    UserModel model;
    model.name = entry->path().stem().string();
    model.origin = {OriginKind::file, entry->path().string()};
    model.family = "own";
    model.declared_in = entry->path().string();
    model.folder = folder;
    finish(model);
    models.push_back(std::move(model));
  }
  if (problem) {
    Error error(ErrorCode::io, declared_in + ": cannot read the folder: " + problem.message());
    error.place.model = folder;
    throw error;
  }
  std::ranges::sort(models, natural_less, &UserModel::declared_in);
  return models;
}

}  // namespace zoometer
