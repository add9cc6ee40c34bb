#include "import/flatbuffer/flatbuffer.hpp"

#include "zoometer/util/error.hpp"

namespace zoometer {

void FlatBuffer::fail(std::string_view what, std::uint64_t at, std::string expected,
                      std::string got) {
  Error error(ErrorCode::malformed, std::string(what), {std::move(expected), std::move(got)});
  error.place.byte_offset = at;
  throw error;
}

void FlatBuffer::fail_short(std::string_view what, std::uint64_t at, std::uint64_t count) const {
  const std::uint64_t left = at > bytes_.size() ? 0 : bytes_.size() - at;
  fail(what, at, std::to_string(count) + " bytes", std::to_string(left) + " bytes left");
}

void FlatBuffer::fail_work() {
  throw Error(ErrorCode::limit, "the flatbuffer refers to the same parts too often",
              {"at most 8 elements for each byte", "more"});
}

std::uint64_t FlatBuffer::follow(std::string_view what, std::uint64_t at) const {
  need(what, at, 4);
  return at + load<std::uint32_t>(at);
}

FlatTable FlatBuffer::root() const { return {*this, follow("the root table", 0)}; }

FlatTable::FlatTable(const FlatBuffer& buffer, std::uint64_t at) : buffer_(&buffer), at_(at) {
  constexpr std::string_view what = "a table of the flatbuffer";
  buffer.spend(1);
  buffer.need(what, at, 4);
  const auto back = static_cast<std::int64_t>(buffer.load<std::int32_t>(at));
  const std::int64_t vtable = static_cast<std::int64_t>(at) - back;
  if (vtable < 0) FlatBuffer::fail(what, at, "a list of fields in the file", "one before it");
  vtable_ = static_cast<std::uint64_t>(vtable);
  buffer.need(what, vtable_, 4);
  vtable_bytes_ = buffer.load<std::uint16_t>(vtable_);
  table_bytes_ = buffer.load<std::uint16_t>(vtable_ + 2);
  if (vtable_bytes_ < 4 || vtable_bytes_ % 2 != 0) {
    FlatBuffer::fail(what, vtable_, "a list of fields of 4 bytes or more, an even number",
                     std::to_string(vtable_bytes_));
  }
  buffer.need(what, vtable_, vtable_bytes_);
  buffer.need(what, at, table_bytes_);
}

std::uint16_t FlatTable::place(unsigned field) const noexcept {
  if (field >= field_count()) return 0;
  return buffer_->load<std::uint16_t>(vtable_ + 4 + std::uint64_t{2} * field);
}

std::uint64_t FlatTable::place_of(unsigned field, std::size_t size) const {
  const std::uint16_t offset = place(field);
  if (offset == 0) return 0;
  if (offset < 4 || offset + size > table_bytes_) {
    FlatBuffer::fail("field " + std::to_string(field) + " of a table of the flatbuffer", at_,
                     "a place in its " + std::to_string(table_bytes_) + " bytes",
                     std::to_string(offset));
  }
  return at_ + offset;
}

FlatVector FlatTable::vector(unsigned field, std::size_t element) const {
  const std::uint64_t reference = place_of(field, 4);
  if (reference == 0) return {};
  constexpr std::string_view what = "a vector of the flatbuffer";
  const std::uint64_t start = buffer_->follow(what, reference);
  buffer_->need(what, start, 4);
  const auto count = buffer_->load<std::uint32_t>(start);
  buffer_->need(what, start + 4, count * std::uint64_t{element});
  return {start + 4, count};
}

std::string_view FlatTable::bytes(unsigned field) const {
  const FlatVector found = vector(field, 1);
  return buffer_ == nullptr ? std::string_view{} : buffer_->bytes().substr(found.at, found.count);
}

FlatTable FlatTable::table(unsigned field) const {
  const std::uint64_t reference = place_of(field, 4);
  if (reference == 0) return {};
  return {*buffer_, buffer_->follow("a table of the flatbuffer", reference)};
}

std::vector<std::string_view> FlatTable::texts(unsigned field) const {
  constexpr std::string_view what = "a text of the flatbuffer";
  const FlatVector found = vector(field, 4);
  if (found.count > 0) buffer_->spend(found.count);
  std::vector<std::string_view> result;
  for (std::uint32_t i = 0; i < found.count; ++i) {
    const std::uint64_t start = buffer_->follow(what, found.at + std::uint64_t{4} * i);
    buffer_->need(what, start, 4);
    const auto count = buffer_->load<std::uint32_t>(start);
    buffer_->need(what, start + 4, count);
    result.push_back(buffer_->bytes().substr(start + 4, count));
  }
  return result;
}

std::vector<FlatTable> FlatTable::tables(unsigned field) const {
  const FlatVector found = vector(field, 4);
  std::vector<FlatTable> result;
  result.reserve(found.count);
  for (std::uint32_t i = 0; i < found.count; ++i) {
    const std::uint64_t reference = found.at + std::uint64_t{4} * i;
    result.emplace_back(*buffer_, buffer_->follow("a table of the flatbuffer", reference));
  }
  return result;
}

}  // namespace zoometer
