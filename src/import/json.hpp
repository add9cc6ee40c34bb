#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "util/json_allocator.hpp"
#include "util/zip.hpp"

namespace zoometer {

using JsonPool = rapidjson::MemoryPoolAllocator<JsonAllocator>;
using Json = rapidjson::GenericValue<rapidjson::UTF8<>, JsonPool>;

/// RapidJSON's own document, over memory that is checked.
using JsonTree = rapidjson::GenericDocument<rapidjson::UTF8<>, JsonPool, JsonAllocator>;

/// A JSON document parsed in place: its strings lie in the text that it was made from. Non-finite
/// numbers may stand bare (NaN, Infinity), as Python writes them.
class JsonDocument {
 public:
  /// `text` is overwritten and must outlive the document, unchanged. Room is made behind its end,
  /// as the parser reads aligned blocks of 16 bytes. Throws Error{malformed} with the byte offset.
  /// Takes at most 40 bytes of memory per byte of text.
  explicit JsonDocument(std::string& text);
  explicit JsonDocument(ZipText& text);
  const Json& root() const noexcept { return document_; }

 private:
  void parse(char* text);

  JsonTree document_;
};

inline std::string_view view_of(const Json& text) {
  return {text.GetString(), text.GetStringLength()};
}

/// The member of that name; null where there is none, where it is JSON's null, or where `value` is
/// no object.
const Json* find_member(const Json& value, std::string_view name) noexcept;

/// The same as a text, or empty where it is missing or none.
std::string_view find_text(const Json& value, std::string_view name) noexcept;

// These throw Error{malformed} that names the member, and what it should have been.
const Json& get_member(const Json& value, std::string_view name);
std::string_view get_text(const Json& value, std::string_view name);
const Json& get_array(const Json& value, std::string_view name);

/// Throws Error{malformed}: `what` should have been `expected`.
[[noreturn]] void throw_unexpected(std::string_view what, std::string_view expected);

}  // namespace zoometer
