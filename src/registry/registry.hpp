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

/// Which models commands speak of when none is named.
enum class RegistryKind : std::uint8_t {
  curated,    ///< the list of registry.toml
  automatic,  ///< every model that no skip pattern names
  all,
};
/// "curated", "auto", "all".
std::string_view name_of(RegistryKind kind) noexcept;
std::optional<RegistryKind> registry_from_name(std::string_view name) noexcept;

/// What is known of a model without tracing it.
struct RegistryModel {
  std::string_view name;
  std::string_view family;        ///< what lists count it under: "MobileNet"
  std::string_view architecture;  ///< the exact family: "MobileNetV2"
  std::string_view paper;
  Task task = Task::other;
  std::string_view source;  ///< "builtin", "plugin:FILE", or the file that declares it
  std::span<const InputSpec> inputs;
  std::optional<std::int64_t> parameters, macs;
  const Model* builtin = nullptr;   ///< null for a model of the user's registry.toml
  const UserModel* user = nullptr;  ///< null for a built-in model and one of a plug-in
  bool is_plugin = false;           ///< `builtin` is a row of a plug-in

  /// The user's own, from wherever.
  bool is_own() const noexcept { return user != nullptr || is_plugin; }
};

/// The registries: data/registry.toml, with the keys of the user's own registry.toml in place of
/// its own, and the models that the user declares there.
class Registry {
 public:
  /// Reads the user's file, loads the plug-ins that it names and these. Throws Error{malformed}
  /// that names the file, the line and the key, or both places of a name that is taken, and what
  /// Plugin throws.
  explicit Registry(std::span<const std::string> plugins = {});
  /// The same with this text as the user's file, which would lie at `path`.
  Registry(std::string_view text, const std::string& path);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Every model, in natural order of the names.
  std::span<const RegistryModel> models() const noexcept { return models_; }
  /// The model of that name, or null.
  const RegistryModel* find(std::string_view name) const noexcept;

  /// Names, also such that no model bears (any more).
  const std::vector<std::string>& curated() const noexcept { return curated_; }
  /// Parts of names; lower case.
  const std::vector<std::string>& skip_patterns() const noexcept { return skip_patterns_; }

  /// The Python to ask, as the file says; empty: look for one.
  const std::string& python() const noexcept { return python_; }

  /// A model of the user's own, or of a plug-in, is in every registry.
  bool holds(RegistryKind kind, const RegistryModel& model) const noexcept;

  /// The registry to take: `given` (empty for none), else ZOOMETER_REGISTRY, else what the files
  /// say. Throws Error{usage} for a name that is none.
  RegistryKind choose(std::string_view given) const;

  /// Where the user's file is, whether or not it exists; empty where there is no home.
  const std::string& user_path() const noexcept { return user_path_; }

 private:
  struct Defaults {};
  explicit Registry(Defaults);
  void read(std::string_view text, const std::string& path);
  void read_models(const TomlValue& table, const std::string& path);
  void read_folders(const TomlValue& list, const std::string& path);
  void add_models(std::span<const std::string> plugins);
  void add_own();
  void add_plugin(const std::string& path);
  void refuse_taken(std::string_view name, const std::string& place) const;

  std::vector<RegistryModel> models_;
  std::vector<std::string> curated_;
  std::vector<std::string> skip_patterns_;
  RegistryKind standard_ = RegistryKind::curated;
  std::string user_path_;
  std::string python_;
  std::vector<UserModel> own_;
  std::vector<std::string> plugin_paths_;  // that the file names
  std::vector<std::unique_ptr<Plugin>> plugins_;
};

/// The pattern that a name contains, or null.
const std::string* skip_pattern_of(std::string_view name,
                                   std::span<const std::string> patterns) noexcept;

/// Whether a model is of a family as people write it: "mobilenet", "MobileNetV2", "mobilenet_v2".
bool is_of_family(const RegistryModel& model, std::string_view family);

/// "x 1x3x224x224": the inputs' shapes, with their names where there are several.
std::string inputs_text(std::span<const InputSpec> inputs);

}  // namespace zoometer
