#include "models/language/configuration.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 40;
constexpr std::size_t longest_list = std::size_t{1} << 16;  // models read some once per layer

const Setting* member_of(const Setting& object, std::string_view key) {
  const Setting* value = object.member(key);
  if (value == nullptr) return nullptr;
  value->is_read = true;
  return value->kind == Setting::Kind::null ? nullptr : value;
}

std::string described(const Setting& setting) {
  switch (setting.kind) {
  case Setting::Kind::null: return "null";
  case Setting::Kind::flag: return setting.integer != 0 ? "true" : "false";
  case Setting::Kind::integer: return std::to_string(setting.integer);
  case Setting::Kind::real: return std::to_string(setting.real);
  case Setting::Kind::text: return "a text";
  case Setting::Kind::list: return "a list";
  case Setting::Kind::object: return "an object";
  }
  return {};
}

[[noreturn]] void refuse_key(std::string_view key, std::string expected, std::string found) {
  throw Error(ErrorCode::malformed, "the key " + std::string(key),
              {std::move(expected), std::move(found)});
}

std::int64_t to_size(const Setting& setting, std::string_view key) {
  const bool is_whole =
      setting.kind == Setting::Kind::integer ||
      (setting.kind == Setting::Kind::real && std::floor(setting.real) == setting.real);
  if (!is_whole || setting.real < 0 || setting.real > static_cast<double>(largest_size))
    refuse_key(key, "an integer from 0 to 2^40", described(setting));
  return setting.kind == Setting::Kind::integer ? setting.integer
                                                : static_cast<std::int64_t>(setting.real);
}

void check_list(const Setting& setting, std::string_view key, std::string expected) {
  if (setting.kind != Setting::Kind::list) refuse_key(key, std::move(expected), described(setting));
  if (setting.items.size() > longest_list) {
    throw Error(ErrorCode::limit, "the key " + std::string(key),
                {"a list of at most 65536", std::to_string(setting.items.size())});
  }
}

/// Whether the file says null, which is not the same as a key that it leaves out.
bool is_null_member(const Setting& object, std::string_view key) {
  const Setting* value = object.member(key);
  return value != nullptr && value->kind == Setting::Kind::null;
}

/// The number after "key=" in "key=1 other=2", for the first of these keys.
std::optional<std::int64_t> default_size(std::string_view defaults, Keys keys) {
  for (const std::string_view key : keys) {
    for (std::size_t at = 0; at < defaults.size();) {
      const std::size_t end = std::min(defaults.find(' ', at), defaults.size());
      const std::string_view entry = defaults.substr(at, end - at);
      at = end + 1;
      if (!entry.starts_with(key) || entry.size() <= key.size() || entry[key.size()] != '=')
        continue;
      std::int64_t number = 0;
      std::from_chars(entry.data() + key.size() + 1, entry.data() + entry.size(), number);
      return number;
    }
  }
  return {};
}

}  // namespace

const Setting* Setting::member(std::string_view name) const {
  constexpr std::size_t few = 128;
  if (members.size() <= few) {
    const auto found =
        std::ranges::find_if(members, [&](const auto& each) { return each.first == name; });
    return found == members.end() ? nullptr : &found->second;
  }
  const auto name_at = [&](std::uint32_t place) { return std::string_view(members[place].first); };
  if (by_name.size() != members.size()) {
    by_name.resize(members.size());
    std::iota(by_name.begin(), by_name.end(), 0U);
    std::ranges::stable_sort(by_name, {}, name_at);
  }
  const auto found = std::ranges::lower_bound(by_name, name, {}, name_at);
  return found == by_name.end() || name_at(*found) != name ? nullptr : &members[*found].second;
}

const Setting* Configuration::find(Keys keys) const {
  for (const std::string_view key : keys) {
    if (const Setting* value = member_of(*object_, key)) return value;
  }
  return nullptr;
}

std::optional<std::int64_t> Configuration::size_if(Keys keys) const {
  const Setting* value = find(keys);
  if (value == nullptr) {
    const bool is_null = std::ranges::any_of(
        keys, [&](std::string_view key) { return is_null_member(*object_, key); });
    return is_null ? std::nullopt : default_size(defaults_, keys);
  }
  return to_size(*value, *keys.begin());
}

std::int64_t Configuration::size(Keys keys, std::int64_t usual) const {
  return size_if(keys).value_or(usual);
}

std::int64_t Configuration::size(Keys keys) const {
  const std::optional<std::int64_t> value = size_if(keys);
  if (!value) refuse_key(*keys.begin(), "an integer", "no such key");
  return *value;
}

double Configuration::real(Keys keys, double usual) const {
  const Setting* value = find(keys);
  if (value == nullptr) return usual;
  if (value->kind != Setting::Kind::integer && value->kind != Setting::Kind::real)
    refuse_key(*keys.begin(), "a number", described(*value));
  return value->real;
}

bool Configuration::flag(Keys keys, bool usual) const {
  const Setting* value = find(keys);
  if (value == nullptr) return usual;
  if (value->kind != Setting::Kind::flag && value->kind != Setting::Kind::integer)
    refuse_key(*keys.begin(), "true or false", described(*value));
  return value->integer != 0;
}

std::string_view Configuration::text(Keys keys, std::string_view usual) const {
  const Setting* value = find(keys);
  if (value == nullptr) return usual;
  if (value->kind != Setting::Kind::text) refuse_key(*keys.begin(), "a text", described(*value));
  return value->text;
}

std::vector<std::string_view> Configuration::texts(Keys keys) const {
  std::vector<std::string_view> result;
  const Setting* value = find(keys);
  if (value == nullptr) return result;
  check_list(*value, *keys.begin(), "a list of texts");
  for (const Setting& item : value->items) {
    if (item.kind != Setting::Kind::text)
      refuse_key(*keys.begin(), "a list of texts", described(item));
    result.push_back(item.text);
  }
  return result;
}

std::vector<std::int64_t> Configuration::sizes(Keys keys) const {
  std::vector<std::int64_t> result;
  const Setting* value = find(keys);
  if (value == nullptr) return result;
  check_list(*value, *keys.begin(), "a list of integers");
  for (const Setting& item : value->items)
    result.push_back(item.kind == Setting::Kind::flag ? item.integer
                                                      : to_size(item, *keys.begin()));
  return result;
}

std::optional<Configuration> Configuration::part(Keys keys) const {
  for (const std::string_view key : keys) {
    const Setting* value = member_of(*object_, key);
    if (value != nullptr && value->kind == Setting::Kind::object)
      return Configuration(*value, outer_ == nullptr ? object_ : outer_);
  }
  return {};
}

bool Configuration::outer_flag(std::string_view key, bool usual) const {
  if (outer_ != nullptr && member_of(*outer_, key) != nullptr)
    return Configuration(*outer_).flag({key}, usual);
  return flag({key}, usual);
}

}  // namespace zoometer
