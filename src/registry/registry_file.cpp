#include "registry/registry_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "util/embedded.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view curated_key = "curated";
constexpr std::string_view removed_key = "removed";
constexpr std::string_view torchvision_key = "torchvision";
constexpr std::string_view head =
    "# The user's registry for zoometer; docs/registry.md describes its keys.\n";

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  Error error(ErrorCode::io, what + ": " + std::strerror(errno));
  error.place.model = path;
  throw error;
}

std::size_t line_begin(std::string_view text, std::size_t position) {
  const std::size_t before =
      position == 0 ? std::string_view::npos : text.rfind('\n', position - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

std::size_t line_end(std::string_view text, std::size_t position) {
  const std::size_t end = text.find('\n', position);
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// The position of the comma after an item, or npos; skips comments.
std::size_t comma_after(std::string_view text, std::size_t position, std::size_t end) {
  while (position < end) {
    if (text[position] == ',') return position;
    if (text[position] == '#') position = line_end(text, position) - 1;
    ++position;
  }
  return std::string_view::npos;
}

/// The end of a value, including its items.
std::size_t last_byte(const TomlValue& value) {
  std::size_t end = value.end;
  for (const TomlValue& item : value.items) end = std::max(end, last_byte(item));
  for (const auto& [name, member] : value.members) end = std::max(end, last_byte(member));
  return end;
}

/// Whether everything but that model is unchanged: in TOML, keys can be anywhere.
bool lacks_only(const TomlValue& before, const TomlValue& after, std::string_view model) {
  const TomlValue* models = after.find("models");
  if (models != nullptr && models->find(model) != nullptr) return false;
  for (const auto& [name, member] : before.find("models")->members) {
    if (name != model && (models == nullptr || models->find(name) == nullptr)) return false;
  }
  return std::all_of(before.members.begin(), before.members.end(), [&](const auto& member) {
    return member.key == "models" || after.find(member.key) != nullptr;
  });
}

bool is_bare_key(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

}  // namespace

RegistryText::RegistryText(std::string text, std::string path)
    : path_(std::move(path)),
      text_(std::move(text)) {
  parse();
}

TomlValue RegistryText::parse() const { return parse_toml(text_, path_); }

void RegistryText::insert_at_top(const std::string& text) {
  // Before the first table, and after the comment at the beginning of the file.
  std::size_t place = 0;
  while (place < text_.size() && text_[place] == '#') place = line_end(text_, place);
  text_.insert(place, (place > 0 && text_[place - 1] != '\n' ? "\n\n" : "\n") + text + "\n");
}

TomlValue RegistryText::list_of(std::string_view key) {
  TomlValue file = parse();
  if (file.find(key) == nullptr) {
    std::string_view items = "[\n]";
    if (key == curated_key) {
      constexpr std::string_view standard_path = "data/registry.toml";
      const std::string_view standard = embedded_file(standard_path);
      const TomlValue parsed = parse_toml(standard, std::string(standard_path));
      const TomlValue& list = *parsed.find(curated_key);
      items = standard.substr(list.begin, list.end - list.begin);
    }
    insert_at_top(std::string(key).append(" = ").append(items));
    if (key == curated_key && file.find(torchvision_key) == nullptr)
      set(torchvision_key, builtin_torchvision);
    file = parse();
  }
  const TomlValue& list = *file.find(key);
  if (list.kind != TomlValue::Kind::array || text_[list.begin] != '[' ||
      text_[list.end - 1] != ']') {
    Error error(ErrorCode::malformed, std::string(key) + " is not an array that can be edited");
    error.place.model = path_;
    throw error;
  }
  return list;
}

void RegistryText::add_curated(const std::vector<std::string>& names) {
  add_to(curated_key, names);
  if (parse().find(removed_key) != nullptr) remove_from(removed_key, names);
}

void RegistryText::remove_curated(const std::vector<std::string>& names) {
  remove_from(curated_key, names);
  add_to(removed_key, names);
}

void RegistryText::set(std::string_view key, std::string_view value) {
  const TomlValue file = parse();
  const TomlValue* known = file.find(key);
  if (known == nullptr) {
    insert_at_top(std::string(key).append(" = ").append(toml_string(value)));
  } else {
    text_.replace(known->begin, known->end - known->begin, toml_string(value));
  }
  parse();
}

void RegistryText::add_to(std::string_view key, const std::vector<std::string>& names) {
  const TomlValue list = list_of(key);
  std::string lines;
  for (const std::string& name : names) {
    const bool is_there = std::any_of(list.items.begin(), list.items.end(),
                                      [&](const TomlValue& item) { return item.text == name; });
    if (!is_there) lines += "  " + toml_string(name) + ",\n";
  }
  if (lines.empty()) return;
  std::size_t bracket = list.end - 1;
  if (!list.items.empty()) {
    const std::size_t end = list.items.back().end;
    if (comma_after(text_, end, bracket) == std::string::npos) {
      text_.insert(end, ",");
      ++bracket;
    }
  }
  const std::size_t begin = line_begin(text_, bracket);
  const bool own_line = text_.find_first_not_of(" \t", begin) == bracket;
  text_.insert(own_line ? begin : bracket, own_line ? lines : "\n" + lines);
  parse();
}

void RegistryText::remove_from(std::string_view key, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const TomlValue list = list_of(key);
    const auto item = std::find_if(list.items.begin(), list.items.end(),
                                   [&](const TomlValue& value) { return value.text == name; });
    if (item == list.items.end()) continue;
    std::size_t begin = item->begin;
    std::size_t end = item->end;
    const std::size_t comma = comma_after(text_, end, list.end - 1);
    if (comma != std::string::npos) end = comma + 1;
    while (end < text_.size() && text_[end] == ' ') ++end;
    const std::size_t line = line_begin(text_, begin);
    const bool alone = text_.find_first_not_of(" \t", line) == begin && text_[end] == '\n';
    if (alone) {
      begin = line;
      ++end;
    }
    text_.erase(begin, end - begin);
  }
  parse();
}

void RegistryText::add_model(std::string_view name, const std::vector<std::string>& lines) {
  if (!text_.empty() && text_.back() != '\n') text_ += '\n';
  text_ += "\n[models." + (is_bare_key(name) ? std::string(name) : toml_string(name)) + "]\n";
  for (const std::string& line : lines) text_ += line + "\n";
  parse();
}

void RegistryText::remove_model(std::string_view name) {
  const TomlValue file = parse();
  const TomlValue* models = file.find("models");
  const TomlValue* entry = models == nullptr ? nullptr : models->find(name);
  if (entry == nullptr) return;
  std::size_t begin = line_begin(text_, entry->begin);
  const std::size_t end = line_end(text_, last_byte(*entry) - 1);
  if (begin > 1 && text_[begin - 1] == '\n' && text_[begin - 2] == '\n') --begin;
  text_.erase(begin, end - begin);
  if (!lacks_only(file, parse_toml(text_, path_), name)) {
    Error error(ErrorCode::unsupported, "cannot remove [models." + std::string(name) +
                                            "] as it is written: remove it by hand");
    error.place.model = path_;
    throw error;
  }
}

RegistryFile::Lock::Lock(const std::string& file) {
  if (file.empty()) throw Error(ErrorCode::io, "neither XDG_CONFIG_HOME nor HOME is set");
  const auto folder = std::filesystem::path(file).parent_path();
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  const std::string path = (folder / ".registry.lock").string();
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) refuse(path, "cannot lock the registry");
  while (flock(fd_, LOCK_EX) != 0) {
    if (errno != EINTR) refuse(path, "cannot lock the registry");
  }
}

RegistryFile::Lock::~Lock() {
  if (fd_ >= 0) close(fd_);
}

RegistryFile::RegistryFile(const std::string& path)
    : lock_(resolve_links(path)),
      text_(read_file(resolve_links(path)).value_or(std::string(head)), resolve_links(path)) {}

void RegistryFile::save() const { write_output(text_.path(), text_.text()); }

}  // namespace zoometer
