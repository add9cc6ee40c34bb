#include "util/protobuf.hpp"

#include <bit>

#include <protozero/exception.hpp>

#include "zoometer/util/error.hpp"

namespace zoometer {

using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little, "protobuf's numbers are little-endian");

float ProtobufFields::real32() {
  require(pbf_wire_type::fixed32);
  return fixed<float>();
}

double ProtobufFields::real64() {
  require(pbf_wire_type::fixed64);
  return fixed<double>();
}

void ProtobufFields::skip() {
  switch (wire_type_) {
  case pbf_wire_type::varint: integer(); return;
  case pbf_wire_type::fixed64: real64(); return;
  case pbf_wire_type::length_delimited: bytes(); return;
  case pbf_wire_type::fixed32: real32(); return;
  default: fail("has a field of an unknown wire type");
  }
}

std::int64_t ProtobufFields::long_varint() {
  try {
    return static_cast<std::int64_t>(protozero::decode_varint(&position_, end_));
  } catch (const protozero::exception&) {
    fail("ends inside a number, or has a number that is too long");
  }
}

std::uint64_t ProtobufFields::long_tag() {
  constexpr std::ptrdiff_t most_bytes = 5;
  const char* const begin = position_;
  const auto value = static_cast<std::uint64_t>(long_varint());
  if (position_ - begin > most_bytes) fail("has a tag or a length of more than five bytes");
  return value;
}

void ProtobufFields::fail(std::string_view reason) const {
  Error error(ErrorCode::malformed, std::string(name_) + " " + std::string(reason));
  error.place.byte_offset = static_cast<std::uint64_t>(position_ - file_);
  if (number_ != 0) error.message += " (field " + std::to_string(number_) + ")";
  throw error;
}

void ProtobufFields::fail_twice() const { fail("has a field twice that it may have once"); }

}  // namespace zoometer
