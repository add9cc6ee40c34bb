#include "import/model_stores.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "import/hub/name.hpp"
#include "import/json.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_manifest = std::uintmax_t{1} << 20;
constexpr std::string_view model_layer = "application/vnd.ollama.image.model";

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::string home_path(std::string_view below) {
  return (fs::path(variable("HOME").value_or("/")) / below).string();
}

[[noreturn]] void refuse_name(std::string_view found) {
  throw Error(ErrorCode::usage,
              "ollama:", {"MODEL, MODEL:TAG or NAMESPACE/MODEL:TAG", escape_controls(found)});
}

[[noreturn]] void refuse_missing(std::string_view what, const std::string& folder,
                                 std::string hint) {
  Error error(ErrorCode::io, escape_controls(what) + " is not in " + escape_controls(folder));
  error.hint = std::move(hint);
  throw error;
}

/// The path of a manifest below the store: HOST/NAMESPACE/MODEL/TAG.
std::string manifest_path(std::string_view model) {
  const std::size_t colon = model.rfind(':');
  const bool has_tag = colon != std::string_view::npos && colon > model.rfind('/') + 1;
  const std::string tag(has_tag ? model.substr(colon + 1) : std::string_view("latest"));
  std::string name(has_tag ? model.substr(0, colon) : model);
  if (!is_plain_name(name, 3) || !is_plain_name(tag, 1)) refuse_name(model);
  const auto slashes = std::ranges::count(name, '/');
  if (slashes == 0) name.insert(0, "library/");
  if (slashes < 2) name.insert(0, "registry.ollama.ai/");
  return name + "/" + tag;
}

/// The blob of the weights: "sha256:" and 64 digits. Empty if the manifest names none.
std::string digest_in(std::string text) {
  const JsonDocument manifest(text);
  const Json& root = manifest.root();
  if (!root.IsObject() || !root.HasMember("layers") || !root["layers"].IsArray()) return {};
  for (const Json& layer : root["layers"].GetArray()) {
    if (!layer.IsObject() || !layer.HasMember("mediaType") || !layer.HasMember("digest")) continue;
    if (!layer["mediaType"].IsString() || !layer["digest"].IsString()) continue;
    if (view_of(layer["mediaType"]) == model_layer) return std::string(view_of(layer["digest"]));
  }
  return {};
}

}  // namespace

std::string ollama_file(std::string_view model) {
  const std::string store = variable("OLLAMA_MODELS").value_or(home_path(".ollama/models"));
  const std::string manifest = store + "/manifests/" + manifest_path(model);
  std::error_code problem;
  if (fs::file_size(manifest, problem) > largest_manifest && !problem)
    throw Error(ErrorCode::limit, escape_controls(manifest), {"at most 1 MiB", "more"});
  auto text = is_file(manifest) ? read_file(manifest) : std::nullopt;
  if (!text) {
    refuse_missing("ollama:" + std::string(model), store,
                   "ollama pull " + std::string(model) + " fetches it");
  }
  std::string digest = digest_in(std::move(*text));
  const bool is_digest = digest.size() == 71 && digest.starts_with("sha256:") &&
                         digest.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
  if (!is_digest) {
    throw Error(ErrorCode::malformed, escape_controls(manifest),
                {"a layer of weights with sha256: and 64 digits", escape_controls(digest)});
  }
  digest[6] = '-';
  std::string blob = store + "/blobs/" + digest;
  if (!is_file(blob)) refuse_missing("ollama:" + std::string(model), blob, "");
  return blob;
}

}  // namespace zoometer
