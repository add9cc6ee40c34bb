#include "import/json.hpp"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <optional>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

namespace {

constexpr std::size_t block = 16;
static_assert(ZipText::zeros > block);

/// A name that an object has twice. Most objects have few names, which differ in the bit that their
/// length and letters choose.
std::optional<std::string_view> name_twice(const Json& object) {
  constexpr rapidjson::SizeType few = 16;
  const auto members = object.GetObject();
  if (members.MemberCount() < 2) return std::nullopt;
  if (members.MemberCount() > few) {
    std::vector<std::string_view> names;
    for (const auto& member : members) names.push_back(view_of(member.name));
    return found_twice(names);
  }
  std::uint64_t bits = 0;
  for (auto member = members.begin(); member != members.end(); ++member) {
    const std::string_view name = view_of(member->name);
    const auto sum = name.empty() ? 0U
                                  : static_cast<unsigned>(name.front()) +
                                        5U * static_cast<unsigned>(name.back());
    const std::uint64_t bit = std::uint64_t{1} << ((sum + 11U * name.size()) & 63U);
    const auto is_same = [&](const auto& other) { return view_of(other.name) == name; };
    if ((bits & bit) != 0 && std::any_of(members.begin(), member, is_same)) return name;
    bits |= bit;
  }
  return std::nullopt;
}

/// Throws Error if an object has a name twice: other readers take the first or the last value. Not
/// recursive, since the file chooses how deep its values are nested.
void check_names(const Json& root) {
  std::vector<const Json*> open = {&root};
  // Most values of a program are objects of one name, such as {"as_int": 1}.
  const auto add = [&](const Json& value) {
    const Json* inner = &value;
    while (inner->IsObject() && inner->MemberCount() == 1) inner = &inner->MemberBegin()->value;
    if (inner->IsObject() || inner->IsArray()) open.push_back(inner);
  };
  while (!open.empty()) {
    const Json& value = *open.back();
    open.pop_back();
    if (value.IsArray()) {
      for (const Json& item : value.GetArray()) add(item);
      continue;
    }
    for (const auto& member : value.GetObject()) add(member.value);
    if (const auto twice = name_twice(value)) {
      throw Error(ErrorCode::malformed, "a JSON object has the name \"" +
                                            escape_controls(twice->substr(0, 80)) + "\" twice");
    }
  }
}

}  // namespace

JsonDocument::JsonDocument(std::string& text) {
  text.reserve(text.size() + block);
  parse(text.data());
}

JsonDocument::JsonDocument(ZipText& text) { parse(text.data()); }

void JsonDocument::parse(char* text) {
  // Iterative, since the file chooses how deep its values are nested.
  constexpr unsigned flags = rapidjson::kParseNanAndInfFlag | rapidjson::kParseIterativeFlag;
  document_.ParseInsitu<flags>(text);
  if (!document_.HasParseError()) {
    if (document_.IsObject() || document_.IsArray()) check_names(document_);
    return;
  }
  Error error(ErrorCode::malformed, std::string("invalid JSON: ") +
                                        rapidjson::GetParseError_En(document_.GetParseError()));
  error.place.byte_offset = document_.GetErrorOffset();
  throw error;
}

const Json* find_member(const Json& value, std::string_view name) noexcept {
  if (!value.IsObject()) return nullptr;
  for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
    if (view_of(member->name) == name) return member->value.IsNull() ? nullptr : &member->value;
  }
  return nullptr;
}

std::string_view find_text(const Json& value, std::string_view name) noexcept {
  const Json* found = find_member(value, name);
  return found != nullptr && found->IsString() ? view_of(*found) : std::string_view();
}

const Json& get_member(const Json& value, std::string_view name) {
  const Json* found = find_member(value, name);
  if (found == nullptr) throw_unexpected(name, "a member of that name");
  return *found;
}

std::string_view get_text(const Json& value, std::string_view name) {
  const Json& member = get_member(value, name);
  if (!member.IsString()) throw_unexpected(name, "a text");
  return view_of(member);
}

const Json& get_array(const Json& value, std::string_view name) {
  const Json& member = get_member(value, name);
  if (!member.IsArray()) throw_unexpected(name, "a list");
  return member;
}

void throw_unexpected(std::string_view what, std::string_view expected) {
  throw Error(ErrorCode::malformed,
              "the program does not follow its schema at \"" + std::string(what) + "\"",
              {std::string(expected), "something else or nothing"});
}

}  // namespace zoometer
