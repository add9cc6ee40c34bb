#include "import/keras/model.hpp"

#include <algorithm>
#include <limits>
#include <queue>

#include "import/keras/hdf5.hpp"
#include "util/text.hpp"
#include "util/zip.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_calls = std::int64_t{1} << 24;
constexpr std::string_view save_hint =
    "save the whole model with model.save(), or export it to ONNX";

[[noreturn]] void fail_keras(std::string text, Error::Detail detail) {
  throw Error(ErrorCode::malformed, std::move(text), std::move(detail));
}

std::string quoted_name(std::string_view name) {
  return escape_controls(to_utf8(name.substr(0, 100)));
}

std::string_view start_of(const MappedFile& file) {
  std::string_view text = file.text().substr(0, 4096);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  return text;
}

bool has_word(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

std::uint64_t declared_key(const KerasSource& source) {
  return std::uint64_t{source.layer} << 40U | std::uint64_t{source.call} << 16U | source.result;
}

bool is_integer(const Json& value) { return value.IsInt64(); }

}  // namespace

KerasContainer keras_container(const MappedFile& file) {
  const std::string_view text = start_of(file);
  if (text.starts_with('{')) {
    if (has_word(text, "\"modelTopology\"") &&
        (has_word(text, "\"model_config\"") || has_word(text, "\"class_name\"")))
      return KerasContainer::tensorflow_js;
    const bool is_model = has_word(text, "\"class_name\"") && has_word(text, "\"config\"");
    return is_model ? KerasContainer::json : KerasContainer::none;
  }
  constexpr std::size_t shortest_hdf5 = 48;
  if (file.size() >= shortest_hdf5 && find_hdf5(file.text())) return KerasContainer::hdf5;
  if (!ZipArchive::recognises(file.bytes())) return KerasContainer::none;
  try {
    const ZipArchive archive(file.bytes());
    const bool is_keras =
        archive.find("config.json") != nullptr && archive.find("metadata.json") != nullptr;
    return is_keras ? KerasContainer::archive : KerasContainer::none;
  } catch (const Error&) {
    return KerasContainer::none;  // unsupported_formats reports what is wrong with it
  }
}

KerasFile::KerasFile(const MappedFile& file) {
  parse(file);
  root_ = &document_->root();
  if (const Json* topology = find_member(*root_, "modelTopology")) {
    const Json* config = find_member(*topology, "model_config");
    if (const std::string_view own = find_text(*topology, "keras_version"); !own.empty())
      version_ = own;
    root_ = config != nullptr ? config : topology;
  }
  if (const std::string_view own = find_text(*root_, "keras_version"); !own.empty()) version_ = own;
  version_ = quoted_name(version_);
}

void KerasFile::parse(const MappedFile& file) {
  switch (keras_container(file)) {
  case KerasContainer::archive: {
    const ZipArchive archive(file.bytes());
    {
      ZipText metadata = archive.read(*archive.find("metadata.json"));
      const JsonDocument document(metadata);
      version_ = find_text(document.root(), "keras_version");
    }
    zip_text_.emplace(archive.read(*archive.find("config.json")));
    container_ = "archive";
    size_ = zip_text_->size();
    document_ = std::make_unique<JsonDocument>(*zip_text_);
    return;
  }
  case KerasContainer::hdf5: {
    const Hdf5File hdf5(file.text());
    const std::optional<std::string_view> config = hdf5.attribute("model_config");
    if (!config) {
      Error error(ErrorCode::unsupported,
                  "the HDF5 file has no model_config: it has weights alone, or is not of Keras");
      error.hint = save_hint;
      throw error;
    }
    if (const auto version = hdf5.attribute("keras_version")) version_ = *version;
    text_ = *config;
    container_ = "HDF5";
    break;
  }
  case KerasContainer::tensorflow_js:
    container_ = "TensorFlow.js";
    text_ = file.text();
    break;
  case KerasContainer::json:
  case KerasContainer::none:
    container_ = "JSON";
    text_ = file.text();
    break;
  }
  if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
  size_ = text_.size();
  document_ = std::make_unique<JsonDocument>(text_);
}

std::optional<KerasHistory> keras_history(const Json& value) {
  if (value.IsObject()) {
    if (find_text(value, "class_name") != "__keras_tensor__") return std::nullopt;
    const Json& config = get_member(value, "config");
    const Json* triple = find_member(config, "keras_history");
    std::optional<KerasHistory> history = triple == nullptr ? std::nullopt : keras_history(*triple);
    if (!history) fail_keras("a tensor without a history", {"a layer, a call and a result", ""});
    history->shape = find_member(config, "shape");
    return history;
  }
  const bool is_triple = value.IsArray() && (value.Size() == 3 || value.Size() == 4) &&
                         value[0].IsString() && is_integer(value[1]) && is_integer(value[2]);
  if (!is_triple || (value.Size() == 4 && !value[3].IsObject()) || value[1].GetInt64() < 0)
    return std::nullopt;
  return KerasHistory{view_of(value[0]), value[1].GetInt64(), value[2].GetInt64(), nullptr};
}

KerasLayer keras_layer(const Json& json) {
  if (!json.IsObject()) fail_keras("a layer of the model", {"a JSON object", "something else"});
  KerasLayer layer;
  layer.json = &json;
  layer.class_name = get_text(json, "class_name");
  layer.config = &get_member(json, "config");
  if (!layer.config->IsObject() && !layer.config->IsArray())
    fail_keras("the configuration of " + quoted_name(layer.class_name),
               {"a JSON object", "something else"});
  layer.module = find_text(json, "module");
  layer.name = find_text(json, "name");
  if (layer.name.empty()) layer.name = find_text(*layer.config, "name");
  const std::string_view registered = find_text(json, "registered_name");
  const auto is_of = [&](std::string_view package) { return layer.module.starts_with(package); };
  const bool is_rounded = registered.starts_with("qkeras>") || is_of("qkeras");
  layer.is_custom =
      !is_rounded && (has_word(layer.class_name, ">") || has_word(registered, ">") ||
                      (!layer.module.empty() && !is_of("keras") && !is_of("tf_keras") &&
                       !is_of("tensorflow") && !is_of("builtins")));
  return layer;
}

bool is_keras_model(const KerasLayer& layer) {
  if (layer.config->IsArray()) return layer.class_name == "Sequential";
  const Json* layers = find_member(*layer.config, "layers");
  return layers != nullptr && layers->IsArray();
}

KerasPlan::KerasPlan(const KerasLayer& model) {
  const Json& config = *model.config;
  const Json& layers = get_array(config, "layers");
  layers_.reserve(layers.Size());
  for (const Json& each : layers.GetArray()) {
    const KerasLayer layer = keras_layer(each);
    const auto index = static_cast<std::uint32_t>(layers_.size());
    if (!by_name_.emplace(layer.name, index).second)
      fail_keras("the model has two layers of one name", {"names once", quoted_name(layer.name)});
    layers_.push_back(layer);
    const Json* nodes = find_member(each, "inbound_nodes");
    const auto count = nodes != nullptr && nodes->IsArray() ? nodes->Size() : 0;
    calls_.push_back(count == 0 ? 1 : count);
  }
  number_calls();
  inputs_ = ports(config, "input_layers");
  outputs_ = ports(config, "output_layers");
  sort();
}

/// Keras 1 and 2 count the call that made a nested model, so that its first one is number 1.
void KerasPlan::number_calls() {
  constexpr auto none = std::numeric_limits<std::int64_t>::max();
  first_call_.assign(layers_.size(), none);
  const auto take = [&](const KerasHistory& history) {
    const auto found = by_name_.find(history.layer);
    if (found == by_name_.end()) return;
    std::int64_t& first = first_call_[found->second];
    first = std::min(first, history.call);
  };
  for (const KerasLayer& layer : layers_)
    if (const Json* nodes = find_member(*layer.json, "inbound_nodes"))
      visit_keras_histories(*nodes, take);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Json* nodes = find_member(*layers_[i].json, "inbound_nodes");
    const bool is_old =
        nodes != nullptr && nodes->IsArray() && !nodes->Empty() && !(*nodes)[0].IsObject();
    first_call_[i] = is_keras_model(layers_[i]) && is_old && first_call_[i] != 0 ? 1 : 0;
  }
}

KerasSource KerasPlan::find(const KerasHistory& history, bool is_output) const {
  const auto found = by_name_.find(history.layer);
  if (found == by_name_.end())
    fail_keras("an operand", {"a layer of the model", quoted_name(history.layer)});
  const std::uint32_t layer = found->second;
  std::int64_t first = first_call_[layer];
  // The list of outputs counts the call that made a nested model in Keras 3, too.
  if (is_output && history.call > 0 && is_keras_model(layers_[layer])) {
    const bool has_ports = layers_[layer].config->IsObject() &&
                           find_member(*layers_[layer].config, "input_layers") != nullptr;
    if (has_ports || history.call >= calls_[layer]) first = 1;
  }
  const std::int64_t call = history.call - first;
  const bool fits = call >= 0 && call < calls_[layer] && call < most_calls;
  if (!fits || history.result < 0 || history.result > UINT16_MAX) {
    fail_keras(
        "a result of the layer " + quoted_name(history.layer),
        {"one of " + std::to_string(calls_[layer]) + " calls",
         "call " + std::to_string(history.call) + ", result " + std::to_string(history.result)});
  }
  return {layer, static_cast<std::uint32_t>(call), static_cast<std::uint32_t>(history.result)};
}

const Json* KerasPlan::declared(const KerasSource& source) const {
  const auto found = declared_.find(declared_key(source));
  return found == declared_.end() ? nullptr : found->second;
}

std::uint32_t KerasPlan::results(std::uint32_t layer, std::uint32_t call) const {
  const auto found = results_.find(declared_key({layer, call, 0}));
  return found == results_.end() ? 1 : found->second;
}

void KerasPlan::count_result(const KerasSource& source) {
  if (source.result == 0) return;
  std::uint32_t& count = results_[declared_key({source.layer, source.call, 0})];
  count = std::max(count, source.result + 1);
}

/// Calls whose operands are there, the first in the file first.
void KerasPlan::sort() {
  std::vector<std::uint32_t> first_step(layers_.size());
  std::vector<KerasStep> all;
  for (std::uint32_t i = 0; i < layers_.size(); ++i) {
    first_step[i] = static_cast<std::uint32_t>(all.size());
    const Json* nodes = find_member(*layers_[i].json, "inbound_nodes");
    for (std::uint32_t call = 0; call < calls_[i]; ++call) {
      const bool has_node = nodes != nullptr && nodes->IsArray() && call < nodes->Size();
      all.push_back({i, call, has_node ? &(*nodes)[call] : nullptr});
    }
  }
  std::vector<std::vector<std::uint32_t>> waiting(all.size());
  std::vector<std::uint32_t> missing(all.size(), 0);
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].node == nullptr) continue;
    visit_keras_histories(*all[i].node, [&](const KerasHistory& history) {
      const KerasSource source = find(history);
      if (history.shape != nullptr) declared_.emplace(declared_key(source), history.shape);
      count_result(source);
      waiting[first_step[source.layer] + source.call].push_back(i);
      ++missing[i];
    });
  }
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::uint32_t i = 0; i < all.size(); ++i)
    if (missing[i] == 0) ready.push(i);
  while (!ready.empty()) {
    const std::uint32_t step = ready.top();
    ready.pop();
    steps_.push_back(all[step]);
    for (const std::uint32_t next : waiting[step])
      if (--missing[next] == 0) ready.push(next);
  }
  if (steps_.size() == all.size()) return;
  const auto stuck = std::ranges::find_if(missing, [](std::uint32_t count) { return count > 0; });
  const KerasStep& step = all[static_cast<std::size_t>(stuck - missing.begin())];
  fail_keras("the layer " + quoted_name(layers_[step.layer].name),
             {"operands that do not depend on it", "a cycle"});
}

std::vector<KerasSource> KerasPlan::ports(const Json& config, std::string_view name) {
  std::vector<KerasSource> sources;
  if (const Json* list = find_member(config, name)) {
    visit_keras_histories(*list, [&](const KerasHistory& history) {
      sources.push_back(find(history, name == "output_layers"));
      count_result(sources.back());
    });
  }
  if (sources.empty() && name == "output_layers")
    fail_keras("the model's " + std::string(name), {"a layer at least", "none"});
  return sources;
}

}  // namespace zoometer
