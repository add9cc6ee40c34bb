#include "cli/defaults.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "cli/arguments.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

[[noreturn]] void refuse_default(const std::string& path, const TomlValue& value,
                                 const std::string& what, std::string hint = {}) {
  Error error(ErrorCode::malformed, fmt::format("line {}: {}", value.line, what));
  error.place.model = path;
  error.hint = std::move(hint);
  throw error;
}

/// The words of a value; none for false.
std::vector<std::string> words_of(const std::string& path, const TomlValue& value,
                                  const std::string& option) {
  switch (value.kind) {
  case TomlValue::Kind::string: return {option + "=" + value.text};
  case TomlValue::Kind::integer: return {option + "=" + std::to_string(value.integer)};
  case TomlValue::Kind::real: return {option + "=" + fmt::format("{}", value.real)};
  case TomlValue::Kind::boolean:
    return value.truth ? std::vector<std::string>{option} : std::vector<std::string>{};
  case TomlValue::Kind::array: break;
  case TomlValue::Kind::table:
  case TomlValue::Kind::date: refuse_default(path, value, option + " takes no such value");
  }
  std::vector<std::string> words;
  for (const TomlValue& item : value.items) {
    if (item.kind == TomlValue::Kind::array)
      refuse_default(path, item, option + " takes no list of lists");
    const auto some = words_of(path, item, option);
    words.insert(words.end(), some.begin(), some.end());
  }
  return words;
}

/// Whether a word gives an option by one of its names: "--depth=2", "-d2".
bool gives(const std::string& word, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (name.starts_with("--")) return word.substr(0, word.find('=')) == name;
    return word.starts_with(name) && !word.starts_with("--");
  });
}

class Defaults {
 public:
  Defaults(std::string path, const Command& command, std::vector<std::string> words)
      : path_(std::move(path)),
        words_(std::move(words)) {
    command.run({{}, &takes_});
  }

  /// Adds the options of a table. Unknown keys are errors in a command's own table.
  void take(const TomlValue& table, bool is_own) {
    for (const auto& [key, value] : table.members) {
      if (value.kind == TomlValue::Kind::table) {
        if (is_own) refuse_default(path_, value, key + " is a table");
        continue;
      }
      std::string option = "--" + key;
      std::replace(option.begin(), option.end(), '_', '-');
      const auto found = std::ranges::find_if(takes_.arguments, [&](const auto& argument) {
        return std::ranges::find(argument.names, option) != argument.names.end();
      });
      if (found == takes_.arguments.end()) {
        if (is_own)
          refuse_default(path_, value, "the command has no option " + option, suggestion(option));
        continue;
      }
      const bool is_given = std::ranges::any_of(
          words_, [&](const std::string& word) { return gives(word, found->names); });
      if (is_given || std::ranges::find(taken_, option) != taken_.end()) continue;
      taken_.push_back(option);
      const auto some = words_of(path_, value, option);
      added_.insert(added_.end(), some.begin(), some.end());
    }
  }

  /// Options come before the words, some of which take all that follows.
  std::vector<std::string> words() && {
    added_.insert(added_.end(), words_.begin(), words_.end());
    return std::move(added_);
  }

 private:
  std::string suggestion(const std::string& option) const {
    std::vector<std::string_view> names;
    for (const auto& argument : takes_.arguments)
      names.insert(names.end(), argument.names.begin(), argument.names.end());
    return did_you_mean(option, names);
  }

  std::string path_;
  std::vector<std::string> words_;
  ArgumentList takes_;
  std::vector<std::string> taken_;
  std::vector<std::string> added_;
};

}  // namespace

std::string defaults_path() {
  const auto folder = config_folder();
  return folder ? *folder + "/config.toml" : std::string();
}

std::vector<std::string> with_defaults(const Command& command, std::vector<std::string> words) {
  if (!command.actions.empty()) return words;
  const std::string path = defaults_path();
  if (path.empty()) return words;
  const auto text = read_file(path);
  if (!text) return words;
  const TomlValue file = parse_toml(*text, path);
  Defaults defaults(path, command, std::move(words));
  const TomlValue* own = file.find(command.name);
  if (own != nullptr && own->kind == TomlValue::Kind::table) defaults.take(*own, true);
  defaults.take(file, false);
  return std::move(defaults).words();
}

}  // namespace zoometer
