#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "zoometer/util/huge_pages.hpp"

namespace zoometer {

/// Items by their parts, one part behind the other.
template <class Item>
struct Parts {
  LargeVector<Item> items;
  std::vector<std::size_t> ends;  ///< of each part among them
};

/// `item_at(index)` for each of the hashes, by the `part_of(hash)` of `count`, in one part as they
/// come: what is done part by part finds what it needs in the processor's cache.
template <class Item, class PartOf, class ItemAt>
Parts<Item> by_part(std::span<const std::uint32_t> hashes, std::size_t count, const PartOf& part_of,
                    const ItemAt& item_at) {
  std::vector<std::size_t> next(count + 1);
  for (const std::uint32_t hash : hashes) ++next[part_of(hash) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  LargeVector<Item> items(hashes.size());
  for (std::size_t at = 0; at < hashes.size(); ++at)
    items[next[part_of(hashes[at])]++] = item_at(at);
  next.pop_back();
  return {std::move(items), std::move(next)};
}

/// Finds the entries of an array by a hash: open addressing, with the hashes beside the places, so
/// that a search looks at an entry only where its hash is the one. The array is its owner's.
class HashIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// The place of the entry with that hash for which `is_it(place)` holds, or `none`.
  template <class IsIt>
  std::uint32_t find(std::uint32_t hash, const IsIt& is_it) const {
    return slots_.empty() ? none : place_in(slots_[slot_of(hash, is_it)]);
  }

  /// The place of such an entry; or `none`, and the entry at `place` is it from now on. One search
  /// for both.
  template <class IsIt>
  std::uint32_t find_or_insert(std::uint32_t hash, std::uint32_t place, const IsIt& is_it) {
    if ((size_ + 1) * 4 > slots_.size() * 3) reserve(size_ + 8);
    Slot& slot = slots_[slot_of(hash, is_it)];
    const std::uint32_t found = place_in(slot);
    if (found != none) return found;
    slot = {hash, place + 1};
    ++size_;
    return none;
  }

  /// Inserts the entries at `first` and after it, which have these hashes. The lowest place of
  /// those for which `is_same(place, earlier)` holds with an earlier entry, or `none`.
  ///
  /// Many go in by the region of the table where they belong, each of which the processor's cache
  /// can hold: one by one, nearly each would wait for memory.
  template <class IsSame>
  std::uint32_t insert_all(std::span<const std::uint32_t> hashes, std::uint32_t first,
                           const IsSame& is_same) {
    reserve(size_ + hashes.size());
    std::uint32_t lowest = none;
    const auto insert = [&](std::size_t at) {
      const auto place = static_cast<std::uint32_t>(first + at);
      const auto is_it = [&](std::uint32_t earlier) { return is_same(place, earlier); };
      if (find_or_insert(hashes[at], place, is_it) != none) lowest = std::min(lowest, place);
    };
    if (hashes.size() * 16 < slots_.size() || slots_.size() <= region) {
      for (std::size_t at = 0; at < hashes.size(); ++at) insert(at);
    } else {
      for (const std::uint32_t at : by_region(hashes)) insert(at);
    }
    return lowest;
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

  static constexpr std::size_t region = std::size_t{1} << 15U;  // slots, of 256 KiB

  /// The hashes' indexes by their regions, in one region as they come.
  LargeVector<std::uint32_t> by_region(std::span<const std::uint32_t> hashes) const {
    const std::size_t mask = slots_.size() - 1;
    return by_part<std::uint32_t>(
               hashes, slots_.size() / region,
               [&](std::uint32_t hash) { return (hash & mask) / region; },
               [](std::size_t at) { return static_cast<std::uint32_t>(at); })
        .items;
  }

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

/// The hashes that stand there more than once, each once, in ascending order. It takes 3/5 of the
/// time of an index of all, and 1/4 of its memory.
std::vector<std::uint32_t> repeated_hashes(std::span<const std::uint32_t> hashes);

}  // namespace zoometer
