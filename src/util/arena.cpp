#include "util/arena.hpp"

#include <algorithm>

namespace zoometer {

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) {
  constexpr std::size_t smallest_block = std::size_t{64} << 10;
  constexpr std::size_t largest_growth = std::size_t{4} << 20;
  const std::size_t needed = size + alignment;

  while (next_block_ < blocks_.size() && blocks_[next_block_].size < needed) ++next_block_;
  if (next_block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? smallest_block / 2 : blocks_.back().size;
    const std::size_t block_size = std::max(needed, std::min(last * 2, largest_growth));
    blocks_.reserve(blocks_.size() + 1);
    blocks_.push_back(
        {{static_cast<std::byte*>(allocate_huge(block_size)), {block_size}}, block_size});
  }
  const Block& block = blocks_[next_block_++];
  current_ = block.data.get();
  capacity_ = block.size;
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
  for (const Block& block : blocks_) total += block.size;
  return total;
}

}  // namespace zoometer
