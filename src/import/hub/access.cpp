#include "import/hub/access.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t longest_token = 4096;

std::optional<std::string> setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

/// As Hugging Face's programs read it.
bool is_set(const char* name) {
  const std::string value = upper(setting(name).value_or(""));
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string hub_home() {
  if (const auto folder = setting("HF_HOME")) return *folder;
  if (const auto folder = setting("XDG_CACHE_HOME")) return *folder + "/huggingface";
  return setting("HOME").value_or("") + "/.cache/huggingface";
}

void trim(std::string& text) {
  constexpr std::string_view space = " \t\r\n";
  text.erase(text.find_last_not_of(space) + 1);
  text.erase(0, std::min(text.find_first_not_of(space), text.size()));
}

/// A token is one word of a header: with a line break it would be two headers.
std::string checked_token(std::string token, std::string_view source) {
  trim(token);
  const bool is_word = token.size() <= longest_token &&
                       std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
  if (!is_word)
    throw Error(ErrorCode::usage, std::string(source),
                {"a token of printable characters", "something else"});
  return token;
}

std::string find_token() {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (auto token = setting(name)) return checked_token(std::move(*token), name);
  }
  if (is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return {};
  const std::string path = setting("HF_TOKEN_PATH").value_or(hub_home() + "/token");
  auto token = is_file(path) ? read_file(path) : std::nullopt;
  return token ? checked_token(std::move(*token), path) : std::string();
}

double idle_seconds() {
  const auto text = setting("HF_HUB_DOWNLOAD_TIMEOUT");
  if (!text) return HubAccess{}.idle_seconds;
  double seconds = 0;
  const auto [after, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  const bool is_number = problem == std::errc() && after == text->data() + text->size();
  if (!is_number || !(seconds >= 1 && seconds <= 3600)) {
    throw Error(ErrorCode::usage, "HF_HUB_DOWNLOAD_TIMEOUT",
                {"1 to 3600 seconds", escape_controls(*text)});
  }
  return seconds;
}

}  // namespace

HubAccess hub_access(bool is_offline) {
  HubAccess access;
  access.endpoint = setting("HF_ENDPOINT").value_or("https://huggingface.co");
  while (access.endpoint.ends_with('/')) access.endpoint.pop_back();
  const std::size_t host = access.endpoint.find("://");
  const bool is_plain =
      host != std::string::npos && std::ranges::all_of(access.endpoint, [](char c) {
        return c > ' ' && c < 0x7F && c != '@' && c != '?' && c != '#';
      });
  if (!is_plain) {
    throw Error(ErrorCode::usage, "HF_ENDPOINT",
                {"https://HOST without a user, a password or a query", "something else"});
  }
  access.is_offline = is_offline || is_set("HF_HUB_OFFLINE");
  if (access.is_offline) return access;
  access.token = find_token();
  access.idle_seconds = idle_seconds();
  return access;
}

std::string hub_cache_folder() {
  if (const auto folder = setting("HF_HUB_CACHE")) return *folder;
  if (const auto folder = setting("HUGGINGFACE_HUB_CACHE")) return *folder;
  return hub_home() + "/hub";
}

}  // namespace zoometer
