#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include <protozero/types.hpp>
#include <protozero/varint.hpp>

namespace zoometer {

/// Iterates over the fields of a protobuf message in a mapped file. Copies nothing, and does not
/// access fields that are not read. Lengths are checked in 64 bits (protozero's own reader
/// truncates them to 32). Throws Error{malformed} with the byte offset in the file.
class ProtobufFields {
 public:
  /// `file` is the beginning of the file, `name` the type of the message, for errors.
  ProtobufFields(std::string_view message, const char* file, std::string_view name) noexcept
      : position_(message.data()),
        end_(message.data() + message.size()),
        file_(file),
        name_(name) {}

  /// Moves to the next field; skips the value of the current one if it was not read. False at the
  /// end.
  bool next() {
    if (unread_) skip();
    if (position_ == end_) return false;
    const auto key = short_varint();
    number_ = static_cast<std::uint32_t>(key >> 3U);
    if (number_ == 0 || key > 0xFFFFFFFFU) fail("has a field without a valid number");
    wire_type_ = static_cast<protozero::pbf_wire_type>(key & 7U);
    unread_ = true;
    return true;
  }

  std::uint32_t number() const noexcept { return number_; }
  protozero::pbf_wire_type wire_type() const noexcept { return wire_type_; }

  std::int64_t integer() {
    require(protozero::pbf_wire_type::varint);
    return varint();
  }
  float real32();
  double real64();
  /// A string, bytes, or an embedded message.
  [[gnu::always_inline]] std::string_view bytes() {
    require(protozero::pbf_wire_type::length_delimited);
    const std::uint64_t length = short_varint();
    if (length > static_cast<std::uint64_t>(end_ - position_)) {
      fail("has a field that is longer than the rest of the message");
    }
    const std::string_view result(position_, static_cast<std::size_t>(length));
    position_ += length;
    return result;
  }

  /// The same of a field that a message has once. Other readers merge two messages, or take the
  /// last one: such a file would have several meanings.
  std::string_view only_bytes() {
    const std::uint32_t bit = 1U << (number_ & 31U);
    if ((seen_ & bit) != 0) fail_twice();
    seen_ |= bit;
    return bytes();
  }

  /// Calls `take(std::int64_t)` for the elements of a repeated field, packed or not.
  template <class Take>
  void integers(Take take) {
    if (wire_type_ != protozero::pbf_wire_type::length_delimited) return take(integer());
    ProtobufFields packed(bytes(), file_, name_);
    while (packed.position_ != packed.end_) take(packed.varint());
  }
  /// The same for `take(float)`.
  template <class Take>
  void reals32(Take take) {
    if (wire_type_ != protozero::pbf_wire_type::length_delimited) return take(real32());
    ProtobufFields packed(bytes(), file_, name_);
    while (packed.position_ != packed.end_) take(packed.fixed<float>());
  }
  /// The same for `take(double)`.
  template <class Take>
  void reals64(Take take) {
    if (wire_type_ != protozero::pbf_wire_type::length_delimited) return take(real64());
    ProtobufFields packed(bytes(), file_, name_);
    while (packed.position_ != packed.end_) take(packed.fixed<double>());
  }

  [[noreturn]] void fail(std::string_view reason) const;

 private:
  [[noreturn]] void fail_twice() const;
  void require(protozero::pbf_wire_type type) {
    if (wire_type_ != type) fail("has a field of an unexpected wire type");
    unread_ = false;
  }
  void skip();
  std::int64_t varint() {
    const bool is_one_byte = position_ != end_ && static_cast<signed char>(*position_) >= 0;
    return is_one_byte ? *position_++ : long_varint();
  }
  std::int64_t long_varint();
  /// A tag or a length: other readers refuse those of more than five bytes.
  std::uint64_t short_varint() {
    const bool is_one_byte = position_ != end_ && static_cast<signed char>(*position_) >= 0;
    return is_one_byte ? static_cast<std::uint64_t>(*position_++) : long_tag();
  }
  std::uint64_t long_tag();
  template <class T>
  T fixed() {
    if (static_cast<std::size_t>(end_ - position_) < sizeof(T)) fail("ends inside a number");
    T value;
    std::memcpy(&value, position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  const char* position_;
  const char* end_;
  const char* file_;
  std::string_view name_;
  std::uint32_t number_ = 0;
  std::uint32_t seen_ = 0;  // bit i: field i was read by `only_bytes`
  protozero::pbf_wire_type wire_type_ = protozero::pbf_wire_type::unknown;
  bool unread_ = false;
};

}  // namespace zoometer
