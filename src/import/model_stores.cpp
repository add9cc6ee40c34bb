#include "import/model_stores.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "import/json.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_manifest = std::uintmax_t{1} << 20;
constexpr std::size_t most_name = 256;
constexpr std::string_view model_layer = "application/vnd.ollama.image.model";

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::string home_path(std::string_view below) {
  return (fs::path(variable("HOME").value_or("/")) / below).string();
}

/// Letters, digits and - _ . between single slashes: no part is a way out of the folder.
bool is_plain_name(std::string_view name, std::size_t most_parts) {
  if (name.empty() || name.size() > most_name) return false;
  std::size_t parts = 0;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    const bool is_plain = std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_' || c == '.';
    });
    if (part.empty() || part.front() == '.' || !is_plain || ++parts > most_parts) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

[[noreturn]] void refuse_name(std::string_view prefix, std::string expected,
                              std::string_view found) {
  throw Error(ErrorCode::usage, std::string(prefix), {std::move(expected), escape_controls(found)});
}

[[noreturn]] void refuse_missing(std::string_view what, const std::string& folder,
                                 std::string hint) {
  Error error(ErrorCode::io, escape_controls(what) + " is not in " + escape_controls(folder));
  error.hint = std::move(hint);
  throw error;
}

// -- the hub ------------------------------------------------------------------------------------

std::string hub_cache() {
  if (const auto folder = variable("HF_HUB_CACHE")) return *folder;
  if (const auto folder = variable("HUGGINGFACE_HUB_CACHE")) return *folder;
  if (const auto folder = variable("HF_HOME")) return *folder + "/hub";
  if (const auto folder = variable("XDG_CACHE_HOME")) return *folder + "/huggingface/hub";
  return home_path(".cache/huggingface/hub");
}

/// The commit that a branch or a tag is, or whose first digits are given.
std::optional<std::string> snapshot_of(const std::string& folder, const std::string& revision) {
  const std::string snapshots = folder + "/snapshots/";
  if (auto commit = read_file(folder + "/refs/" + revision)) {
    commit->erase(std::min(commit->find_last_not_of(" \r\n") + 1, commit->size()));
    if (is_plain_name(*commit, 1) && is_folder(snapshots + *commit)) return snapshots + *commit;
  }
  if (is_folder(snapshots + revision)) return snapshots + revision;
  std::vector<std::string> fitting;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(snapshots, none)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(revision)) fitting.push_back(std::move(name));
  }
  return fitting.size() == 1 ? std::optional(snapshots + fitting.front()) : std::nullopt;
}

// -- ollama -------------------------------------------------------------------------------------

/// The path of a manifest below the store: HOST/NAMESPACE/MODEL/TAG.
std::string manifest_path(std::string_view model) {
  const std::size_t colon = model.rfind(':');
  const bool has_tag = colon != std::string_view::npos && colon > model.rfind('/') + 1;
  const std::string tag(has_tag ? model.substr(colon + 1) : std::string_view("latest"));
  std::string name(has_tag ? model.substr(0, colon) : model);
  if (!is_plain_name(name, 3) || !is_plain_name(tag, 1))
    refuse_name("ollama:", "MODEL, MODEL:TAG or NAMESPACE/MODEL:TAG", model);
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

std::string hub_folder(std::string_view model) {
  const std::size_t at = model.find('@');
  const std::string name(model.substr(0, at));
  const std::string revision(at == std::string_view::npos ? std::string_view("main")
                                                          : model.substr(at + 1));
  if (!is_plain_name(name, 2) || !is_plain_name(revision, 4))
    refuse_name("hf:", "ORG/NAME or ORG/NAME@REVISION", model);
  std::string folder_name = "models--" + name;
  if (const std::size_t slash = folder_name.find('/'); slash != std::string::npos)
    folder_name.replace(slash, 1, "--");
  const std::string cache = hub_cache();
  const std::string folder = cache + "/" + folder_name;
  if (const auto snapshot = snapshot_of(folder, revision)) return *snapshot;
  refuse_missing("hf:" + std::string(model), is_folder(folder) ? folder : cache,
                 "hf download " + name + " config.json fetches its configuration");
}

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
