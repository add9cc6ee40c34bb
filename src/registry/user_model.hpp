#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/toml.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {

/// An input that the user declared.
struct UserInput {
  std::string name;
  Shape shape;
  std::optional<DType> dtype = {};  ///< none: what the model declares, else float32
};

/// Where a model that is not built in comes from.
enum class OriginKind : std::uint8_t {
  file,          ///< a path
  python,        ///< "package.module:function", called in the user's Python
  family,        ///< "resnet(layers=[2, 2, 2, 2])"
  torchvision,   ///< a model of the torchvision in the user's Python
  timm,          ///< "resnet50.a1_in1k": a model of the timm there
  transformers,  ///< "BertModel": an architecture of the transformers there
  torch_hub,     ///< "FOLDER:NAME": an entry point of the hubconf.py of a folder
  language,      ///< a name of the registry of language models
  hugging_face,  ///< "ORG/NAME@REVISION" of Hugging Face's hub
  ollama,        ///< "NAME:TAG" in ollama's local store
};

struct Origin {
  OriginKind kind = OriginKind::file;
  std::string target;

  /// "file:/path", "python:package.module:function", "torchvision:resnet50", "timm:resnet50".
  std::string text() const;
  /// Whether the user's Python builds and traces the model.
  bool runs_python() const noexcept;
  /// The source of a model that Python makes, as LiveOptions has it; empty for torchvision.
  std::string source() const;
  /// The name that the model has there. Throws Error{usage} for a target without one.
  std::string model() const;
};

/// Origins that a key in registry.toml names, and the beginning of a word; a language model's word
/// is its name.
struct OriginName {
  OriginKind kind;
  std::string_view key;     ///< "hub"
  std::string_view prefix;  ///< "torch.hub:"; empty for a language model
  bool runs_python;
};
std::span<const OriginName> origin_names() noexcept;

/// "torchvision", "timm", "torch.hub", "python", "hf", "language".
std::string_view name_of_source(OriginKind kind) noexcept;

/// The origin that a word describes: "torchvision:NAME", "timm:NAME", "transformers:NAME",
/// "torch.hub:FOLDER:NAME", "python:MODULE:FUNCTION", "hf:ORG/NAME" or the address of its page,
/// "ollama:NAME", "resnet(...)", the name of a language model, else a file. A file wins over a
/// language model whose name the word has in another spelling.
Origin parse_origin(std::string_view word);

/// A model of the user's registry.toml, or a file in one of its folders.
struct UserModel {
  std::string name;
  Origin origin;
  std::vector<UserInput> inputs;  ///< empty: what the model itself declares
  std::string family;             ///< the family in lists
  Task task = Task::other;
  std::string declared_in;       ///< "registry.toml, line 7", for messages
  std::string folder;            ///< that has the file; empty for a model of registry.toml
  std::string source;            ///< `origin` as text
  std::vector<InputSpec> specs;  ///< views of `inputs`
};

/// Reads the entry [models.NAME] of a file. Throws Error{malformed} with the line and the key.
UserModel read_user_model(const std::string& name, const TomlValue& entry, const std::string& path);

/// Every regular file of a folder as a model, named as the file without its ending, in natural
/// order. Throws Error{io}.
std::vector<UserModel> models_of_folder(const std::string& folder, const std::string& declared_in);

/// Throws Error{malformed} with the file, the line and the key.
[[noreturn]] void refuse_toml(const std::string& path, const TomlValue& value, std::string_view key,
                              std::string_view expected);

}  // namespace zoometer
