#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include "util/json_allocator.hpp"
#include "util/text.hpp"

namespace zoometer {

/// Writes a JSON document piece by piece:
/// `json.object([&] { json.field("schema", "zoometer.list/1"); json.array("models", [&] { ... });
/// })`.
class JsonWriter {
 public:
  JsonWriter() : writer_(buffer_) {
    writer_.SetIndent(' ', 1);
    writer_.SetFormatOptions(rapidjson::kFormatSingleLineArray);
  }

  template <class Body>
  void object(const Body& body) {
    writer_.StartObject();
    body();
    writer_.EndObject();
  }
  template <class Body>
  void object(std::string_view name, const Body& body) {
    key(name);
    object(body);
  }
  template <class Body>
  void array(const Body& body) {
    writer_.StartArray();
    body();
    writer_.EndArray();
  }
  template <class Body>
  void array(std::string_view name, const Body& body) {
    key(name);
    array(body);
  }

  void key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  void value(std::string_view text) {
    if (!is_utf8(text)) return value(to_utf8(text));
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth) { writer_.Bool(truth); }
  /// JSON has no infinities and no NaN; they are written as the strings "Infinity", "-Infinity" and
  /// "NaN".
  void value(double number) {
    if (std::isfinite(number)) {
      writer_.Double(number);
    } else {
      value(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    }
  }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void value(Integer number) { writer_.Int64(static_cast<std::int64_t>(number)); }
  /// Shapes are a fifth of a profile's document: each is written at once.
  void value(std::span<const std::int64_t> numbers) {
    writer_.RawValue("", 0, rapidjson::kArrayType);  // the comma and the indentation before it
    const std::size_t most = numbers.size() * (most_digits + 2) + 2;
    char* const begin = buffer_.Push(most);
    char* text = begin;
    *text++ = '[';
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (i > 0) *text++ = ',', *text++ = ' ';
      text = std::to_chars(text, text + most_digits, numbers[i]).ptr;
    }
    *text++ = ']';
    buffer_.Pop(most - static_cast<std::size_t>(text - begin));
  }
  void null() { writer_.Null(); }
  /// A number that is already formatted.
  void number(std::string_view text) {
    writer_.RawValue(text.data(), text.size(), rapidjson::kNumberType);
  }

  template <class Value>
  void field(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }
  /// Names that are literals have nothing to escape: copied whole, they save a twentieth of what a
  /// profile of 10,000 nodes takes to write.
  template <std::size_t N, class Value>
  [[gnu::always_inline]] void field(const char (&name)[N], const Value& content) {
    writer_.RawValue("", 0, rapidjson::kStringType);  // the comma and the indentation before a key
    char* text = buffer_.Push(N + 1);
    text[0] = text[N] = '"';
    std::memcpy(text + 1, name, N - 1);
    value(content);
  }

  /// The complete document with a line break at the end, which lives as long as this: half a
  /// million tensors are written without a copy. Nothing is written after it.
  std::string_view finish() {
    buffer_.Put('\n');
    const std::string_view document(buffer_.GetString(), buffer_.GetSize());
    if (const auto shown = visible_json(document)) {
      buffer_.Clear();
      std::memcpy(buffer_.Push(shown->size()), shown->data(), shown->size());
    }
    return {buffer_.GetString(), buffer_.GetSize()};
  }
  /// The complete document with a line break at the end.
  std::string text() const {
    const std::string_view document(buffer_.GetString(), buffer_.GetSize());
    return visible_json(document).value_or(std::string(document)) + "\n";
  }

 private:
  static constexpr std::size_t most_digits = 20;  // of a 64-bit number, its sign included
  using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, JsonAllocator>;
  Buffer buffer_;
  rapidjson::PrettyWriter<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, JsonAllocator> writer_;
};

}  // namespace zoometer
