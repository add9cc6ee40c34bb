#include "import/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

namespace {

constexpr std::size_t block = 16;
static_assert(ZipText::zeros > block);

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t stack_bytes = 1024;
// Real archives have up to five values for each compressed byte, of 24 bytes.
constexpr std::size_t floor_bytes = std::size_t{64} << 20;
constexpr std::size_t most_growth = 160;

/// Passes a document's parts on to the tree that is made of them, and stops at the first object
/// that has a name twice: other readers take the first or the last value.
class NamesCheck {
 public:
  explicit NamesCheck(JsonTree& tree) : tree_(tree) {}

  bool Null() { return tree_.Null(); }                              // NOLINT: named by RapidJSON
  bool Bool(bool value) { return tree_.Bool(value); }               // NOLINT
  bool Int(int value) { return tree_.Int(value); }                  // NOLINT
  bool Uint(unsigned value) { return tree_.Uint(value); }           // NOLINT
  bool Int64(std::int64_t value) { return tree_.Int64(value); }     // NOLINT
  bool Uint64(std::uint64_t value) { return tree_.Uint64(value); }  // NOLINT
  bool Double(double value) { return tree_.Double(value); }         // NOLINT
  bool RawNumber(const char* text, rapidjson::SizeType size, bool is_copied) {  // NOLINT
    return tree_.RawNumber(text, size, is_copied);
  }
  bool String(const char* text, rapidjson::SizeType size, bool is_copied) {  // NOLINT
    return tree_.String(text, size, is_copied);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool is_copied) {  // NOLINT
    names_.emplace_back(text, size);
    return tree_.Key(text, size, is_copied);
  }
  bool StartObject() { return tree_.StartObject(); }  // NOLINT
  bool EndObject(rapidjson::SizeType count) {         // NOLINT
    // Most objects of a program have one name, such as {"as_int": 1}.
    if (count > 1 && has_twice(count)) return false;
    names_.resize(names_.size() - count);
    return tree_.EndObject(count);
  }
  bool StartArray() { return tree_.StartArray(); }                            // NOLINT
  bool EndArray(rapidjson::SizeType count) { return tree_.EndArray(count); }  // NOLINT

  /// The name that an object has twice.
  const std::optional<std::string_view>& twice() const noexcept { return twice_; }

 private:
  /// Most objects have few names, which differ in the bit that their length and letters choose.
  bool has_twice(std::size_t count) {
    constexpr std::size_t few = 16;
    const std::span<const std::string_view> names = std::span(names_).last(count);
    if (count > few) {
      std::vector<std::string_view> all(names.begin(), names.end());
      twice_ = found_twice(all);
      return twice_.has_value();
    }
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view name = names[i];
      const auto sum = name.empty() ? 0U
                                    : static_cast<unsigned>(name.front()) +
                                          5U * static_cast<unsigned>(name.back());
      const std::uint64_t bit = std::uint64_t{1} << ((sum + 11U * name.size()) & 63U);
      const auto earlier = names.first(i);
      if ((bits & bit) != 0 && std::ranges::find(earlier, name) != earlier.end()) {
        twice_ = name;
        return true;
      }
      bits |= bit;
    }
    return false;
  }

  JsonTree& tree_;
  std::vector<std::string_view> names_;  // of the objects that are open, one after the other
  std::optional<std::string_view> twice_;
};

}  // namespace

JsonDocument::JsonDocument(std::size_t most_bytes)
    : memory_(most_bytes),
      pool_(chunk_bytes, &memory_),
      document_(&pool_, stack_bytes, &memory_) {}

JsonDocument::JsonDocument(std::string& text) : JsonDocument(SIZE_MAX) {
  text.reserve(text.size() + block);
  parse(text.data());
}

JsonDocument::JsonDocument(ZipText& text)
    : JsonDocument(floor_bytes + most_growth * text.packed_size()) {
  parse(text.data());
}

void JsonDocument::parse(char* text) {
  // Iterative, since the file chooses how deep its values are nested.
  constexpr unsigned flags =
      rapidjson::kParseNanAndInfFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseInsituFlag;
  NamesCheck check(document_);
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, BoundedJsonAllocator> reader(
      &memory_);
  rapidjson::InsituStringStream stream(text);
  const auto fill = [&](JsonTree&) { return !reader.Parse<flags>(stream, check).IsError(); };
  document_.Populate(fill);
  if (!reader.HasParseError()) return;
  if (const auto twice = check.twice()) {
    throw Error(ErrorCode::malformed, "a JSON object has the name \"" +
                                          escape_controls(twice->substr(0, 80)) + "\" twice");
  }
  Error error(ErrorCode::malformed, std::string("invalid JSON: ") +
                                        rapidjson::GetParseError_En(reader.GetParseErrorCode()));
  error.place.byte_offset = reader.GetErrorOffset();
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
