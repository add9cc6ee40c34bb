#include "registry/rests.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <functional>

#include "registry/cache_value.hpp"
#include "registry/file_stamp.hpp"
#include "util/paths.hpp"

namespace zoometer {
namespace {

constexpr std::string_view rests_kind = "rests";
constexpr std::string_view rests_format = "1";

std::vector<std::string> texts_of(const Json& json, std::string_view name) {
  std::vector<std::string> texts;
  for (const Json& text : get_array(json, name).GetArray()) texts.emplace_back(view_of(text));
  return texts;
}

/// FNV-1a of 64 bits, as _rests.py computes it; "absent" without a value.
std::string digest_of(const char* value) {
  if (value == nullptr) return "absent";
  std::uint64_t number = 0xcbf29ce484222325U;
  for (; *value != 0; ++value) {
    number ^= static_cast<unsigned char>(*value);
    number *= 0x100000001b3U;
  }
  return fmt::format("{:016x}", number);
}

bool is_file_current(const std::string& path, const std::string& stamp) {
  return stamp == "folder" ? is_folder(path) : stamp_of(path) == stamp;
}

}  // namespace

void Rests::add(const Rests& more) {
  files.insert(files.end(), more.files.begin(), more.files.end());
  variables.insert(variables.end(), more.variables.begin(), more.variables.end());
  if (unseen.empty()) unseen = more.unseen;
}

bool Rests::are_current() const {
  if (!unseen.empty()) return false;
  for (std::size_t i = 0; i + 1 < variables.size(); i += 2) {
    if (digest_of(std::getenv(variables[i].c_str())) != variables[i + 1]) return false;
  }
  for (std::size_t i = 0; i + 1 < files.size(); i += 2) {
    if (!is_file_current(files[i], files[i + 1])) return false;
  }
  return true;
}

Rests read_rests(const Json& json) {
  return {texts_of(json, "files"), texts_of(json, "variables"),
          std::string(find_text(json, "unseen"))};
}

void RestsChain::add(const Rests& rests, bool is_before_models) {
  if (!rests.unseen.empty()) (is_before_models ? is_spoilt_ : is_model_spoilt_) = true;
  if (rests.is_empty()) return;
  const std::string value = pack({link_, pack(rests.files), pack(rests.variables)});
  link_ = fmt::format("{:016x}", std::hash<std::string>{}(value));
  cache_->put(rests_kind, rests_format, link_, deflate_text(value));
}

std::optional<std::string> RestsChain::finish_model() {
  const bool is_kept = !is_spoilt_ && !is_model_spoilt_;
  is_model_spoilt_ = false;
  if (!is_kept) return std::nullopt;
  return link_;
}

bool RestsCheck::is_current(const std::string& link) {
  std::vector<std::string> passed;
  bool is_current = true;
  for (std::string at = link; !at.empty();) {
    if (const auto known = known_.find(at); known != known_.end()) {
      is_current = known->second;
      break;
    }
    passed.push_back(at);
    const auto kept = cache_->get(rests_kind, rests_format, at);
    const auto value = kept ? inflate_text(*kept) : std::nullopt;
    const auto parts = value ? unpack(*value) : std::nullopt;
    const auto files = parts && parts->size() == 3 ? unpack((*parts)[1]) : std::nullopt;
    const auto variables = files ? unpack((*parts)[2]) : std::nullopt;
    if (!variables || !Rests{*files, *variables, {}}.are_current()) {
      is_current = false;
      break;
    }
    at = (*parts)[0];
  }
  // A link depends on all before it: one that is out of date makes those after it so.
  for (const std::string& each : passed) known_[each] = is_current;
  return is_current;
}

}  // namespace zoometer
