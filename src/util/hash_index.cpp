#include "util/hash_index.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace zoometer {
namespace {

/// The hashes by their upper bits: the parts of `1 << bits`, one behind the other, and where they
/// end.
struct Parts {
  LargeVector<std::uint32_t> hashes;
  std::vector<std::size_t> ends;
};

Parts parted(std::span<const std::uint32_t> hashes, int bits) {
  const auto part_of = [&](std::uint32_t hash) { return std::uint64_t{hash} << bits >> 32U; };
  Parts parts{LargeVector<std::uint32_t>(hashes.size()), {}};
  parts.ends.resize((std::size_t{1} << bits) + 1);
  for (const std::uint32_t hash : hashes) ++parts.ends[part_of(hash) + 1];
  std::partial_sum(parts.ends.begin(), parts.ends.end(), parts.ends.begin());
  for (const std::uint32_t hash : hashes) parts.hashes[parts.ends[part_of(hash)]++] = hash;
  return parts;
}

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
  const Parts parts = parted(hashes, bits);
  std::vector<std::uint32_t> repeated;
  std::size_t begin = 0;
  for (std::size_t part = 0; part + 1 < parts.ends.size(); ++part) {
    const std::size_t end = parts.ends[part];
    SeenHashes seen(end - begin);
    for (; begin < end; ++begin) {
      if (seen.take(parts.hashes[begin])) repeated.push_back(parts.hashes[begin]);
    }
  }
  std::ranges::sort(repeated);
  repeated.erase(std::unique(repeated.begin(), repeated.end()), repeated.end());
  return repeated;
}

}  // namespace zoometer
