#include "analysis/tensor_arena.hpp"

#include <algorithm>
#include <vector>

#include "analysis/liveness.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_tensors = 16'384;  // each is compared with all others
constexpr std::int64_t alignment = 16;

struct Placed {
  std::int64_t begin = 0;
  std::int64_t size = 0;
  Lifetime lifetime;

  std::int64_t end() const noexcept { return begin + size; }
};

bool overlap(const Lifetime& a, const Lifetime& b) {
  const auto starts_after = [](const Lifetime& later, const Lifetime& earlier) {
    return later.first != no_id && earlier.last != no_id && later.first > earlier.last;
  };
  return !starts_after(a, b) && !starts_after(b, a);
}

std::int64_t aligned(std::int64_t bytes) {
  return checked_add(bytes, alignment - 1) / alignment * alignment;
}

/// The lowest place that no tensor of `placed`, which are in order of their places, has meanwhile.
std::int64_t lowest_gap(const std::vector<Placed>& placed, const Placed& wanted) {
  std::int64_t place = 0;
  for (const Placed& other : placed) {
    if (!overlap(other.lifetime, wanted.lifetime)) continue;
    if (other.begin - place >= wanted.size) break;
    place = std::max(place, other.end());
  }
  return place;
}

}  // namespace

std::optional<std::int64_t> tensor_arena_bytes(const Graph& graph) {
  std::vector<Placed> tensors;
  for (const Lifetime& lifetime : lifetimes_of(graph, Holder::outputs))
    tensors.push_back({0, aligned(graph.bytes(lifetime.value)), lifetime});
  if (tensors.size() > most_tensors) return std::nullopt;
  std::ranges::stable_sort(tensors, std::ranges::greater{}, &Placed::size);
  std::vector<Placed> placed;
  std::int64_t arena = 0;
  for (Placed& tensor : tensors) {
    tensor.begin = lowest_gap(placed, tensor);
    arena = std::max(arena, checked_add(tensor.begin, tensor.size));
    placed.insert(std::ranges::upper_bound(placed, tensor.begin, {}, &Placed::begin), tensor);
  }
  return arena;
}

}  // namespace zoometer
