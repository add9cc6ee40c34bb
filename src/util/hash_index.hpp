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
    if (slots_.empty()) return none;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].number != 0; at = (at + 1) & mask) {
      if (slots_[at].hash == hash && is_it(slots_[at].number - 1)) return slots_[at].number - 1;
    }
    return none;
  }

  /// Brings a hash's place near the processor, for a search that comes soon.
  void prefetch(std::uint32_t hash) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

  /// Adds the next entry.
  void append(std::uint32_t hash) {
    find_or_append(hash, [](std::uint32_t) { return false; });
  }

  /// The place of such an entry; or `none`, and the next entry is added. One search for both.
  template <class IsIt>
  std::uint32_t find_or_append(std::uint32_t hash, const IsIt& is_it) {
    if ((size_ + 1) * 4 > slots_.size() * 3) reserve(size_ + 8);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at].number != 0; at = (at + 1) & mask) {
      if (slots_[at].hash == hash && is_it(slots_[at].number - 1)) return slots_[at].number - 1;
    }
    slots_[at] = {hash, static_cast<std::uint32_t>(++size_)};
    return none;
  }

  /// Makes room for so many entries.
  void reserve(std::size_t count) {
    const std::size_t capacity = std::bit_ceil(count * 4 / 3 + 1);
    if (count == 0 || capacity <= slots_.size()) return;
    LargeVector<Slot> old(capacity);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != 0) free_slot(slot.hash) = slot;
    }
  }

 private:
  /// A hash and the place of its entry, from 1; 0 is free.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;
  };

  Slot& free_slot(std::uint32_t hash) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].number != 0) at = (at + 1) & mask;
    return slots_[at];
  }

  LargeVector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace zoometer
