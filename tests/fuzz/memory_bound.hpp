#pragma once

// How much memory a reader may take for a file of a given size, checked on every input where the
// address sanitizer counts allocations.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZOOMETER_COUNTS_MEMORY 1
#endif
#endif

#ifdef ZOOMETER_COUNTS_MEMORY
#include <sanitizer/allocator_interface.h>
#endif

namespace zoometer::fuzz {

#ifdef ZOOMETER_COUNTS_MEMORY

inline std::int64_t memory_now = 0;
inline std::int64_t memory_peak = 0;

inline void count_allocation(const volatile void*, std::size_t size) {
  memory_now += static_cast<std::int64_t>(size);
  if (memory_now > memory_peak) memory_peak = memory_now;
}

inline void count_release(const volatile void* pointer) {
  if (pointer != nullptr) {
    memory_now -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(pointer));
  }
}

/// Ends the program with a report if `read` takes more than `base` bytes and `factor` times its
/// input's size.
template <class Read>
void within_memory(std::size_t size, std::int64_t base, std::int64_t factor, Read read) {
  static const int installed =
      __sanitizer_install_malloc_and_free_hooks(count_allocation, count_release);
  (void)installed;
  memory_now = memory_peak = 0;
  read();
  const std::int64_t most = base + factor * static_cast<std::int64_t>(size);
  if (memory_peak <= most) return;
  std::fprintf(stderr, "%lld bytes for an input of %zu, at most %lld\n",
               static_cast<long long>(memory_peak), size, static_cast<long long>(most));
  std::abort();
}

#else

template <class Read>
void within_memory(std::size_t, std::int64_t, std::int64_t, Read read) {
  read();
}

#endif

}  // namespace zoometer::fuzz
