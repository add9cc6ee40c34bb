#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "util/bounded_json_allocator.hpp"
#include "util/zip.hpp"

namespace zoometer {

using JsonPool = rapidjson::MemoryPoolAllocator<BoundedJsonAllocator>;
using Json = rapidjson::GenericValue<rapidjson::UTF8<>, JsonPool>;

/// A RapidJSON document that throws std::bad_alloc when memory runs out.
using JsonTree = rapidjson::GenericDocument<rapidjson::UTF8<>, JsonPool, BoundedJsonAllocator>;

/// A JSON document parsed in place: its strings are views of the text. Accepts NaN and Infinity as
/// numbers, as Python writes them, and refuses an object that has a name twice: other readers take
/// the first or the last value.
class JsonDocument {
 public:
  /// Overwrites `text`, which must outlive the document unchanged. The text gets some room after
  /// its end, since the parser reads blocks of 16 bytes. Throws Error{malformed} with the byte
  /// offset. Uses at most 40 bytes of memory per byte of text; of a compressed text, at most 64 MiB
  /// and 160 bytes per byte that it takes in the archive, or throws Error{limit}.
  explicit JsonDocument(std::string& text);
  explicit JsonDocument(ZipText& text);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;
  const Json& root() const noexcept { return document_; }

 private:
  explicit JsonDocument(std::size_t most_bytes);
  void parse(char* text);

  BoundedJsonAllocator memory_;
  JsonPool pool_;
  JsonTree document_;
};

inline std::string_view view_of(const Json& text) {
  return {text.GetString(), text.GetStringLength()};
}

/// The member with this name; null if it is missing or JSON's null, or if `value` is not an object.
const Json* find_member(const Json& value, std::string_view name) noexcept;

/// A text member; empty if it is missing or not a text.
std::string_view find_text(const Json& value, std::string_view name) noexcept;

// These throw Error{malformed} with the name of the member and the expected type.
const Json& get_member(const Json& value, std::string_view name);
std::string_view get_text(const Json& value, std::string_view name);
const Json& get_array(const Json& value, std::string_view name);

/// Throws Error{malformed}: expected `expected` at `what`.
[[noreturn]] void throw_unexpected(std::string_view what, std::string_view expected);

}  // namespace zoometer
