#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "util/huge_pages.hpp"

namespace zoometer {

/// Finds the entries of an array by a hash: open addressing, with the hashes beside the places, so
/// that a search looks at an entry only where its hash is the one. The array is its owner's;
/// entries are appended to both together.
class HashIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// The place of the entry with that hash for which `is_it(place)` holds, or `none`.
  template <class IsIt>
  std::uint32_t find(std::uint32_t hash, const IsIt& is_it) const {
    return slots_.empty() ? none : place_in(slots_[slot_of(hash, is_it)]);
  }

  /// The place of such an entry; or `none`, and the next entry is added. One search for both.
  template <class IsIt>
  std::uint32_t find_or_append(std::uint32_t hash, const IsIt& is_it) {
    if ((size_ + 1) * 4 > slots_.size() * 3) reserve(size_ + 8);
    Slot& slot = slots_[slot_of(hash, is_it)];
    const std::uint32_t found = place_in(slot);
    if (found == none) slot = {hash, static_cast<std::uint32_t>(++size_)};
    return found;
  }

  /// Makes room for so many entries.
  void reserve(std::size_t count) {
    const std::size_t capacity = std::bit_ceil(count * 4 / 3 + 1);
    if (count == 0 || capacity <= slots_.size()) return;
    LargeVector<Slot> old(capacity);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != 0) slots_[slot_of(slot.hash, [](std::uint32_t) { return false; })] = slot;
    }
  }

 private:
  /// A hash and the place of its entry, from 1; 0 is free.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;
  };

  static std::uint32_t place_in(const Slot& slot) noexcept {
    return slot.number == 0 ? none : slot.number - 1;
  }

  /// Where such an entry is, or the free slot where it belongs. There must be a free one.
  template <class IsIt>
  std::size_t slot_of(std::uint32_t hash, const IsIt& is_it) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].number != 0 && !(slots_[at].hash == hash && is_it(slots_[at].number - 1)))
      at = (at + 1) & mask;
    return at;
  }

  LargeVector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace zoometer
