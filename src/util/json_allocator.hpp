#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace zoometer {

/// A RapidJSON allocator that throws std::bad_alloc when memory runs out. RapidJSON's own allocator
/// returns null, and RapidJSON then writes to it.
struct JsonAllocator {
  static constexpr bool kNeedFree = true;  // NOLINT: named by RapidJSON

  void* Malloc(std::size_t size) {  // NOLINT: named by RapidJSON
    return size == 0 ? nullptr : checked(std::malloc(size));
  }
  void* Realloc(void* old, std::size_t, std::size_t size) {  // NOLINT: named by RapidJSON
    if (size != 0) return checked(std::realloc(old, size));
    std::free(old);
    return nullptr;
  }
  static void Free(void* memory) noexcept { std::free(memory); }  // NOLINT: named by RapidJSON

 private:
  static void* checked(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
};

}  // namespace zoometer
