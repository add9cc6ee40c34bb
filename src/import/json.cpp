#include "import/json.hpp"

#include <rapidjson/error/en.h>

#include "zoometer/util/error.hpp"

namespace zoometer {

namespace {

constexpr std::size_t block = 16;
static_assert(ZipText::zeros > block);

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
  if (!document_.HasParseError()) return;
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
