#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "registry/plugin.hpp"
#include "registry/user_model.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {

/// Which models commands use when none is named.
enum class RegistryKind : std::uint8_t {
  curated,    ///< the list of registry.toml
  automatic,  ///< every model that matches no skip pattern
  all,
  language,  ///< the language models, which are in no other one
};
/// "curated", "auto", "all", "language".
std::string_view name_of(RegistryKind kind) noexcept;
std::optional<RegistryKind> registry_from_name(std::string_view name) noexcept;

/// A model as it is known without tracing it.
struct RegistryModel {
  std::string_view name;
  std::string_view family;        ///< the family in lists: "MobileNet"
  std::string_view architecture;  ///< the exact family: "MobileNetV2"
  std::string_view paper;
  Task task = Task::other;
  std::string_view source;  ///< "builtin", "plugin:FILE", or the file that declares it
  std::span<const InputSpec> inputs;
  std::optional<std::int64_t> parameters, macs;
  const Model* builtin = nullptr;   ///< null for a model of the user's registry.toml
  const UserModel* user = nullptr;  ///< null for a built-in model and one of a plug-in
  bool is_plugin = false;           ///< `builtin` is a row of a plug-in
  bool is_language = false;         ///< of the registry of language models

  /// Whether the model is not built in.
  bool is_own() const noexcept { return user != nullptr || is_plugin; }
};

/// The registries: data/registry.toml, overridden by the user's registry.toml, and the models that
/// the user declares there.
class Registry {
 public:
  /// Reads the user's file, and loads the plug-ins in it and `plugins`. Throws Error{malformed}
  /// with the file, the line and the key, or with both places of a duplicate name, and the errors
  /// of Plugin.
  explicit Registry(std::span<const std::string> plugins = {});
  /// The same with this text as the user's file; `path` is for messages.
  Registry(std::string_view text, const std::string& path);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// All models, in natural order of their names.
  std::span<const RegistryModel> models() const noexcept { return models_; }
  /// The same of a registry: language models are in no other one.
  std::span<const RegistryModel> models(RegistryKind kind) const;
  /// The model with this name, or null. Of language models, those that `models` was asked for.
  const RegistryModel* find(std::string_view name) const noexcept;
  /// The model that a name means: the one with this name; else the one whose name differs in case,
  /// hyphens and underscores only ("ResNet-50"); else that of "torchvision.models.resnet50". Null
  /// if there is none. Throws Error{unknown_name} that lists all where there are several.
  const RegistryModel* resolve(std::string_view name) const;

  /// The names in the curated list; some may have no model.
  const std::vector<std::string>& curated() const noexcept { return curated_; }
  /// The names that the user removed from the curated list, which `registry update` leaves out.
  const std::vector<std::string>& removed() const noexcept { return removed_; }
  /// The version of torchvision whose models the file was updated from; empty if none is known.
  const std::string& torchvision() const noexcept { return torchvision_; }
  /// Parts of names, in lower case.
  const std::vector<std::string>& skip_patterns() const noexcept { return skip_patterns_; }

  /// The interpreter in the file; empty: search for one.
  const std::string& python() const noexcept { return python_; }

  /// Whether a model is in a registry. The user's own models are in every registry.
  bool holds(RegistryKind kind, const RegistryModel& model) const noexcept;

  /// The registry to use: `given` if not empty, else ZOOMETER_REGISTRY, else the files' choice.
  /// Throws Error{usage} for an unknown name.
  RegistryKind choose(std::string_view given) const;

  /// The path of the user's file, even if it does not exist; empty if there is no home folder.
  const std::string& user_path() const noexcept { return user_path_; }

 private:
  struct Defaults {};
  explicit Registry(Defaults);
  void read(std::string_view text, const std::string& path);
  void read_models(const TomlValue& table, const std::string& path);
  void read_folders(const TomlValue& list, const std::string& path);
  void add_models(std::span<const std::string> plugins);
  void add_builtin();
  void add_own();
  void add_files();
  void add_plugin(const std::string& path);
  void refuse_taken(std::string_view name, const std::string& place) const;

  std::vector<RegistryModel> models_;
  mutable std::vector<UserModel> language_models_;    // made when they are asked for
  mutable std::vector<RegistryModel> language_rows_;  // the same as rows
  std::vector<std::string> curated_;
  std::vector<std::string> removed_;
  std::string torchvision_;
  std::vector<std::string> skip_patterns_;
  RegistryKind standard_ = RegistryKind::curated;
  std::string user_path_;
  std::string python_;
  std::vector<UserModel> own_;
  std::vector<std::string> plugin_paths_;  // in the user's file
  std::vector<std::unique_ptr<Plugin>> plugins_;
};

/// The first pattern that the name contains, or null.
const std::string* skip_pattern_of(std::string_view name,
                                   std::span<const std::string> patterns) noexcept;

/// Whether a model belongs to a family, in any spelling: "mobilenet", "MobileNetV2",
/// "mobilenet_v2".
bool is_of_family(const RegistryModel& model, std::string_view family);

/// "x 1x3x224x224": the shapes of the inputs, with names if there are several.
std::string inputs_text(std::span<const InputSpec> inputs);

}  // namespace zoometer
