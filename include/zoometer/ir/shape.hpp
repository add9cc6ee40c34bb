#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace zoometer {

/// Throws Error{limit}: a list longer than its inline capacity.
[[noreturn]] void throw_too_long(std::size_t length, std::size_t capacity);

/// A list of at most N numbers, kept inline. Attributes and shapes are made of it.
template <class T, std::size_t N>
class NumberList {
 public:
  /// An empty list.
  constexpr NumberList() = default;
  /// These numbers. Throws Error{limit} where they are too many.
  constexpr NumberList(std::initializer_list<T> items) {
    for (const T item : items) push_back(item);
  }
  /// A copy of these numbers. Throws Error{limit} where they are too many.
  explicit constexpr NumberList(std::span<const T> items) {
    for (const T item : items) push_back(item);
  }
  /// `count` times the same number.
  static constexpr NumberList filled(std::size_t count, T value) {
    NumberList list;
    for (std::size_t i = 0; i < count; ++i) list.push_back(value);
    return list;
  }

  /// Adds a number at the end. Throws Error{limit} where there is no room.
  constexpr void push_back(T item) {
    if (size_ == N) throw_too_long(size_ + std::size_t{1}, N);
    items_[size_++] = item;
  }
  /// Adds a number before a position. Throws Error{limit} where there is no room.
  constexpr void insert(std::size_t position, T item) {
    push_back(item);
    for (std::size_t i = size_ - std::size_t{1}; i > position; --i) items_[i] = items_[i - 1];
    items_[position] = item;
  }
  /// Takes the number at a position away.
  constexpr void erase(std::size_t position) {
    for (std::size_t i = position; i + 1 < size_; ++i) items_[i] = items_[i + 1];
    items_[--size_] = 0;
  }

  /// How many numbers there are.
  constexpr std::size_t size() const noexcept { return size_; }
  /// Whether there is none.
  constexpr bool empty() const noexcept { return size_ == 0; }
  /// The number at a position, which the caller has checked.
  constexpr T operator[](std::size_t index) const noexcept { return items_[index]; }
  /// The number at a position, to be changed.
  constexpr T& operator[](std::size_t index) noexcept { return items_[index]; }
  /// The last number; there must be one.
  constexpr T back() const noexcept { return items_[size_ - std::size_t{1}]; }
  /// The last number, to be changed.
  constexpr T& back() noexcept { return items_[size_ - std::size_t{1}]; }
  /// The first number.
  constexpr const T* begin() const noexcept { return items_.data(); }
  /// Behind the last number.
  constexpr const T* end() const noexcept { return items_.data() + size_; }

  /// The same numbers in the same order.
  friend constexpr bool operator==(const NumberList& a, const NumberList& b) noexcept {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (a.items_[i] != b.items_[i]) return false;
    }
    return true;
  }

 private:
  std::array<T, N> items_{};
  std::uint8_t size_ = 0;
};

using Ints = NumberList<std::int64_t, 8>;     ///< axes, sizes, permutations
using Spatial = NumberList<std::int64_t, 3>;  ///< one number per spatial dimension
using Reals = NumberList<double, 8>;          ///< weights, ratios, means

/// The sizes of a tensor's dimensions, at most 8. A scalar has rank 0.
class Shape : public Ints {
 public:
  using Ints::Ints;
  /// These sizes.
  explicit constexpr Shape(const Ints& sizes) : Ints(sizes) {}

  /// How many dimensions there are.
  constexpr std::int64_t rank() const noexcept { return static_cast<std::int64_t>(size()); }

  /// The size of a dimension; negative ones count from the end. The caller has checked the range.
  constexpr std::int64_t dim(std::int64_t index) const noexcept {
    return (*this)[static_cast<std::size_t>(index < 0 ? index + rank() : index)];
  }
  /// Changes the size of a dimension; negative ones count from the end.
  constexpr void set_dim(std::int64_t index, std::int64_t value) noexcept {
    (*this)[static_cast<std::size_t>(index < 0 ? index + rank() : index)] = value;
  }

  /// The same sizes.
  friend constexpr bool operator==(const Shape& a, const Shape& b) noexcept {
    return static_cast<const Ints&>(a) == static_cast<const Ints&>(b);
  }
};

/// The number of elements. Throws Error{overflow} above 2^56, Error{shape} for a negative size.
std::int64_t numel(std::span<const std::int64_t> sizes);

/// "(1, 3, 224, 224)", "(64,)", "()": as Python prints a tuple.
std::string to_string(std::span<const std::int64_t> sizes);

/// "1x3x224x224", or "()" for a scalar.
std::string to_short_string(std::span<const std::int64_t> sizes);

/// NumPy's broadcasting of two shapes; false where they do not fit.
bool broadcast(const Shape& a, const Shape& b, Shape& result) noexcept;

}  // namespace zoometer
