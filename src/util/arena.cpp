#include "zoometer/util/arena.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace zoometer {
namespace {

// Blocks of 2 MiB or more use huge pages where the system has them. Names and attributes are read
// in no particular order: with pages of 4 KiB nearly every access of a large graph misses the
// processor's address cache.
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::byte* allocate_block(std::size_t size) {
  if (size < huge_page) return static_cast<std::byte*>(::operator new(size));
  void* memory = ::operator new (size, std::align_val_t{huge_page});
  madvise(memory, size, MADV_HUGEPAGE);  // works without it, too
  return static_cast<std::byte*>(memory);
}

}  // namespace

void Arena::Release::operator()(std::byte* data) const noexcept {
  if (size < huge_page) return ::operator delete(data);
  ::operator delete (data, std::align_val_t{huge_page});
}

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) {
  constexpr std::size_t smallest_block = std::size_t{64} << 10;
  constexpr std::size_t largest_growth = std::size_t{4} << 20;
  const std::size_t needed = size + alignment;

  while (next_block_ < blocks_.size() && size_of(blocks_[next_block_]) < needed) ++next_block_;
  if (next_block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? smallest_block / 2 : size_of(blocks_.back());
    const std::size_t block_size = std::max(needed, std::min(last * 2, largest_growth));
    blocks_.push_back(Block(allocate_block(block_size), {block_size}));
  }
  const Block& block = blocks_[next_block_++];
  current_ = block.get();
  capacity_ = size_of(block);
  used_ = 0;
  return allocate(size, alignment);
}

void Arena::clear() noexcept {
  next_block_ = 0;
  current_ = nullptr;
  used_ = 0;
  capacity_ = 0;
}

}  // namespace zoometer
