#include "import/onnx_values.hpp"

#include <bit>
#include <cmath>
#include <functional>
#include <string>

#include "util/error.hpp"

namespace zoometer {
namespace {

std::uint32_t hash_of(std::string_view name) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(name);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

/// A real number as an integer, without the undefined behaviour of one out of range.
std::int64_t to_integer(double value) noexcept {
  if (std::isnan(value)) return 0;
  if (value >= 0x1p63) return INT64_MAX;
  if (value <= -0x1p63) return INT64_MIN;
  return static_cast<std::int64_t>(value);
}

/// Where an element is stored. Operators ask for the first one of tensors that may be empty.
std::size_t place_of(const KnownTensor& tensor, std::size_t index) {
  const std::size_t at = tensor.uniform ? 0 : index;
  if (at < (tensor.is_real() ? tensor.reals.size() : tensor.integers.size())) return at;
  throw Error(ErrorCode::malformed, "a constant has too few elements",
              {std::to_string(index + 1), std::to_string(tensor.count())});
}

}  // namespace

std::int64_t KnownTensor::integer(std::size_t index) const {
  const std::size_t at = place_of(*this, index);
  return is_real() ? to_integer(reals[at]) : integers[at];
}

double KnownTensor::real(std::size_t index) const {
  const std::size_t at = place_of(*this, index);
  return is_real() ? reals[at] : static_cast<double>(integers[at]);
}

std::vector<std::int64_t> KnownTensor::all_integers() const {
  std::vector<std::int64_t> result(count());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = integer(i);
  return result;
}

const OnnxScope::Entry* OnnxScope::find_here(std::string_view name,
                                             std::uint32_t hash) const noexcept {
  if (slots_.empty()) return nullptr;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].entry != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;  // entries are far away
    const Entry& entry = entries_[slots_[at].entry - 1];
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

OnnxScope::Slot& OnnxScope::free_slot(std::uint32_t hash) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].entry != 0) at = (at + 1) & mask;
  return slots_[at];
}

const OnnxValue* OnnxScope::find(std::string_view name) const noexcept {
  const std::uint32_t hash = hash_of(name);
  for (const OnnxScope* scope = this; scope != nullptr; scope = scope->outer_) {
    if (const Entry* entry = scope->find_here(name, hash)) return &entry->value;
  }
  return nullptr;
}

bool OnnxScope::define(std::string_view name, const OnnxValue& value) {
  const std::uint32_t hash = hash_of(name);
  if (find_here(name, hash) != nullptr) return false;
  if ((entries_.size() + 1) * 4 > slots_.size() * 3) reserve(entries_.size() * 2 + 8);
  entries_.push_back({name, value});
  free_slot(hash) = {hash, static_cast<std::uint32_t>(entries_.size())};
  return true;
}

void OnnxScope::reserve(std::size_t count) {
  if (count == 0) return;
  const std::size_t capacity = std::bit_ceil(count * 4 / 3 + 1);
  if (capacity <= slots_.size()) return;
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.entry != 0) free_slot(slot.hash) = slot;
  }
}

}  // namespace zoometer
