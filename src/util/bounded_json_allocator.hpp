#pragma once

#include <cstddef>
#include <cstdint>

#include "util/json_allocator.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

/// A RapidJSON allocator for a document that a file chooses: it throws Error{limit} where all of it
/// takes more than so many bytes.
class BoundedJsonAllocator {
 public:
  static constexpr bool kNeedFree = true;  // NOLINT: named by RapidJSON

  explicit BoundedJsonAllocator(std::size_t most = SIZE_MAX) : left_(most) {}

  void* Malloc(std::size_t size) {  // NOLINT: named by RapidJSON
    take(size);
    return JsonAllocator().Malloc(size);
  }
  void* Realloc(void* old, std::size_t old_size, std::size_t size) {  // NOLINT: named by RapidJSON
    left_ += old_size;
    take(size);
    return JsonAllocator().Realloc(old, old_size, size);
  }
  static void Free(void* memory) noexcept { JsonAllocator::Free(memory); }  // NOLINT

 private:
  void take(std::size_t size) {
    if (size > left_)
      throw Error(ErrorCode::limit, "the JSON has too many values for a file of this size");
    left_ -= size;
  }

  std::size_t left_;
};

}  // namespace zoometer
