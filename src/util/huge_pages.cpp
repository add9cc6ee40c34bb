#include "zoometer/util/huge_pages.hpp"

#include <sys/mman.h>

namespace zoometer {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

void* allocate_huge(std::size_t bytes) {
  if (bytes < huge_page) return ::operator new(bytes);
  if (bytes > static_cast<std::size_t>(-1) - huge_page) throw std::bad_alloc();
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;  // the end, too
  void* memory = ::operator new (whole, std::align_val_t{huge_page});
  madvise(memory, whole, MADV_HUGEPAGE);  // a wish
  return memory;
}

void free_huge(void* memory, std::size_t bytes) noexcept {
  if (bytes < huge_page) return ::operator delete(memory);
  ::operator delete (memory, std::align_val_t{huge_page});
}

}  // namespace zoometer
