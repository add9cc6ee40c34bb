#include "import/hub/name.hpp"

#include <algorithm>
#include <vector>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t longest_name = 256;
constexpr std::size_t longest_path = 1024;
constexpr std::size_t most_folders = 8;

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

[[noreturn]] void refuse(std::string_view found) {
  throw Error(ErrorCode::usage,
              "hf:", {"ORG/NAME, ORG/NAME@REVISION or ORG/NAME:WHICH", escape_controls(found)});
}

}  // namespace

std::string HubName::text() const {
  std::string text = "hf:" + repository;
  if (revision != "main") text.append("@").append(revision);
  if (!which.empty()) text.append(":").append(which);
  return text;
}

HubName parse_hub_name(std::string_view text) {
  HubName name;
  std::string_view rest = text;
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    name.which = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_inner_path(name.which)) refuse(text);
  }
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    name.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  name.repository = rest;
  if (!is_plain_name(name.repository, 2) || !is_plain_name(name.revision, 4)) refuse(text);
  return name;
}

std::optional<std::string> hub_word_of_address(std::string_view word) {
  const auto drop = [&](std::string_view prefix) {
    if (!word.starts_with(prefix)) return false;
    word.remove_prefix(prefix.size());
    return true;
  };
  const std::string_view whole = word;
  if (!drop("https://")) drop("http://");
  if (!drop("www.huggingface.co/") && !drop("huggingface.co/") && !drop("hf.co/")) return {};
  word = word.substr(0, word.find_first_of("?#"));
  while (word.ends_with('/')) word.remove_suffix(1);
  const std::vector<std::string_view> parts = parts_of(word);
  constexpr std::string_view not_models[] = {"datasets", "spaces", "collections", "docs",
                                             "blog",     "papers", "learn",       "api"};
  if (std::ranges::find(not_models, parts[0]) != std::end(not_models)) {
    throw Error(ErrorCode::usage, "the address",
                {"a model's, https://huggingface.co/ORG/NAME", escape_controls(whole)});
  }
  // ORG/NAME/tree/REVISION, ORG/NAME/blob/REVISION/FILE; old models have no ORG.
  std::size_t kind = 0;
  while (kind < parts.size() && parts[kind] != "tree" && parts[kind] != "blob" &&
         parts[kind] != "resolve")
    ++kind;
  std::string name(parts[0]);
  if (kind > 1 && parts.size() > 1) name.append("/").append(parts[1]);
  if (kind + 1 < parts.size()) name.append("@").append(parts[kind + 1]);
  std::string file;
  for (std::size_t i = kind + 2; i < parts.size(); ++i)
    file.append(file.empty() ? ":" : "/").append(parts[i]);
  return name + file;
}

bool is_hub_name(std::string_view word) noexcept {
  return is_plain_name(word, 2) && word.find('/') != std::string_view::npos;
}

bool is_plain_name(std::string_view name, std::size_t most_parts) noexcept {
  if (name.empty() || name.size() > longest_name) return false;
  std::size_t parts = 0;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    const bool is_name = std::ranges::all_of(part, is_plain);
    if (part.empty() || part.front() == '.' || !is_name || ++parts > most_parts) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_inner_path(std::string_view path) noexcept {
  if (path.empty() || path.size() > longest_path) return false;
  if (std::ranges::any_of(path, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\';
      }))
    return false;
  std::size_t folders = 0;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    // Names with a point in front are ours, for what is not complete.
    if (part.empty() || part.front() == '.' || part.size() > 200 || ++folders > most_folders)
      return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace zoometer
