#include "util/hash_index.hpp"

#include <algorithm>
#include <bit>

namespace zoometer {
namespace {

/// Finds what it has been given before, of so many at most.
class SeenHashes {
 public:
  explicit SeenHashes(std::size_t most) : slots_(std::bit_ceil(2 * most + 1), free) {}

  /// Whether it is there already; it is from now on.
  bool take(std::uint32_t hash) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != free && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
    const bool is_there = slots_[at] == hash;
    slots_[at] = hash;
    return is_there;
  }

 private:
  static constexpr std::uint64_t free = std::uint64_t{1} << 32U;  // no hash

  std::vector<std::uint64_t> slots_;
};

}  // namespace

std::vector<std::uint32_t> repeated_hashes(std::span<const std::uint32_t> hashes) {
  constexpr std::size_t usual_part = 2048;  // whose slots the processor's nearest cache holds
  const int bits = std::min(16, static_cast<int>(std::bit_width(hashes.size() / usual_part)));
  const auto parts = by_part<std::uint32_t>(
      hashes, std::size_t{1} << bits,
      [&](std::uint32_t hash) { return std::uint64_t{hash} << bits >> 32U; },
      [&](std::size_t at) { return hashes[at]; });
  std::vector<std::uint32_t> repeated;
  std::size_t begin = 0;
  for (const std::size_t end : parts.ends) {
    SeenHashes seen(end - begin);
    for (; begin < end; ++begin) {
      if (seen.take(parts.items[begin])) repeated.push_back(parts.items[begin]);
    }
  }
  std::ranges::sort(repeated);
  repeated.erase(std::unique(repeated.begin(), repeated.end()), repeated.end());
  return repeated;
}

}  // namespace zoometer
