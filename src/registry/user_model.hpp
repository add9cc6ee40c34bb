#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/toml.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {

/// An input as the user declared it.
struct UserInput {
  std::string name;
  Shape shape;
  DType dtype = DType::float32;
};

/// Where a model that is not built in comes from.
enum class OriginKind : std::uint8_t {
  file,         ///< a path
  python,       ///< "package.module:function", called in the user's Python
  family,       ///< "resnet(layers=[2, 2, 2, 2])"
  torchvision,  ///< a name of the torchvision that the user's Python has
};

struct Origin {
  OriginKind kind = OriginKind::file;
  std::string target;

  /// "file:/path", "python:package.module:function", "torchvision:resnet50".
  std::string text() const;
};

/// The origin that a word names: "torchvision:NAME", "python:MODULE:FUNCTION", "resnet(...)",
/// else a file.
Origin parse_origin(std::string_view word);

/// A model of the user's own registry.toml, or a file of one of the folders named there.
struct UserModel {
  std::string name;
  Origin origin;
  std::vector<UserInput> inputs;  ///< empty: what the model itself declares
  std::string family;             ///< what lists count it under
  Task task = Task::other;
  std::string declared_in;       ///< "registry.toml, line 7": for messages
  std::string source;            ///< `origin` as text
  std::vector<InputSpec> specs;  ///< views of `inputs`
};

/// Reads the entry [models.NAME] of a file. Throws Error{malformed} with the line and the key.
UserModel read_user_model(const std::string& name, const TomlValue& entry, const std::string& path);

/// Every regular file of a folder as a model that bears the file's name without its ending.
/// Throws Error{io}.
std::vector<UserModel> models_of_folder(const std::string& folder, const std::string& declared_in);

/// Throws Error{malformed} that names the file, the line and the key.
[[noreturn]] void refuse_toml(const std::string& path, const TomlValue& value, std::string_view key,
                              std::string_view expected);

}  // namespace zoometer
