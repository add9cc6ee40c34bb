#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace zoometer {

/// Memory for RapidJSON, which takes a null pointer from its allocator for memory and writes to it:
/// this one throws std::bad_alloc in place of returning null.
struct JsonAllocator {
  static constexpr bool kNeedFree = true;  // NOLINT: RapidJSON's name

  void* Malloc(std::size_t size) {  // NOLINT: RapidJSON's name
    return size == 0 ? nullptr : checked(std::malloc(size));
  }
  void* Realloc(void* old, std::size_t, std::size_t size) {  // NOLINT: RapidJSON's name
    if (size != 0) return checked(std::realloc(old, size));
    std::free(old);
    return nullptr;
  }
  static void Free(void* memory) noexcept { std::free(memory); }  // NOLINT: RapidJSON's name

 private:
  static void* checked(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
};

}  // namespace zoometer
