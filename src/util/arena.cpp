#include "zoometer/util/arena.hpp"

#include <algorithm>

namespace zoometer {

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) {
  constexpr std::size_t smallest_block = std::size_t{64} << 10;
  constexpr std::size_t largest_growth = std::size_t{4} << 20;
  const std::size_t needed = size + alignment;

  while (next_block_ < blocks_.size() && size_of(blocks_[next_block_]) < needed) ++next_block_;
  if (next_block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? smallest_block / 2 : size_of(blocks_.back());
    const std::size_t block_size = std::max(needed, std::min(last * 2, largest_growth));
    blocks_.push_back(Block(static_cast<std::byte*>(allocate_huge(block_size)), {block_size}));
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

std::size_t Arena::reserved_bytes() const noexcept {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += size_of(block);
  return total;
}

}  // namespace zoometer
