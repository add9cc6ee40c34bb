#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace zoometer {

/// Throws Error{limit}: the list is longer than its capacity.
[[noreturn]] void throw_too_long(std::size_t length, std::size_t capacity);

/// A list of at most N numbers, stored inline. Used for attributes and shapes.
template <class T, std::size_t N>
class NumberList {
 public:
  /// An empty list.
  constexpr NumberList() = default;
  /// A list of these numbers. Throws Error{limit} if there are more than N.
  constexpr NumberList(std::initializer_list<T> items)
      : NumberList(std::span<const T>(items.begin(), items.size())) {}
  /// A copy of these numbers. Throws Error{limit} if there are more than N.
  explicit constexpr NumberList(std::span<const T> items)
      : size_(static_cast<std::uint8_t>(items.size())) {
    if (items.size() > N) throw_too_long(items.size(), N);
    for (std::size_t i = 0; i < items.size(); ++i) items_[i] = items[i];
  }
  /// A list of `count` equal numbers.
  static constexpr NumberList filled(std::size_t count, T value) {
    NumberList list;
    for (std::size_t i = 0; i < count; ++i) list.push_back(value);
    return list;
  }

  /// Appends a number. Throws Error{limit} if the list is full.
  constexpr void push_back(T item) {
    if (size_ == N) throw_too_long(size_ + std::size_t{1}, N);
    items_[size_++] = item;
  }
  /// Inserts a number before a position. Throws Error{limit} if the list is full.
  constexpr void insert(std::size_t position, T item) {
    push_back(item);
    for (std::size_t i = size_ - std::size_t{1}; i > position; --i) items_[i] = items_[i - 1];
    items_[position] = item;
  }
  /// Removes the number at a position.
  constexpr void erase(std::size_t position) {
    for (std::size_t i = position; i + 1 < size_; ++i) items_[i] = items_[i + 1];
    items_[--size_] = 0;
  }

  /// The number of items.
  constexpr std::size_t size() const noexcept { return size_; }
  /// Whether the list has no items.
  constexpr bool empty() const noexcept { return size_ == 0; }
  /// The number at a position; the index is not checked.
  constexpr T operator[](std::size_t index) const noexcept { return items_[index]; }
  /// The mutable number at a position; the index is not checked.
  constexpr T& operator[](std::size_t index) noexcept { return items_[index]; }
  /// The last number; the list must not be empty.
  constexpr T back() const noexcept { return items_[size_ - std::size_t{1}]; }
  /// The mutable last number; the list must not be empty.
  constexpr T& back() noexcept { return items_[size_ - std::size_t{1}]; }
  /// An iterator to the first number.
  constexpr const T* begin() const noexcept { return items_.data(); }
  /// The end iterator.
  constexpr const T* end() const noexcept { return items_.data() + size_; }

  /// Whether both have the same numbers in the same order.
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

/// The most dimensions that a tensor may have.
inline constexpr std::size_t most_dimensions = 16;

using Ints = NumberList<std::int64_t, most_dimensions>;  ///< axes, sizes, permutations
using Spatial = NumberList<std::int64_t, 3>;             ///< one number per spatial dimension
using Reals = NumberList<double, 8>;                     ///< weights, ratios, means

/// The sizes of a tensor's dimensions, at most `most_dimensions`. A scalar has rank 0.
class Shape : public Ints {
 public:
  using Ints::Ints;
  /// A shape of these sizes.
  explicit constexpr Shape(const Ints& sizes) : Ints(sizes) {}

  /// The number of dimensions.
  constexpr std::int64_t rank() const noexcept { return static_cast<std::int64_t>(size()); }

  /// The size of a dimension; negative indices count from the end. The range is not checked.
  constexpr std::int64_t dim(std::int64_t index) const noexcept {
    return (*this)[static_cast<std::size_t>(index < 0 ? index + rank() : index)];
  }
  /// Changes the size of a dimension; negative indices count from the end.
  constexpr void set_dim(std::int64_t index, std::int64_t value) noexcept {
    (*this)[static_cast<std::size_t>(index < 0 ? index + rank() : index)] = value;
  }

  /// Whether both have the same sizes.
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

/// Broadcasts two shapes as NumPy does; false if they do not fit.
bool broadcast(const Shape& a, const Shape& b, Shape& result) noexcept;

}  // namespace zoometer
