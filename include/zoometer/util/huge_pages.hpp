#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace zoometer {

/// Takes memory as `operator new` does; from 2 MiB on in huge pages where the system has some.
void* allocate_huge(std::size_t bytes);
/// Gives it back; `bytes` are those asked for.
void free_huge(void* memory, std::size_t bytes) noexcept;

/// For what grows to hundreds of megabytes and is read in no order: in pages of 4 KiB nearly every
/// access would miss the processor's table of addresses, and each page would be a fault.
template <class T>
struct HugePageAllocator {
  /// What it allocates.
  using value_type = T;

  /// It has no state.
  HugePageAllocator() = default;
  /// One for other items, as containers need it.
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): containers convert allocators
  HugePageAllocator(const HugePageAllocator<U>&) noexcept {}

  /// Room for so many items. Throws std::bad_alloc.
  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / item_size) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_huge(count * item_size));
  }
  /// Gives room back that was for so many items.
  void deallocate(T* memory, std::size_t count) noexcept { free_huge(memory, count * item_size); }

  /// Each frees what any other took.
  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) { return true; }

 private:
  // NOLINTNEXTLINE(bugprone-sizeof-expression): an item may well be a pointer
  static constexpr std::size_t item_size = sizeof(T);
};

/// A vector that may become very large.
template <class T>
using LargeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace zoometer
