#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/json.hpp"
#include "util/mapped_file.hpp"

// What a Keras file contains: containers, and the layers and calls of a model's configuration
// (keras/src/models/functional.py and sequential.py, and their forerunners in Keras 1 and 2).

namespace zoometer {

/// The forms in which a configuration is stored.
enum class KerasContainer : std::uint8_t { none, archive, hdf5, json, tensorflow_js };

/// How the bytes begin. Reads the directory of an archive, else a few pages.
KerasContainer keras_container(const MappedFile& file);

/// The configuration of one file, and what the file says of itself.
class KerasFile {
 public:
  /// Throws Error{malformed}, and Error{unsupported} for a file of weights alone.
  explicit KerasFile(const MappedFile& file);

  const Json& root() const noexcept { return *root_; }
  /// The bytes of the configuration.
  std::size_t size() const noexcept { return size_; }
  const std::string& version() const noexcept { return version_; }
  std::string_view container() const noexcept { return container_; }

 private:
  void parse(const MappedFile& file);

  std::string text_;
  std::optional<ZipText> zip_text_;
  std::unique_ptr<JsonDocument> document_;
  const Json* root_ = nullptr;
  std::size_t size_ = 0;
  std::string version_;
  std::string_view container_;
};

/// A result of a call of a layer: the triple of a configuration.
struct KerasHistory {
  std::string_view layer;
  std::int64_t call = 0;
  std::int64_t result = 0;
  const Json* shape = nullptr;  ///< what Keras 3 states of it
};

/// The triple in a JSON value, in the form of any version.
std::optional<KerasHistory> keras_history(const Json& value);

/// One layer of a model.
struct KerasLayer {
  const Json* json = nullptr;
  const Json* config = nullptr;  ///< an object, or the list of layers of a Sequential of Keras 1
  std::string_view class_name;
  std::string_view name;
  std::string_view module;  ///< of Python; empty in older files
  bool is_custom = false;   ///< registered by the user: no layer of Keras, whatever its name
};

/// Reads what all layers have. Throws Error{malformed}.
KerasLayer keras_layer(const Json& json);
/// Whether the layer is a model with a graph of its own.
bool is_keras_model(const KerasLayer& layer);

/// One call of a layer.
struct KerasStep {
  std::uint32_t layer = 0;
  std::uint32_t call = 0;
  const Json* node = nullptr;  ///< its operands
};

/// A result as positions: of the layer and of its call.
struct KerasSource {
  std::uint32_t layer = 0;
  std::uint32_t call = 0;
  std::uint32_t result = 0;
};

/// The graph of a Functional model.
class KerasPlan {
 public:
  /// Sorts the calls. Throws Error{malformed}: names twice, results that nothing makes, calls that
  /// wait for each other.
  explicit KerasPlan(const KerasLayer& model);

  const std::vector<KerasLayer>& layers() const noexcept { return layers_; }
  /// The calls in an order in which they can run; those without a node are inputs.
  const std::vector<KerasStep>& steps() const noexcept { return steps_; }
  const std::vector<KerasSource>& inputs() const noexcept { return inputs_; }
  const std::vector<KerasSource>& outputs() const noexcept { return outputs_; }
  /// How many calls a layer has.
  std::uint32_t calls(std::uint32_t layer) const noexcept { return calls_[layer]; }
  /// Throws Error{malformed}.
  KerasSource find(const KerasHistory& history, bool is_output = false) const;
  /// What consumers state of a result's sizes; null where nothing does.
  const Json* declared(const KerasSource& source) const;
  /// How many results of a call others read.
  std::uint32_t results(std::uint32_t layer, std::uint32_t call) const;

 private:
  std::vector<KerasSource> ports(const Json& config, std::string_view name);
  void count_result(const KerasSource& source);
  void number_calls();
  void sort();

  std::vector<KerasLayer> layers_;
  std::vector<std::uint32_t> calls_;
  std::vector<std::int64_t> first_call_;  ///< by layer: the number of its first call in operands
  std::map<std::string_view, std::uint32_t> by_name_;
  std::vector<KerasStep> steps_;
  std::vector<KerasSource> inputs_, outputs_;
  std::map<std::uint64_t, const Json*> declared_;
  std::map<std::uint64_t, std::uint32_t> results_;  ///< of calls with more than one
};

/// Calls `take(history)` for each triple in a JSON value, in order, with or without the operands by
/// name that follow a triple of Keras 2. Throws Error{limit} for values nested more than 64 deep.
template <class Take>
void visit_keras_histories(const Json& value, Take&& take, bool with_named = true,
                           unsigned depth = 0) {
  if (depth > 64) throw Error(ErrorCode::limit, "the operands of a call are nested too deeply");
  if (!value.IsArray() && !value.IsObject()) return;
  if (const auto history = keras_history(value)) {
    take(*history);
    if (with_named && value.IsArray() && value.Size() > 3)
      visit_keras_histories(value[3], take, with_named, depth + 1);
    return;
  }
  if (value.IsArray()) {
    for (const Json& each : value.GetArray())
      visit_keras_histories(each, take, with_named, depth + 1);
  } else {
    for (const auto& member : value.GetObject())
      visit_keras_histories(member.value, take, with_named, depth + 1);
  }
}

/// Calls `take(value, name)` for each operand of a call: positional ones without a name.
template <class Take>
void collect_keras_operands(const Json& node, Take&& take) {
  const auto take_named = [&](const Json& members) {
    for (const auto& member : members.GetObject()) take(member.value, view_of(member.name));
  };
  // A list of tensors is as many operands.
  const auto take_each = [&](const Json& list) {
    for (const Json& each : list.GetArray()) take(each, std::string_view{});
  };
  if (node.IsObject()) {
    const Json* args = find_member(node, "args");
    const Json* kwargs = find_member(node, "kwargs");
    if (args == nullptr && kwargs == nullptr) {
      for (const auto& member : node.GetObject()) take(member.value, std::string_view{});
      return;
    }
    if (args != nullptr && args->IsArray()) take_each(*args);
    if (kwargs != nullptr && kwargs->IsObject()) take_named(*kwargs);
    return;
  }
  if (!node.IsArray()) return;
  if (keras_history(node)) {
    take(node, std::string_view{});
    if (node.Size() > 3) take_named(node[3]);
    return;
  }
  // Keras 1 and 2: [["layer", 0, 0, {"name": ...}], ...]
  for (const Json& each : node.GetArray()) {
    const bool is_constant = each.IsArray() && each.Size() >= 3 && each[0].IsString() &&
                             view_of(each[0]) == "_CONSTANT_VALUE";
    const bool is_tensor = keras_history(each).has_value();
    if (!is_constant && !is_tensor) {
      take(each, std::string_view{});
      continue;
    }
    if (is_constant) {
      take(each[2], std::string_view{});
    } else {
      take(each, std::string_view{});
    }
    if (each.Size() > 3 && each[3].IsObject()) take_named(each[3]);
  }
}

}  // namespace zoometer
