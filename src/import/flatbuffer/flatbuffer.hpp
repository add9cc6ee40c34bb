#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// Flatbuffers, read in place without a schema. A file is read by who knows the numbers of its
// fields. Every offset, size and count is checked against the bytes before it is used, and the work
// is bounded by them, since one table or vector may be referred to from many places.

namespace zoometer {

class FlatTable;

/// The bytes of one flatbuffer.
class FlatBuffer {
 public:
  /// The bytes must outlive the buffer; numbers are little-endian.
  explicit FlatBuffer(std::string_view bytes)
      : bytes_(bytes),
        units_left_(std::uint64_t{8} * bytes.size() + 4096) {}

  std::string_view bytes() const noexcept { return bytes_; }
  /// The table that the first four bytes point to.
  FlatTable root() const;

  /// Throws Error{malformed} with the place.
  [[noreturn]] static void fail(std::string_view what, std::uint64_t at, std::string expected,
                                std::string got);
  /// Throws Error{malformed} unless so many bytes are there.
  void need(std::string_view what, std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) [[unlikely]]
      fail_short(what, at, count);
  }
  /// The number at a place that was checked with `need`.
  template <class Number>
  Number load(std::uint64_t at) const noexcept {
    std::array<char, sizeof(Number)> raw;
    std::memcpy(raw.data(), bytes_.data() + at, sizeof(Number));
    return std::bit_cast<Number>(raw);
  }
  /// Throws Error{limit} where more is read than a file of that size can have.
  void spend(std::uint64_t units) const {
    if (units > units_left_) [[unlikely]]
      fail_work();
    units_left_ -= units;
  }
  /// Where the offset at a place leads.
  std::uint64_t follow(std::string_view what, std::uint64_t at) const;

 private:
  [[noreturn]] void fail_short(std::string_view what, std::uint64_t at, std::uint64_t count) const;
  [[noreturn]] static void fail_work();

  std::string_view bytes_;
  mutable std::uint64_t units_left_;
};

/// A vector: where its elements begin, and how many there are.
struct FlatVector {
  std::uint64_t at = 0;
  std::uint32_t count = 0;
};

/// One table. Fields are named by their numbers in the schema; an absent one has its default.
class FlatTable {
 public:
  /// No table: every field is absent.
  FlatTable() = default;
  /// Throws Error{malformed} where the table or its list of fields is outside of the bytes.
  FlatTable(const FlatBuffer& buffer, std::uint64_t at);

  explicit operator bool() const noexcept { return buffer_ != nullptr; }
  /// Where it is in the file.
  std::uint64_t at() const noexcept { return at_; }
  /// How many fields its list has at most.
  unsigned field_count() const noexcept { return vtable_bytes_ < 4 ? 0 : (vtable_bytes_ - 4U) / 2; }
  bool has(unsigned field) const { return place(field) != 0; }

  template <class Number>
  Number number(unsigned field, Number otherwise = 0) const {
    const std::uint64_t place_in_file = place_of(field, sizeof(Number));
    return place_in_file == 0 ? otherwise : buffer_->load<Number>(place_in_file);
  }
  bool flag(unsigned field, bool otherwise = false) const {
    return number<std::uint8_t>(field, otherwise ? 1 : 0) != 0;
  }
  /// A text; empty where the field is absent.
  std::string_view text(unsigned field) const { return bytes(field); }
  /// The elements of a vector of bytes, none of which is read.
  std::string_view bytes(unsigned field) const;
  /// The table that a field refers to, or none.
  FlatTable table(unsigned field) const;
  /// All numbers of a vector.
  template <class Number>
  std::vector<Number> numbers(unsigned field) const {
    const FlatVector found = vector(field, sizeof(Number));
    if (found.count > 0) buffer_->spend(found.count);
    std::vector<Number> result(found.count);
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = buffer_->load<Number>(found.at + i * sizeof(Number));
    return result;
  }
  /// The number of elements of a vector; 0 where the field is absent.
  std::uint32_t count(unsigned field) const { return vector(field, 1).count; }
  /// All texts of a vector of texts.
  std::vector<std::string_view> texts(unsigned field) const;
  /// All tables of a vector of tables.
  std::vector<FlatTable> tables(unsigned field) const;

 private:
  std::uint16_t place(unsigned field) const noexcept;
  std::uint64_t place_of(unsigned field, std::size_t size) const;
  FlatVector vector(unsigned field, std::size_t element) const;

  const FlatBuffer* buffer_ = nullptr;
  std::uint64_t at_ = 0;
  std::uint64_t vtable_ = 0;
  std::uint16_t vtable_bytes_ = 0;
  std::uint16_t table_bytes_ = 0;
};

}  // namespace zoometer
