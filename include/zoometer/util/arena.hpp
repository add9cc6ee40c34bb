#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace zoometer {

/// A bump allocator. Its contents live until `clear()` or until the arena is destroyed. They are
/// never destroyed one by one, so only trivially destructible types are allowed. `clear()` keeps
/// the memory for the next use.
class Arena {
 public:
  /// Allocates nothing yet.
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  /// Moves; pointers to the contents stay valid.
  Arena(Arena&&) noexcept = default;
  /// Moves; pointers to the contents stay valid.
  Arena& operator=(Arena&&) noexcept = default;

  /// Allocates `size` bytes; `alignment` is a power of two.
  void* allocate(std::size_t size, std::size_t alignment) {
    const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (start + size > capacity_) [[unlikely]]
      return allocate_slow(size, alignment);
    used_ = start + size;
    return current_ + start;
  }

  /// Constructs an object from the arguments.
  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena does not call destructors");
    return ::new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  /// Allocates `count` objects, not initialised.
  template <class T>
  T* array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena does not call destructors");
    return static_cast<T*>(
        allocate(sizeof(T) * count, alignof(T)));  // NOLINT(bugprone-sizeof-expression)
  }

  /// A copy of the text, without a terminating zero.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* data = array<char>(text.size());
    std::memcpy(data, text.data(), text.size());
    return {data, text.size()};
  }

  /// A copy of the items.
  template <class T>
  std::span<const T> copy(std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (items.empty()) return {};
    T* data = array<T>(items.size());
    std::memcpy(data, items.data(), items.size_bytes());
    return {data, items.size()};
  }

  /// Removes the contents and keeps the memory.
  void clear() noexcept;

 private:
  struct Release {
    std::size_t size = 0;
    void operator()(std::byte* data) const noexcept;
  };
  using Block = std::unique_ptr<std::byte, Release>;
  static std::size_t size_of(const Block& block) noexcept { return block.get_deleter().size; }

  void* allocate_slow(std::size_t size, std::size_t alignment);

  std::vector<Block> blocks_;
  std::size_t next_block_ = 0;  // the blocks from here on are free
  std::byte* current_ = nullptr;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

/// A growable list inside an arena. It has no destructor, so objects in an arena may contain one.
template <class T>
class ArenaList {
 public:
  /// Appends an item. `arena` must be the same in every call.
  void push_back(Arena& arena, const T& item) {
    if (size_ == capacity_) grow(arena);
    ::new (static_cast<void*>(data_ + size_)) T(item);
    ++size_;
  }
  /// The number of items.
  std::size_t size() const noexcept { return size_; }
  /// Whether the list has no items.
  bool empty() const noexcept { return size_ == 0; }
  /// An item; the index is not checked.
  const T& operator[](std::size_t index) const noexcept { return data_[index]; }
  /// A mutable item; the index is not checked.
  T& operator[](std::size_t index) noexcept { return data_[index]; }
  /// The last item; the list must not be empty.
  const T& back() const noexcept { return data_[size_ - 1]; }
  /// An iterator to the first item.
  const T* begin() const noexcept { return data_; }
  /// The end iterator.
  const T* end() const noexcept { return data_ + size_; }
  /// A mutable iterator to the first item.
  T* begin() noexcept { return data_; }
  /// The mutable end iterator.
  T* end() noexcept { return data_ + size_; }

 private:
  void grow(Arena& arena) {
    static_assert(std::is_trivially_copy_constructible_v<T>);
    static_assert(std::is_trivially_destructible_v<T>);
    const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
    T* data = arena.array<T>(capacity);
    for (std::uint32_t i = 0; i < size_; ++i) ::new (static_cast<void*>(data + i)) T(data_[i]);
    data_ = data;
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace zoometer
