#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace zoometer {

/// Finds the entries of an array by their hash. The caller owns the array and compares entries; the
/// index only stores their positions, each beside its hash, so that few entries are compared.
class HashIndex {
 public:
  /// The result of a search without a match.
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// The position of the entry that has this hash and for which `matches(position)` is true, or
  /// `none`.
  template <class Matches>
  std::uint32_t find(std::uint32_t hash, const Matches& matches) const {
    return slots_.empty() ? none : slots_[slot_of(hash, matches)].position;
  }

  /// The same; where there is no such entry, adds the one at `position` and returns `none`.
  template <class Matches>
  std::uint32_t find_or_insert(std::uint32_t hash, std::uint32_t position, const Matches& matches) {
    reserve(size_ + 1);
    Slot& slot = slots_[slot_of(hash, matches)];
    if (slot.position != none) return slot.position;
    slot = {hash, position};
    ++size_;
    return none;
  }

  /// Adds an entry without looking for an equal one.
  void insert(std::uint32_t hash, std::uint32_t position) {
    find_or_insert(hash, position, [](std::uint32_t) { return false; });
  }

  /// Makes room for this many entries: a quarter of the slots or more stays free. Most models have
  /// fewer than 128 shapes, which the least size holds without collisions.
  void reserve(std::size_t count) {
    if (count * 4 <= slots_.size() * 3) return;
    const std::size_t capacity = std::max<std::size_t>(256, std::bit_ceil(count * 4 / 3 + 1));
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(capacity));
    for (const Slot& slot : old) {
      if (slot.position == none) continue;
      slots_[slot_of(slot.hash, [](std::uint32_t) { return false; })] = slot;
    }
  }

  /// Removes all entries and keeps the memory.
  void clear() noexcept {
    for (Slot& slot : slots_) slot = {};
    size_ = 0;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = none;  ///< `none` in a free slot
  };

  /// The slot of the matching entry, or the free slot where it belongs. There is always a free one.
  template <class Matches>
  std::size_t slot_of(std::uint32_t hash, const Matches& matches) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].position != none &&
           (slots_[at].hash != hash || !matches(slots_[at].position)))
      at = (at + 1) & mask;
    return at;
  }

  std::vector<Slot> slots_;  // open addressing; the size is a power of two
  std::size_t size_ = 0;
};

}  // namespace zoometer
